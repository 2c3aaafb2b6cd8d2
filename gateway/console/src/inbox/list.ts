// The booking requests that are listed: pages by their tokens, and what happens to them
// while they are on the screen. Each row is a signal of its own, so that a change paints
// one row.

import { batch, computed, type Signal, signal } from "@preact/signals";
import { type BookingRequest, BookingRequestStatus } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { type BookingRequestEvent, BookingRequestEventKind as Kind, BookingRequestOrder } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { type Filters, type Order, type Status, STATUSES } from "../route";
import { onLeave } from "../session/session";
import { type Failure, failureOf } from "../wire/failure";
import { requests } from "../wire/calls";

const PAGE = 50;
const LONGEST_PAGE = 200;

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

/** Reads by the order in which they were asked: what a later one has shown, an earlier one does not hide. */
let clock = 0;
let forgotten = 0;
const shown = new Map<string, number>();

/** The place of a read in their order; taken before it is asked. */
export const ask = () => ++clock;

export const statusOf = (request: Pick<BookingRequest, "status">): Status => STATUSES[request.status - 1] ?? "unknown";
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

/** The row of a request, as it is now; where it is open, too. */
function rowFor(request: BookingRequest, at: number): Row {
  const row = known.get(request.id) ?? signal(request);
  known.set(request.id, row);
  if ((shown.get(request.id) ?? 0) <= at) {
    shown.set(request.id, at);
    if (opened.peek()?.id === request.id) opened.value = request;
    row.value = request;
  }
  return row;
}

/** What came later than a list was asked, and is not in its answer. */
function placeLater(at: number): void {
  for (const [id, row] of known) if ((shown.get(id) ?? 0) > at) place(row);
}

/** Puts a row into the list, if it belongs there or stays. */
function place(row: Row, stays = false): void {
  const request = row.peek();
  if (rows.peek().includes(row) || !filters || !(stays || belongs(request, filters))) return;
  const order = filters.order;
  const before = rows.peek().findIndex((other) => compare(request, other.peek(), order) < 0);
  // Behind the last row of a list that goes on, it comes with its page.
  if (before < 0 && next.peek() && !stays) return;
  rows.value = rows.peek().toSpliced(before < 0 ? rows.peek().length : before, 0, row);
}

function counted(list: { status: BookingRequestStatus; count: number; more: boolean }[]): Partial<Record<Status, Count>> {
  return Object.fromEntries(list.map(({ status, count, more }) => [STATUSES[status - 1] ?? "unknown", { count, more }]));
}

/**
 * Loads the first page of a list anew; rows that are there keep their places until it comes.
 * Those that are not in it are gone then, unless they are to stay. Gives why it could not be read.
 */
export async function load(wanted: Filters, pageSize = PAGE, stays = (_: BookingRequest) => false): Promise<Failure | null> {
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
  const at = ask();
  try {
    const answer = await requests.listBookingRequests({ ...asked(wanted), pageSize, includeCounts: true });
    if (mine !== turn) return null;
    batch(() => {
      const before = rows.peek();
      rows.value = answer.bookingRequests.map((one) => rowFor(one, at));
      counts.value = counted(answer.counts);
      next.value = answer.nextPageToken;
      for (const row of before) if (!rows.peek().includes(row) && stays(row.peek())) place(row, true);
      placeLater(at);
      leftOut.value = answer.leftOut;
    });
  } catch (thrown) {
    if (mine === turn) return (trouble.value = failureOf(thrown));
  } finally {
    if (mine === turn) loading.value = false;
  }
  return null;
}

/** The page behind the last one. */
export async function more(): Promise<void> {
  if (!filters || !next.value || loading.value) return;
  const mine = turn;
  loading.value = true;
  trouble.value = null;
  const at = ask();
  try {
    const answer = await requests.listBookingRequests({ ...asked(filters), pageSize: PAGE, pageToken: next.value });
    if (mine !== turn) return;
    batch(() => {
      // What has stayed may be there already, before its turn.
      for (const one of answer.bookingRequests) place(rowFor(one, at), true);
      next.value = answer.nextPageToken;
      placeLater(at);
      leftOut.value += answer.leftOut;
    });
  } catch (thrown) {
    if (mine === turn) trouble.value = failureOf(thrown);
  } finally {
    if (mine === turn) loading.value = false;
  }
}

/** Takes a request as a read found it: in its row, or in a new one if it belongs into the list. */
export function show(request: BookingRequest, at = ask()): void {
  if (at <= forgotten) return;
  const isOf = known.has(request.id) || opened.peek()?.id === request.id || (filters && belongs(request, filters));
  // A list that is under way may bring it as it was before.
  if (isOf || loading.peek()) place(rowFor(request, at));
}

/** What a request is after some kinds of events. */
const AFTER: Partial<Record<Kind, Status[]>> = {
  [Kind.CREATED]: ["requested"],
  [Kind.REVIEW_STARTED]: ["under_review"],
  [Kind.APPROVED]: ["confirmed"],
  [Kind.HEALED]: ["confirmed"],
  [Kind.DECLINED]: ["declined"],
  [Kind.AUTO_DECLINED]: ["declined"],
  [Kind.CANCELLED]: ["cancelled"],
  [Kind.EXPIRED]: ["expired"],
  [Kind.CHECKED_IN]: ["confirmed"],
  [Kind.CHECKED_OUT]: ["confirmed"],
  [Kind.NO_SHOW]: ["confirmed"],
};

/** Whether what happened is about a request that is shown here, or may bring one into the list. */
export function concerns({ bookingRequestId: id, kind, propertyId }: BookingRequestEvent): boolean {
  if (known.has(id) || opened.peek()?.id === id) return true;
  if (!filters || !isShown || (filters.property && propertyId && filters.property !== propertyId)) return false;
  const { status } = filters;
  const after = AFTER[kind];
  // A list of all misses only what is new, and what could not be shown before.
  return status === "all" ? kind === Kind.CREATED || !after : !after || after.includes(status as Status);
}

let isShown = false;

/** Says whether the list is on the screen; while it is not, nobody keeps it up to date. */
export function attend(on: boolean): void {
  isShown = on;
}

/** Loads the list that is on the screen again, as far as it has been loaded; gives why it could not. */
export async function reload(stays: (request: BookingRequest) => boolean): Promise<Failure | null> {
  return filters && isShown ? await load(filters, Math.min(Math.max(rows.peek().length, PAGE), LONGEST_PAGE), stays) : null;
}

let counting = 0;

/** Counts again soon; many changes are counted once, and by all pages at other times. */
export function count(): void {
  if (counting || !isShown) return;
  counting = window.setTimeout(async () => {
    // What happens from now on may not be in the answer.
    counting = 0;
    const mine = turn;
    try {
      if (filters && isShown) {
        const answer = await requests.listBookingRequests({ ...asked(filters), pageSize: 1, includeCounts: true });
        if (mine === turn) counts.value = counted(answer.counts);
      }
    } catch {
      // The line of the live connection says what is wrong.
    }
  }, 1_000 + Math.random() * 2_000);
}

/** Forgets everything, as when the tenant is another one. */
export function forget(): void {
  turn++;
  forgotten = ask();
  filters = null;
  known.clear();
  shown.clear();
  batch(() => {
    rows.value = [];
    counts.value = {};
    next.value = "";
    trouble.value = null;
    loading.value = false;
    opened.value = null;
  });
}

onLeave(forget);

/** How many requests a tab has; empty while nobody has counted. */
export function countText(status: Status): string {
  const found = counts.value[status];
  return found ? `${found.count}${found.more ? "+" : ""}` : "";
}

export const hasUnknown = computed(() => (counts.value.unknown?.count ?? 0) > 0);
