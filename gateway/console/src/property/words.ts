// What a property asks of a stay, in words.

import { HoldPolicy, type Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";
import type { DayRule, StayRules } from "../generated/later/frontdesk/booking/v1/stay_rules_pb";
import { listText } from "../text/format";
import { language, t, word } from "../text/text";

const DAY = 86_400_000;

/** `Montag` for 1. */
export function dayName(day: number): string {
  // 5 January 1970 was a Monday.
  return new Intl.DateTimeFormat(language.value, { weekday: "long", timeZone: "UTC" }).format((3 + day) * DAY);
}

export function holdText({ holdPolicy, holdHours }: Property): string {
  return holdPolicy === HoldPolicy.HOLD ? t("property.holds", { n: holdHours }) : t("property.holds_nothing");
}

function ofDay({ day, closedToArrival, closedToDeparture, minNights, maxNights }: DayRule): string {
  const what = [
    closedToArrival && t("rules.no_arrival"),
    closedToDeparture && t("rules.no_departure"),
    minNights > 0 && t("rules.day_min", { n: minNights }),
    maxNights > 0 && t("rules.day_max", { n: maxNights }),
  ].filter((one) => one !== false);
  return t("rules.day", { day: dayName(Number(day)), what: listText(what) });
}

/** Each rule as a sentence. */
export function ruleTexts(rules: StayRules | undefined): string[] {
  if (!rules) return [];
  const { minNights, maxNights, leadDays, horizonDays, turnoverDays } = rules;
  const plain: [string, number][] = [["min_nights", minNights], ["max_nights", maxNights], ["lead_days", leadDays], ["horizon_days", horizonDays], ["turnover_days", turnoverDays]];
  return [...plain.filter(([, value]) => value > 0).map(([rule, value]) => word("rule", rule, { n: value })), ...rules.days.toSorted((a, b) => a.day - b.day).map(ofDay)];
}

/** What of a property is not as it was, with what it is now. */
export function differences(was: Property, now: Property): [string, string][] {
  const all: [string, string, string][] = [
    [t("property.name"), was.name, now.name],
    [t("property.time_zone"), was.timeZone, now.timeZone],
    [t("property.max_guests"), String(was.maxGuests), String(now.maxGuests)],
    [t("property.hold"), holdText(was), holdText(now)],
    [t("property.rules"), ruleTexts(was.stayRules).join(" "), ruleTexts(now.stayRules).join(" ")],
  ];
  return all.filter(([, before, after]) => before !== after).map(([label, , after]) => [label, after]);
}
