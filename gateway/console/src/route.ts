// Where the page is: behind the `#` of its address, so that a link leads to the same place
// whatever path the page is served at.

import { signal } from "@preact/signals";

export const STATUSES = ["requested", "under_review", "confirmed", "declined", "cancelled", "expired", "unknown"] as const;
export type Status = (typeof STATUSES)[number];
export const ORDERS = ["newest", "oldest", "check_in"] as const;
export type Order = (typeof ORDERS)[number];

export interface Filters {
  /** `all`, or one effective status. */
  status: Status | "all";
  property: string;
  guest: string;
  from: string;
  to: string;
  order: Order;
  search: string;
}

export const PAGES = ["requests", "calendar", "properties", "guests", "members", "audit", "system", "operators", "account"] as const;
export type Page = (typeof PAGES)[number];

export interface Route {
  tenant: string;
  page: Page;
  /** The booking request that is open; empty for none. */
  request: string;
  filters: Filters;
  /** The first day of the calendar; empty for today. */
  day: string;
  /** What is open of another page, for example the id of a property; empty for its list. */
  item: string;
}

export const NO_FILTERS: Filters = { status: "requested", property: "", guest: "", from: "", to: "", order: "newest", search: "" };

export const isId = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
const isDate = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text) && !Number.isNaN(Date.parse(text));

/** What cannot be read is left out: a link may be old, or cut off. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const [tenant = "", page = "", request = "", ...rest] = path.split("/");
  const item = [request, ...rest].join("/");
  const given = new URLSearchParams(query);
  const taken = (name: string, fits: (text: string) => boolean) => {
    const text = given.get(name) ?? "";
    return fits(text) ? text : "";
  };
  const oneOf = <T extends string>(name: string, all: readonly T[], otherwise: T) => all.find((one) => one === given.get(name)) ?? otherwise;
  return {
    tenant: isId(tenant) ? tenant : "",
    page: PAGES.find((one) => one === page) ?? "requests",
    request: page === "requests" && isId(request) ? request : "",
    day: taken("day", isDate),
    item: page !== "requests" && /^[\w-]+(\/[\w-]+)?$/.test(item) ? item : "",
    filters: {
      status: oneOf("status", [...STATUSES, "all"], NO_FILTERS.status),
      property: taken("property", isId),
      guest: taken("guest", isId),
      from: taken("from", isDate),
      to: taken("to", isDate),
      order: oneOf("order", ORDERS, NO_FILTERS.order),
      search: (given.get("search") ?? "").slice(0, 200),
    },
  };
}

export function written({ tenant, page, request, filters, day, item }: Route): string {
  if (page === "calendar") return `#/${tenant}/calendar${day && `?day=${day}`}`;
  if (page !== "requests") return `#/${tenant}/${page}${item && `/${item}`}`;
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filters)) {
    if (value !== NO_FILTERS[name as keyof Filters]) query.set(name, value);
  }
  const text = query.toString();
  return `#/${tenant}/requests${request && `/${request}`}${text && `?${text}`}`;
}

export const route = signal<Route>(parse(globalThis.location?.hash ?? ""));

export interface Change {
  tenant?: string;
  page?: Page;
  day?: string;
  item?: string;
  request?: string;
  filters?: Partial<Filters>;
}

function changed({ tenant, page: given, request, filters, day, item }: Change): Route {
  const now = route.peek();
  const page = given ?? (request === undefined && filters === undefined ? now.page : "requests");
  return {
    tenant: tenant ?? now.tenant,
    page,
    request: request ?? now.request,
    filters: { ...now.filters, ...filters },
    day: day ?? now.day,
    // Of the page that it is of.
    item: item ?? (page === now.page ? now.item : ""),
  };
}

/** The address of another place, for a link. */
export function link(change: Change): string {
  return written({ ...changed(change), ...(change.tenant === undefined && { tenant: route.value.tenant }) });
}

/** Goes there; in place of the present place if that was only on the way. */
export function go(change: Change, { replace = false } = {}): void {
  const next = changed(change);
  if (!replace) {
    settle();
    history.pushState(null, "", written(next));
  }
  route.value = next;
  if (replace) soon ||= setTimeout(settle, PAUSE);
}

/** Browsers refuse addresses that change for each letter of a search. */
const PAUSE = 200;
let soon: ReturnType<typeof setTimeout> | undefined;

/** Writes the present place into the address, if it is not there yet. */
function settle(): void {
  if (soon === undefined) return;
  clearTimeout(soon);
  soon = undefined;
  history.replaceState(null, "", written(route.peek()));
}

function read(): void {
  clearTimeout(soon);
  soon = undefined;
  route.value = parse(location.hash);
}

export function follow(): void {
  addEventListener("hashchange", read);
  addEventListener("popstate", read);
  addEventListener("pagehide", settle);
}
