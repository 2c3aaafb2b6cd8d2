// The booking requests that are listed: pages by their tokens, and what happens to them
// while they are on the screen. Each row is a signal of its own, so that a change paints
// one row.

import { batch, computed, type Signal, signal } from "@preact/signals";
import { type BookingRequest, BookingRequestStatus } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { BookingRequestOrder } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { type Filters, type Order, type Status, STATUSES } from "../route";
import { type Failure, failureOf } from "../wire/failure";
import { requests } from "../wire/calls";

const PAGE = 50;

export type Row = Signal<BookingRequest>;
export interface Count {
  count: number;
  more: boolean;
}

export const rows = signal<Row[]>([]);
export const counts = signal<Partial<Record<Status, Count>>>({});
export const next = signal("");
export const leftOut = signal(0);
export const loading = signal(false);
export const trouble = signal<Failure | null>(null);
/** The request that is open, as it is on the screen. */
export const opened = signal<BookingRequest | null>(null);

let filters: Filters | null = null;
/** Which list is loaded; answers for others are late. */
let turn = 0;
const known = new Map<string, Row>();

export const statusOf = (request: BookingRequest): Status => STATUSES[request.status - 1] ?? "unknown";
const ORDER: Record<Order, BookingRequestOrder> = {
  newest: BookingRequestOrder.NEWEST_FIRST,
  oldest: BookingRequestOrder.OLDEST_FIRST,
  check_in: BookingRequestOrder.CHECK_IN,
};

export function rowOf(id: string): Row | undefined {
  return known.get(id);
}

function asked({ status, property, guest, from, to, order }: Filters) {
  const wanted = status === "all" ? [] : [(STATUSES.indexOf(status) + 1) as BookingRequestStatus];
  return { status: wanted, propertyId: property, guestId: guest, stayFrom: from, stayTo: to, order: ORDER[order] };
}

/** Whether a request belongs into the list by all but the search. */
export function belongs(request: BookingRequest, { status, property, guest, from, to }: Filters): boolean {
  return (
    (status === "all" || statusOf(request) === status) &&
    (!property || request.propertyId === property) &&
    (!guest || request.guestId === guest) &&
    (!from || request.checkOut > from) &&
    (!to || request.checkIn < to)
  );
}

/** The order of the list: below zero when `a` comes before `b`. */
export function compare(a: BookingRequest, b: BookingRequest, order: Order): number {
  const [left, right] = order === "newest" ? [b, a] : [a, b];
  const created = Number((left.createdAt?.seconds ?? 0n) - (right.createdAt?.seconds ?? 0n)) || (left.createdAt?.nanos ?? 0) - (right.createdAt?.nanos ?? 0);
  if (order !== "check_in") return created;
  return a.checkIn < b.checkIn ? -1 : a.checkIn > b.checkIn ? 1 : created;
}

function rowFor(request: BookingRequest): Row {
  const row = known.get(request.id);
  if (row) {
    row.value = request;
    return row;
  }
  const made = signal(request);
  known.set(request.id, made);
  return made;
}

function counted(list: { status: BookingRequestStatus; count: number; more: boolean }[]): Partial<Record<Status, Count>> {
  return Object.fromEntries(list.map(({ status, count, more }) => [STATUSES[status - 1] ?? "unknown", { count, more }]));
}

/** Loads the first page of a list anew; rows that are there keep their places until it comes. */
export async function load(wanted: Filters): Promise<void> {
  const isOther = JSON.stringify({ ...filters, search: "" }) !== JSON.stringify({ ...wanted, search: "" });
  filters = wanted;
  const mine = ++turn;
  batch(() => {
    loading.value = true;
    trouble.value = null;
    if (isOther) {
      rows.value = [];
      known.clear();
      next.value = "";
    }
  });
  try {
    const answer = await requests.listBookingRequests({ ...asked(wanted), pageSize: PAGE, includeCounts: true });
    if (mine !== turn) return;
    batch(() => {
      rows.value = answer.bookingRequests.map(rowFor);
      counts.value = counted(answer.counts);
      next.value = answer.nextPageToken;
      leftOut.value = answer.leftOut;
    });
  } catch (thrown) {
    if (mine === turn) trouble.value = failureOf(thrown);
  } finally {
    if (mine === turn) loading.value = false;
  }
}

/** The page behind the last one. */
export async function more(): Promise<void> {
  if (!filters || !next.value || loading.value) return;
  const mine = turn;
  loading.value = true;
  trouble.value = null;
  try {
    const answer = await requests.listBookingRequests({ ...asked(filters), pageSize: PAGE, pageToken: next.value });
    if (mine !== turn) return;
    batch(() => {
      const there = new Set(rows.value);
      rows.value = [...rows.value, ...answer.bookingRequests.map(rowFor).filter((row) => !there.has(row))];
      next.value = answer.nextPageToken;
      leftOut.value += answer.leftOut;
    });
  } catch (thrown) {
    if (mine === turn) trouble.value = failureOf(thrown);
  } finally {
    if (mine === turn) loading.value = false;
  }
}

/** Takes a request as it is now: in its row, or in a new one if it belongs into the list. */
export function show(request: BookingRequest): void {
  const row = rowFor(request);
  if (rows.value.includes(row) || !filters || !belongs(request, filters)) return;
  const order = filters.order;
  const before = rows.value.findIndex((other) => compare(request, other.value, order) < 0);
  // Behind the last row of a list that goes on, it comes with its page.
  if (before < 0 && next.value) return;
  const at = before < 0 ? rows.value.length : before;
  rows.value = rows.value.toSpliced(at, 0, row);
}

let counting = 0;

/** Counts again soon; many changes are counted once. */
export function count(): void {
  if (counting) return;
  counting = window.setTimeout(async () => {
    const mine = turn;
    try {
      if (filters) {
        const answer = await requests.listBookingRequests({ ...asked(filters), pageSize: 1, includeCounts: true });
        if (mine === turn) counts.value = counted(answer.counts);
      }
    } catch {
      // The line of the live connection says what is wrong.
    } finally {
      counting = 0;
    }
  }, 200);
}

/** Forgets everything, as when the tenant is another one. */
export function forget(): void {
  turn++;
  filters = null;
  known.clear();
  batch(() => {
    rows.value = [];
    counts.value = {};
    next.value = "";
    trouble.value = null;
    loading.value = false;
  });
}

/** How many requests a tab has; empty while nobody has counted. */
export function countText(status: Status): string {
  const found = counts.value[status];
  return found ? `${found.count}${found.more ? "+" : ""}` : "";
}

export const hasUnknown = computed(() => (counts.value.unknown?.count ?? 0) > 0);
