//! Nights at a property.

use jiff::civil::Date;

use super::form::shown_day;

/// Most nights of a stay.
pub const MAX_NIGHTS: i32 = 366;
/// Years that a date may have; beyond them it is a slip of the keyboard.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2199;

/// From the day of arrival to the day of departure, whose night is not part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Stay {
    /// First night.
    pub check_in: Date,
    /// Day of departure, after `check_in`.
    pub check_out: Date,
}

/// Why two dates are not a stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StayError {
    /// It does not end after it begins.
    #[error("it does not end after it begins")]
    NoNight,
    /// It has more than [`MAX_NIGHTS`].
    #[error("{0} nights are too many")]
    TooLong(i32),
}

impl Stay {
    /// The nights from one date until the other.
    pub fn new(check_in: Date, check_out: Date) -> Result<Self, StayError> {
        let nights = (check_out - check_in).get_days();
        if nights < 1 {
            return Err(StayError::NoNight);
        }
        if nights > MAX_NIGHTS {
            return Err(StayError::TooLong(nights));
        }
        Ok(Self { check_in, check_out })
    }

    /// Whether its nights can be named; those of another program's row may not.
    pub fn is_known(self) -> bool {
        let Self { check_in, check_out } = self;
        check_in < check_out && shown_day(check_in).is_some() && shown_day(check_out).is_some()
    }

    /// Whether it has more nights than a new stay may have, as other programs' may.
    pub fn is_too_long(self) -> bool {
        (self.check_out - self.check_in).get_days() > MAX_NIGHTS
    }

    /// The nearest nights that a statement can be asked about: Postgres has no day as early
    /// as the one that minus infinity is read as.
    #[must_use]
    pub fn askable(self) -> Self {
        const FIRST: Date = Date::constant(1, 1, 1);
        Self { check_in: self.check_in.max(FIRST), check_out: self.check_out.max(FIRST) }
    }

    /// How much of this stay another one covers; `None` when they share no night.
    pub fn covered_by(self, other: Self) -> Option<Coverage> {
        let from = self.check_in.max(other.check_in);
        let to = self.check_out.min(other.check_out);
        if to <= from {
            return None;
        }
        Some(if self == other {
            Coverage::Exact
        } else if from == self.check_in && to == self.check_out {
            Coverage::Contained
        } else {
            Coverage::Partial
        })
    }

    /// Nights that both have.
    pub fn shared_nights(self, other: Self) -> i32 {
        let from = self.check_in.max(other.check_in);
        let to = self.check_out.min(other.check_out);
        (to - from).get_days().max(0)
    }
}

/// How much of a requested stay a booking covers, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Coverage {
    /// The same nights.
    Exact,
    /// All nights and more.
    Contained,
    /// Some nights.
    Partial,
}

/// Reads an ISO 8601 calendar date in the years 2000 to 2199.
pub fn parse_date(text: &str) -> Option<Date> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    let date: Option<Date> = if shaped { text.parse().ok() } else { None };
    date.filter(|date| YEARS.contains(&date.year()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn stay(from: &str, to: &str) -> Stay {
        Stay::new(parse_date(from).unwrap(), parse_date(to).unwrap()).unwrap()
    }

    #[test]
    fn coverage_is_by_nights() {
        let wanted = stay("2026-07-05", "2026-07-10");
        for (from, to, coverage, nights) in [
            ("2026-07-05", "2026-07-10", Some(Coverage::Exact), 5),
            ("2026-07-01", "2026-07-10", Some(Coverage::Contained), 5),
            ("2026-07-05", "2026-07-09", Some(Coverage::Partial), 4),
            ("2026-07-09", "2026-07-12", Some(Coverage::Partial), 1),
            ("2026-07-10", "2026-07-12", None, 0),
            ("2026-07-01", "2026-07-05", None, 0),
        ] {
            assert_eq!(wanted.covered_by(stay(from, to)), coverage, "{from} {to}");
            assert_eq!(wanted.shared_nights(stay(from, to)), nights, "{from} {to}");
        }
    }

    #[test]
    fn a_stay_has_one_to_366_nights() {
        let new = |from: &str, to: &str| Stay::new(parse_date(from).unwrap(), parse_date(to).unwrap());
        assert!(new("2026-07-01", "2026-07-02").is_ok());
        assert!(new("2026-07-01", "2027-07-02").is_ok());
        for (from, to, error) in [
            ("2026-07-02", "2026-07-01", StayError::NoNight),
            ("2026-07-01", "2026-07-01", StayError::NoNight),
            ("2026-07-01", "2027-07-03", StayError::TooLong(367)),
        ] {
            assert_eq!(new(from, to), Err(error), "{from} {to}");
        }
    }

    #[test]
    fn a_date_is_of_one_form_and_of_this_age() {
        assert!(parse_date("2026-07-01").is_some());
        for bad in ["2026-02-29", "2026-7-1", "infinity", "", "20260701", "2026-07-01T00:00", "1999-12-31"] {
            assert_eq!(parse_date(bad), None, "{bad}");
        }
    }
}
