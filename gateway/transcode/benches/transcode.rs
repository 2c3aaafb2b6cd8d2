//! The transcoder beside prost-reflect with `serde_json`, on one booking request
//! and on a list of 50, on one core: the best of several rounds, one run.

#![allow(clippy::unwrap_used)]

#[path = "../tests/protos/mod.rs"]
mod protos;

use std::hint::black_box;
use std::time::{Duration, Instant};

use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use transcode::{Messages, Style};

const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(150);

fn main() {
    let pool = protos::compile(&["rental.proto"], None);
    // Both with defaults and proto names; prost-reflect has no short enums.
    let style = Style { short_enums: false, ..Style::FRONTDESK };
    let messages = Messages::new(&pool, style);
    let request = serde_json::json!({
        "id": "0190163d-8694-739b-aea5-966c26f8ad91",
        "propertyId": "0190163d-8694-739b-aea5-966c26f8ad92",
        "guestId": "0190163d-8694-739b-aea5-966c26f8ad93",
        "checkIn": "2026-07-01",
        "checkOut": "2026-07-08",
        "status": "BOOKING_REQUEST_STATUS_CONFIRMED",
        "storedStatus": "BOOKING_REQUEST_STATUS_CONFIRMED",
        "guestCount": 2,
        "message": "We arrive late, about 23:00. Is there a \"late check-in\"?",
        "approvedBookingId": "0190163d-8694-739b-aea5-966c26f8ad94",
        "confirmedAt": "2026-07-01T00:00:00.123456Z",
        "createdAt": "2026-06-30T22:53:20Z",
        "updatedAt": "2026-07-01T00:00:00.123456Z",
        "etag": "7",
    });
    let list = serde_json::json!({
        "bookingRequests": vec![request.clone(); 50],
        "nextPageToken": "b3BhcXVl",
    });
    for (what, name, message) in
        [("one", "rental.BookingRequest", request), ("list of 50", "rental.ListResponse", list)]
    {
        let descriptor = pool.get_message_by_name(name).unwrap();
        let encoded = DynamicMessage::deserialize(descriptor.clone(), message).unwrap().encode_to_vec();
        let json = messages.to_json(name, &encoded).unwrap().unwrap();
        let reflected = reflect_to_json(&descriptor, &encoded);
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
        assert_eq!(without_nulls(value(&json)), without_nulls(value(&reflected)));

        let ours = best(|| messages.to_json(name, black_box(&encoded)).unwrap().unwrap());
        let theirs = best(|| reflect_to_json(&descriptor, black_box(&encoded)));
        row(what, "wire to JSON", json.len(), ours, theirs);
        let ours = best(|| messages.to_wire(name, black_box(&json)).unwrap().unwrap());
        let theirs = best(|| reflect_to_wire(&descriptor, black_box(&json)));
        row(what, "JSON to wire", json.len(), ours, theirs);
    }
}

fn reflect_to_json(descriptor: &MessageDescriptor, encoded: &[u8]) -> Vec<u8> {
    let message = DynamicMessage::decode(descriptor.clone(), encoded).unwrap();
    let mut out = Vec::new();
    let options = SerializeOptions::new().skip_default_fields(false).use_proto_field_name(true);
    message.serialize_with_options(&mut serde_json::Serializer::new(&mut out), &options).unwrap();
    out
}

fn reflect_to_wire(descriptor: &MessageDescriptor, json: &[u8]) -> Vec<u8> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    DynamicMessage::deserialize(descriptor.clone(), &mut reader).unwrap().encode_to_vec()
}

/// Our style shows unset messages as null, prost-reflect leaves them out.
fn without_nulls(mut json: serde_json::Value) -> serde_json::Value {
    match &mut json {
        serde_json::Value::Object(members) => {
            members.retain(|_, value| !value.is_null());
            members.values_mut().for_each(|value| *value = without_nulls(value.take()));
        }
        serde_json::Value::Array(items) => {
            for value in items.iter_mut() {
                *value = without_nulls(value.take());
            }
        }
        _ => {}
    }
    json
}

/// Time of one call, of the best round.
fn best<T>(call: impl Fn() -> T) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let (started, mut calls) = (Instant::now(), 0);
        while started.elapsed() < ROUND {
            for _ in 0..20 {
                black_box(call());
            }
            calls += 20;
        }
        started.elapsed() / calls
    });
    rounds.min().unwrap_or_default()
}

fn row(what: &str, way: &str, bytes: usize, ours: Duration, theirs: Duration) {
    let (ours, theirs) = (ours.as_nanos(), theirs.as_nanos());
    #[allow(clippy::cast_precision_loss)]
    let ratio = theirs as f64 / ours as f64;
    println!("{what:<11} {way}  {bytes:>6} B  {ours:>8} ns  prost-reflect {theirs:>8} ns  {ratio:>5.1} x");
}
