// The guests of the tenant: searched for, one, and a new one. Whoever reads them enters an
// API key of the tenant first; the memory of this page has it, and nothing else.

import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Customer } from "../generated/later/frontdesk/booking/v1/customer_service_pb";
import { Field } from "../parts/Field";
import { Form } from "../parts/Form";
import { Heading } from "../parts/Heading";
import { NewPage } from "../parts/OnePage";
import { Rows, Unread } from "../parts/Rows";
import { useSending } from "../parts/sending";
import { apiKey } from "../request/guests";
import { go, link, route } from "../route";
import { onLeave } from "../session/session";
import { may } from "../session/tenants";
import { t } from "../text/text";
import { ForgetKey } from "./ForgetKey";
import { GuestForm } from "./Form";
import { Import } from "./Import";
import { byKey, service } from "./key";
import { all } from "./list";
import { GuestName } from "./Name";
import { OneGuest } from "./One";

export function Guests() {
  const { item } = route.value;
  if (item === "new") return <New />;
  if (item === "import") return <Import />;
  if (!apiKey.value) return <ForKey />;
  return item ? <OneGuest key={item} id={item} /> : <All />;
}

/** The guest that was made by somebody who does not see guests. */
const made = signal("");
onLeave(() => {
  made.value = "";
});

function ForKey() {
  const sending = useSending();
  const send = async (form: HTMLFormElement) => {
    const key = String(new FormData(form).get("key")).trim();
    // It is that of the tenant that was asked, at which the page still is if this form is there.
    if (!(await sending.attempt(() => service.listCustomers({ pageSize: 1 }, byKey(key))))) return;
    made.value = "";
    apiKey.value = key;
  };
  return (
    <div class="system">
      <Heading>{t("guests.title")}</Heading>
      <div role="status">{made.value && <p class="notice">{t("guests.made", { name: made.value })}</p>}</div>
      {may("customers:manage") && <NewLinks />}
      <section class="card-wide" aria-label={t("guests.show")}>
        <Form of={sending} submit={t("guests.show")} onSend={send} inPage beside={may("api_keys:manage") && <a href={link({ page: "members" })}>{t("guests.keys")}</a>}>
          <p>{t("guest.why")}</p>
          <Field label={t("guest.key")}>{(given) => <input {...given} name="key" type="password" autocomplete="off" required />}</Field>
        </Form>
      </section>
    </div>
  );
}

function NewLinks() {
  return (
    <p>
      <a class="button" href={link({ item: "new" })}>
        {t("guests.new")}
      </a>{" "}
      <a href={link({ item: "import" })}>{t("import.link")}</a>
    </p>
  );
}

function All() {
  useEffect(() => void all.load(), []);
  const { search } = all;
  return (
    <div class="system">
      <Heading>{t("guests.title")}</Heading>
      <Search />
      {may("customers:manage") && <NewLinks />}
      <Unread failure={all.failure.value} onAgain={all.again} />
      <section class="card-wide" aria-label={t("guests.title")} aria-busy={all.loading.value}>
        <Rows of={all} empty={t(search.value ? "inbox.nothing_found" : "guests.none")} leftOut={(n) => t("guests.left_out", { n })}>
          {(guest) => (
            <li key={guest.id}>
              <a class="who" href={link({ item: guest.id })}>
                <GuestName guest={guest} />
              </a>
            </li>
          )}
        </Rows>
      </section>
      <p>
        <ForgetKey />
      </p>
    </div>
  );
}

function Search() {
  const { search, archived } = all;
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="wide">
        <span>{t("guests.search")}</span>
        <input type="search" maxLength={200} value={search.value} onInput={(event) => all.type(event.currentTarget.value)} />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={archived.value}
          onChange={(event) => {
            archived.value = event.currentTarget.checked;
            void all.load();
          }}
        />
        {t("guests.archived")}
      </label>
    </form>
  );
}

function New() {
  const saved = ({ id, name }: Customer) => {
    if (!apiKey.peek()) made.value = name;
    go({ item: id }, { replace: true });
  };
  return (
    <NewPage back={link({ item: "" })} all={t("guests.all")} title={t("guests.new")} isAllowed={may("customers:manage")}>
      <GuestForm onSaved={saved} onCancel={() => go({ item: "" })} />
    </NewPage>
  );
}
