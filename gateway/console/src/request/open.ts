// The booking request that is open, with what is read beside it: what an approve would do,
// what is around its dates, and what happened to it. Read again when something happens to
// it or to its property.

import { batch, effect, signal } from "@preact/signals";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { type BookingRequestEvent, BookingRequestEventKind as Kind } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { DiagnosticsService, type ExplainApprovalResponse } from "../generated/frontdesk/booking/v1/diagnostics_service_pb";
import type { Occupancy } from "../generated/frontdesk/booking/v1/property_service_pb";
import { done, failed, forgetFailure } from "../decide/decisions";
import { type Action, under } from "../decide/under";
import * as list from "../inbox/list";
import { gaps, happened, lostAt } from "../live";
import { route } from "../route";
import { dateOf, dayOf } from "../text/days";
import { tenantId } from "../session/session";
import { clientOf, properties, requests } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

export const diagnostics = clientOf(DiagnosticsService);
/** Days that are shown before and after a stay, and at most in all. */
const AROUND = 5;
const MOST_DAYS = 62;

export const open = list.opened;
export const explained = signal<ExplainApprovalResponse | null>(null);
export const around = signal<{ from: number; to: number; occupancies: Occupancy[] } | null>(null);
export const events = signal<BookingRequestEvent[]>([]);
/** What could not be read. */
export const failures = signal<Failure[]>([]);

let turn = 0;
/** The version for which the rest was read, and when that began. */
let readFor = "";
let readAt = 0;

async function history(bookingRequestId: string): Promise<BookingRequestEvent[]> {
  const all: BookingRequestEvent[] = [];
  let pageToken = "";
  do {
    const page = await requests.listBookingRequestEvents({ bookingRequestId, pageSize: 200, pageToken });
    all.push(...page.events);
    pageToken = page.nextPageToken;
  } while (pageToken && all.length < 1000);
  return all;
}

export function span(checkIn: string, checkOut: string): { from: number; to: number } {
  const from = dayOf(checkIn) - AROUND;
  return { from, to: Math.min(dayOf(checkOut) + AROUND, from + MOST_DAYS) };
}

async function surroundings(request: BookingRequest) {
  const { from, to } = span(request.checkIn, request.checkOut);
  if (Number.isNaN(from) || Number.isNaN(to)) return null;
  const { occupancies } = await properties.getAvailability({ propertyId: request.propertyId, from: dateOf(from), to: dateOf(to) });
  return { from, to, occupancies };
}

/** The decision that was refused because of what is in the way. */
function overlapOf(id: string) {
  const found = failed.peek().get(id);
  return found?.failure.reason === "BOOKING_OVERLAP" ? found : undefined;
}

/** What the list has it is told of as it happens; else it is read. */
async function requestOf(id: string): Promise<BookingRequest | null> {
  const known = list.rowOf(id)?.peek();
  if (known && !lostAt.peek()) return known;
  const at = list.ask();
  const { bookingRequest } = await requests.getBookingRequest({ bookingRequestId: id });
  if (bookingRequest) list.show(bookingRequest, at);
  return bookingRequest ?? null;
}

async function read(id: string): Promise<void> {
  const mine = ++turn;
  const refused = overlapOf(id);
  readFor = list.rowOf(id)?.peek().etag ?? "";
  readAt = Date.now();
  const found: Failure[] = [];
  const tried = async <T>(call: Promise<T>): Promise<T | null> => {
    try {
      return await call;
    } catch (thrown) {
      found.push(failureOf(thrown));
      return null;
    }
  };
  const asked = tried(requestOf(id));
  const [request, near, explanation, happenings] = await Promise.all([
    asked,
    asked.then((request) => request && tried(surroundings(request))),
    tried(diagnostics.explainApproval({ bookingRequestId: id })),
    tried(history(id)),
  ]);
  if (mine !== turn) return;
  batch(() => {
    failures.value = found.slice(0, 1);
    // It may have changed meanwhile, of which the list was told.
    const now = list.rowOf(id)?.peek() ?? request;
    if (request && now) {
      readFor ||= request.etag;
      open.value = now;
    }
    explained.value = explanation;
    // What was in the way is there no more.
    if (explanation?.wouldSucceed && refused && overlapOf(id) === refused) forgetFailure(id);
    around.value = near;
    events.value = happenings ?? [];
  });
}

export function readAgain(): void {
  if (route.peek().request) void read(route.peek().request);
}

function begin(id: string): void {
  turn++;
  batch(() => {
    // What the list knows is shown at once.
    open.value = list.rowOf(id)?.peek() ?? null;
    explained.value = null;
    around.value = null;
    events.value = [];
    failures.value = [];
  });
  clearTimeout(soon);
  if (id) void read(id);
}

let soon = 0;

function readSoon(): void {
  clearTimeout(soon);
  soon = window.setTimeout(readAgain, 60);
}

const KINDS: Record<Action, Kind[]> = { approve: [Kind.APPROVED, Kind.HEALED], decline: [Kind.DECLINED], review: [Kind.REVIEW_STARTED] };

/** Whether an event tells of a decision of this page that what is shown was read after. */
function isKnown(event: BookingRequestEvent): boolean {
  return done.peek().some(({ request, action, at }) => request.id === event.bookingRequestId && KINDS[action].includes(event.kind) && at <= readAt);
}

/** Keeps what is open as the address says, and as it is now. */
export function follow(): () => void {
  let shown = "";
  const opened = effect(() => {
    const wanted = tenantId.value && route.value.tenant === tenantId.value ? route.value.request : "";
    if (wanted === shown) return;
    shown = wanted;
    begin(wanted);
  });
  let last = happened.peek();
  const heard = effect(() => {
    const event = happened.value;
    if (event === last) return;
    last = event;
    const now = open.peek();
    if (event && now && (event.bookingRequestId === now.id || (event.propertyId === now.propertyId && !isKnown(event)))) readSoon();
  });
  let missed = gaps.peek();
  const caughtUp = effect(() => {
    if (gaps.value !== missed) readAgain();
    missed = gaps.value;
  });
  const decided = effect(() => {
    const now = open.value;
    if (now && readFor && now.etag !== readFor && !under.value.has(now.id)) readSoon();
  });
  let known = overlapOf(open.peek()?.id ?? "");
  const refused = effect(() => {
    void failed.value;
    const found = overlapOf(open.peek()?.id ?? "");
    // What was read before does not say what is in the way.
    if (found && found !== known) readAgain();
    known = found;
  });
  return () => {
    opened();
    heard();
    caughtUp();
    decided();
    refused();
    turn++;
  };
}
