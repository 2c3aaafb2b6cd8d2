//! The checks of requests by what the options in the protos say of their fields.
//! `tests/generated` writes plain code for each request, so that no descriptor is
//! looked at while calls are served; [`Codec`](crate::Codec) runs it, and a call
//! is told all that is wrong with its fields at once. What fields mean together,
//! and whether what they name exists, is for the handlers to say.
//!
//! The options are our own and few. Looked at before: `prost-protovalidate` 0.6
//! reads the annotations of `buf.validate` by reflection and runs CEL;
//! `prost-protovalidate-build` 0.6 writes static checks, but skips messages with
//! CEL, and `buf.validate` has no other word for our dates, time zones, lines and
//! texts. With it a field would need two vocabularies, violations would speak a
//! third, and every program would carry `regex`, `fluent-uri` and a descriptor of
//! 200 kB more.

use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::rest::v1::Format;
use crate::{ErrorReason, Refusal};

/// Longest e-mail address in bytes (RFC 5321).
const MAX_EMAIL: usize = 254;

/// A message that calls bring or get.
pub trait Checked {
    /// Notes every field that has a value it cannot have.
    fn check(&self, _found: &mut Violations) {}
}

/// What a field takes; `frontdesk.rest.v1.FieldRule` says what each part means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Whether it must be there.
    pub required: bool,
    /// What a text looks like.
    pub format: Format,
    /// Fewest characters.
    pub min_length: u32,
    /// Most characters; 0 for no limit.
    pub max_length: u32,
    /// Least number.
    pub min: Option<i32>,
    /// Greatest number.
    pub max: Option<i32>,
    /// The reason when nothing is wrong but that it is missing.
    pub missing: ErrorReason,
}

/// What was found wrong with a request.
#[derive(Debug, Default)]
pub struct Violations {
    found: Vec<Found>,
    /// Where the message is that is being looked at.
    path: Vec<String>,
}

#[derive(Debug)]
struct Found {
    field: String,
    description: String,
    reason: ErrorReason,
}

impl Limits {
    /// Anything goes.
    pub const NONE: Self = Self {
        required: false,
        format: Format::Unspecified,
        min_length: 0,
        max_length: 0,
        min: None,
        max: None,
        missing: ErrorReason::Unspecified,
    };

    /// Whether a text is nothing at all. A password may be of blanks.
    fn is_blank(&self, text: &str) -> bool {
        if self.format == Format::Unspecified { text.is_empty() } else { text.trim().is_empty() }
    }

    fn fits_length(&self, text: &str) -> bool {
        let text = if self.format == Format::Line { text.trim() } else { text };
        let length = text.chars().count();
        length >= self.min_length as usize && (self.max_length == 0 || length <= self.max_length as usize)
    }

    /// What to say to a text that is missing.
    fn needs(&self) -> String {
        match self.format {
            Format::Text => "is needed and must not be blank".to_owned(),
            Format::Unspecified | Format::Line if self.max_length > 0 => self.length(),
            Format::Unspecified | Format::Line => "is needed".to_owned(),
            format => format.form().takes.clone(),
        }
    }

    /// What to say to a text that is too long or too short.
    fn length(&self) -> String {
        let Self { max_length: most, .. } = self;
        let least = self.min_length.max(u32::from(self.required));
        let line = if self.format == Format::Line { " on one line" } else { "" };
        match (least, most) {
            (0, most) => format!("takes at most {most} characters{line}"),
            (least, 0) => format!("takes at least {least} characters{line}"),
            (least, most) => format!("takes {least} to {most} characters{line}"),
        }
    }

    fn range(&self) -> String {
        match (self.min, self.max) {
            (Some(0), None) => "must not be negative".to_owned(),
            (Some(least), None) => format!("takes {least} or more"),
            (None, Some(most)) => format!("takes at most {most}"),
            (least, most) => {
                format!("takes {} to {}", least.unwrap_or(i32::MIN), most.unwrap_or(i32::MAX))
            }
        }
    }
}

impl Violations {
    /// Looks at a text that is unset when it is empty.
    pub fn text(&mut self, field: &str, text: &str, limits: &Limits) {
        if !limits.is_blank(text) {
            self.set_text(field, text, limits);
        } else if limits.required {
            self.add(field, limits.needs(), limits.missing);
        } else if !text.is_empty() {
            self.set_text(field, text, limits);
        }
    }

    /// Looks at a text that is set, if only to nothing.
    pub fn set_text(&mut self, field: &str, text: &str, limits: &Limits) {
        if !limits.fits_length(text) {
            self.add(field, limits.length(), ErrorReason::Unspecified);
        } else if !has_format(limits.format, text) {
            let takes = match limits.format {
                Format::Line if limits.max_length > 0 => limits.length(),
                format => format.form().takes.clone(),
            };
            self.add(field, takes, ErrorReason::Unspecified);
        }
    }

    /// Looks at a number that is unset when it is 0.
    pub fn number(&mut self, field: &str, number: i32, limits: &Limits) {
        if number != 0 || limits.required {
            self.set_number(field, number, limits);
        }
    }

    /// Looks at a number that is set.
    pub fn set_number(&mut self, field: &str, number: i32, limits: &Limits) {
        if limits.min.is_some_and(|least| number < least) || limits.max.is_some_and(|most| number > most) {
            self.add(field, limits.range(), ErrorReason::Unspecified);
        }
    }

    /// Looks at a field that may be left out, if it was not.
    pub fn when<T>(&mut self, field: Option<&T>, check: impl FnOnce(&mut Self, &T)) {
        if let Some(value) = field {
            check(self, value);
        }
    }

    /// Looks at a value of an enum.
    pub fn value(&mut self, field: &str, is_known: bool, takes: &str) {
        if !is_known {
            self.add(field, format!("takes {takes}"), ErrorReason::Unspecified);
        }
    }

    /// Looks at the values of a list of enums, none of which may be 0.
    pub fn values(&mut self, field: &str, values: &[i32], is_known: impl Fn(i32) -> bool, takes: &str) {
        for (at, value) in values.iter().enumerate() {
            if *value == 0 || !is_known(*value) {
                self.add(&format!("{field}[{at}]"), format!("takes {takes}"), ErrorReason::Unspecified);
            }
        }
    }

    /// Looks at the texts of a list.
    pub fn texts(&mut self, field: &str, texts: &[String], limits: &Limits) {
        self.count(field, texts.len(), limits);
        for (at, text) in texts.iter().enumerate() {
            if !limits.fits_length(text) || !has_format(limits.format, text) {
                self.set_text(&format!("{field}[{at}]"), text, limits);
            }
        }
    }

    /// Looks at a time: protobuf's are those of the years 1 to 9999.
    pub fn time(&mut self, field: &str, time: Option<&prost_types::Timestamp>, limits: &Limits) {
        const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
        match time {
            None => self.presence(field, false, limits),
            Some(time) if SECONDS.contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos) => {}
            Some(_) => self.add(field, "is not a valid time".to_owned(), ErrorReason::Unspecified),
        }
    }

    /// Looks at a message within the message.
    pub fn message<M: Checked>(&mut self, field: &str, message: Option<&M>, limits: &Limits) {
        match message {
            None => self.presence(field, false, limits),
            Some(message) => self.within(field.to_owned(), message),
        }
    }

    /// Looks at a list of messages.
    pub fn messages<M: Checked>(&mut self, field: &str, messages: &[M], limits: &Limits) {
        self.count(field, messages.len(), limits);
        for (at, message) in messages.iter().enumerate() {
            self.within(format!("{field}[{at}]"), message);
        }
    }

    /// The refusal of the request; `None` when nothing is wrong with it.
    pub fn refusal(self) -> Option<Refusal> {
        let (message, reason) = match self.found.as_slice() {
            [] => return None,
            [Found { field, description, reason }] => {
                (format!("Field `{field}`: {description}."), known(*reason))
            }
            found => {
                let each: Vec<String> =
                    found.iter().map(|one| format!("`{}` {}", one.field, one.description)).collect();
                (format!("Several fields are wrong: {}.", each.join("; ")), ErrorReason::InvalidField)
            }
        };
        let refusal = Refusal::new(reason, message);
        Some(
            self.found
                .into_iter()
                .fold(refusal, |refusal, one| refusal.violation(one.field, one.description)),
        )
    }

    fn presence(&mut self, field: &str, is_set: bool, limits: &Limits) {
        if !is_set && limits.required {
            self.add(field, "is needed".to_owned(), limits.missing);
        }
    }

    fn count(&mut self, field: &str, count: usize, limits: &Limits) {
        if count == 0 && limits.required {
            self.add(field, "needs at least one entry".to_owned(), limits.missing);
        }
    }

    fn within<M: Checked>(&mut self, field: String, message: &M) {
        self.path.push(field);
        message.check(self);
        self.path.pop();
    }

    #[cold]
    fn add(&mut self, field: &str, description: String, reason: ErrorReason) {
        let mut path = String::new();
        for part in &self.path {
            path.push_str(part);
            path.push('.');
        }
        path.push_str(field);
        self.found.push(Found { field: path, description, reason });
    }
}

fn known(reason: ErrorReason) -> ErrorReason {
    if reason == ErrorReason::Unspecified { ErrorReason::InvalidField } else { reason }
}

fn has_format(format: Format, text: &str) -> bool {
    match format {
        Format::Unspecified => true,
        Format::Uuid => text.len() == 36 && Uuid::try_parse(text).is_ok(),
        Format::Date => is_date(text.as_bytes()),
        Format::Email => is_email(text.trim()),
        Format::Slug => is_slug(text.as_bytes()),
        Format::TimeZone => TimeZone::get(text).is_ok(),
        Format::Text => !text.chars().any(|char| char.is_control() && !matches!(char, '\n' | '\r' | '\t')),
        Format::Line => !text.trim().chars().any(char::is_control),
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
    shaped && text.len() <= MAX_EMAIL && !text.chars().any(|char| char.is_control() || char.is_whitespace())
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
    use crate::booking::v1::{CreateBookingRequestRequest, CreatePropertyRequest, UpdatePropertyRequest};

    fn refused(message: &impl Checked) -> Option<Refusal> {
        let mut found = Violations::default();
        message.check(&mut found);
        found.refusal()
    }

    fn good() -> CreateBookingRequestRequest {
        CreateBookingRequestRequest {
            property_id: "0d000000-0000-7000-8000-000000000203".to_owned(),
            guest_id: "0d000000-0000-7000-8000-000000000303".to_owned(),
            check_in: "2030-07-01".to_owned(),
            check_out: "2030-07-08".to_owned(),
            guest_count: 2,
            message: "We arrive late.\nThank you!".to_owned(),
        }
    }

    #[test]
    fn a_good_request_passes_and_everything_bad_is_named_at_once() {
        assert_eq!(refused(&good()), None);
        let bad = CreateBookingRequestRequest {
            property_id: "x".to_owned(),
            guest_id: String::new(),
            check_in: "2030-02-29".to_owned(),
            check_out: String::new(),
            guest_count: -1,
            message: "\u{0}".to_owned(),
        };
        let refusal = refused(&bad).unwrap();
        assert_eq!(refusal.reason(), ErrorReason::InvalidField);
        let fields: Vec<_> = refusal.violations().iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["property_id", "guest_id", "check_in", "check_out", "guest_count", "message"]);
        assert!(refusal.message().contains("`guest_count` takes 1 to 100"), "{}", refusal.message());
    }

    #[test]
    fn what_is_set_to_nothing_is_told_from_what_is_not_set() {
        let id = good().property_id;
        let nothing = UpdatePropertyRequest { property_id: id.clone(), ..Default::default() };
        assert_eq!(refused(&nothing), None);
        let emptied =
            UpdatePropertyRequest { property_id: id, name: Some("  ".to_owned()), ..Default::default() };
        let refusal = refused(&emptied).unwrap();
        assert_eq!(refusal.message(), "Field `name`: takes 1 to 200 characters on one line.");
        let fields = refused(&CreatePropertyRequest::default()).unwrap();
        assert_eq!(fields.violations().len(), 3, "name, time_zone, max_guests: {fields:?}");
    }

    #[test]
    fn nested_fields_have_a_path() {
        struct Inner(&'static str);
        struct Outer(Vec<Inner>);
        impl Checked for Inner {
            fn check(&self, found: &mut Violations) {
                found.text("id", self.0, &Limits { format: Format::Uuid, ..Limits::NONE });
            }
        }
        impl Checked for Outer {
            fn check(&self, found: &mut Violations) {
                found.messages("items", &self.0, &Limits { required: true, ..Limits::NONE });
                found.values("kinds", &[1, 9], |kind| kind < 2, "one");
            }
        }
        let fields = |outer| {
            let refusal = refused(&outer).unwrap();
            refusal.violations().iter().map(|one| one.field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(fields(Outer(vec![Inner(""), Inner("x")])), ["items[1].id", "kinds[1]"]);
        assert_eq!(fields(Outer(vec![])), ["items", "kinds[1]"]);
    }

    #[test]
    fn a_missing_field_may_have_a_reason_of_its_own_as_long_as_it_is_alone() {
        let limits = Limits { required: true, missing: ErrorReason::DeclineReasonRequired, ..Limits::NONE };
        let mut found = Violations::default();
        found.text("decline_reason", "", &limits);
        assert_eq!(found.refusal().unwrap().reason(), ErrorReason::DeclineReasonRequired);
        let mut found = Violations::default();
        found.text("decline_reason", "", &limits);
        found.number("other", -1, &Limits { min: Some(0), ..Limits::NONE });
        assert_eq!(found.refusal().unwrap().reason(), ErrorReason::InvalidField);
    }

    #[test]
    fn formats_are_checked_as_their_patterns_say() {
        let texts = [
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
        ];
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
            for text in texts {
                // The pattern cannot know which zones there are.
                let zone = format == Format::TimeZone && !text.contains('/') && text != "UTC";
                if !zone {
                    assert_eq!(has_format(format, text), pattern.is_match(text), "{format:?} {text:?}");
                }
            }
            assert!(form.example.is_empty() || has_format(format, &form.example), "{format:?}");
            assert!(!form.takes.is_empty(), "{format:?}");
        }
        for day in ["2026-02-29", "2100-02-29", "2026-04-31"] {
            assert!(!is_date(day.as_bytes()), "{day}");
        }
        assert!(is_date(b"2028-02-29") && is_date(b"2000-02-29"));
        assert!(!has_format(Format::TimeZone, "Nowhere/Town"));
        assert!(!is_email(&format!("{}@example.com", "a".repeat(250))));
    }

    /// 80 ns in a release build of 2026 on two cores: `cargo test --release -p
    /// frontdesk-proto cost -- --nocapture`. The bound is for builds without
    /// optimisation.
    #[test]
    fn checks_cost_little() {
        let request = good();
        let rounds = 10_000;
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            assert!(refused(std::hint::black_box(&request)).is_none());
        }
        let each = started.elapsed() / rounds;
        println!("checking a booking request takes {each:?}");
        assert!(each < std::time::Duration::from_micros(50), "{each:?}");
    }
}
