// The row that keys are about, and the rows that are chosen together.

import { signal } from "@preact/signals";
import type { BookingRequest } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { isOpen, under } from "../decide/under";
import { go, route } from "../route";
import { onLeave } from "../session/session";
import { belongs, more, next, opened, type Row, rowOf } from "./list";
import { found } from "./search";

export const cursor = signal("");
export const chosen = signal<ReadonlySet<string>>(new Set());
/** The dialog that is open. */
export const dialog = signal<"" | "decline" | "decline_many" | "help">("");

/** Where a decision has led on to, while nobody has gone anywhere since, and when, as events tell the time. */
let led = "";
let ledAt = 0;

onLeave(() => {
  cursor.value = "";
  chosen.value = new Set();
  dialog.value = "";
});

/** Whether list and request are beside each other. */
export const isWide = () => matchMedia("(min-width: 62rem)").matches;

export function rowElement(id: string): HTMLElement | null {
  return document.getElementById(`row-${id}`);
}

/** The request that a key is about: the one that is open, or else the one with the focus. */
export function current(): BookingRequest | undefined {
  const id = route.value.request;
  return id ? (opened.value?.id === id ? opened.value : undefined) : rowOf(cursor.value)?.value;
}

export function moveTo(id: string): void {
  cursor.value = id;
  const element = rowElement(id);
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "nearest" });
  if (route.value.request ? route.value.request !== id : isWide()) go({ request: id }, { replace: Boolean(route.value.request) });
}

function step(by: 1 | -1, from: string, wanted: (row: Row) => boolean): boolean {
  const all = found.value;
  const start = all.findIndex((row) => row.value.id === from);
  for (let at = start < 0 ? (by > 0 ? 0 : all.length - 1) : start + by; at >= 0 && at < all.length; at += by) {
    const row = all[at];
    if (row && wanted(row)) {
      moveTo(row.value.id);
      return true;
    }
  }
  return false;
}

const here = () => route.peek().request || cursor.peek();

/** Whether a row stays that the list has no more: somebody is at it, or has seen that it was decided. */
export const isHeld = (request: BookingRequest) =>
  [here(), cursor.peek()].includes(request.id) || chosen.peek().has(request.id) || under.peek().has(request.id) || !belongs(request, route.peek().filters);

/** Whoever is at the page stands here, and not where a decision has led on to. */
export function stand(id = cursor.peek()): void {
  cursor.value = id;
  led = "";
}

/** Since when a decision has led on to here; null where somebody has gone. */
export const ledSince = () => (led !== "" && here() === led ? ledAt : null);

export function move(by: 1 | -1): void {
  stand();
  const from = here();
  const isMoved = step(by, from, () => true);
  if (!isMoved && by > 0 && next.value) void more().then(() => here() === from && step(by, from, () => true));
}

/**
 * The next one that is still to be decided, after a decision; without one, the focus stays.
 * Whoever has gone elsewhere meanwhile stays there.
 */
export function advance(from: string): void {
  if (here() !== from || dialog.peek()) return;
  const wanted = (row: Row) => isOpen(row.value) && belongs(row.value, route.value.filters);
  const lead = () => {
    const isLedOn = step(1, from, wanted);
    // What takes the focus is on the way there, too.
    if (isLedOn) [led, ledAt] = [here(), performance.now()];
    return isLedOn;
  };
  if (lead()) return;
  if (next.value) void more().then(() => here() === from && !dialog.peek() && (lead() || stayAt(from)));
  else stayAt(from);
}

/** Gives the focus to the request, whose button may be gone by now. */
export function stayAt(id: string): void {
  if (route.peek().request === id && !dialog.peek()) document.getElementById("request")?.focus();
}

export function choose(id: string, isChosen: boolean): void {
  const all = new Set(chosen.value);
  if (isChosen) all.add(id);
  else all.delete(id);
  chosen.value = all;
}

/** Those that are chosen and can be seen: what a search hides is not decided with them. */
export function chosenRequests(of = found.value): BookingRequest[] {
  return of.map((row) => row.value).filter((request) => chosen.value.has(request.id) && isOpen(request));
}
