// What is in the calendar: for each property that is on the screen, what has its nights in
// the year that begins with the first day. Read when a row is first shown, and again when
// something happens to the property.

import { computed, effect, type Signal, signal, untracked } from "@preact/signals";
import type { Occupancy } from "../generated/frontdesk/booking/v1/property_service_pb";
import { gaps, happened } from "../live";
import { now } from "../now";
import { properties as known } from "../properties";
import { route } from "../route";
import { tenantId } from "../session/session";
import { dateOf, dayOf, today } from "../text/days";
import { properties as service } from "../wire/calls";
import { type Failure, failureOf } from "../wire/failure";

export const DAYS = 365;
const AT_ONCE = 6;

/** Days that the calendar begins before today, so that stays that have begun are seen. */
const BEFORE = 3;

export const firstDay = computed(() => {
  if (route.value.day) return dayOf(route.value.day);
  // The page is open over midnight.
  void now.value;
  return today() - BEFORE;
});
/** The properties by name, as the list of them comes. */
export const units = computed(() => [...known.value.values()]);

export type Year = Occupancy[] | "loading" | "failed";

/** Why a year could not be read. */
export const failures = signal<ReadonlyMap<string, Failure>>(new Map());

const years = new Map<string, Signal<Year>>();
const stale = new Set<string>();
let queue: string[] = [];
const running = new Set<string>();

/** A property's year, which is read if it is not yet. */
export function yearOf(id: string): Signal<Year> {
  const year = years.get(id);
  if (year) return year;
  const made = signal<Year>("loading");
  years.set(id, made);
  readAgain(id);
  return made;
}

function pump(): void {
  while (running.size < AT_ONCE) {
    // What was shown last is looked at now.
    const id = queue.pop();
    if (!id) return;
    running.add(id);
    void read(id).finally(() => {
      running.delete(id);
      if (stale.has(id)) readAgain(id);
      pump();
    });
  }
}

async function read(id: string): Promise<void> {
  const year = years.get(id);
  if (!year) return;
  const from = firstDay.peek();
  stale.delete(id);
  try {
    const { occupancies } = await service.getAvailability({ propertyId: id, from: dateOf(from), to: dateOf(from + DAYS) });
    if (years.get(id) === year) year.value = occupancies;
  } catch (thrown) {
    if (years.get(id) !== year) return;
    failures.value = new Map([...failures.peek(), [id, failureOf(thrown)]]);
    year.value = "failed";
  }
}

/** Reads a year again; one that is being read is read once more afterwards. */
export function readAgain(id: string): void {
  const year = years.get(id);
  if (!year) return;
  if (year.peek() === "failed") year.value = "loading";
  if (running.has(id)) stale.add(id);
  else if (!queue.includes(id)) queue.push(id);
  pump();
}

function forget(): void {
  failures.value = new Map();
  years.clear();
  stale.clear();
  queue = [];
}

/** Keeps the years as the first day says, and as they are now. */
export function follow(): () => void {
  const wanted = () => `${tenantId.value} ${firstDay.value}`;
  let shown = untracked(wanted);
  const moved = effect(() => {
    if (wanted() !== shown) forget();
    shown = wanted();
  });
  let last = happened.peek();
  const heard = effect(() => {
    const event = happened.value;
    if (event !== last && event?.propertyId) readAgain(event.propertyId);
    last = event;
  });
  let missed = gaps.peek();
  const caughtUp = effect(() => {
    if (gaps.value !== missed) for (const id of years.keys()) readAgain(id);
    missed = gaps.value;
  });
  return () => {
    moved();
    heard();
    caughtUp();
    forget();
  };
}

/** What has a night of a property. */
export function at(year: Year, day: number): Occupancy | undefined {
  if (typeof year === "string") return undefined;
  const covers = ({ startDate, endDate }: Occupancy) => dayOf(startDate) <= day && day < dayOf(endDate);
  return year.find((one) => one.blocking && covers(one)) ?? year.find(covers);
}
