// What is listed: a search, a property, days, an order, a guest.

import { properties, shortId } from "../properties";
import { go, isId, NO_FILTERS, ORDERS, route, type Filters as All } from "../route";
import { t } from "../text/text";
import { rows } from "./list";

export const SEARCH = "search";

export function Filters() {
  const filters = route.value.filters;
  const set = (changed: Partial<All>) => go({ filters: changed }, { replace: true });
  const search = (text: string) => {
    const id = text.trim().toLowerCase();
    // A search finds what is loaded; the id of one that is not leads to it all the same.
    if (isId(id) && !rows.peek().some((row) => row.peek().id === id)) go({ request: id, filters: { search: "" } });
    else set({ search: text });
  };
  const isFiltered = filters.property || filters.guest || filters.from || filters.to || filters.search;
  const hasMore = Boolean(filters.property || filters.from || filters.to || filters.order !== NO_FILTERS.order);
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <label class="wide">
        <span>{t("filter.search")}</span>
        <input id={SEARCH} type="search" value={filters.search} onInput={(event) => search(event.currentTarget.value)} />
      </label>
      <details class="wide" open={hasMore}>
        <summary>{t("filter.more")}</summary>
        <div class="filters">
          <Narrowing filters={filters} set={set} />
        </div>
      </details>
      {isFiltered && (
        <button type="button" class="quiet" onClick={() => set({ ...NO_FILTERS, status: filters.status, order: filters.order })}>
          {filters.guest ? t("filter.clear_guest", { id: shortId(filters.guest) }) : t("filter.clear")}
        </button>
      )}
    </form>
  );
}

function Narrowing({ filters, set }: { filters: All; set: (changed: Partial<All>) => void }) {
  return (
    <>
      <label>
        <span>{t("filter.property")}</span>
        <select value={filters.property} onChange={(event) => set({ property: event.currentTarget.value })}>
          <option value="">{t("filter.all")}</option>
          {[...properties.value.values()].map(({ id, name }) => (
            <option value={id}>{name}</option>
          ))}
        </select>
      </label>
      <label>
        <span>{t("filter.from")}</span>
        <input type="date" value={filters.from} onChange={(event) => set({ from: event.currentTarget.value })} />
      </label>
      <label>
        <span>{t("filter.to")}</span>
        <input type="date" value={filters.to} onChange={(event) => set({ to: event.currentTarget.value })} />
      </label>
      <label>
        <span>{t("filter.order")}</span>
        <select value={filters.order} onChange={(event) => set({ order: event.currentTarget.value as All["order"] })}>
          {ORDERS.map((order) => (
            <option value={order}>{t(`order.${order}`)}</option>
          ))}
        </select>
      </label>
    </>
  );
}
