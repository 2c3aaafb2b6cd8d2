// Single keys, which work where nobody types, and not at all for who has turned them off
// (WCAG 2.1.4).

import { signal } from "@preact/signals";
import type { Outcome } from "./decide/decisions";
import { isOpen, under } from "./decide/under";
import { advance, choose, chosen, current, cursor, dialog, isWide, ledSince, move, rowElement, stand } from "./inbox/cursor";
import { SEARCH } from "./inbox/Filters";
import { keep, kept } from "./kept";
import { go, route } from "./route";
import { may } from "./session/tenants";

const KEPT = "frontdesk.keys";

export const keysAreOn = signal(kept(KEPT) !== "off");

export function turnKeys(on: boolean): void {
  keysAreOn.value = on;
  keep(KEPT, on ? "on" : "off");
}

function isTyping(target: EventTarget | null): boolean {
  const element = target instanceof HTMLElement ? target : null;
  return Boolean(element?.closest("input:not([type=checkbox]), textarea, select, [contenteditable]"));
}

/** What a decision is about, if it can be made. */
function decidable() {
  const request = current();
  return request && isOpen(request) && may("bookings:approve") && !under.peek().has(request.id) ? request : undefined;
}

/** What decides, which is loaded after the list. */
const deciding = () => import("./request/lazy");

async function approveCurrent(): Promise<void> {
  const request = decidable();
  if (!request) return;
  const { approve, draftOf } = await deciding();
  const { note, override } = draftOf(request.id);
  const outcome = await approve(request, note.peek(), override.peek());
  if (outcome === null) advance(request.id);
  else tell(request.id, outcome);
}

/** Opens a request whose decision failed; who has gone on is told by the line above the list. */
function tell(id: string, outcome: Outcome): void {
  if (outcome && typeof outcome !== "string" && !route.peek().request && cursor.peek() === id && !dialog.peek()) go({ request: id });
}

async function reviewCurrent(): Promise<void> {
  const request = decidable();
  if (request) tell(request.id, await (await deciding()).startReview(request));
}

function declineCurrent(): void {
  if (decidable()) dialog.value = "decline";
}

function chooseCurrent(): void {
  const request = decidable();
  if (request) choose(request.id, !chosen.value.has(request.id));
}

const KEYS: Record<string, () => void> = {
  j: () => move(1),
  k: () => move(-1),
  a: () => void approveCurrent(),
  d: declineCurrent,
  u: () => void reviewCurrent(),
  x: chooseCurrent,
  "/": () => document.getElementById(SEARCH)?.focus(),
  "?": () => {
    dialog.value = "help";
  },
};

function back(): void {
  if (isTyping(document.activeElement)) (document.activeElement as HTMLElement).blur();
  else if (route.value.request) {
    const id = route.value.request;
    cursor.value = id;
    if (!isWide()) go({ request: "" });
    requestAnimationFrame(() => rowElement(id)?.focus());
  }
}

const DECIDING = "adu";
/** In milliseconds: who presses a key again so soon has not seen what the press before led on to. */
const TWICE = 300;
/** The last key that decides. */
let before = { key: "", at: 0 };

/** Whether it is the key of before again, too soon after it or after it has led on to here. */
function isAgain({ key, timeStamp }: KeyboardEvent): boolean {
  const { key: last, at } = before;
  before = { key, at: timeStamp };
  const since = ledSince();
  return key === last && since !== null && timeStamp - Math.max(at, since) < TWICE;
}

export function listenToKeys(): () => void {
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape") return back();
    const act = KEYS[event.key];
    if (!act || !keysAreOn.value || isTyping(event.target)) return;
    if (DECIDING.includes(event.key)) {
      // It was meant for what it has decided already.
      if (isAgain(event) || event.repeat) return;
      stand();
    }
    event.preventDefault();
    act();
  };
  addEventListener("keydown", pressed);
  return () => removeEventListener("keydown", pressed);
}
