// What happens to the tenant's booking requests while the page is open. A stream that
// breaks goes on from the cursor of the last message, without a gap; while there is none,
// the page says so.

import { signal } from "@preact/signals";
import { BookingRequestEventKind as Kind, type BookingRequestEvent } from "./generated/frontdesk/booking/v1/booking_request_service_pb";
import * as list from "./inbox/list";
import { loadProperties } from "./properties";
import { route } from "./route";
import { isEnd } from "./session/session";
import { requests } from "./wire/calls";
import { failureOf } from "./wire/failure";

/** Heartbeats come every 15 seconds; after two that did not, nobody is there. */
const SILENCE = 35_000;
const LONGEST = 15_000;

/** Since when the page does not hear what happens; 0 while it does, or has not tried again. */
export const lostAt = signal(0);
/** Events by their request, so that who shows one can read it again. */
export const happened = signal<BookingRequestEvent | null>(null);

let running: AbortController | null = null;
let wake: () => void = () => {};

const PROPERTY_KINDS = [Kind.PROPERTY_CREATED, Kind.PROPERTY_UPDATED];

/** Reads one request and puts it into the list. Several events of one are read once. */
const reading = new Map<string, { again: boolean }>();

async function read(id: string): Promise<void> {
  const under = reading.get(id);
  if (under) {
    under.again = true;
    return;
  }
  const mine = { again: true };
  reading.set(id, mine);
  try {
    while (mine.again) {
      mine.again = false;
      const { bookingRequest } = await requests.getBookingRequest({ bookingRequestId: id });
      if (bookingRequest) list.show(bookingRequest);
    }
  } catch {
    // It is read again with the next event, or with the list.
  } finally {
    reading.delete(id);
  }
}

function heard(event: BookingRequestEvent): void {
  if (event.bookingRequestId) {
    void read(event.bookingRequestId);
    list.count();
  }
  if (PROPERTY_KINDS.includes(event.kind)) void loadProperties();
  happened.value = event;
}

function pause(wait: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, wait);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", wake, { once: true });
  });
}

/** Tries at once, and not when the pause is over. */
export function tryNow(): void {
  wake();
}

async function listen(of: AbortController): Promise<void> {
  let cursor = "";
  let wait = 500;
  let isFirst = true;
  /** Since when there is no stream. A gateway ends long ones, which is nothing to tell. */
  let broken = 0;
  while (!of.signal.aborted) {
    const stream = new AbortController();
    const stop = () => stream.abort();
    of.signal.addEventListener("abort", stop, { once: true });
    let silence = setTimeout(stop, SILENCE);
    try {
      for await (const message of requests.watchBookingRequests({ cursor }, { signal: stream.signal })) {
        clearTimeout(silence);
        silence = setTimeout(stop, SILENCE);
        // What happened between the list and the first message is in neither of them.
        if (isFirst) void list.load(route.peek().filters);
        isFirst = false;
        cursor = message.cursor;
        wait = 500;
        broken = 0;
        lostAt.value = 0;
        if (message.event) heard(message.event);
      }
    } catch (thrown) {
      const { reason, metadata } = failureOf(thrown);
      if (reason === "CURSOR_UNKNOWN" || reason === "CURSOR_EXPIRED") {
        cursor = metadata["go_on"] ?? "";
        isFirst = true;
      }
      if (isEnd(reason)) return;
    } finally {
      clearTimeout(silence);
      of.signal.removeEventListener("abort", stop);
    }
    if (of.signal.aborted) return;
    if (broken) lostAt.value = broken;
    else broken = Date.now();
    // Not all pages at once, when a gateway comes back.
    await pause(wait * (0.5 + Math.random() / 2), of.signal);
    wait = Math.min(wait * 2, LONGEST);
  }
}

export function watch(): () => void {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  lostAt.value = 0;
  void listen(mine);
  addEventListener("online", tryNow);
  return () => {
    removeEventListener("online", tryNow);
    mine.abort();
  };
}
