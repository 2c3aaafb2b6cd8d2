// The booking requests of the tenant: tabs by status, filters, rows, and what is done with
// several at once.

import { useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useLayoutEffect } from "preact/hooks";
import { Trouble } from "../parts/Trouble";
import { loadProperties, properties, unread } from "../properties";
import { link, route, type Status, STATUSES } from "../route";
import { tenantId } from "../session/session";
import { may } from "../session/tenants";
import { t, word } from "../text/text";
import { chosen } from "./cursor";
import { Filters } from "./Filters";
import { attend, countText, hasUnknown, leftOut, load, loading, more, next, rows, trouble } from "./list";
import { RequestRow } from "./RequestRow";
import { found } from "./search";

/** `bar`: what can be done with the rows that are chosen. */
export function Inbox({ bar }: { bar: ComponentChildren }) {
  useLayoutEffect(() => {
    attend(true);
    return () => attend(false);
  }, []);
  useSignalEffect(() => {
    const { tenant } = route.value;
    if (tenant && tenant === tenantId.value) loadOnce();
  });
  return (
    <section class="inbox" aria-labelledby="inbox">
      <h1 id="inbox" tabIndex={-1}>{t("inbox.title")}</h1>
      <Tabs />
      <Filters />
      {chosen.value.size > 0 && bar}
      {unread.value && properties.value.size === 0 && may("properties:view") && (
        <Trouble failure={unread.value} advice={t("inbox.no_names")}>
          <button type="button" onClick={() => void loadProperties()}>
            {t("again")}
          </button>
        </Trouble>
      )}
      {trouble.value && (
        <Trouble failure={trouble.value}>
          <button type="button" onClick={() => void load(route.value.filters)}>
            {t("again")}
          </button>
        </Trouble>
      )}
      <Rows />
    </section>
  );
}

let loaded = "";

function loadOnce(): void {
  const { filters, tenant } = route.peek();
  // Another search finds other rows of the same list.
  const wanted = JSON.stringify([tenant, { ...filters, search: "" }]);
  if (wanted === loaded) return;
  loaded = wanted;
  chosen.value = new Set();
  void load(filters);
}

/** The next list is loaded again, even if it is the same. */
export function reset(): void {
  loaded = "";
}

/** The tab that is shown already leads to what is in it now; a row that was decided stays until then. */
function renew(event: MouseEvent): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  reset();
  loadOnce();
}

function Tabs() {
  const { status } = route.value.filters;
  const shown: (Status | "all")[] = [...STATUSES.filter((one) => one !== "unknown" || hasUnknown.value || status === "unknown"), "all"];
  return (
    <nav class="tabs" aria-label={t("inbox.tabs")}>
      {shown.map((one) => (
        <a href={link({ request: "", filters: { status: one } })} aria-current={one === status ? "page" : undefined} data-status={one} onClick={one === status ? renew : undefined}>
          {word("status", one)}
          {one !== "all" && countText(one) && <span class="count">{countText(one)}</span>}
        </a>
      ))}
    </nav>
  );
}

function Rows() {
  const all = found.value;
  const searching = route.value.filters.search !== "";
  return (
    <div class="rows" aria-busy={loading.value}>
      <ul>
        {all.map((row) => (
          <RequestRow key={row.peek().id} row={row} canChoose={may("bookings:approve")} />
        ))}
      </ul>
      {all.length === 0 && !loading.value && !trouble.value && <p class="empty">{t(searching ? "inbox.nothing_found" : "inbox.empty")}</p>}
      {searching && rows.value.length > 0 && <p class="hint">{t("inbox.searched", { n: rows.value.length })}</p>}
      {leftOut.value > 0 && <p class="hint">{t("inbox.left_out", { n: leftOut.value })}</p>}
      {next.value && (
        <button type="button" class="more" aria-disabled={loading.value} onClick={() => void more()}>
          {t(searching ? "inbox.search_on" : "inbox.more")}
        </button>
      )}
    </div>
  );
}
