//! The checks of requests by what the options in the protos say of their fields.
//! `tests/generated` writes plain code for each request, so that no descriptor is
//! looked at while calls are served; [`Codec`](crate::Codec) runs it, and a call
//! learns all that is wrong with its fields at once. What fields mean together,
//! and whether what they name exists, is for the handlers to say.
//!
//! The options are our own and few. Looked at before: `prost-protovalidate` 0.6
//! reads the annotations of `buf.validate` by reflection and runs CEL;
//! `prost-protovalidate-build` 0.6 writes static checks, but skips messages with
//! CEL, and `buf.validate` has no other word for our dates, time zones, lines and
//! texts. With it a field would need two vocabularies, violations would speak a
//! third, and every program would carry `regex`, `fluent-uri` and a descriptor of
//! 200 kB more.

use crate::format;
use crate::limits::Limits;
use crate::rest::v1::Format;
use crate::text::turns_around;
use crate::{ErrorReason, Refusal};

/// Most fields that one answer names; a list may have millions of bad entries.
const MOST: usize = 32;
/// What to say to a line that shows other words than it holds.
const TURNED: &str =
    "must not hold characters that turn the direction of writing (U+202A to U+202E, U+2066 to U+2069)";

/// A message that calls bring or get.
pub trait Checked {
    /// Whether calls bring it: what is wrong with it is then its caller's doing.
    const IS_BROUGHT: bool = false;

    /// Notes every field that has a value it cannot have.
    fn check(&self, _found: &mut Violations) {}
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

impl Violations {
    /// Looks at a text that is unset when it is empty.
    pub fn text(&mut self, field: &str, text: &str, limits: &Limits) {
        if !limits.fits_bytes(text) {
            self.add(field, limits.length(), ErrorReason::Unspecified);
        } else if !limits.is_blank(text) {
            self.set_text(field, text, limits);
        } else if limits.required {
            self.add(field, limits.needs(), limits.missing);
        } else if !text.is_empty() {
            self.set_text(field, text, limits);
        }
    }

    /// Looks at a text that is set, if only to nothing: that takes away what was there,
    /// where the field may be empty.
    pub fn set_text(&mut self, field: &str, text: &str, limits: &Limits) {
        if !text.is_empty() || limits.min_length > 0 {
            self.written_text(field, text, limits);
        }
    }

    /// Looks at a text that has to have the form of its field.
    fn written_text(&mut self, field: &str, text: &str, limits: &Limits) {
        if !limits.fits_bytes(text)
            || !limits.fits_length(text)
            || limits.min_length > 0 && limits.is_blank(text)
        {
            self.add(field, limits.length(), ErrorReason::Unspecified);
        } else if !format::fits(limits.format, text) {
            let takes = match limits.format {
                Format::Line if text.chars().any(turns_around) => TURNED.to_owned(),
                Format::Line if limits.max_length > 0 => limits.length(),
                other => other.form().takes.clone(),
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
            if self.is_full() {
                return;
            }
            if *value == 0 || !is_known(*value) {
                self.add(&format!("{field}[{at}]"), format!("takes {takes}"), ErrorReason::Unspecified);
            }
        }
    }

    /// Looks at the texts of a list.
    pub fn texts(&mut self, field: &str, texts: &[String], limits: &Limits) {
        self.count(field, texts.len(), limits);
        for (at, text) in texts.iter().enumerate() {
            if self.is_full() {
                return;
            }
            let blank = || limits.min_length > 0 && limits.is_blank(text);
            if !limits.fits_bytes(text)
                || blank()
                || !limits.fits_length(text)
                || !format::fits(limits.format, text)
            {
                self.written_text(&format!("{field}[{at}]"), text, limits);
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
            if self.is_full() {
                return;
            }
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

    fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// Looks whether a field is there.
    pub fn presence(&mut self, field: &str, is_set: bool, limits: &Limits) {
        if !is_set && limits.required {
            self.add(field, "is needed".to_owned(), limits.missing);
        }
    }

    fn count(&mut self, field: &str, count: usize, limits: &Limits) {
        if count == 0 && limits.required {
            self.add(field, "needs at least one entry".to_owned(), limits.missing);
        } else if limits.max_items > 0 && count > limits.max_items as usize {
            self.add(field, format!("takes at most {} entries", limits.max_items), ErrorReason::Unspecified);
        }
    }

    fn within<M: Checked>(&mut self, field: String, message: &M) {
        self.path.push(field);
        message.check(self);
        self.path.pop();
    }

    #[cold]
    fn add(&mut self, field: &str, description: String, reason: ErrorReason) {
        if self.is_full() {
            return;
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::v1::{
        CreateBookingRequestRequest, CreatePropertyRequest, UpdateCustomerRequest, UpdatePropertyRequest,
    };

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
            message: "We arrive late.\nThank you!".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_good_request_passes_and_everything_bad_is_named_at_once() {
        for guest_count in [0, 1, 100] {
            assert_eq!(refused(&CreateBookingRequestRequest { guest_count, ..good() }), None);
        }
        let bad = CreateBookingRequestRequest {
            property_id: "x".to_owned(),
            check_in: "2030-02-29".to_owned(),
            guest_count: -1,
            message: "\u{0}".to_owned(),
            ..Default::default()
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
        for unseen in ["\u{200b}", "\u{3164}\u{2060}", "\u{301}", "\u{202e}x"] {
            let named = UpdatePropertyRequest { name: Some(unseen.to_owned()), ..nothing.clone() };
            assert_eq!(refused(&named).unwrap().violations()[0].field, "name", "{unseen:?}");
        }
        let zoneless = UpdatePropertyRequest { time_zone: Some(String::new()), ..nothing.clone() };
        let says = "Field `time_zone`: must be an IANA time zone such as Europe/Berlin.";
        assert_eq!(refused(&zoneless).unwrap().message(), says);
        let fields = refused(&CreatePropertyRequest::default()).unwrap();
        assert_eq!(fields.violations().len(), 3, "name, time_zone, max_guests: {fields:?}");
    }

    #[test]
    fn what_may_be_empty_can_be_taken_away() {
        let id = good().guest_id;
        let nothing = || Some(String::new());
        let emptied = UpdateCustomerRequest {
            customer_id: id,
            email: nothing(),
            phone: nothing(),
            external_id: nothing(),
            source: nothing(),
            notes: nothing(),
            ..UpdateCustomerRequest::default()
        };
        assert_eq!(refused(&emptied), None);
        let blank = UpdateCustomerRequest { email: Some(" ".to_owned()), ..emptied };
        assert_eq!(refused(&blank).unwrap().violations()[0].field, "email");
        let mut found = Violations::default();
        found.texts("ids", &[String::new()], &Limits { format: Format::Uuid, ..Limits::NONE });
        assert_eq!(found.refusal().unwrap().violations()[0].field, "ids[0]");
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
    fn a_list_of_millions_of_bad_entries_is_looked_at_until_enough_is_said() {
        let mut found = Violations::default();
        found.values("status", &vec![0; 4_000_000], |_| true, "one or two");
        assert_eq!(found.found.len(), MOST);
        let refusal = found.refusal().unwrap();
        assert_eq!(refusal.violations()[31].field, "status[31]");
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
