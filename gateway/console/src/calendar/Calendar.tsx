// The calendar of all properties: the chart, what is chosen in it, and what the row of the
// reader has, as a list.

import { useEffect, useLayoutEffect } from "preact/hooks";
import { Unread } from "../parts/Rows";
import { areKnown, loadProperties, unread } from "../properties";
import { go } from "../route";
import { may } from "../session/tenants";
import { dateOf, dayOf, today } from "../text/days";
import { dayText, nightsText, stayText } from "../text/format";
import { t, word } from "../text/text";
import { Chart, kindOf } from "./Chart";
import { Dialogs } from "./Dialogs";
import { begun, choice, making, opened, place, stretch } from "./place";
import { failures, firstDay, follow, readAgain, units, yearOf } from "./year";

const WEEKS = 28;

export function Calendar() {
  useLayoutEffect(() => {
    const stop = follow();
    return () => {
      stop();
      // Who comes back later has not asked for it.
      opened.value = null;
      making.value = "";
    };
  }, []);
  return (
    <section class="calendar" aria-labelledby="calendar">
      <h1 id="calendar">{t("calendar.title")}</h1>
      <From />
      <Chosen />
      {units.value.length === 0 ? <None /> : <Chart />}
      <p class="hint" id="calendar-help">
        {t("calendar.help")}
      </p>
      <RowAsList />
      <Dialogs />
    </section>
  );
}

function None() {
  useEffect(() => {
    if (!may("properties:view")) void loadProperties(true);
  }, []);
  if (areKnown.value) return <p class="empty">{t("calendar.none")}</p>;
  return unread.value ? <Unread failure={unread.value} onAgain={() => loadProperties(true)} /> : <p>{t("calendar.loading")}</p>;
}

/** Years that have four digits all through the year that is shown; while one is typed, it has fewer. */
const [EARLIEST, LATEST] = [dayOf("2000-01-01"), dayOf("9000-01-01")];

function From() {
  const first = firstDay.value;
  const set = (day: number) => {
    if (!(day < EARLIEST || day > LATEST)) go({ day: Number.isNaN(day) ? "" : dateOf(day) }, { replace: true });
  };
  return (
    <div class="calendar-from">
      <button type="button" aria-label={t("calendar.back")} onClick={() => set(first - WEEKS)}>
        ←
      </button>
      <label>
        <span>{t("calendar.from")}</span>
        <input type="date" value={dateOf(first)} onChange={(event) => set(dayOf(event.currentTarget.value))} />
      </label>
      <button type="button" aria-label={t("calendar.on")} onClick={() => set(first + WEEKS)}>
        →
      </button>
      <button type="button" class="quiet" onClick={() => set(today())}>
        {t("calendar.today")}
      </button>
    </div>
  );
}

/** What can be done with the nights that are chosen. */
function Chosen() {
  const chosen = choice();
  if (!chosen) return null;
  const [from, to] = [dateOf(chosen.from), dateOf(chosen.to)];
  return (
    <div class="chosen" role="group" aria-label={t("calendar.chosen", { name: chosen.name, stay: stayText(from, to), nights: nightsText(from, to) })}>
      <span>{t("calendar.chosen", { name: chosen.name, stay: stayText(from, to), nights: nightsText(from, to) })}</span>
      {/* For who cannot drag, as by touch. */}
      <button type="button" aria-disabled={chosen.to - chosen.from === 1} onClick={() => stretch(-1)}>
        {t("calendar.shorter")}
      </button>
      <button type="button" onClick={() => stretch(1)}>
        {t("calendar.longer")}
      </button>
      {may("properties:manage") && (
        <button type="button" onClick={() => (making.value = "block")}>
          {t("block.make")}
        </button>
      )}
      {may("bookings:manage") && (
        <button type="button" onClick={() => (making.value = "booking")}>
          {t("booking.make")}
        </button>
      )}
      {may("bookings:create") && (
        <button type="button" onClick={() => (making.value = "request")}>
          {t("request.make")}
        </button>
      )}
      <button type="button" class="quiet" onClick={() => (begun.value = null)}>
        {t("calendar.cancel")}
      </button>
    </div>
  );
}

/** The same as the chart, in words, for the row of the reader. */
function RowAsList() {
  const { row, at } = place.value;
  const unit = units.value[row];
  if (!unit) return null;
  const year = yearOf(unit.id).value;
  const from = firstDay.value + at;
  const found = typeof year === "string" ? [] : year.filter(({ startDate, endDate }) => dayOf(startDate) < from + WEEKS && dayOf(endDate) > from);
  return (
    <section class="calendar-list" aria-labelledby="calendar-list">
      <h2 id="calendar-list">{t("calendar.list", { name: unit.name, day: dayText(from) })}</h2>
      {year === "failed" ? (
        <Unread failure={failures.value.get(unit.id) ?? null} onAgain={() => readAgain(unit.id)} />
      ) : year === "loading" ? (
        <p>{t("calendar.loading")}</p>
      ) : found.length === 0 ? (
        <p>{t("calendar.nothing")}</p>
      ) : (
        <ul>
          {found.map((occupancy) => (
            <li>
              <button type="button" class="quiet" onClick={() => (opened.value = { property: unit.id, occupancy })}>
                {word("occupancy", kindOf(occupancy))}: {stayText(occupancy.startDate, occupancy.endDate)}
              </button>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
