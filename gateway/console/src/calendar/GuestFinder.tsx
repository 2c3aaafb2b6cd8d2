// Which guest something is made for: by id, or found by name, for who has an API key of the
// tenant.

import { type Signal, useSignal } from "@preact/signals";
import type { Customer } from "../generated/frontdesk/booking/v1/customer_service_pb";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { faultOf } from "../parts/once";
import { useSending } from "../parts/sending";
import { apiKey, findGuests, guestOf, KEYS } from "../request/guests";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";

interface Props {
  id: Signal<string>;
  /** Where nobody has to be named, what that means. */
  hint?: string;
  failure: Failure | null;
}

/** The id of a guest, and the name where it is known here. */
export function GuestField({ id, hint, failure }: Props) {
  return (
    <Field label={t("request.guest_id")} hint={guestOf(id.value.trim())?.name ?? hint} fault={faultOf(failure, "guest_id")}>
      {(given) => <input {...given} autocomplete="off" required={hint === undefined} value={id.value} onInput={(event) => (id.value = event.currentTarget.value)} />}
    </Field>
  );
}

export function GuestFinder({ onChoose }: { onChoose: (id: string) => void }) {
  const found = useSignal<Customer[]>([]);
  const isAsked = useSignal(false);
  const sending = useSending();
  const needsKey = useSignal(apiKey.peek() === "");
  const send = async (form: HTMLFormElement) => {
    const given = new FormData(form);
    const answer = await sending.send(() => findGuests(String(given.get("search")).trim(), String(given.get("key") ?? apiKey.peek()).trim()));
    found.value = answer ?? [];
    isAsked.value = answer !== null;
    // Another one helps where it works no more.
    if (KEYS.includes(sending.failure.peek()?.reason ?? "")) needsKey.value = true;
  };
  return (
    <details>
      <summary>{t("guest.find")}</summary>
      <Form of={sending} submit={t("filter.search")} isQuiet onSend={send}>
        {needsKey.value && (
          <Field label={t("guest.key")} hint={t("guest.why")}>
            {(given) => <input {...given} name="key" type="password" autocomplete="off" required />}
          </Field>
        )}
        <Field label={t("guest.search")} hint={t("guest.search_hint")}>
          {(given) => <input {...given} name="search" type="search" autocomplete="off" maxLength={200} required />}
        </Field>
      </Form>
      <div role="status">{isAsked.value && found.value.length === 0 && <p>{t("inbox.nothing_found")}</p>}</div>
      {found.value.length > 0 && (
        <fieldset>
          <legend>{t("request.guest")}</legend>
          {found.value.map(({ id, name, email }) => (
            <label key={id} class="check">
              <input type="radio" name="found" onChange={() => onChoose(id)} />
              {[name, email].filter(Boolean).join(" · ")}
            </label>
          ))}
        </fieldset>
      )}
    </details>
  );
}
