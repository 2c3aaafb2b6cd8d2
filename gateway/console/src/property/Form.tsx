// A property as it is entered: made anew, or changed as far as it is another one then.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { Field } from "../parts/Field";
import { faultOf, once } from "../parts/once";
import { Stale } from "../parts/Stale";
import { Trouble } from "../parts/Trouble";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { changedFields, type Draft, draftOf, fieldsOf, newDraft, onto } from "./draft";
import { service } from "./service";
import { RulesFields } from "./RulesFields";
import { differences } from "./words";

interface Props {
  /** Unset for a new one. */
  property?: Property;
  onSaved: (property: Property) => void;
  onCancel: () => void;
}

export function PropertyForm({ property, onSaved, onCancel }: Props) {
  const base = useSignal(property);
  const draft = useSignal<Draft>(property ? draftOf(property) : newDraft());
  const failure = useSignal<Failure | null>(null);
  /** As it is now, when it is not what was read. */
  const other = useSignal<Property | null>(null);
  const busy = useSignal(false);
  const set = (changed: Partial<Draft>) => (draft.value = { ...draft.value, ...changed });

  const save = async () => {
    const was = base.value;
    if (!was) {
      const input = fieldsOf(draft.value);
      return once("create property", input, (headers) => service.createProperty(input, { headers }));
    }
    const input = { propertyId: was.id, etag: was.etag, ...changedFields(was, draft.value) };
    return once("update property", input, (headers) => service.updateProperty(input, { headers }));
  };
  const send = async (event: Event) => {
    event.preventDefault();
    if (busy.value) return;
    busy.value = true;
    failure.value = null;
    other.value = null;
    const { answer, failure: refused } = await save();
    if (refused?.reason === "ETAG_MISMATCH" && base.value) await readOther(base.value.id);
    else failure.value = refused;
    busy.value = false;
    if (answer?.property) onSaved(answer.property);
  };
  const readOther = async (propertyId: string) => {
    try {
      other.value = (await service.getProperty({ propertyId })).property ?? null;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  const goOn = (keep: boolean) => {
    const now = other.value;
    if (!now || !base.value) return;
    draft.value = keep ? onto(base.value, now, draft.value) : draftOf(now);
    base.value = now;
    other.value = null;
    first.current?.focus();
  };
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  return (
    <form onSubmit={(event) => void send(event)}>
      <Basics draft={draft.value} set={set} failure={failure.value} first={first} />
      <RulesFields draft={draft.value} set={set} failure={failure.value} />
      {other.value && base.value && <Stale changes={differences(base.value, other.value)} onKeep={() => goOn(true)} onTake={() => goOn(false)} />}
      {failure.value && <Trouble failure={failure.value} />}
      <footer class="buttons">
        <button class="main" aria-disabled={busy.value}>
          {t(property ? "edit.save" : "property.make")}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t("cancel")}
        </button>
      </footer>
    </form>
  );
}

interface Part {
  draft: Draft;
  set: (changed: Partial<Draft>) => void;
  failure: Failure | null;
}

const ZONES = Intl.supportedValuesOf("timeZone");

function Basics({ draft, set, failure, first }: Part & { first: { current: HTMLInputElement | null } }) {
  return (
    <>
      <Field label={t("property.name")} fault={faultOf(failure, "name")}>
        {(given) => <input {...given} ref={first} required maxLength={200} value={draft.name} onInput={(event) => set({ name: event.currentTarget.value })} />}
      </Field>
      <Field label={t("property.time_zone")} hint={t("property.time_zone_hint")} fault={faultOf(failure, "time_zone")}>
        {(given) => (
          <>
            <input {...given} required list="zones" autocomplete="off" value={draft.timeZone} onInput={(event) => set({ timeZone: event.currentTarget.value })} />
            <datalist id="zones">
              {ZONES.map((zone) => (
                <option value={zone} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <Field label={t("property.max_guests")} fault={faultOf(failure, "max_guests")}>
        {(given) => <input {...given} type="number" required min={1} max={100} value={draft.maxGuests} onInput={(event) => set({ maxGuests: event.currentTarget.value })} />}
      </Field>
      <label class="check">
        <input type="checkbox" checked={draft.holds} onChange={(event) => set({ holds: event.currentTarget.checked })} />
        {t("property.hold_it")}
      </label>
      {draft.holds && (
        <Field label={t("property.hold_hours")} hint={t("property.hold_hint")} fault={faultOf(failure, "hold_hours")}>
          {(given) => <input {...given} type="number" required min={1} max={720} value={draft.holdHours} onInput={(event) => set({ holdHours: event.currentTarget.value })} />}
        </Field>
      )}
    </>
  );
}
