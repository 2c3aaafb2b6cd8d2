// The guests of the tenant: searched for, one, and a new one. Whoever reads them enters an
// API key of the tenant first; the memory of this page has it, and nothing else.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Field } from "../parts/Field";
import { Heading } from "../parts/Heading";
import { Trouble } from "../parts/Trouble";
import { apiKey } from "../request/guests";
import { go, link, route } from "../route";
import { tenantId } from "../session/session";
import { may } from "../session/tenants";
import { t } from "../text/text";
import { type Failure, failureOf } from "../wire/failure";
import { GuestForm } from "./Form";
import { byKey, service } from "./key";
import { all } from "./list";
import { GuestName } from "./Name";
import { OneGuest } from "./One";

export function Guests() {
  const { item } = route.value;
  if (item === "new") return <New />;
  if (!apiKey.value) return <ForKey />;
  return item ? <OneGuest key={item} id={item} /> : <All />;
}

function ForKey() {
  const failure = useSignal<Failure | null>(null);
  const busy = useSignal(false);
  const send = async (event: SubmitEvent) => {
    event.preventDefault();
    if (busy.value) return;
    const key = String(new FormData(event.currentTarget as HTMLFormElement).get("key")).trim();
    const tenant = tenantId.peek();
    busy.value = true;
    failure.value = null;
    try {
      await service.listCustomers({ pageSize: 1 }, byKey(key));
      // It is that of the tenant that was asked.
      if (tenant === tenantId.peek()) apiKey.value = key;
    } catch (thrown) {
      failure.value = failureOf(thrown);
    }
    busy.value = false;
  };
  return (
    <div class="system">
      <Heading>{t("guests.title")}</Heading>
      {may("customers:manage") && <NewLink />}
      <section class="card-wide" aria-label={t("guests.show")}>
        <form onSubmit={(event) => void send(event)}>
          <p>{t("guest.why")}</p>
          <Field label={t("guest.key")}>{(given) => <input {...given} name="key" type="password" autocomplete="off" required />}</Field>
          {failure.value && <Trouble failure={failure.value} />}
          <footer class="buttons">
            <button class="main" aria-disabled={busy.value}>
              {t("guests.show")}
            </button>
            {may("api_keys:manage") && <a href={link({ page: "members" })}>{t("guests.keys")}</a>}
          </footer>
        </form>
      </section>
    </div>
  );
}

function NewLink() {
  return (
    <p>
      <a class="button" href={link({ item: "new" })}>
        {t("guests.new")}
      </a>
    </p>
  );
}

function All() {
  useEffect(() => void all.load(), []);
  const { found, next, leftOut, search, archived, loading, failure } = all;
  return (
    <div class="system">
      <Heading>{t("guests.title")}</Heading>
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
      {may("customers:manage") && <NewLink />}
      {failure.value && (
        <Trouble failure={failure.value}>
          <button type="button" onClick={() => void all.load()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <section class="card-wide" aria-label={t("guests.title")} aria-busy={loading.value}>
        <div role="status">{found.value.length === 0 && !loading.value && !failure.value && <p class="empty">{t(search.value ? "inbox.nothing_found" : "guests.none")}</p>}</div>
        <ul class="people">
          {found.value.map((guest) => (
            <li key={guest.id}>
              <a class="who" href={link({ item: guest.id })}>
                <GuestName guest={guest} />
              </a>
            </li>
          ))}
        </ul>
        {!next.value && leftOut.value > 0 && <p class="hint">{t("guests.left_out", { n: leftOut.value })}</p>}
        {next.value && (
          <p>
            <button type="button" aria-disabled={loading.value} onClick={() => void all.load(next.value)}>
              {t("inbox.more")}
            </button>
          </p>
        )}
      </section>
      <p>
        <button type="button" class="quiet" onClick={() => forgetKey()}>
          {t("guests.forget")}
        </button>
      </p>
    </div>
  );
}

function forgetKey(): void {
  apiKey.value = "";
  all.forget();
}

function New() {
  return (
    <div class="system">
      <p>
        <a href={link({ item: "" })}>{t("guests.all")}</a>
      </p>
      <Heading>{t("guests.new")}</Heading>
      {may("customers:manage") ? (
        <section class="card-wide" aria-label={t("guests.new")}>
          <GuestForm onSaved={({ id }) => go({ item: id }, { replace: true })} onCancel={() => go({ item: "" })} />
        </section>
      ) : (
        <p>{t("edit.not_yours")}</p>
      )}
    </div>
  );
}
