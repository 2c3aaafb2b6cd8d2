// The rules of stay as they are entered: for all days, and for single days of the week.

import { useRef } from "preact/hooks";
import { Field } from "../parts/Field";
import type { Fault } from "../parts/fault";
import { faultOf } from "../parts/once";
import { t } from "../text/text";
import type { Failure } from "../wire/failure";
import { type DayDraft, type Draft, fieldsOf, MOST, RULES } from "./draft";
import { dayName } from "./words";

interface Props {
  draft: Draft;
  set: (changed: Partial<Draft>) => void;
  failure: Failure | null;
}

/** `min_nights` for `minNights`. */
const wireName = (name: string) => name.replace(/[A-Z]/g, (sign) => `_${sign.toLowerCase()}`);

export function RulesFields({ draft, set, failure }: Props) {
  // The server counts the days that are sent.
  const sent = fieldsOf(draft).stayRules.days.map(({ day }) => day);
  const hadDays = useRef(sent.length > 0).current;
  return (
    <>
      <fieldset>
        <legend>{t("property.rules")}</legend>
        <p class="hint">{t("rules.hint")}</p>
        <div class="grid">
          {RULES.map((rule) => (
            <Field label={t(`rules.${rule}`)} fault={faultOf(failure, `stay_rules.${wireName(rule)}`)}>
              {(given) => (
                <input {...given} type="number" min={1} max={MOST[rule]} value={draft.rules[rule]} onInput={(event) => set({ rules: { ...draft.rules, [rule]: event.currentTarget.value } })} />
              )}
            </Field>
          ))}
        </div>
      </fieldset>
      <details open={hadDays}>
        <summary>{t("rules.days")}</summary>
        <p class="hint">{t("rules.days_hint")}</p>
        {draft.days.map((day, at) => (
          <Day
            name={dayName(at + 1)}
            day={day}
            fault={(field) => faultOf(failure, `stay_rules.days[${sent.indexOf(at + 1)}].${field}`)}
            set={(changed) => set({ days: draft.days.with(at, { ...day, ...changed }) })}
          />
        ))}
      </details>
    </>
  );
}

interface DayProps {
  name: string;
  day: DayDraft;
  fault: (field: string) => Fault;
  set: (changed: Partial<DayDraft>) => void;
}

function Day({ name, day, fault, set }: DayProps) {
  return (
    <fieldset class="weekday">
      <legend>{name}</legend>
      <div class="grid">
        <label class="check">
          <input type="checkbox" checked={day.closedToArrival} onChange={(event) => set({ closedToArrival: event.currentTarget.checked })} />
          {t("rules.closed_to_arrival")}
        </label>
        <label class="check">
          <input type="checkbox" checked={day.closedToDeparture} onChange={(event) => set({ closedToDeparture: event.currentTarget.checked })} />
          {t("rules.closed_to_departure")}
        </label>
        <Field label={t("rules.arrival_min")} fault={fault("min_nights")}>
          {(given) => <input {...given} type="number" min={1} max={366} value={day.minNights} onInput={(event) => set({ minNights: event.currentTarget.value })} />}
        </Field>
        <Field label={t("rules.arrival_max")} fault={fault("max_nights")}>
          {(given) => <input {...given} type="number" min={1} max={366} value={day.maxNights} onInput={(event) => set({ maxNights: event.currentTarget.value })} />}
        </Field>
      </div>
    </fieldset>
  );
}
