//! Rules of a stay: what a property asks of those who ask for it. One function says
//! all that a stay breaks, for a new request, an approve, its explanation and the
//! calendar alike.
//!
//! They are about what is sold from now on. A request that turns out to have been
//! approved before is answered and healed whatever the rules say now: the guest has
//! the nights already, and refusing would only keep the rows contradicting each
//! other. Whether the nights are free is not a rule; the database decides that.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::{self, TimeZone, TimeZoneDatabase};

use super::stay::Stay;

/// The zones that a property may be given: those that were compiled in, so that no server
/// has another day than the one beside it.
static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// What a property asks of a stay beside its number of guests; where nothing is set there is no rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct StayRules {
    pub min_nights: Option<i32>,
    pub max_nights: Option<i32>,
    /// By the day of the week, from Monday on.
    pub days: [DayRules; 7],
    /// Fewest days from now until the arrival.
    pub lead_days: Option<i32>,
    /// Most days from now until the arrival.
    pub horizon_days: Option<i32>,
    /// Fewest nights that stay empty between the stays of two guests.
    pub turnover_days: Option<i32>,
}

/// What holds for one day of the week; nights are those of a stay that begins on it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DayRules {
    pub min_nights: Option<i32>,
    pub max_nights: Option<i32>,
    pub closed_to_arrival: bool,
    pub closed_to_departure: bool,
}

/// What a stay at a property is held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub max_guests: i32,
    pub time_zone: String,
    pub rules: StayRules,
}

/// The stays of other guests next to one: when the one before ends, and when the one
/// after begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Neighbours {
    pub before: Option<Date>,
    pub after: Option<Date>,
}

/// The day at a property: one, unless nobody knows its time zone; then the first
/// and the last that it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalDay {
    pub earliest: Date,
    pub latest: Date,
}

/// A rule that a stay breaks, with the value of the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Broken {
    MaxGuests(i32),
    /// The day at the property.
    InThePast(Date),
    MinNights(i32),
    MaxNights(i32),
    ClosedToArrival(Weekday),
    ClosedToDeparture(Weekday),
    LeadDays {
        days: i32,
        first: Date,
    },
    HorizonDays {
        days: i32,
        last: Date,
    },
    TurnoverDays {
        days: i32,
    },
    /// No rule of the property: the database stores no booking of more nights, whoever
    /// asks, as other programs' requests may do.
    MostNights(i32),
}

impl StayRules {
    /// What holds for a day.
    pub fn on(&self, day: Date) -> DayRules {
        let place = usize::try_from(day.weekday().to_monday_zero_offset()).unwrap_or_default();
        self.days[place]
    }
}

impl Terms {
    /// Every rule that a stay breaks, in the order of [`Broken`].
    pub fn broken(&self, stay: Stay, guests: i32, now: Timestamp, near: Neighbours) -> Vec<Broken> {
        let Self { max_guests, time_zone, rules } = self;
        let today = LocalDay::at(time_zone, now);
        let Stay { check_in, check_out } = stay;
        let nights = (check_out - check_in).get_days();
        let (arrival, departure) = (rules.on(check_in), rules.on(check_out));
        let mut broken = Vec::new();
        let mut rule = |breaks: bool, which: Broken| broken.extend(breaks.then_some(which));
        // Other programs may have stored none.
        rule(*max_guests > 0 && guests > *max_guests, Broken::MaxGuests(*max_guests));
        rule(check_in < today.earliest, Broken::InThePast(today.earliest));
        if let Some(least) = arrival.min_nights.or(rules.min_nights) {
            rule(nights < least, Broken::MinNights(least));
        }
        if let Some(most) = arrival.max_nights.or(rules.max_nights) {
            rule(nights > most, Broken::MaxNights(most));
        }
        rule(arrival.closed_to_arrival, Broken::ClosedToArrival(check_in.weekday()));
        rule(departure.closed_to_departure, Broken::ClosedToDeparture(check_out.weekday()));
        if let Some(days) = rules.lead_days {
            let first = today.earliest.saturating_add(days.days());
            rule(check_in < first, Broken::LeadDays { days, first });
        }
        if let Some(days) = rules.horizon_days {
            let last = today.latest.saturating_add(days.days());
            rule(check_in > last, Broken::HorizonDays { days, last });
        }
        if let Some(days) = rules.turnover_days {
            let too_close = |from: Date, to: Date| (to - from).get_days() < days;
            let before = near.before.is_some_and(|ended| too_close(ended, check_in));
            let after = near.after.is_some_and(|begins| too_close(check_out, begins));
            rule(before || after, Broken::TurnoverDays { days });
        }
        broken
    }
}

impl Terms {
    /// Whether a stay may begin on a day, whichever nights it has.
    pub fn takes_arrival(&self, day: Date, now: Timestamp) -> bool {
        let night = Stay { check_in: day, check_out: day.saturating_add(1.day()) };
        let broken = self.broken(night, 1, now, Neighbours::default());
        !broken.iter().any(|one| {
            matches!(
                one,
                Broken::InThePast(_)
                    | Broken::ClosedToArrival(_)
                    | Broken::LeadDays { .. }
                    | Broken::HorizonDays { .. }
            )
        })
    }
}

/// Whether a text names a time zone, so that the day there is known.
pub fn is_zone(text: &str) -> bool {
    ZONES.get(text).is_ok()
}

impl LocalDay {
    /// The day in a time zone. One that nobody knows, as other programs may store it,
    /// leaves open which of three it is.
    pub fn at(time_zone: &str, now: Timestamp) -> Self {
        let day = |zone: TimeZone| now.to_zoned(zone).date();
        match ZONES.get(time_zone) {
            Ok(zone) => Self::known(day(zone)),
            Err(_) => Self {
                earliest: day(TimeZone::fixed(tz::offset(-12))),
                latest: day(TimeZone::fixed(tz::offset(14))),
            },
        }
    }

    /// A day that is known.
    pub fn known(day: Date) -> Self {
        Self { earliest: day, latest: day }
    }
}

impl Broken {
    /// Whether it refuses what was sold before, too, and cannot be set aside.
    pub fn is_limit(self) -> bool {
        matches!(self, Self::MostNights(_))
    }

    /// As `metadata.rule` and the history name the rule.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxGuests(_) => "max_guests",
            Self::InThePast(_) => "not_in_the_past",
            Self::MinNights(_) => "min_nights",
            Self::MaxNights(_) => "max_nights",
            Self::ClosedToArrival(_) => "closed_to_arrival",
            Self::ClosedToDeparture(_) => "closed_to_departure",
            Self::LeadDays { .. } => "lead_days",
            Self::HorizonDays { .. } => "horizon_days",
            Self::TurnoverDays { .. } => "turnover_days",
            Self::MostNights(_) => "most_nights",
        }
    }

    /// The rule's value.
    pub fn value(self) -> String {
        match self {
            Self::MaxGuests(value)
            | Self::MinNights(value)
            | Self::MaxNights(value)
            | Self::MostNights(value) => value.to_string(),
            Self::LeadDays { days, .. } | Self::HorizonDays { days, .. } | Self::TurnoverDays { days } => {
                days.to_string()
            }
            Self::InThePast(today) => today.to_string(),
            Self::ClosedToArrival(day) | Self::ClosedToDeparture(day) => weekday(day).to_owned(),
        }
    }

    /// The field of a request that it is about.
    pub fn field(self) -> &'static str {
        match self {
            Self::MaxGuests(_) => "guest_count",
            Self::MinNights(_) | Self::MaxNights(_) | Self::MostNights(_) | Self::ClosedToDeparture(_) => {
                "check_out"
            }
            Self::InThePast(_)
            | Self::ClosedToArrival(_)
            | Self::LeadDays { .. }
            | Self::HorizonDays { .. }
            | Self::TurnoverDays { .. } => "check_in",
        }
    }

    /// What the property takes, to follow the field's name in a sentence.
    pub fn takes(self) -> String {
        match self {
            Self::MaxGuests(most) => format!("is more than the property takes: at most {most}"),
            Self::InThePast(today) => format!("is in the past: it is {today} at the property"),
            Self::MinNights(least) => {
                format!("makes the stay too short: the property takes {least} nights or more")
            }
            Self::MaxNights(most) => {
                format!("makes the stay too long: the property takes {most} nights at most")
            }
            Self::MostNights(most) => {
                format!("makes the stay too long: a booking has {most} nights at most")
            }
            Self::ClosedToArrival(day) => {
                format!("is a {}, when nobody arrives at the property", weekday(day))
            }
            Self::ClosedToDeparture(day) => format!("is a {}, when nobody leaves the property", weekday(day)),
            Self::LeadDays { days, first } => {
                format!("is too soon: the property is asked {days} days ahead, so from {first} on")
            }
            Self::HorizonDays { days, last } => {
                format!("is too far ahead: the property takes stays {days} days ahead, so until {last}")
            }
            Self::TurnoverDays { days } => {
                format!(
                    "or the day of departure is too close to another stay: {days} nights stay empty between two"
                )
            }
        }
    }
}

/// The name of a day.
pub fn weekday(day: Weekday) -> &'static str {
    match day {
        Weekday::Monday => "monday",
        Weekday::Tuesday => "tuesday",
        Weekday::Wednesday => "wednesday",
        Weekday::Thursday => "thursday",
        Weekday::Friday => "friday",
        Weekday::Saturday => "saturday",
        Weekday::Sunday => "sunday",
    }
}

#[cfg(test)]
mod tests;
