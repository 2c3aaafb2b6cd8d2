// Days of stays as numbers, and how they are written. A day is an ISO 8601 date without a
// time zone: whoever computes with it counts days since 1970.

const DAY = 86_400_000;

/** Days since 1970; `NaN` for what is no date. */
export function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / DAY;
}

export function dateOf(day: number): string {
  return new Date(day * DAY).toISOString().slice(0, 10);
}

export function nights(from: string, to: string): number {
  return dayOf(to) - dayOf(from);
}

/** The nights that both have; `null` when none. */
export function common(a: [string, string], b: [string, string]): [string, string] | null {
  const from = a[0] > b[0] ? a[0] : b[0];
  const to = a[1] < b[1] ? a[1] : b[1];
  return from < to ? [from, to] : null;
}

export function isWeekend(day: number): boolean {
  // 1 January 1970 was a Thursday.
  return (day + 4) % 7 === 0 || (day + 4) % 7 === 6;
}

/** Today where the reader is. */
export function today(): number {
  const now = new Date();
  return Date.UTC(now.getFullYear(), now.getMonth(), now.getDate()) / DAY;
}
