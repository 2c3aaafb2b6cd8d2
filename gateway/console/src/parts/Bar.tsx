// The bar at the top: the tenant, the language, the keys, whoever is signed in.

import { useSignal } from "@preact/signals";
import { dialog } from "../inbox/cursor";
import { go, link, type Page, PAGES, route } from "../route";
import { end, stage, tenantId, user, view } from "../session/session";
import { may, memberships, platformScopes } from "../session/tenants";
import { type Key, language, speak, t } from "../text/text";
import type { Failure } from "../wire/failure";
import { Missing, missing, twice } from "./lazy";
import { Trouble } from "./Trouble";

export const TITLES: Record<Page, Key> = { requests: "bar.requests", calendar: "calendar.title", properties: "properties.title", guests: "guests.title", members: "members.title", audit: "audit.title", account: "account.title", system: "system.title", operators: "operators.title" };

/** What a page cannot do without. */
const SCOPES: Partial<Record<Page, string>> = { requests: "bookings:view", calendar: "properties:view", properties: "properties:view", guests: "conversations:view", members: "members:view", audit: "audit:view", system: "bookings:manage" };

export function Bar() {
  const isIn = stage.value === "in";
  const other = language.value === "de" ? "en" : "de";
  return (
    <header class="bar">
      <span class="brand">Frontdesk</span>
      {isIn && <Tenants />}
      {isIn && <Pages />}
      <div class="own">
        {isIn && tenantId.value && route.value.page === "requests" && (
          <button type="button" class="quiet" title={t("bar.keys")} aria-label={t("bar.keys")} onClick={() => (dialog.value = "help")}>
            ?
          </button>
        )}
        <button type="button" class="quiet" lang={other} onClick={() => void twice(() => speak(other)).catch(() => (missing.value = true))}>
          {other === "de" ? "Deutsch" : "English"}
        </button>
        {isIn && <SignedIn />}
      </div>
      {missing.value && <Missing />}
    </header>
  );
}

function Pages() {
  const { page } = route.value;
  const shown = PAGES.filter((one) => (one === "operators" ? platformScopes.value.length > 0 : may(SCOPES[one] ?? "")));
  if (shown.length === 0) return null;
  return (
    <nav aria-label={t("bar.pages")}>
      {shown.map((one) => (
        <a href={link({ page: one, request: "", item: "" })} aria-current={page === one ? "page" : undefined}>
          {t(TITLES[one])}
        </a>
      ))}
    </nav>
  );
}

/** The same page of another tenant, where its member may see it; what is open is of this one, but not what operators have open. */
export function toTenant(tenant: string): void {
  const { page, item } = route.peek();
  const needed = SCOPES[page];
  const isSeen = !needed || memberships.peek()?.find((one) => one.tenantId === tenant)?.scopes.includes(needed);
  go({ tenant, page: isSeen ? page : "requests", request: "", item: page === "operators" ? item : "", filters: { property: "", guest: "" } });
}

function Tenants() {
  const all = memberships.value ?? [];
  if (all.length < 2) return <span class="tenant">{all[0]?.tenantName}</span>;
  return (
    <label class="tenant">
      <span class="unseen">{t("bar.tenant")}</span>
      <select value={tenantId.value} onChange={(event) => toTenant(event.currentTarget.value)}>
        {all.map((one) => (
          <option value={one.tenantId}>{one.tenantName}</option>
        ))}
      </select>
    </label>
  );
}

function SignedIn() {
  const failure = useSignal<Failure | null>(null);
  const name = user.value?.display_name || user.value?.email;
  const leave = async () => {
    failure.value = await end();
  };
  return (
    <>
      {!view.value && (
        <a class="user" href={link({ page: "account", request: "" })} aria-current={route.value.page === "account" ? "page" : undefined}>
          {name}
        </a>
      )}
      <button type="button" class="quiet" onClick={() => void leave()}>
        {t("bar.out")}
      </button>
      {failure.value && <Trouble failure={failure.value} />}
    </>
  );
}
