// A guest as it is entered: made anew, or changed as far as it is another one then.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { Field } from "../parts/Field";
import { faultOf, once } from "../parts/once";
import { Stale } from "../parts/Stale";
import { Trouble } from "../parts/Trouble";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { byKey, service } from "./key";

const FIELDS = ["name", "email", "phone", "source", "externalId", "notes"] as const;
type FieldName = (typeof FIELDS)[number];
type Draft = Record<FieldName, string>;
const LENGTHS: Record<FieldName, number> = { name: 200, email: 254, phone: 50, source: 100, externalId: 200, notes: 4000 };
const WIRE: Partial<Record<FieldName, string>> = { externalId: "external_id" };

const draftOf = (guest: Customer | undefined): Draft => Object.fromEntries(FIELDS.map((name) => [name, guest?.[name] ?? ""])) as Draft;

/** What is not as it was read; a text that is cut was not entered here. */
function changed(was: Draft, now: Draft): Partial<Draft> {
  return Object.fromEntries(FIELDS.filter((name) => was[name] !== now[name]).map((name) => [name, now[name].trim()]));
}

interface Props {
  /** Unset for a new one. */
  guest?: Customer;
  onSaved: (guest: Customer) => void;
  onCancel: () => void;
}

export function GuestForm({ guest, onSaved, onCancel }: Props) {
  const base = useSignal(guest);
  const draft = useSignal<Draft>(draftOf(guest));
  const failure = useSignal<Failure | null>(null);
  const other = useSignal<Customer | null>(null);
  const busy = useSignal(false);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);

  const save = () => {
    const was = base.value;
    const fields = changed(draftOf(was), draft.value);
    if (!was) return once("create customer", fields, (headers) => service.createCustomer(fields, { headers }));
    const input = { customerId: was.id, etag: was.etag, ...fields };
    return once("update customer", input, (headers) => service.updateCustomer(input, { headers }));
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
    if (answer?.customer) onSaved(answer.customer);
  };
  const readOther = async (customerId: string) => {
    try {
      other.value = (await service.getCustomer({ customerId }, byKey())).customer ?? null;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
  };
  const goOn = (keep: boolean) => {
    const now = other.value;
    if (!now) return;
    draft.value = { ...draftOf(now), ...(keep && changed(draftOf(base.value), draft.value)) };
    base.value = now;
    other.value = null;
    first.current?.focus();
  };
  return (
    <form onSubmit={(event) => void send(event)}>
      {FIELDS.map((name) => (
        <Field label={t(`guest.${name}`)} hint={name === "externalId" ? t("guest.external_hint") : undefined} fault={faultOf(failure.value, WIRE[name] ?? name)}>
          {(given) => {
            const common = { ...given, maxLength: LENGTHS[name], value: draft.value[name] };
            const enter = (value: string) => (draft.value = { ...draft.value, [name]: value });
            if (name === "notes") return <textarea {...common} rows={3} onInput={(event) => enter(event.currentTarget.value)} />;
            const type = name === "email" ? { type: "email" as const } : name === "phone" ? { type: "tel" as const } : { type: "text" as const };
            return <input {...common} {...(name === "name" && { ref: first })} {...type} autocomplete="off" required={name === "name"} onInput={(event) => enter(event.currentTarget.value)} />;
          }}
        </Field>
      ))}
      {other.value && <Stale changes={differences(draftOf(base.value), draftOf(other.value))} onKeep={() => goOn(true)} onTake={() => goOn(false)} />}
      {failure.value && <Trouble failure={failure.value} />}
      <footer class="buttons">
        <button class="main" aria-disabled={busy.value}>
          {t(guest ? "edit.save" : "guests.make")}
        </button>
        <button type="button" class="quiet" onClick={onCancel}>
          {t("cancel")}
        </button>
      </footer>
    </form>
  );
}

function differences(was: Draft, now: Draft): [string, string][] {
  return FIELDS.filter((name) => was[name] !== now[name]).map((name) => [t(`guest.${name}`), now[name]]);
}
