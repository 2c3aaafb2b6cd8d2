// Finds a guest by name, for who has an API key of the tenant.

import { useSignal } from "@preact/signals";
import type { Customer } from "../generated/frontdesk/booking/v1/customer_service_pb";
import { Field } from "../parts/Field";
import { Trouble } from "../parts/Trouble";
import { apiKey, findGuests } from "../request/guests";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";

export function GuestFinder({ onChoose }: { onChoose: (id: string) => void }) {
  const found = useSignal<Customer[] | null>(null);
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const needsKey = useSignal(apiKey.peek() === "").value;
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const given = new FormData(event.currentTarget as HTMLFormElement);
    busy.value = true;
    const answer = await findGuests(String(given.get("search")).trim(), String(given.get("key") ?? apiKey.peek()).trim());
    busy.value = false;
    const isFound = Array.isArray(answer);
    found.value = isFound ? answer : null;
    failure.value = isFound ? null : answer;
  };
  return (
    <details>
      <summary>{t("guest.find")}</summary>
      <form onSubmit={(event) => void send(event)}>
        {needsKey && (
          <Field label={t("guest.key")} hint={t("guest.why")}>
            {(given) => <input {...given} name="key" type="password" autocomplete="off" required />}
          </Field>
        )}
        <Field label={t("guest.search")} hint={t("guest.search_hint")}>
          {(given) => <input {...given} name="search" type="search" autocomplete="off" maxLength={200} required />}
        </Field>
        {failure.value && <Trouble failure={failure.value} />}
        <button aria-disabled={busy.value}>{t("filter.search")}</button>
        <div role="status">{found.value?.length === 0 && <p>{t("inbox.nothing_found")}</p>}</div>
        {found.value && found.value.length > 0 && (
          <fieldset>
            <legend>{t("request.guest")}</legend>
            {found.value.map(({ id, name, email }) => (
              <label class="check">
                <input type="radio" name="found" onChange={() => onChoose(id)} />
                {[name, email].filter(Boolean).join(" · ")}
              </label>
            ))}
          </fieldset>
        )}
      </form>
    </details>
  );
}
