// What happens to the tenant's booking requests while the page is open. A stream that
// breaks goes on from the cursor of the last message, without a gap; while there is none,
// the page says so.

import { signal } from "@preact/signals";
import { under } from "./decide/under";
import { BookingRequestEventKind as Kind, type BookingRequestEvent } from "./generated/frontdesk/booking/v1/booking_request_service_pb";
import { isHeld } from "./inbox/cursor";
import * as list from "./inbox/list";
import { loadProperties } from "./properties";
import { access, isEnd, leaves, onLeave } from "./session/session";
import { soon } from "./soon";
import { requests } from "./wire/calls";
import { type Failure, failureOf } from "./wire/failure";

/** Heartbeats come every 15 seconds; after two that did not, nobody is there. */
const SILENCE = 35_000;
const LONGEST = 15_000;
/** How long a break lasts before it is told. A gateway ends long streams, which is nothing to tell. */
const PATIENCE = 3_000;
/** How long a page that nobody sees goes on hearing. Over HTTP/1.1 the pages of a browser share six connections. */
const UNSEEN = 60_000;
const TRIES = 6;
/** With these it is no use to try again. */
const DENIALS = ["SCOPE_MISSING", "TENANT_ACCESS_DENIED", "TENANT_SUSPENDED"];
const isFinal = ({ reason }: Failure) => DENIALS.includes(reason) || reason.endsWith("NOT_FOUND");

/** Since when the page does not hear what happens; 0 while it does, or has not tried again. */
export const lostAt = signal(0);
/** Why the page may not hear what happens. */
export const denied = signal<Failure | null>(null);
/** Events by their request, so that who shows one can read it again. */
export const happened = signal<BookingRequestEvent | null>(null);
/** Counts what nobody can hear any more: whoever shows something reads it again. */
export const gaps = signal(0);

let running: AbortController | null = null;
let stream: AbortController | null = null;
let heardAt = 0;
/** Whether nobody has seen the page for long, and it hears nothing until somebody does. */
let asleep = false;
let fallingAsleep = 0;
let wake: () => void = () => {};

const PROPERTY_KINDS = [Kind.PROPERTY_CREATED, Kind.PROPERTY_UPDATED];

const pauseOf = (wait: number) => wait * (0.5 + Math.random() / 2);

/** Requests that are read at once, and how many may wait before the list is read in their place. */
const AT_ONCE = 4;
const MANY = 20;
/** What gathers more of them, in milliseconds. */
const GATHERING = 100;

const waiting = new Set<string>();
/** Those that wait for no list: what was decided here, and what is open. */
const first = new Set<string>();
/** Calls under way, and where what has changed since they were asked waits for the next. */
const reading = new Map<string, { again?: Set<string> }>();
/** How often reads have failed, one after the other. */
const failures = new Map<string, number>();
/** Requests that this page has decided, and reads when their event had its time to come. */
const decided = new Set<string>();
/** The timer that reads the list, until that is read; 0 without one. */
let gathering = 0;
/** How often the list could not be read, one time after the other. */
let missed = 0;

onLeave(() => {
  clearTimeout(gathering);
  gathering = missed = 0;
  for (const all of [waiting, first, reading, failures, decided]) all.clear();
});

/** Reads a request and puts it into the list. Several events of one are read once. */
function read(id: string, queue = waiting): void {
  const under = reading.get(id);
  if (under) under.again = queue;
  else queue.add(id);
  pump();
}

function pump(): void {
  if (gathering === 0 && waiting.size > MANY) gather(GATHERING);
  for (const queue of gathering === 0 ? [first, waiting] : [first]) {
    for (const id of queue) {
      if (reading.size >= AT_ONCE) return;
      queue.delete(id);
      if (!reading.has(id)) void readOne(id, queue);
    }
  }
}

function gather(wait: number): void {
  gathering = window.setTimeout(readMany, wait);
}

function readMany(): void {
  const all = [...waiting];
  waiting.clear();
  const open = list.opened.peek()?.id ?? "";
  if (all.includes(open)) read(open, first);
  void readList(all);
}

/** Reads the list in place of each of these, and alone what stays in it; what could not be read, again later. */
async function readList(ids: string[]): Promise<void> {
  const of = leaves;
  const failure = await list.reload((request) => {
    const stays = isHeld(request);
    if (stays && ids.includes(request.id)) first.add(request.id);
    return stays;
  });
  if (of !== leaves) return;
  clearTimeout(gathering);
  gathering = 0;
  missed = failure && !isFinal(failure) ? Math.min(missed + 1, TRIES) : 0;
  if (missed > 0) {
    for (const id of ids) waiting.add(id);
    gather(pauseOf(250 * 2 ** missed));
  }
  pump();
}

async function readOne(id: string, queue: Set<string>): Promise<void> {
  const mine: { again?: Set<string> } = {};
  reading.set(id, mine);
  const at = list.ask();
  let failure: Failure | null = null;
  try {
    const { bookingRequest } = await requests.getBookingRequest({ bookingRequestId: id });
    if (bookingRequest) list.show(bookingRequest, at);
  } catch (thrown) {
    failure = failureOf(thrown);
  }
  // The page has left meanwhile.
  if (reading.get(id) !== mine) return;
  reading.delete(id);
  if (failure && !isFinal(failure)) readLater(id, mine.again ?? queue);
  else {
    failures.delete(id);
    if (!failure) mine.again?.add(id);
  }
  pump();
}

/** Reads again what failed, in whose place others are read until then. */
function readLater(id: string, queue: Set<string>): void {
  const count = (failures.get(id) ?? 0) + 1;
  if (count >= TRIES) return void failures.delete(id);
  failures.set(id, count);
  setTimeout(() => failures.get(id) === count && read(id, queue), pauseOf(250 * 2 ** count));
}

export function readSoon(id: string): void {
  const of = leaves;
  decided.add(id);
  setTimeout(() => {
    if (of !== leaves) return;
    decided.delete(id);
    read(id, first);
  }, 120);
}

const loadPropertiesSoon = soon(() => void loadProperties());
onLeave(loadPropertiesSoon.stop);

function heard(event: BookingRequestEvent): void {
  const id = event.bookingRequestId;
  if (id) {
    // Whoever decides here reads it anyway.
    if (list.concerns(event) && !decided.has(id) && !under.value.has(id)) read(id);
    list.count();
  }
  if (PROPERTY_KINDS.includes(event.kind)) loadPropertiesSoon();
  happened.value = event;
}

/** Waits so long, or until something else wakes it. */
function pause(signal: AbortSignal, wait?: number): Promise<void> {
  return new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      resolve();
    };
    const timer = wait === undefined ? undefined : setTimeout(over, wait);
    wake = over;
    signal.addEventListener("abort", over);
  });
}

/** Tries at once, and not when the pause is over, or a stream that is dead has been silent for long. */
export function tryNow(): void {
  stream?.abort();
  wake();
}

function look(): void {
  clearTimeout(fallingAsleep);
  if (document.visibilityState === "hidden") fallingAsleep = window.setTimeout(fallAsleep, UNSEEN);
  else if (asleep || Date.now() - heardAt > SILENCE / 2) {
    asleep = false;
    tryNow();
  }
}

function fallAsleep(): void {
  asleep = true;
  tryNow();
}

/** What happened while nobody heard is in no stream. */
function catchUp(isGap: boolean): void {
  void readList(list.rows.peek().map((row) => row.peek().id));
  if (!isGap) return;
  void loadProperties();
  const open = list.opened.peek();
  if (open) read(open.id, first);
  gaps.value += 1;
}

interface Place {
  cursor: string;
  /** `first`: what happened between the list and the first message is in neither of them. */
  misses: "" | "first" | "gap";
}

/** Hears one stream to its end. */
async function hear(place: Place, mine: AbortController, onMessage: () => void): Promise<Failure | null> {
  let silence = setTimeout(() => mine.abort(), SILENCE);
  try {
    for await (const message of requests.watchBookingRequests({ cursor: place.cursor }, { signal: mine.signal })) {
      clearTimeout(silence);
      silence = setTimeout(() => mine.abort(), SILENCE);
      heardAt = Date.now();
      if (place.misses) catchUp(place.misses === "gap");
      Object.assign(place, { misses: "", cursor: message.cursor });
      onMessage();
      if (message.event) heard(message.event);
    }
    return null;
  } catch (thrown) {
    return failureOf(thrown);
  } finally {
    clearTimeout(silence);
  }
}

async function listen(of: AbortController): Promise<void> {
  const place: Place = { cursor: "", misses: "first" };
  let wait = 500;
  let since = 0;
  let telling = 0;
  const untold = () => {
    clearTimeout(telling);
    telling = 0;
    lostAt.value = 0;
  };
  const tellLater = () => (telling ||= window.setTimeout(() => (lostAt.value = since), PATIENCE));
  const found = () => {
    wait = 500;
    since = 0;
    untold();
  };
  of.signal.addEventListener("abort", () => clearTimeout(telling), { once: true });
  while (!of.signal.aborted) {
    while (asleep && !of.signal.aborted) {
      untold();
      wait = 500;
      await pause(of.signal);
    }
    if (of.signal.aborted) return;
    // What it tries after its sleep may hang.
    if (since) tellLater();
    const mine = new AbortController();
    stream = mine;
    const stop = () => mine.abort();
    of.signal.addEventListener("abort", stop, { once: true });
    let token = "";
    const refusal = await access().then(
      (known) => ((token = known), hear(place, mine, found)),
      failureOf,
    );
    of.signal.removeEventListener("abort", stop);
    if (of.signal.aborted) return;
    if (refusal?.reason === "CURSOR_UNKNOWN" || refusal?.reason === "CURSOR_EXPIRED") {
      Object.assign(place, { misses: "gap", cursor: refusal.metadata["go_on"] ?? "" });
    }
    if (refusal && isEnd(refusal, token)) return clearTimeout(telling);
    if (refusal && DENIALS.includes(refusal.reason)) {
      found();
      denied.value = refusal;
      return;
    }
    // Not between the list and the stream alone, but for as long as there was none.
    if (place.misses) place.misses = "gap";
    since ||= Date.now();
    if (asleep) continue;
    tellLater();
    // Not all pages at once, when a gateway comes back.
    await pause(of.signal, pauseOf(wait));
    wait = Math.min(wait * 2, LONGEST);
  }
}

export function watch(): () => void {
  running?.abort();
  const mine = new AbortController();
  running = mine;
  lostAt.value = 0;
  denied.value = null;
  asleep = false;
  look();
  void listen(mine);
  addEventListener("online", tryNow);
  // A network that goes cuts no stream, and its silence would be told late.
  addEventListener("offline", tryNow);
  document.addEventListener("visibilitychange", look);
  return () => {
    removeEventListener("online", tryNow);
    removeEventListener("offline", tryNow);
    document.removeEventListener("visibilitychange", look);
    clearTimeout(fallingAsleep);
    running?.abort();
    denied.value = null;
  };
}
