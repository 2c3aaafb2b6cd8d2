//! The wire of the rules of a stay.

use frontdesk_proto::Refusal;
use frontdesk_proto::booking::v1 as wire;
use wire::DayOfWeek::{Friday, Monday, Saturday, Sunday, Thursday, Tuesday, Wednesday};

use crate::domain::rules::{Broken, DayRules, StayRules};
use crate::error::rules::reason;

/// The days, in their order.
const DAYS: [wire::DayOfWeek; 7] = [Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday];

/// The rules of a message; 0 means that there is no rule.
pub fn read(rules: &wire::StayRules) -> Result<StayRules, Refusal> {
    let wire::StayRules { min_nights, max_nights, days, lead_days, horizon_days, turnover_days } = rules;
    let mut read = StayRules {
        min_nights: set(*min_nights),
        max_nights: set(*max_nights),
        lead_days: set(*lead_days),
        horizon_days: set(*horizon_days),
        turnover_days: set(*turnover_days),
        ..StayRules::default()
    };
    if crossed(read.min_nights, read.max_nights) {
        return Err(Refusal::field("stay_rules.max_nights", "is less than min_nights: no stay would fit"));
    }
    let mut seen = [false; 7];
    for (at, day) in days.iter().enumerate() {
        let wire::DayRule { day, closed_to_arrival, closed_to_departure, min_nights, max_nights } = *day;
        let named = |field: &str, what: &str| Refusal::field(format!("stay_rules.days[{at}].{field}"), what);
        let place = DAYS.iter().position(|one| i32::from(*one) == day);
        let place = place.ok_or_else(|| named("day", "takes monday to sunday"))?;
        if std::mem::replace(&mut seen[place], true) {
            return Err(named("day", "is there twice"));
        }
        let rule = DayRules {
            min_nights: set(min_nights),
            max_nights: set(max_nights),
            closed_to_arrival,
            closed_to_departure,
        };
        if crossed(rule.min_nights.or(read.min_nights), rule.max_nights.or(read.max_nights)) {
            return Err(named("max_nights", "is less than min_nights: no stay would fit"));
        }
        read.days[place] = rule;
    }
    if read.lead_days.zip(read.horizon_days).is_some_and(|(lead, horizon)| lead > horizon) {
        return Err(Refusal::field("stay_rules.horizon_days", "is less than lead_days: no stay would fit"));
    }
    Ok(read)
}

/// The rules as a message; days without a rule are left out.
pub fn message(rules: &StayRules) -> wire::StayRules {
    let StayRules { min_nights, max_nights, days, lead_days, horizon_days, turnover_days } = rules;
    let has_rule = |(_, rule): &(_, &DayRules)| **rule != DayRules::default();
    let days = DAYS.iter().zip(days).filter(has_rule).map(|(day, rule)| {
        let DayRules { min_nights, max_nights, closed_to_arrival, closed_to_departure } = *rule;
        wire::DayRule {
            day: (*day).into(),
            closed_to_arrival,
            closed_to_departure,
            min_nights: min_nights.unwrap_or_default(),
            max_nights: max_nights.unwrap_or_default(),
        }
    });
    wire::StayRules {
        min_nights: min_nights.unwrap_or_default(),
        max_nights: max_nights.unwrap_or_default(),
        days: days.collect(),
        lead_days: lead_days.unwrap_or_default(),
        horizon_days: horizon_days.unwrap_or_default(),
        turnover_days: turnover_days.unwrap_or_default(),
    }
}

/// A rule that a stay breaks.
pub fn violation(broken: Broken) -> wire::RuleViolation {
    wire::RuleViolation {
        rule: broken.name().to_owned(),
        reason: reason(broken).name().to_owned(),
        value: broken.value(),
        field: broken.field().to_owned(),
        message: format!("`{}` {}.", broken.field(), broken.takes()),
    }
}

fn set(number: i32) -> Option<i32> {
    (number > 0).then_some(number)
}

fn crossed(least: Option<i32>, most: Option<i32>) -> bool {
    least.zip(most).is_some_and(|(least, most)| least > most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_day(days: &[(wire::DayOfWeek, i32, i32)]) -> wire::StayRules {
        let days = days.iter().map(|(day, min_nights, max_nights)| wire::DayRule {
            day: (*day).into(),
            min_nights: *min_nights,
            max_nights: *max_nights,
            ..wire::DayRule::default()
        });
        wire::StayRules { days: days.collect(), ..wire::StayRules::default() }
    }

    #[test]
    fn rules_come_back_as_they_were_sent() {
        let mut sent = by_day(&[(Saturday, 7, 14), (Sunday, 0, 0)]);
        sent.days[1].closed_to_departure = true;
        sent.turnover_days = 1;
        assert_eq!(message(&read(&sent).unwrap()), sent);
        assert_eq!(read(&wire::StayRules::default()).unwrap(), StayRules::default());
    }

    #[test]
    fn rules_that_no_stay_keeps_to_are_refused() {
        let field = |rules: wire::StayRules| read(&rules).unwrap_err().violations()[0].field.clone();
        let plain = |min_nights, max_nights| wire::StayRules { min_nights, max_nights, ..Default::default() };
        assert_eq!(field(plain(3, 2)), "stay_rules.max_nights");
        assert_eq!(field(by_day(&[(Monday, 0, 0), (Monday, 1, 0)])), "stay_rules.days[1].day");
        assert_eq!(field(by_day(&[(wire::DayOfWeek::Unspecified, 1, 0)])), "stay_rules.days[0].day");
        assert_eq!(
            field(wire::StayRules { min_nights: 5, ..by_day(&[(Monday, 0, 4)]) }),
            "stay_rules.days[0].max_nights"
        );
        let window = wire::StayRules { lead_days: 9, horizon_days: 8, ..Default::default() };
        assert_eq!(field(window), "stay_rules.horizon_days");
    }
}
