//! What a text looks like: a function for each format of `field.proto`, which says
//! the same as the pattern there to those who cannot call it.

use std::sync::LazyLock;

use jiff::tz::TimeZoneDatabase;
use uuid::Uuid;

use crate::rest::v1::Format;
use crate::text;

/// Longest e-mail address in bytes (RFC 5321).
const MAX_EMAIL: usize = 254;
/// Longer than any name of the IANA database.
const MAX_TIME_ZONE: usize = 64;

/// Names of the IANA database that are no place: what a machine has before anybody
/// told it where it is.
const NO_PLACE: [&str; 2] = ["Factory", "Etc/Unknown"];

/// The IANA name of a time zone, spelled as the database spells it: `europe/berlin`
/// is `Europe/Berlin`, the only form that browsers and Java take. The database is the
/// one that was compiled in, so that no server knows zones of its own (`localtime`,
/// `posixrules`, `right/UTC`). A link keeps its name: `Asia/Calcutta` is a name that
/// everybody knows, and which of two names is the better one changes with the
/// release of the database.
pub fn time_zone(text: &str) -> Option<String> {
    static BUNDLED: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);
    let zone = BUNDLED.get(text).ok()?;
    zone.iana_name().filter(|name| !NO_PLACE.contains(name)).map(str::to_owned)
}

/// Most bytes of a text with a format, where the format has an end.
pub fn most_bytes(format: Format) -> Option<usize> {
    match format {
        Format::Unspecified | Format::Text | Format::Line => None,
        Format::Uuid => Some(36),
        Format::Date => Some(10),
        Format::Email => Some(MAX_EMAIL),
        Format::Slug => Some(63),
        Format::TimeZone => Some(MAX_TIME_ZONE),
    }
}

/// Whether a text has a format.
pub fn fits(format: Format, text: &str) -> bool {
    match format {
        Format::Unspecified => true,
        Format::Uuid => text.len() == 36 && Uuid::try_parse(text).is_ok(),
        Format::Date => is_date(text.as_bytes()),
        Format::Email => text.len() <= MAX_EMAIL && is_email(text.trim()),
        Format::Slug => is_slug(text.as_bytes()),
        Format::TimeZone => time_zone(text).is_some(),
        Format::Text => !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')),
        Format::Line => !text.trim().chars().any(|char| char.is_control() || text::turns_around(char)),
    }
}

fn is_date(text: &[u8]) -> bool {
    let shaped = text.len() == 10
        && text.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    if !shaped {
        return false;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    let (year, month, day) = (number(&text[..4]), number(&text[5..7]), number(&text[8..]));
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (2000..=2199).contains(&year) && (1..=days).contains(&day)
}

fn is_email(text: &str) -> bool {
    let shaped = text
        .split_once('@')
        .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'));
    let hidden = |char: char| {
        char.is_control() || char.is_whitespace() || text::turns_around(char) || text::is_ignorable(char)
    };
    shaped && !text.chars().any(hidden)
}

fn is_slug(text: &[u8]) -> bool {
    (1..=63).contains(&text.len())
        && text[0] != b'-'
        && text.iter().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    const TEXTS: &[&str] = &[
        "",
        " ",
        "x",
        "-x",
        "X",
        "a--b",
        "0190163d-8694-739b-aea5-966c26f8ad91",
        "0190163D-8694-739B-AEA5-966C26F8AD91",
        "0190163d8694739baea5966c26f8ad91",
        "{0190163d-8694-739b-aea5-966c26f8ad91}",
        "2026-07-01",
        "2026-7-1",
        "1999-12-31",
        "2199-12-31",
        "2200-01-01",
        "2026-13-01",
        "2026-00-10",
        "2026-01-32",
        "2026-07-01T00:00",
        "20260701",
        "infinity",
        "anna@example.com",
        " anna@example.com ",
        "anna",
        "@",
        "a@",
        "@b",
        "a@b@c",
        "a b@c",
        "a@b\u{7}",
        "a@b\u{202e}moc",
        "a\u{200b}nna@example.com",
        "anna@exam\u{ad}ple.com",
        "\u{feff}anna@example.com",
        "anna@b\u{fc}ro.example",
        "Europe/Berlin",
        "UTC",
        "Etc/GMT+3",
        "America/Argentina/Ushuaia",
        "Europe/",
        "/Berlin",
        "one\ntwo",
        "tab\tbed",
        "bell\u{7}",
        "delete\u{7f}",
        "next\u{85}line",
        "Zürich",
        "turned \u{202e}around",
        "\u{2067}isolated\u{2069}",
        "right to left mark\u{200f}",
    ];

    #[test]
    fn formats_are_checked_as_their_patterns_say() {
        for format in [
            Format::Uuid,
            Format::Date,
            Format::Email,
            Format::Slug,
            Format::TimeZone,
            Format::Text,
            Format::Line,
        ] {
            let form = format.form();
            let pattern = Regex::new(&format!("^(?:{})$", form.pattern)).unwrap();
            for text in TEXTS.iter().copied() {
                // The pattern cannot know which zones there are.
                let zone = format == Format::TimeZone && !text.contains('/') && text != "UTC";
                if !zone {
                    assert_eq!(fits(format, text), pattern.is_match(text), "{format:?} {text:?}");
                }
            }
            assert!(form.example.is_empty() || fits(format, &form.example), "{format:?}");
            assert!(!form.takes.is_empty(), "{format:?}");
        }
    }

    #[test]
    fn what_no_pattern_says_is_checked_too() {
        for day in ["2026-02-29", "2100-02-29", "2026-04-31"] {
            assert!(!is_date(day.as_bytes()), "{day}");
        }
        assert!(is_date(b"2028-02-29") && is_date(b"2000-02-29"));
        assert!(!fits(Format::Email, &format!("{}@example.com", "a".repeat(250))));
    }

    #[test]
    fn a_time_zone_is_a_place_and_has_one_spelling() {
        for (text, name) in [
            ("Europe/Berlin", "Europe/Berlin"),
            ("europe/berlin", "Europe/Berlin"),
            ("AMERICA/ARGENTINA/USHUAIA", "America/Argentina/Ushuaia"),
            ("Asia/Calcutta", "Asia/Calcutta"),
            ("Asia/Kolkata", "Asia/Kolkata"),
            ("Europe/Kyiv", "Europe/Kyiv"),
            ("Europe/Kiev", "Europe/Kiev"),
            ("Pacific/Kanton", "Pacific/Kanton"),
            ("America/Coyhaique", "America/Coyhaique"),
            ("utc", "UTC"),
            ("Etc/GMT+3", "Etc/GMT+3"),
        ] {
            assert_eq!(time_zone(text).as_deref(), Some(name), "{text}");
        }
        for no_place in [
            "localtime",
            "posixrules",
            "Factory",
            "factory",
            "Etc/Unknown",
            "etc/unknown",
            "posix/UTC",
            "right/UTC",
            "Nowhere/Town",
            "+02:00",
            "CET-1CEST",
            "",
            " Europe/Berlin",
            "../etc/localtime",
            "leapseconds",
        ] {
            assert_eq!(time_zone(no_place), None, "{no_place}");
        }
    }
}
