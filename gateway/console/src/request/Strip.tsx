// The property around the dates of a request: a column for each night, and a bar for each
// thing that has some. The same as a list for who does not see it.

import { OccupancyKind } from "../generated/frontdesk/booking/v1/property_service_pb";
import { type BookingRequest, StayCoverage } from "../generated/frontdesk/booking/v1/booking_request_pb";
import { dayOf, isWeekend } from "../text/days";
import { dayText, stayText } from "../text/format";
import { t, word } from "../text/text";
import { around } from "./open";

interface Bar {
  kind: string;
  from: number;
  to: number;
  /** Whether it is the request itself or the booking that fulfils it. */
  own: boolean;
}

/** Bars in as few rows as fit, those of the request in the first. */
export function lanes(bars: Bar[]): Bar[][] {
  const all: Bar[][] = [];
  for (const bar of bars.toSorted((a, b) => a.from - b.from)) {
    const lane = all.find((one) => (one.at(-1)?.to ?? 0) <= bar.from);
    if (lane) lane.push(bar);
    else all.push([bar]);
  }
  return all;
}

const kindOf = (kind: OccupancyKind) => (OccupancyKind[kind] ?? "").toLowerCase();

export function Strip({ request }: { request: BookingRequest }) {
  const shown = around.value;
  if (!shown) return <div class="strip waiting" />;
  const { from, to, occupancies } = shown;
  const ids = [request.id, request.approvedBookingId];
  const bars = occupancies.map(({ kind, sourceId, startDate, endDate }) => ({
    kind: kindOf(kind),
    from: dayOf(startDate),
    to: dayOf(endDate),
    own: ids.includes(sourceId),
  }));
  const stay: Bar = { kind: "stay", from: dayOf(request.checkIn), to: dayOf(request.checkOut), own: true };
  const uncovered = request.fulfilment?.coverage === StayCoverage.UNSPECIFIED ? [] : (request.fulfilment?.uncovered ?? []);
  const open = uncovered.map(({ checkIn, checkOut }) => ({ kind: "uncovered", from: dayOf(checkIn), to: dayOf(checkOut), own: true }));
  // An open request is in the answer, too; it has its bar already.
  const others = bars.filter(({ own, kind }) => !(own && kind === "request"));
  // Behind the last day of a long stay there is no column.
  const seen = open.filter((bar) => bar.from < to);
  const rows = [[stay], ...(seen.length > 0 ? [seen] : []), ...lanes(others)];
  const days = Array.from({ length: to - from }, (_, at) => from + at);
  return (
    <figure class="strip">
      <figcaption>{t("strip.title")}</figcaption>
      <div class="chart" aria-hidden="true" style={{ "--days": String(days.length) }}>
        {days.map((day, at) => (
          <span class="day" data-weekend={isWeekend(day)} data-stay={day >= stay.from && day < stay.to} style={{ gridColumn: at + 1, gridRow: `1 / span ${rows.length + 1}` }}>
            {new Date(day * 86_400_000).getUTCDate()}
          </span>
        ))}
        {rows.flatMap((lane, row) =>
          lane.map((bar) => (
            <span
              class="bar"
              data-kind={bar.kind}
              data-own={bar.own}
              title={`${word("occupancy", bar.kind)}: ${dayText(bar.from)} – ${dayText(bar.to)}`}
              style={{ gridRow: row + 2, gridColumn: `${Math.max(bar.from - from, 0) + 1} / ${Math.min(bar.to, to) - from + 1}` }}
            >
              <span>{word("occupancy", bar.kind)}</span>
            </span>
          )),
        )}
      </div>
      <ul class="unseen">
        {[...open.map((bar) => ({ ...bar, name: "uncovered" })), ...others].map((bar) => (
          <li>
            {word("occupancy", bar.kind)}
            {bar.own && ` (${t("strip.own")})`}: {stayText(isoOf(bar.from), isoOf(bar.to))}
          </li>
        ))}
        {others.length === 0 && <li>{t("strip.nothing")}</li>}
      </ul>
    </figure>
  );
}

const isoOf = (day: number) => new Date(day * 86_400_000).toISOString().slice(0, 10);
