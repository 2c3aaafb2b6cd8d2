// Where the reader is in the calendar: a property and a day, and the nights that are chosen.

import { computed, signal } from "@preact/signals";
import type { Occupancy } from "../generated/frontdesk/booking/v1/property_service_pb";
import { onLeave } from "../session/session";
import { DAYS, firstDay, units } from "./year";

/** A property and a day, wherever they are in the chart now. */
const spot = signal({ property: "", day: 0 });
/** By row and by days since the first one. */
export const place = computed(() => ({
  row: Math.max(units.value.findIndex(({ id }) => id === spot.value.property), 0),
  at: clamp(spot.value.day - firstDay.value, DAYS - 1),
}));
/** The day on which the choice began; it ends with the place. */
export const begun = signal<number | null>(null);
/** What is open in a dialog. */
export const opened = signal<{ property: string; occupancy: Occupancy } | null>(null);
export const making = signal<"" | "block" | "booking" | "request">("");

onLeave(() => {
  spot.value = { property: "", day: 0 };
  begun.value = null;
  opened.value = null;
  making.value = "";
});

export interface Choice {
  property: string;
  name: string;
  /** First night, and the day after the last one. */
  from: number;
  to: number;
}

export function choice(): Choice | null {
  const { property, day } = spot.value;
  const unit = units.value.find(({ id }) => id === property);
  if (begun.value === null || !unit) return null;
  return { property, name: unit.name, from: Math.min(begun.value, day), to: Math.max(begun.value, day) + 1 };
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}

/** Goes by rows and days; with `choosing`, the nights between are chosen, in one row. */
export function step(rows: number, days: number, choosing: boolean): void {
  const { row, at } = place.value;
  goTo(clamp(row + (choosing ? 0 : rows), units.value.length - 1), at + days, choosing);
}

/** How many nights are chosen: one more or one less than before. */
export function stretch(by: 1 | -1): void {
  const chosen = choice();
  if (!chosen) return;
  const last = clamp(chosen.to - 1 + by - firstDay.value, DAYS - 1) + firstDay.value;
  if (last < chosen.from) return;
  begun.value = chosen.from;
  spot.value = { property: chosen.property, day: last };
}

export function goTo(row: number, at: number, choosing = false): void {
  const now = place.value;
  if (choosing) begun.value ??= firstDay.value + now.at;
  else begun.value = null;
  spot.value = { property: units.value[choosing ? now.row : row]?.id ?? "", day: firstDay.value + clamp(at, DAYS - 1) };
}
