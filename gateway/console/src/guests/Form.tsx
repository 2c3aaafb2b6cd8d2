// A guest as it is entered: made anew, or changed as far as it is another one then.

import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { useEdit } from "../parts/edit";
import { EditForm } from "../parts/EditForm";
import type { Fault } from "../parts/fault";
import { Field } from "../parts/Field";
import { faultOf, once, type Result } from "../parts/once";
import { t } from "../text/text";
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

function save(was: Customer | undefined, draft: Draft): Promise<Result<Customer | undefined>> {
  const fields = changed(draftOf(was), draft);
  if (!was) return once("create customer", fields, async (headers) => (await service.createCustomer(fields, { headers })).customer);
  const input = { customerId: was.id, etag: was.etag, ...fields };
  return once("update customer", input, async (headers) => (await service.updateCustomer(input, { headers })).customer);
}

function differences(was: Customer, now: Customer): [string, string][] {
  return FIELDS.filter((name) => was[name] !== now[name]).map((name) => [t(`guest.${name}`), now[name]]);
}

interface Props {
  /** Unset for a new one. */
  guest?: Customer;
  onSaved: (guest: Customer) => void;
  onCancel: () => void;
}

export function GuestForm({ guest, onSaved, onCancel }: Props) {
  const edit = useEdit<Customer, Draft>({
    row: guest,
    draftOf,
    onto: (was, now, draft) => ({ ...draftOf(now), ...changed(draftOf(was), draft) }),
    save,
    read: async ({ id }) => (await service.getCustomer({ customerId: id }, byKey())).customer,
    onSaved,
  });
  return (
    <EditForm of={edit} submit={t(guest ? "edit.save" : "guests.make")} differences={differences} onCancel={onCancel}>
      {FIELDS.map((name) => (
        <Entry
          key={name}
          name={name}
          value={edit.draft.value[name]}
          fault={faultOf(edit.sending.failure.value, WIRE[name] ?? name)}
          onEnter={(value) => edit.set({ [name]: value })}
        />
      ))}
    </EditForm>
  );
}

interface EntryProps {
  name: FieldName;
  value: string;
  fault: Fault;
  onEnter: (value: string) => void;
}

function Entry({ name, value, fault, onEnter }: EntryProps) {
  const type = name === "email" ? { type: "email" as const } : name === "phone" ? { type: "tel" as const } : { type: "text" as const };
  const common = { maxLength: LENGTHS[name], value };
  return (
    <Field label={t(`guest.${name}`)} hint={name === "externalId" ? t("guest.external_hint") : undefined} fault={fault}>
      {(given) =>
        name === "notes" ? (
          <textarea {...given} {...common} rows={3} onInput={(event) => onEnter(event.currentTarget.value)} />
        ) : (
          <input {...given} {...common} {...type} autocomplete="off" required={name === "name"} onInput={(event) => onEnter(event.currentTarget.value)} />
        )
      }
    </Field>
  );
}
