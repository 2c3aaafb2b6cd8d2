//! What the transcoder answers to a request of protobuf's conformance suite
//! (conformance.proto), for the half of the suite that has JSON in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use prost_reflect::{DescriptorPool, DynamicMessage, Value};
use transcode::{Messages, OutputError, Style};

/// `WireFormat` of the suite.
const PROTOBUF: i32 = 1;
const JSON: i32 = 2;
/// `TestCategory` of the suite.
const IGNORE_UNKNOWN: i32 = 3;

pub struct Testee {
    pool: DescriptorPool,
    strict: Messages,
    lenient: Messages,
}

impl Testee {
    pub fn new(descriptors: &[u8]) -> Self {
        let pool = DescriptorPool::decode(descriptors).unwrap();
        let strict = Messages::new(&pool, Style::CANONICAL);
        let lenient = Messages::new(&pool, Style { ignore_unknown: true, ..Style::CANONICAL });
        Self { pool, strict, lenient }
    }

    /// A `ConformanceResponse` to a `ConformanceRequest`.
    pub fn answer(&self, request: &[u8]) -> Vec<u8> {
        use prost::Message as _;
        let message = |name| self.pool.get_message_by_name(name).unwrap();
        let request = DynamicMessage::decode(message("conformance.ConformanceRequest"), request).unwrap();
        let mut response = DynamicMessage::new(message("conformance.ConformanceResponse"));
        let (field, value) = self.outcome(&request);
        response.set_field_by_name(field, value);
        response.encode_to_vec()
    }

    fn outcome(&self, request: &DynamicMessage) -> (&'static str, Value) {
        let number = |name| request.get_field_by_name(name).unwrap().as_enum_number().unwrap();
        let message_type = request.get_field_by_name("message_type").unwrap().as_str().unwrap().to_owned();
        if message_type == "conformance.FailureSet" {
            return ("protobuf_payload", Value::Bytes(Vec::new().into()));
        }
        let output = number("requested_output_format");
        let messages = if number("test_category") == IGNORE_UNKNOWN { &self.lenient } else { &self.strict };
        let skipped = ("skipped", Value::String("no JSON in it".to_owned()));
        let wire = if request.has_field_by_name("protobuf_payload") {
            if output != JSON {
                return skipped;
            }
            request.get_field_by_name("protobuf_payload").unwrap().as_bytes().unwrap().to_vec()
        } else if request.has_field_by_name("json_payload") {
            let json = request.get_field_by_name("json_payload").unwrap().as_str().unwrap().to_owned();
            match messages.to_wire(&message_type, json.as_bytes()) {
                None => return skipped,
                Some(Ok(wire)) => wire,
                Some(Err(error)) => return ("parse_error", Value::String(error.to_string())),
            }
        } else {
            return skipped;
        };
        match output {
            PROTOBUF => ("protobuf_payload", Value::Bytes(wire.into())),
            JSON => match messages.to_json(&message_type, &wire) {
                None => skipped,
                Some(Ok(json)) => ("json_payload", Value::String(String::from_utf8(json).unwrap())),
                // Reading and writing are one pass: a broken wire shows while JSON is written.
                Some(Err(error @ OutputError::Malformed)) => {
                    ("parse_error", Value::String(error.to_string()))
                }
                Some(Err(error @ OutputError::NoJson)) => {
                    ("serialize_error", Value::String(error.to_string()))
                }
            },
            _ => skipped,
        }
    }
}
