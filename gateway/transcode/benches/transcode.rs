//! The transcoder beside prost-reflect with `serde_json`, on one booking request and on a
//! list of 50, whole and with a read mask. Compare what one run prints.

#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../tests/protos/mod.rs"]
mod protos;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};
use transcode::{Messages, Style};

/// Each message, with a mask of its ids.
const MASKS: [(&str, &str, &str); 2] = [
    ("one", "rental.BookingRequest", "id,status"),
    ("list of 50", "rental.ListResponse", "booking_requests.id,booking_requests.status,next_page_token"),
];

fn both_ways(criterion: &mut Criterion) {
    let pool = protos::compile(&["rental.proto"], None);
    // Both with defaults and proto names; prost-reflect has no short enums.
    let style = Style { short_enums: false, ..Style::FRONTDESK };
    let messages = Messages::new(&pool, style);
    for ((what, name, mask), message) in MASKS.into_iter().zip(answers()) {
        let descriptor = pool.get_message_by_name(name).unwrap();
        let encoded = DynamicMessage::deserialize(descriptor.clone(), message).unwrap().encode_to_vec();
        let json = messages.to_json(name, &encoded).unwrap().unwrap();
        let reflected = reflect_to_json(&descriptor, &encoded);
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json).unwrap();
        assert_eq!(without_nulls(value(&json)), without_nulls(value(&reflected)));
        let mask = messages.read_mask(name, mask).unwrap().unwrap();

        let mut group = criterion.benchmark_group("wire to JSON");
        group.throughput(Throughput::Bytes(json.len() as u64));
        group.bench_function(BenchmarkId::new("transcode", what), |bench| {
            bench.iter(|| messages.to_json(name, black_box(&encoded)).unwrap().unwrap());
        });
        group.bench_function(BenchmarkId::new("transcode, masked", what), |bench| {
            bench.iter(|| messages.to_json_of(&mask, black_box(&encoded)).unwrap());
        });
        group.bench_function(BenchmarkId::new("prost-reflect", what), |bench| {
            bench.iter(|| reflect_to_json(&descriptor, black_box(&encoded)));
        });
        group.finish();
        let mut group = criterion.benchmark_group("JSON to wire");
        group.throughput(Throughput::Bytes(json.len() as u64));
        group.bench_function(BenchmarkId::new("transcode", what), |bench| {
            bench.iter(|| messages.to_wire(name, black_box(&json)).unwrap().unwrap());
        });
        group.bench_function(BenchmarkId::new("prost-reflect", what), |bench| {
            bench.iter(|| reflect_to_wire(&descriptor, black_box(&json)));
        });
        group.finish();
    }
}

/// One request, and the list of 50 of them.
fn answers() -> [serde_json::Value; 2] {
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
    [request, list]
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

criterion_group!(benches, both_ways);
criterion_main!(benches);
