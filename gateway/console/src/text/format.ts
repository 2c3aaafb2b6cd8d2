// How days, nights and times are written in the language of the page.

import type { Timestamp } from "@bufbuild/protobuf/wkt";
import { computed } from "@preact/signals";
import { dayOf, nights, today } from "./days";
import { language, t } from "./text";

const formats = computed(() => {
  // English is written in more than one way: as the reader's browser has it.
  const locale = navigator.languages.find((one) => one.startsWith(language.value)) ?? language.value;
  const of = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, options);
  const day = { weekday: "short", day: "numeric", month: "short", timeZone: "UTC" } as const;
  return {
    day: of(day),
    year: of({ ...day, year: "numeric" }),
    time: of({ dateStyle: "medium", timeStyle: "short" }),
    clock: of({ timeStyle: "short" }),
    month: of({ month: "short", year: "numeric", timeZone: "UTC" }),
    weekday: of({ weekday: "narrow", timeZone: "UTC" }),
    ago: new Intl.RelativeTimeFormat(locale, { numeric: "auto" }),
    list: new Intl.ListFormat(locale),
  };
});

const at = (day: number) => new Date(day * 86_400_000);

const yearOf = (day: number) => at(day).getUTCFullYear();

/** With the year, unless all of it is in this one: `3. Juli` may be any. */
function formatOf(...days: number[]): Intl.DateTimeFormat {
  const { day, year } = formats.value;
  return days.every((one) => yearOf(one) === yearOf(today())) ? day : year;
}

/** `Fr., 3. Juli` or `Fr., 3. Juli 2027`. */
export function dayText(day: number): string {
  return formatOf(day).format(at(day));
}

export function monthText(day: number): string {
  return formats.value.month.format(at(day));
}

/** The first letter of a day of the week. */
export function weekdayText(day: number): string {
  return formats.value.weekday.format(at(day));
}

/** First night and day of departure. */
export function stayText(from: string, to: string): string {
  const [first, last] = [dayOf(from), dayOf(to)];
  if (Number.isNaN(first) || Number.isNaN(last)) return t("stay.unknown");
  return formatOf(first, last).formatRange(at(first), at(last));
}

export function nightsText(from: string, to: string): string {
  const n = nights(from, to);
  return Number.isNaN(n) ? "" : t("nights", { n });
}

const millis = (time: Timestamp) => Number(time.seconds) * 1000 + time.nanos / 1e6;

export function timeText(time: Timestamp | undefined): string {
  return time ? formats.value.time.format(millis(time)) : "";
}

export function clockText(time: number): string {
  return formats.value.clock.format(time);
}

const [MINUTE, HOUR, DAY] = [60_000, 3_600_000, 86_400_000];

/** The day of a moment where the reader is, counted from any one. */
const localDay = (time: number) => Math.floor((time - new Date(time).getTimezoneOffset() * MINUTE) / DAY);

/** `vor 2 Stunden`; days are those of the calendar, since it says "tomorrow" of one. */
export function agoText(time: Timestamp | undefined, now: number): string {
  if (!time) return "";
  const then = millis(time);
  const span = Math.abs(then - now);
  const { ago } = formats.value;
  if (span >= DAY) return ago.format(localDay(then) - localDay(now), "day");
  if (span >= HOUR) return ago.format(Math.trunc((then - now) / HOUR), "hour");
  return ago.format(Math.trunc((then - now) / MINUTE), "minute");
}

export function listText(parts: string[]): string {
  return formats.value.list.format(parts);
}
