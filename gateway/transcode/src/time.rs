//! Times and durations as ProtoJSON writes them: RFC 3339 in UTC, and seconds
//! with an `s`; fractions have 0, 3, 6 or 9 digits.

use crate::wire;

/// 0001-01-01T00:00:00Z.
const FIRST: i64 = -62_135_596_800;
/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;
/// Ten thousand years of seconds.
const LONGEST: i64 = 315_576_000_000;
const DAY: i64 = 86_400;

/// Appends a time; `None` for one that RFC 3339 cannot write.
pub fn put_timestamp(out: &mut Vec<u8>, seconds: i64, nanos: i32) -> Option<()> {
    let nanos = u32::try_from(nanos).ok().filter(|nanos| *nanos < 1_000_000_000)?;
    if !(FIRST..=LAST).contains(&seconds) {
        return None;
    }
    let (year, month, day) = civil(seconds.div_euclid(DAY));
    let second = seconds.rem_euclid(DAY);
    let mut text = *b"0000-00-00T00:00:00";
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    for (at, value) in [(2, year % 100), (5, month), (8, day), (11, hour), (14, minute), (17, second)] {
        put_digits(&mut text[at..at + 2], value);
    }
    put_digits(&mut text[..2], year / 100);
    out.extend_from_slice(&text);
    put_fraction(out, nanos);
    out.push(b'Z');
    Some(())
}

/// Appends a duration; `None` for one out of range or of two signs.
pub fn put_duration(out: &mut Vec<u8>, seconds: i64, nanos: i32) -> Option<()> {
    let one_sign = seconds == 0 || nanos == 0 || (seconds < 0) == (nanos < 0);
    if !(-LONGEST..=LONGEST).contains(&seconds) || nanos.unsigned_abs() > 999_999_999 || !one_sign {
        return None;
    }
    if seconds < 0 || nanos < 0 {
        out.push(b'-');
    }
    out.extend_from_slice(seconds.unsigned_abs().to_string().as_bytes());
    put_fraction(out, nanos.unsigned_abs());
    out.push(b's');
    Some(())
}

/// Appends the wire of a `Timestamp` or `Duration`: both are seconds and
/// nanoseconds.
#[allow(clippy::cast_sign_loss)]
pub fn put_wire(seconds: i64, nanos: i32, out: &mut Vec<u8>) {
    for (tag, value) in [(1 << 3, seconds), (2 << 3, i64::from(nanos))] {
        if value != 0 {
            out.push(tag);
            wire::put_varint(out, value as u64);
        }
    }
}

/// Seconds and nanoseconds of an RFC 3339 time.
pub fn timestamp(text: &str) -> Option<(i64, i32)> {
    let bytes = text.as_bytes();
    let (date_time, rest) = bytes.split_at_checked(19)?;
    let shape = date_time[4] == b'-'
        && date_time[7] == b'-'
        && date_time[10] == b'T'
        && date_time[13] == b':'
        && date_time[16] == b':';
    if !shape {
        return None;
    }
    let two = |at: usize| digits(&date_time[at..at + 2]);
    let year = digits(&date_time[..4])?;
    let (month, day, hour, minute, second) = (two(5)?, two(8)?, two(11)?, two(14)?, two(17)?);
    let valid = (1..=12).contains(&month)
        && (1..=month_length(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    if !valid {
        return None;
    }
    let (nanos, rest) = fraction(rest)?;
    let offset = match rest {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let offset = hours * 3600 + minutes * 60;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let seconds = days(year, month, day) * DAY + hour * 3600 + minute * 60 + second - offset;
    (FIRST..=LAST).contains(&seconds).then_some((seconds, nanos))
}

/// Seconds and nanoseconds, of one sign, of a text such as `-1.5s`.
pub fn duration(text: &str) -> Option<(i64, i32)> {
    let (negative, text) = match text.strip_suffix('s')?.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_suffix('s')?),
    };
    let whole = text.find('.').unwrap_or(text.len());
    let (seconds, rest) = text.as_bytes().split_at(whole);
    if seconds.is_empty() || seconds.len() > 12 {
        return None;
    }
    let seconds = digits(seconds)?;
    let (nanos, rest) = fraction(rest)?;
    if !rest.is_empty() || seconds > LONGEST {
        return None;
    }
    Some(if negative { (-seconds, -nanos) } else { (seconds, nanos) })
}

/// Nanoseconds of what may begin with a `.`, and what comes after.
fn fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let Some(rest) = text.strip_prefix(b".") else { return Some((0, text)) };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&count) {
        return None;
    }
    let (digits, after) = rest.split_at(count);
    let padded = digits.iter().map(|digit| i32::from(digit - b'0')).chain(std::iter::repeat(0));
    let nanos = padded.take(9).fold(0, |nanos, digit| nanos * 10 + digit);
    Some((nanos, after))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))
}

/// Fills a text with the last digits of a number.
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
fn put_digits(text: &mut [u8], value: i64) {
    let mut left = value as u32;
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (left % 10) as u8;
        left /= 10;
    }
}

fn put_fraction(out: &mut Vec<u8>, nanos: u32) {
    if nanos == 0 {
        return;
    }
    let mut text = *b".000000000";
    let (value, count) = if nanos.is_multiple_of(1_000_000) {
        (nanos / 1_000_000, 3)
    } else if nanos.is_multiple_of(1000) {
        (nanos / 1000, 6)
    } else {
        (nanos, 9)
    };
    put_digits(&mut text[1..=count], i64::from(value));
    out.extend_from_slice(&text[..=count]);
}

/// Year, month and day of a day number since 1970-01-01 (Howard Hinnant,
/// `chrono`-Compatible Low-Level Date Algorithms).
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let shifted = if month > 2 { month - 3 } else { month + 9 };
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    let of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year;
    era * 146_097 + of_era - 719_468
}

fn month_length(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_is_read_as_it_was_written() {
        let mut out = Vec::new();
        for day in (FIRST / DAY)..=(LAST / DAY) {
            out.clear();
            let seconds = day * DAY + day.rem_euclid(DAY);
            put_timestamp(&mut out, seconds, 0).unwrap();
            assert_eq!(timestamp(std::str::from_utf8(&out).unwrap()), Some((seconds, 0)));
        }
    }

    #[test]
    fn known_times_and_durations() {
        let shown = |seconds, nanos| {
            let mut out = Vec::new();
            put_timestamp(&mut out, seconds, nanos).map(|()| String::from_utf8(out).unwrap())
        };
        assert_eq!(shown(0, 10_000_000).unwrap(), "1970-01-01T00:00:00.010Z");
        assert_eq!(shown(951_827_696, 1000).unwrap(), "2000-02-29T12:34:56.000001Z");
        assert_eq!((shown(LAST + 1, 0), shown(FIRST - 1, 0), shown(0, -1)), (None, None, None));
        assert_eq!(timestamp("2000-02-29T14:34:56+02:00"), Some((951_827_696, 0)));
        assert_eq!(duration("-1.5s"), Some((-1, -500_000_000)));
        assert_eq!(duration("0.000000001s"), Some((0, 1)));
        let mut out = Vec::new();
        put_duration(&mut out, 0, -500_000_000).unwrap();
        assert_eq!(out, b"-0.500s");
        assert!(put_duration(&mut out, 1, -1).is_none());
        for bad in [
            "2001-02-29T00:00:00Z",
            "2000-13-01T00:00:00Z",
            "2000-01-01T00:00:60Z",
            "2000-01-01t00:00:00Z",
            "2000-01-01T00:00:00",
            "2000-01-01T00:00:00.Z",
            "2000-01-01T00:00:00.0000000001Z",
            "0001-01-01T00:00:00+01:00",
            "+000-01-01T00:00:00Z",
        ] {
            assert_eq!(timestamp(bad), None, "{bad}");
        }
        for bad in ["1", "s", "1.s", ".5s", "1h", "+1s", "--1s", "315576000001s", "1.0000000000s"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}
