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
        let check_in = parse_date("check_in", check_in)?;
        let check_out = parse_date("check_out", check_out)?;
        if check_out <= check_in {
            return Err(Refusal::field("check_out", format!("must be after check_in, {check_in}")));
        }
        let nights = (check_out - check_in).get_days();
        if nights > MAX_NIGHTS {
            return Err(Refusal::field(
                "check_out",
                format!("makes a stay of {nights} nights; {MAX_NIGHTS} is the most"),
            ));
        }
        Ok(Self { check_in, check_out })
    }
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
