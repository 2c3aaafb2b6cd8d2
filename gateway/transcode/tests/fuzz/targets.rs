//! What random input is put into, and what must hold whatever it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;

use http::Method;
use prost_reflect::{DescriptorPool, DynamicMessage};
use transcode::{Messages, OutputError, Style, Transcoder, check_template, grpc_web};

use super::protos;

pub const NAMES: [&str; 6] = ["template", "path", "query", "json", "wire", "grpc_web"];
const ALL_TYPES: &str = "protobuf_test_messages.proto3.TestAllTypesProto3";

pub struct Targets {
    transcoder: Transcoder,
    canonical: Messages,
    ours: Messages,
}

impl Targets {
    pub fn new() -> Self {
        let pool = DescriptorPool::decode(&include_bytes!("../conformance/descriptors.bin")[..]).unwrap();
        let routes = protos::compile(&["rental.proto", "lab.proto"], None);
        let services = ["rental.BookingRequests", "lab.Lab"];
        let transcoder = Transcoder::new(&routes, &services, Style::FRONTDESK).unwrap();
        Self {
            transcoder: transcoder.with_alias("/api/v1", "/v1").unwrap(),
            canonical: Messages::new(&pool, Style::CANONICAL),
            ours: Messages::new(&pool, Style::FRONTDESK),
        }
    }

    /// Whether the input was taken.
    pub fn run(&self, target: &str, input: &[u8]) -> bool {
        match target {
            "template" => std::str::from_utf8(input).is_ok_and(|text| check_template(text).is_ok()),
            "path" => std::str::from_utf8(input).is_ok_and(|path| self.path(path)),
            "query" => std::str::from_utf8(input).is_ok_and(|query| self.query(query)),
            "json" => json(&self.canonical, input) | json(&self.ours, input),
            "wire" => wire(&self.canonical, input) | wire(&self.ours, input),
            "grpc_web" => grpc_web::are_frames(input) | grpc_web::decode_text(input).is_some(),
            other => panic!("there is no target {other}"),
        }
    }

    fn path(&self, path: &str) -> bool {
        let allowed = self.transcoder.allowed(path);
        let mut taken = false;
        for method in [Method::GET, Method::POST, Method::PATCH, Method::DELETE, Method::HEAD] {
            let Ok(found) = self.transcoder.route(&method, path) else { continue };
            assert!(allowed.contains(&method), "{method} is taken and not allowed");
            let _unfit = found.request(None, b"{}", None, &mut Vec::new());
            taken = true;
        }
        taken
    }

    fn query(&self, query: &str) -> bool {
        let found = self.transcoder.route(&Method::GET, "/v1/booking-requests").unwrap();
        let mut wire = Vec::new();
        let taken = found.request(Some(query), b"", None, &mut wire).is_ok();
        if taken {
            // What was bound is a message.
            DynamicMessage::decode(found.binding().method().input(), &*wire).unwrap();
        }
        taken
    }
}

/// What is read is written, and what is written is read as the same.
fn json(messages: &Messages, input: &[u8]) -> bool {
    let Ok(wire) = messages.to_wire(ALL_TYPES, input).unwrap() else { return false };
    match messages.to_json(ALL_TYPES, &wire).unwrap() {
        Ok(json) => {
            let again = messages.to_wire(ALL_TYPES, &json).unwrap().unwrap();
            let json_again = messages.to_json(ALL_TYPES, &again).unwrap().unwrap();
            assert_eq!(json, json_again);
        }
        Err(OutputError::NoJson) => {}
        Err(OutputError::Malformed) => panic!("wrote what cannot be read"),
    }
    true
}

fn wire(messages: &Messages, input: &[u8]) -> bool {
    let Ok(json) = messages.to_json(ALL_TYPES, input).unwrap() else { return false };
    serde_json::from_slice::<serde::de::IgnoredAny>(&json).unwrap();
    let wire = messages.to_wire(ALL_TYPES, &json).unwrap();
    let wire = wire.unwrap_or_else(|error| panic!("{}: {error}", error.field));
    assert_eq!(messages.to_json(ALL_TYPES, &wire).unwrap().unwrap(), json);
    true
}

pub fn folder(target: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus")).join(target)
}

/// The inputs that are kept for a target.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder(target)).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}
