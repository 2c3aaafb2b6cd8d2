// The chart: properties as rows, days as columns. Rows and days are in the document only
// while they are on the screen or near it.

import { useComputed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { type Occupancy, OccupancyKind } from "../generated/frontdesk/booking/v1/property_service_pb";
import { dateOf, dayOf, isWeekend, today } from "../text/days";
import { dayText, monthText, stayText, weekdayText } from "../text/format";
import { t, word } from "../text/text";
import { begun, choice, goTo, opened, place, step } from "./place";
import { at as nightOf, DAYS, firstDay, units, yearOf } from "./year";

/** Sizes in pixels, as the style has them. */
const DAY = 34;
const ROW = 44;
const NAMES = matchMedia("(min-width: 40rem)").matches ? 200 : 110;
const HEAD = 44;
/** Rows and days that are made beside those on the screen. */
const SPARE = 4;

interface Shown {
  rows: [number, number];
  days: [number, number];
}

export const kindOf = ({ kind }: Occupancy) => (OccupancyKind[kind] ?? "").toLowerCase();
const range = (from: number, to: number) => Array.from({ length: Math.max(to - from, 0) }, (_, at) => from + at);

export function Chart() {
  const scroller = useRef<HTMLDivElement>(null);
  const shown = useSignal<Shown>({ rows: [0, 0], days: [0, 0] });
  const count = units.value.length;
  const look = () => {
    const element = scroller.current;
    if (!element) return;
    const { scrollTop, scrollLeft, clientHeight, clientWidth } = element;
    const between = (start: number, size: number, each: number, most: number): [number, number] => {
      const first = Math.floor(start / each);
      return [Math.max(first - SPARE, 0), Math.min(first + Math.ceil(size / each) + SPARE, most)];
    };
    const next: Shown = { rows: between(scrollTop, clientHeight, ROW, count), days: between(scrollLeft, clientWidth, DAY, DAYS) };
    if (String([next.rows, next.days]) !== String([shown.value.rows, shown.value.days])) shown.value = next;
  };
  useEffect(() => {
    look();
    const resized = new ResizeObserver(look);
    if (scroller.current) resized.observe(scroller.current);
    return () => resized.disconnect();
  }, [count]);
  useKeepInView(scroller);
  const { rows, days } = shown.value;
  const width = NAMES + DAYS * DAY;
  return (
    <div
      ref={scroller}
      class="tape"
      role="grid"
      tabIndex={0}
      aria-activedescendant="tape-here"
      aria-label={t("calendar.title")}
      aria-describedby="calendar-help"
      aria-rowcount={count + 1}
      aria-colcount={DAYS + 1}
      onScroll={look}
      onKeyDown={press}
    >
      <div class="tape-head" role="row" aria-rowindex={1} style={{ width: `${width}px`, height: `${HEAD}px` }}>
        <span class="corner" role="columnheader" aria-colindex={1} style={{ width: `${NAMES}px` }}>
          <span class="unseen">{t("filter.property")}</span>
        </span>
        {range(...days).map((at) => (
          <Head key={at} at={at} />
        ))}
      </div>
      <div class="tape-body" role="rowgroup" style={{ width: `${width}px`, height: `${count * ROW}px`, backgroundPositionX: `${NAMES + untilSaturday() * DAY}px` }}>
        {range(...rows).map((row) => {
          const unit = units.value[row];
          return unit && <Line key={unit.id} id={unit.id} name={unit.name} row={row} from={days[0]} to={days[1]} />;
        })}
      </div>
    </div>
  );
}

/** Days from the first one to a Saturday, from which the weekends are painted behind the rows. */
function untilSaturday(): number {
  // Day 2 was one.
  return (((2 - firstDay.value) % 7) + 7) % 7;
}

/** Brings the place onto the screen when it has moved there. */
function useKeepInView(scroller: { current: HTMLDivElement | null }): void {
  const { row, at } = place.value;
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const [top, left] = [row * ROW, at * DAY];
    const [height, width] = [element.clientHeight - HEAD, element.clientWidth - NAMES];
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + ROW > element.scrollTop + height) element.scrollTop = top + ROW - height;
    if (left < element.scrollLeft) element.scrollLeft = left;
    else if (left + DAY > element.scrollLeft + width) element.scrollLeft = left + DAY - width;
  }, [row, at]);
}

const MOVES: Record<string, [rows: number, days: number]> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
  PageUp: [-10, 0],
  PageDown: [10, 0],
  Home: [0, -28],
  End: [0, 28],
};

function press(event: KeyboardEvent): void {
  const move = MOVES[event.key];
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (move) step(...move, event.shiftKey);
  else if (event.key === "Escape") begun.value = null;
  else if (event.key === "Enter") openHere();
  else return;
  event.preventDefault();
}

function openHere(): void {
  const unit = units.value[place.value.row];
  const occupancy = unit && nightOf(yearOf(unit.id).value, firstDay.value + place.value.at);
  if (occupancy) opened.value = { property: unit.id, occupancy };
}

function Head({ at }: { at: number }) {
  const day = firstDay.value + at;
  const ofMonth = new Date(day * 86_400_000).getUTCDate();
  // The name of the next month needs its room.
  const isFirst = ofMonth === 1 || (at === 0 && ofMonth < 27);
  return (
    <span class="tape-day" role="columnheader" aria-colindex={at + 2} data-weekend={isWeekend(day)} data-today={day === today()} style={{ left: `${NAMES + at * DAY}px`, width: `${DAY}px` }}>
      <span class="month">{isFirst ? monthText(day) : ""}</span>
      <span>{weekdayText(day)}</span> <strong>{ofMonth}</strong>
    </span>
  );
}

interface LineProps {
  id: string;
  name: string;
  row: number;
  from: number;
  to: number;
}

function Line({ id, name, row, from, to }: LineProps) {
  const year = yearOf(id).value;
  const isHere = useComputed(() => place.value.row === row).value;
  const bars = typeof year === "string" ? [] : year.filter(({ startDate, endDate }) => dayOf(startDate) < firstDay.value + to && dayOf(endDate) > firstDay.value + from);
  const choose = (event: PointerEvent) => {
    const body = event.currentTarget as HTMLElement;
    const at = Math.floor((event.clientX - body.getBoundingClientRect().left - NAMES) / DAY);
    if (event.button !== 0 || at < 0 || (event.target as HTMLElement).closest(".tape-name, .tape-bar")) return;
    goTo(row, at, event.shiftKey);
    if (!event.shiftKey) begun.value = firstDay.value + at;
    body.setPointerCapture(event.pointerId);
  };
  const drag = (event: PointerEvent) => {
    const body = event.currentTarget as HTMLElement;
    if (!body.hasPointerCapture(event.pointerId)) return;
    goTo(row, Math.floor((event.clientX - body.getBoundingClientRect().left - NAMES) / DAY), true);
  };
  return (
    <div class="tape-row" role="row" aria-rowindex={row + 2} data-here={isHere} style={{ top: `${row * ROW}px`, height: `${ROW}px` }} onPointerDown={choose} onPointerMove={drag} onPointerCancel={() => (begun.value = null)}>
      <span class="tape-name" role="rowheader" aria-colindex={1} style={{ width: `${NAMES}px` }} title={name}>
        {name}
      </span>
      {bars.map((bar) => (
        <BarOf key={`${bar.kind} ${bar.sourceId} ${bar.startDate} ${bar.endDate}`} bar={bar} property={id} />
      ))}
      {typeof year === "string" && (
        <span class="tape-wait" role="gridcell" aria-colindex={2} style={{ left: `${NAMES + 20}px` }}>
          {t(year === "loading" ? "calendar.loading" : "calendar.failed")}
        </span>
      )}
      {isHere && <Here id={id} name={name} />}
    </div>
  );
}

function BarOf({ bar, property }: { bar: Occupancy; property: string }) {
  const start = Math.max(dayOf(bar.startDate) - firstDay.value, 0);
  const end = Math.min(dayOf(bar.endDate) - firstDay.value, DAYS);
  const text = `${word("occupancy", kindOf(bar))}: ${stayText(bar.startDate, bar.endDate)}`;
  return (
    <span
      class="tape-bar bar"
      role="gridcell"
      aria-colindex={start + 2}
      aria-colspan={end - start}
      aria-label={text}
      title={text}
      data-kind={kindOf(bar)}
      data-blocking={bar.blocking}
      style={{ left: `${NAMES + start * DAY + DAY / 2}px`, width: `${Math.max((end - start) * DAY - 2, 8)}px` }}
      onClick={() => (opened.value = { property, occupancy: bar })}
    >
      {bar.blocking && word("occupancy", kindOf(bar))}
    </span>
  );
}

/** The place, which is the active one of the grid; with the nights that are chosen. */
function Here({ id, name }: { id: string; name: string }) {
  const { at } = place.value;
  const day = firstDay.value + at;
  const year = yearOf(id).value;
  const night = nightOf(year, day);
  const what = night ? `${word("occupancy", kindOf(night))}, ${stayText(night.startDate, night.endDate)}` : t(year === "loading" ? "calendar.loading" : "calendar.free");
  const chosen = choice();
  const from = chosen ? Math.max(chosen.from - firstDay.value, 0) : at;
  const length = chosen ? Math.max(chosen.to - firstDay.value - from, 0) : 1;
  return (
    <span
      id="tape-here"
      class="tape-here"
      role="gridcell"
      aria-colindex={at + 2}
      aria-selected={begun.value !== null}
      aria-label={`${name}, ${dayText(day)}: ${what}`}
      data-date={dateOf(day)}
      style={{ left: `${NAMES + from * DAY + (begun.value === null ? 0 : DAY / 2)}px`, width: `${length * DAY}px` }}
    />
  );
}
