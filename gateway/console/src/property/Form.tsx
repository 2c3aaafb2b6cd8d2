// A property as it is entered: made anew, or changed as far as it is another one then.

import type { Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import { useEdit } from "../parts/edit";
import { EditForm } from "../parts/EditForm";
import { Field } from "../parts/Field";
import { faultOf, once, type Result } from "../parts/once";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
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

function save(was: Property | undefined, draft: Draft): Promise<Result<Property | undefined>> {
  if (!was) {
    const input = fieldsOf(draft);
    return once("create property", input, async (headers) => (await service.createProperty(input, { headers })).property);
  }
  const input = { propertyId: was.id, etag: was.etag, ...changedFields(was, draft) };
  return once("update property", input, async (headers) => (await service.updateProperty(input, { headers })).property);
}

export function PropertyForm({ property, onSaved, onCancel }: Props) {
  const edit = useEdit<Property, Draft>({
    row: property,
    draftOf: (row) => (row ? draftOf(row) : newDraft()),
    onto,
    save,
    read: async ({ id }) => (await service.getProperty({ propertyId: id })).property,
    onSaved,
  });
  const part: Part = { draft: edit.draft.value, set: edit.set, failure: edit.sending.failure.value };
  return (
    <EditForm of={edit} submit={t(property ? "edit.save" : "property.make")} differences={differences} onCancel={onCancel}>
      <Basics {...part} />
      <RulesFields {...part} />
    </EditForm>
  );
}

interface Part {
  draft: Draft;
  set: (changed: Partial<Draft>) => void;
  failure: Failure | null;
}

const ZONES = Intl.supportedValuesOf("timeZone");

function Basics({ draft, set, failure }: Part) {
  return (
    <>
      <Field label={t("property.name")} fault={faultOf(failure, "name")}>
        {(given) => <input {...given} required maxLength={200} value={draft.name} onInput={(event) => set({ name: event.currentTarget.value })} />}
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
