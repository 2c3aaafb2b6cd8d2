//! A place in a feed as a text, which clients keep and send back. It names the event
//! besides its number: numbers may be given anew after a failover that lost them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::event::{FeedPlace, OldPlace};
use crate::domain::ids::EventId;

/// The first byte of a cursor of this version. Those of the version before have none,
/// and are a byte shorter.
const VERSION: u8 = 2;

/// What a cursor says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cursor {
    /// Goes on after everything that there is.
    Now,
    /// Goes on before everything that there is.
    Start,
    /// Goes on after a place.
    After(FeedPlace),
    /// The same, of the version before.
    Old(OldPlace),
}

/// Reads a cursor; `None` for a text that is none.
pub fn read(text: &str) -> Option<Cursor> {
    match text {
        "" => return Some(Cursor::Now),
        "start" => return Some(Cursor::Start),
        _ => {}
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (place, old) = match bytes.len() {
        32 => (&bytes[..], true),
        33 => (bytes.strip_prefix(&[VERSION])?, false),
        _ => return None,
    };
    let (numbers, id) = place.split_at(16);
    let (number, at) = numbers.split_at(8);
    let number = i64::from_be_bytes(number.try_into().ok()?);
    let at = Timestamp::from_microsecond(i64::from_be_bytes(at.try_into().ok()?)).ok()?;
    let event = EventId(Uuid::from_slice(id).ok()?);
    Some(if old {
        Cursor::Old(OldPlace { position: number, at, event })
    } else {
        Cursor::After(FeedPlace { number, at, event: (!event.0.is_nil()).then_some(event) })
    })
}

/// Writes a place.
pub fn write(place: FeedPlace) -> String {
    let FeedPlace { number, at, event } = place;
    let event = event.map_or(Uuid::nil(), |event| event.0);
    let numbers = [number.to_be_bytes(), at.as_microsecond().to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode([&[VERSION], &numbers[..], event.as_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_text() {
        let at = "2026-07-01T10:00:00.123456Z".parse().unwrap();
        for event in [None, Some(EventId(Uuid::from_u128(5)))] {
            let place = FeedPlace { number: 7_000_000_000, at, event };
            assert_eq!(read(&write(place)), Some(Cursor::After(place)));
        }
        assert_eq!((read(""), read("start")), (Some(Cursor::Now), Some(Cursor::Start)));
        for foreign in ["x", "AAAA", "….", " start", "Start"] {
            assert_eq!(read(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_cursor_of_the_version_before_is_known_as_one_and_one_of_a_later_version_is_none() {
        let bytes = [&7_i64.to_be_bytes()[..], &9_i64.to_be_bytes(), Uuid::from_u128(5).as_bytes()].concat();
        let old = OldPlace {
            position: 7,
            at: Timestamp::from_microsecond(9).unwrap(),
            event: EventId(Uuid::from_u128(5)),
        };
        assert_eq!(read(&URL_SAFE_NO_PAD.encode(&bytes)), Some(Cursor::Old(old)));
        assert_eq!(read(&URL_SAFE_NO_PAD.encode([&[3], &bytes[..]].concat())), None);
    }
}
