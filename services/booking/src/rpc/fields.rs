//! Fields that several subjects share: ids, dates, times. What a field
//! takes by itself has been checked before a handler is called
//! (`frontdesk_proto::check`); here texts become types, and two dates a stay.

use std::fmt::Display;
use std::str::FromStr;

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::rest::v1::Format;
use frontdesk_proto::{Refusal, paging};
use jiff::Timestamp;
use jiff::civil::Date;
use uuid::Uuid;

use crate::domain::actor::Actor;
use crate::domain::form;
use crate::domain::ids::{InvalidId, RowId};
use crate::domain::listing::After;
use crate::domain::stay::{self, MAX_NIGHTS, Stay, StayError};

/// A field of a request.
#[derive(Debug, Clone, Copy)]
pub struct Field<'a> {
    pub name: &'static str,
    pub text: &'a str,
}

/// An id.
pub fn id<T: FromStr<Err = InvalidId>>(name: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|_| Refusal::format(name, Format::Uuid))
}

/// An id that may be left empty.
pub fn optional_id<T: FromStr<Err = InvalidId>>(name: &str, text: &str) -> Result<Option<T>, Refusal> {
    if text.is_empty() { Ok(None) } else { id(name, text).map(Some) }
}

/// An id, or nothing, as a message has it.
pub fn written<T: ToString>(id: Option<T>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// A date.
pub fn date(name: &str, text: &str) -> Result<Date, Refusal> {
    stay::parse_date(text).ok_or_else(|| Refusal::format(name, Format::Date))
}

/// A date that may be left empty.
pub fn optional_date(name: &str, text: &str) -> Result<Option<Date>, Refusal> {
    (!text.is_empty()).then(|| date(name, text)).transpose()
}

/// The first night, and the day after the last.
pub fn nights(from: Field<'_>, to: Field<'_>) -> Result<Stay, Refusal> {
    let check_in = date(from.name, from.text)?;
    let check_out = date(to.name, to.text)?;
    Stay::new(check_in, check_out).map_err(|error| {
        let what = match error {
            StayError::NoNight => format!("must be after {}, {check_in}", from.name),
            StayError::TooLong(nights) => {
                format!("is {nights} nights after {}; {MAX_NIGHTS} is the most", from.name)
            }
        };
        Refusal::field(to.name, what)
    })
}

/// Both ends of a window, each with the name of its field; either may be left out.
pub fn in_order<T: Ord + Display>(
    (from_name, from): (&str, Option<T>),
    (to_name, to): (&str, Option<T>),
) -> Result<[Option<T>; 2], Refusal> {
    match (&from, &to) {
        (Some(from), Some(to)) if to < from => {
            Err(Refusal::field(to_name, format!("must not be before {from_name}, {from}")))
        }
        _ => Ok([from, to]),
    }
}

/// A word of an enum that this program does not know: the check of the request
/// and the handler are of different versions.
pub fn unknown(name: &str) -> Refusal {
    Refusal::field(name, "has a value that is not known here")
}

/// A time that may be left out.
pub fn optional_time(name: &str, at: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Refusal> {
    at.map(|at| Timestamp::new(at.seconds, at.nanos).map_err(|_| Refusal::field(name, "is not a valid time")))
        .transpose()
}

/// A time, as a message has it.
pub fn time(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

/// Who did something, and for whom.
pub fn actor(by: Actor, on_behalf_of: Option<Uuid>) -> wire::Actor {
    wire::Actor {
        kind: match by {
            Actor::User(_) => wire::ActorKind::User,
            Actor::ApiKey(_) => wire::ActorKind::ApiKey,
            Actor::Delegate(..) => wire::ActorKind::Delegate,
            Actor::Operator(_) => wire::ActorKind::Operator,
            Actor::System => wire::ActorKind::System,
        }
        .into(),
        id: written(by.id()),
        on_behalf_of: match by {
            Actor::Delegate(_, user) => user.0.to_string(),
            _ => written(on_behalf_of),
        },
    }
}

/// A time of a row, as a message has it: nothing where there is no form for it.
pub fn shown(at: Timestamp) -> Option<prost_types::Timestamp> {
    form::shown(at).map(time)
}

/// A date of a row, as a message has it: nothing where there is no form for it.
pub fn day(day: Date) -> String {
    form::shown_day(day).map(|day| day.to_string()).unwrap_or_default()
}

/// A number of rows, as a message has it.
pub fn number(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

/// Longest text of a row that goes into a page token, in bytes.
const MOST_IN_TOKEN: usize = 1_000;
/// Stands in a token for a longer one. No text of a row has it.
const OF_ROW: &str = "\0";

/// The text that orders a list, as a token has it.
pub fn token_text(text: &str) -> &str {
    if text.len() > MOST_IN_TOKEN { OF_ROW } else { text }
}

/// Whether a token stands at a row whose text is to be read from the row.
pub fn is_of_row(text: &str) -> bool {
    text == OF_ROW
}

/// The place after which a page by name starts.
pub fn after_name(list: &[u8], token: &str) -> Result<After<String>, Refusal> {
    let (key, id) = paging::read_token(list, token)?.unwrap_or_default();
    Ok(After { key, id: RowId(id) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::PropertyId;

    #[test]
    fn nights_that_are_no_stay_name_the_field() {
        let nights =
            |from: &str, to: &str| nights(Field { name: "from", text: from }, Field { name: "to", text: to });
        assert!(nights("2026-07-01", "2026-07-02").is_ok());
        for (from, to, field, says) in [
            ("2026-07-02", "2026-07-01", "to", "must be after from, 2026-07-02"),
            ("2026-07-01", "2027-07-03", "to", "is 367 nights after from; 366 is the most"),
            ("2026-7-1", "2026-07-02", "from", "must be a date"),
            ("2026-07-01", "", "to", "must be a date"),
        ] {
            let refusal = nights(from, to).unwrap_err();
            let [violation] = refusal.violations() else { panic!("{refusal:?}") };
            assert_eq!(violation.field, field);
            assert!(violation.description.contains(says), "{}", violation.description);
        }
    }

    #[test]
    fn an_id_may_be_left_empty_where_it_is_optional() {
        assert_eq!(optional_id::<PropertyId>("id", "").unwrap(), None);
        assert!(id::<PropertyId>("id", "").is_err());
    }
}
