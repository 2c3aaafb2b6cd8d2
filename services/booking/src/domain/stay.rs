//! Nights at a property.

use frontdesk_proto::Refusal;
use jiff::civil::Date;

/// Longest stay in nights.
const MAX_NIGHTS: i32 = 366;
/// Years that a date may have; beyond them it is a slip of the keyboard.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2199;

/// From the day of arrival to the day of departure, whose night is not part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stay {
    /// First night.
    pub check_in: Date,
    /// Day of departure, after `check_in`.
    pub check_out: Date,
}

impl Stay {
    /// Reads the fields `check_in` and `check_out`.
    pub fn parse(check_in: &str, check_out: &str) -> Result<Self, Refusal> {
        Self::parse_fields(("check_in", check_in), ("check_out", check_out))
    }

    /// Reads two fields, each by its name, as the first night and the day after
    /// the last.
    pub fn parse_fields(from: (&str, &str), to: (&str, &str)) -> Result<Self, Refusal> {
        let check_in = parse_date(from.0, from.1)?;
        let check_out = parse_date(to.0, to.1)?;
        if check_out <= check_in {
            return Err(Refusal::field(to.0, format!("must be after {}, {check_in}", from.0)));
        }
        let nights = (check_out - check_in).get_days();
        if nights > MAX_NIGHTS {
            return Err(Refusal::field(
                to.0,
                format!("is {nights} nights after {}; {MAX_NIGHTS} is the most", from.0),
            ));
        }
        Ok(Self { check_in, check_out })
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

/// Reads an ISO 8601 calendar date.
pub fn parse_date(field: &str, text: &str) -> Result<Date, Refusal> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    let date: Option<Date> = if shaped { text.parse().ok() } else { None };
    date.filter(|date| YEARS.contains(&date.year()))
        .ok_or_else(|| Refusal::field(field, "must be a date such as 2026-07-01, in the years 2000 to 2199"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coverage_is_by_nights() {
        let stay = |from: &str, to: &str| Stay::parse(from, to).unwrap();
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
    fn a_stay_needs_at_least_one_night() {
        assert!(Stay::parse("2026-07-01", "2026-07-02").is_ok());
        assert!(Stay::parse("2026-07-01", "2027-07-02").is_ok());
        for (from, to) in [
            ("2026-07-02", "2026-07-01"),
            ("2026-07-01", "2026-07-01"),
            ("2026-07-01", "2027-07-03"),
            ("2026-02-29", "2026-03-02"),
            ("2026-7-1", "2026-07-02"),
            ("infinity", "2026-07-02"),
            ("2026-07-01", ""),
            ("20260701", "2026-07-02"),
            ("2026-07-01T00:00", "2026-07-02"),
            ("1999-12-31", "2026-07-02"),
        ] {
            assert!(Stay::parse(from, to).is_err(), "{from} {to}");
        }
    }
}
