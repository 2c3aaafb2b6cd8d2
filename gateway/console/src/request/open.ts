// The booking request that is open, with what is read beside it: what an approve would do,
// what is around its dates, and what happened to it. Read again when something happens to
// it or to its property.

import { batch, effect, signal } from "@preact/signals";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import type { BookingRequestEvent } from "../generated/frontdesk/booking/v1/booking_request_service_pb";
import { DiagnosticsService, type ExplainApprovalResponse } from "../generated/frontdesk/booking/v1/diagnostics_service_pb";
import type { Occupancy } from "../generated/frontdesk/booking/v1/property_service_pb";
import { under } from "../decide/decisions";
import * as list from "../inbox/list";
import { happened } from "../live";
import { route } from "../route";
import { dateOf, dayOf } from "../text/days";
import { tenantId } from "../session/session";
import { clientOf, properties, requests } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

const diagnostics = clientOf(DiagnosticsService);
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

export function window(checkIn: string, checkOut: string): { from: number; to: number } {
  const from = dayOf(checkIn) - AROUND;
  return { from, to: Math.min(dayOf(checkOut) + AROUND, from + MOST_DAYS) };
}

async function surroundings(request: BookingRequest) {
  const { from, to } = window(request.checkIn, request.checkOut);
  if (Number.isNaN(from) || Number.isNaN(to)) return null;
  const { occupancies } = await properties.getAvailability({ propertyId: request.propertyId, from: dateOf(from), to: dateOf(to) });
  return { from, to, occupancies };
}

async function read(id: string): Promise<void> {
  const mine = ++turn;
  const found: Failure[] = [];
  const tried = async <T>(call: Promise<T>): Promise<T | null> => {
    try {
      return await call;
    } catch (thrown) {
      found.push(failureOf(thrown));
      return null;
    }
  };
  const [answer, explanation, happenings] = await Promise.all([
    tried(requests.getBookingRequest({ bookingRequestId: id })),
    tried(diagnostics.explainApproval({ bookingRequestId: id })),
    tried(history(id)),
  ]);
  const request = answer?.bookingRequest ?? null;
  const near = request && (await tried(surroundings(request)));
  if (mine !== turn) return;
  batch(() => {
    failures.value = found.slice(0, 1);
    if (request) {
      open.value = request;
      list.show(request);
    }
    explained.value = explanation;
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
  if (id) void read(id);
}

let soon = 0;

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
    if (!event || !now || (event.bookingRequestId !== now.id && event.propertyId !== now.propertyId)) return;
    clearTimeout(soon);
    soon = globalThis.setTimeout(readAgain, 60) as unknown as number;
  });
  const decided = effect(() => {
    const isUnder = under.value.has(open.peek()?.id ?? "");
    const row = list.rowOf(route.peek().request);
    // A decision that has ended left its row as it is now.
    if (!isUnder && row && open.peek() && row.value.etag !== open.peek()?.etag) readAgain();
  });
  return () => {
    opened();
    heard();
    decided();
    turn++;
  };
}
