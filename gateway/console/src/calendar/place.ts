// Where the reader is in the calendar: a property and a day, and the nights that are chosen.

import { signal } from "@preact/signals";
import type { Occupancy } from "../generated/frontdesk/booking/v1/property_service_pb";
import { DAYS, firstDay, units } from "./year";

/** By row and by days since the first one. */
export const place = signal({ row: 0, at: 0 });
/** Where the choice began; it ends with the place. */
export const begun = signal<number | null>(null);
/** What is open in a dialog. */
export const opened = signal<{ property: string; occupancy: Occupancy } | null>(null);
export const making = signal<"" | "block" | "booking">("");

export interface Choice {
  property: string;
  name: string;
  /** First night, and the day after the last one. */
  from: number;
  to: number;
}

export function choice(): Choice | null {
  if (begun.value === null) return null;
  const { row, at } = place.value;
  const unit = units.value[row];
  if (!unit) return null;
  const [first, last] = [Math.min(begun.value, at), Math.max(begun.value, at)];
  return { property: unit.id, name: unit.name, from: firstDay.value + first, to: firstDay.value + last + 1 };
}

const clamp = (value: number, most: number) => Math.max(0, Math.min(value, most));

/** Goes by rows and days; with `choosing`, the nights between are chosen, in one row. */
export function step(rows: number, days: number, choosing: boolean): void {
  const { row, at } = place.value;
  if (choosing) begun.value ??= at;
  else begun.value = null;
  place.value = { row: choosing ? row : clamp(row + rows, units.value.length - 1), at: clamp(at + days, DAYS - 1) };
}

export function goTo(row: number, at: number, choosing = false): void {
  if (choosing) begun.value ??= place.value.at;
  else begun.value = null;
  place.value = { row: choosing ? place.value.row : row, at: clamp(at, DAYS - 1) };
}
