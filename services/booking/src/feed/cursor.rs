//! A place in a feed as a text, which clients keep and send back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::event::FeedPlace;
use crate::domain::ids::EventId;

/// Reads a place; `None` for a text that is none.
pub fn read(text: &str) -> Option<FeedPlace> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    let (numbers, id) = bytes.split_at(16);
    let (position, at) = numbers.split_at(8);
    Some(FeedPlace {
        position: i64::from_be_bytes(position.try_into().ok()?),
        at: Timestamp::from_microsecond(i64::from_be_bytes(at.try_into().ok()?)).ok()?,
        event: EventId(Uuid::from_slice(id).ok()?),
    })
}

/// Writes a place.
pub fn write(place: FeedPlace) -> String {
    let FeedPlace { position, at, event } = place;
    let numbers = [position.to_be_bytes(), at.as_microsecond().to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode([&numbers, &event.0.as_bytes()[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_text() {
        let place = FeedPlace {
            position: 7_000_000_000,
            at: "2026-07-01T10:00:00.123456Z".parse().unwrap(),
            event: EventId(Uuid::from_u128(5)),
        };
        assert_eq!(read(&write(place)), Some(place));
        for foreign in ["", "x", "AAAA", "….", " start"] {
            assert_eq!(read(foreign), None, "{foreign}");
        }
    }
}
