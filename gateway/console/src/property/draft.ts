// What somebody enters for a property, as text, and what of it is sent.

import { HoldPolicy, type Property } from "../generated/later/frontdesk/booking/v1/property_service_pb";

export const RULES = ["minNights", "maxNights", "leadDays", "horizonDays", "turnoverDays"] as const;
export type Rule = (typeof RULES)[number];
/** The most that a rule takes. */
export const MOST: Record<Rule, number> = { minNights: 366, maxNights: 366, leadDays: 366, horizonDays: 3660, turnoverDays: 30 };

export interface DayDraft {
  closedToArrival: boolean;
  closedToDeparture: boolean;
  minNights: string;
  maxNights: string;
}

export interface Draft {
  name: string;
  timeZone: string;
  maxGuests: string;
  holds: boolean;
  holdHours: string;
  /** Empty for no rule. */
  rules: Record<Rule, string>;
  /** From Monday to Sunday. */
  days: DayDraft[];
}

const HOURS = 24;
const text = (number: number | undefined) => (number ? String(number) : "");

export function newDraft(): Draft {
  return draftOf(undefined, Intl.DateTimeFormat().resolvedOptions().timeZone);
}

export function draftOf(property: Property | undefined, timeZone = ""): Draft {
  const rules = property?.stayRules;
  return {
    name: property?.name ?? "",
    timeZone: property?.timeZone ?? timeZone,
    maxGuests: text(property?.maxGuests),
    holds: property?.holdPolicy === HoldPolicy.HOLD,
    holdHours: String(property?.holdHours || HOURS),
    rules: Object.fromEntries(RULES.map((rule) => [rule, text(rules?.[rule])])) as Record<Rule, string>,
    days: [1, 2, 3, 4, 5, 6, 7].map((day) => {
      const found = rules?.days.find((one) => Number(one.day) === day);
      return {
        closedToArrival: found?.closedToArrival ?? false,
        closedToDeparture: found?.closedToDeparture ?? false,
        minNights: text(found?.minNights),
        maxNights: text(found?.maxNights),
      };
    }),
  };
}

/** A draft as it is sent: days without a rule are left out. */
export function fieldsOf({ name, timeZone, maxGuests, holds, holdHours, rules, days }: Draft) {
  const all = days.map(({ minNights, maxNights, ...closed }, at) => ({ day: at + 1, ...closed, minNights: Number(minNights), maxNights: Number(maxNights) }));
  return {
    name: name.trim(),
    timeZone: timeZone.trim(),
    maxGuests: Number(maxGuests),
    holdPolicy: holds ? HoldPolicy.HOLD : HoldPolicy.NONE,
    // Where none is held, nobody sees the field.
    holdHours: holds ? Number(holdHours) : HOURS,
    stayRules: {
      ...(Object.fromEntries(RULES.map((rule) => [rule, Number(rules[rule])])) as Record<Rule, number>),
      days: all.filter((day) => day.closedToArrival || day.closedToDeparture || day.minNights || day.maxNights),
    },
  };
}

export type Fields = ReturnType<typeof fieldsOf>;

/** Those that somebody has changed, seen from the property as it was read. */
export function changedFields(base: Property, draft: Draft): Partial<Fields> {
  const [was, now] = [fieldsOf(draftOf(base)), fieldsOf(draft)];
  const names = (Object.keys(now) as (keyof Fields)[]).filter((name) => (name !== "holdHours" || draft.holds) && JSON.stringify(now[name]) !== JSON.stringify(was[name]));
  return Object.fromEntries(names.map((name) => [name, now[name]]));
}

/** The draft with the property as it is now, apart from what somebody has changed in it. */
export function onto(base: Property, now: Property, draft: Draft): Draft {
  const [old, fresh, changed] = [draftOf(base), draftOf(now), changedFields(base, draft)];
  const pick = <N extends keyof Draft>(name: N) => (JSON.stringify(draft[name]) === JSON.stringify(old[name]) ? fresh[name] : draft[name]);
  const rules = changed.stayRules ? draft : fresh;
  return { name: pick("name"), timeZone: pick("timeZone"), maxGuests: pick("maxGuests"), holds: pick("holds"), holdHours: pick("holdHours"), rules: rules.rules, days: rules.days };
}
