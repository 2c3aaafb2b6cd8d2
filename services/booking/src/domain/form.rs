//! Times and dates that messages have a form for. Rows of other programs hold others:
//! infinity, years after 9999. They are kept as the last or first one that there is, so
//! that they sort and overlap as they should, and are not shown (`pg` reads a year
//! after 9999 as a second or a day before infinity).

use jiff::Timestamp;
use jiff::civil::Date;

/// What infinity is read as, and a time after all that have a form.
pub const NEVER: Timestamp = Timestamp::MAX;
/// What minus infinity and a missing time are read as.
pub const LONG_AGO: Timestamp = Timestamp::MIN;

/// The time, if there is a form for it.
pub fn shown(at: Timestamp) -> Option<Timestamp> {
    /// 0001-01-01T00:00:00Z, where `google.protobuf.Timestamp` begins.
    const FIRST: i64 = -62_135_596_800;
    (at.as_second() >= FIRST && at.as_second() < NEVER.as_second() - 1).then_some(at)
}

/// The date, if there is a form for it.
pub fn shown_day(day: Date) -> Option<Date> {
    (day.year() >= 1 && day < Date::constant(9999, 12, 30)).then_some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_form_is_not_shown() {
        let at = |text: &str| shown(text.parse().unwrap());
        assert!(at("0001-01-01T00:00:00Z").is_some() && at("2026-07-01T00:00:00Z").is_some());
        assert!(shown(NEVER).is_none() && shown(LONG_AGO).is_none());
        assert!(shown_day(Date::constant(2026, 7, 1)).is_some());
        assert!(shown_day(Date::MAX).is_none() && shown_day(Date::MIN).is_none());
    }
}
