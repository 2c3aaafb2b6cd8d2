//! What random input is put into, and what must hold whatever it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The gateway's, which nobody sees from outside of it.
#[allow(dead_code)]
#[path = "../../../src/protocol/connect/envelope.rs"]
mod envelope;

use std::path::PathBuf;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value as Json;
use transcode::{Messages, OutputError, Style, Transcoder, check_template, grpc_web};

use super::protos;

pub const NAMES: [&str; 9] =
    ["template", "path", "query", "json", "wire", "mask", "grpc_web", "trailers", "envelopes"];
/// Most bytes of a message in an envelope.
const MOST: usize = 2_000;
const ALL_TYPES: &str = "protobuf_test_messages.proto3.TestAllTypesProto3";

pub struct Targets {
    transcoder: Transcoder,
    all_types: MessageDescriptor,
    canonical: Messages,
    ours: Messages,
}

impl Targets {
    pub fn new() -> Self {
        let pool = DescriptorPool::decode(&include_bytes!("../conformance/descriptors.bin")[..]).unwrap();
        let routes = protos::compile(&["rental.proto", "lab.proto"], None);
        let services = ["rental.BookingRequests", "lab.Lab"];
        let transcoder = Transcoder::new(&routes, &services, Style::FRONTDESK).unwrap();
        let transcoder = transcoder.with_alias("/api/v1", "/v1").unwrap();
        Self {
            transcoder: transcoder.with_read_mask("fields").unwrap(),
            all_types: pool.get_message_by_name(ALL_TYPES).unwrap(),
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
            "mask" => self.mask(&self.canonical, input) | self.mask(&self.ours, input),
            "grpc_web" => grpc_web::are_frames(input) | grpc_web::decode_text(input).is_some(),
            "trailers" => trailers(input),
            "envelopes" => envelopes(input),
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
        taken & found.renderer_for(Some(query)).is_ok()
    }

    /// A mask, a line feed and the wire of a message: the part that is shown is what the
    /// mask names of the whole.
    fn mask(&self, messages: &Messages, input: &[u8]) -> bool {
        let Some(at) = input.iter().position(|byte| *byte == b'\n') else { return false };
        let (Ok(text), wire) = (std::str::from_utf8(&input[..at]), &input[at + 1..]) else { return false };
        let Ok(mask) = messages.read_mask(ALL_TYPES, text).unwrap() else { return false };
        let part = messages.to_json_of(&mask, wire);
        let Ok(whole) = messages.to_json(ALL_TYPES, wire).unwrap() else { return false };
        let part = part.expect("what is a part of something that can be read can be read");
        // Texts that nest deeper than this reader goes are not compared.
        let Ok(whole) = serde_json::from_slice(&whole) else { return true };
        let part: Json = serde_json::from_slice(&part).unwrap();
        let paths = paths(text);
        let named =
            named(Some(&self.all_types), &whole, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>());
        assert_eq!(part, named, "{text}");
        true
    }
}

/// A name of a path, and whether it stands between backticks.
type Name = (String, bool);

/// The paths of a mask.
fn paths(text: &str) -> Vec<Vec<Name>> {
    let (mut paths, mut path, mut name, mut quoted, mut inside) =
        (Vec::new(), Vec::new(), String::new(), false, false);
    for char in text.chars().chain([',']) {
        match char {
            '`' => (inside, quoted) = (!inside, true),
            '.' | ',' if !inside => {
                path.push((std::mem::take(&mut name), std::mem::take(&mut quoted)));
                if char == ',' {
                    paths.push(std::mem::take(&mut path));
                }
            }
            char => name.push(char),
        }
    }
    paths
}

fn is_any(name: &Name) -> bool {
    *name == ("*".to_owned(), false)
}

/// What paths name of a value, which is one of a message or not.
fn named(of: Option<&MessageDescriptor>, whole: &Json, paths: &[&[Name]]) -> Json {
    if paths.iter().any(|path| path.is_empty() || path.len() == 1 && is_any(&path[0])) {
        return whole.clone();
    }
    let (Json::Object(members), Some(of)) = (whole, of) else { return whole.clone() };
    let mut shown = serde_json::Map::new();
    for field in of.fields() {
        let rests: Vec<&[Name]> = paths
            .iter()
            .filter(|path| [field.name(), field.json_name()].contains(&&*path[0].0))
            .map(|path| &path[1..])
            .collect();
        // Each style shows one of its names.
        let name = [field.name(), field.json_name()].into_iter().find(|name| members.contains_key(*name));
        let (Some(name), false) = (name, rests.is_empty()) else { continue };
        let value = &members[name];
        let kind = field.kind();
        let inner = kind.as_message();
        let value = match value {
            Json::Array(items) => {
                let each = rests.iter().map(|rest| match rest {
                    [any, rest @ ..] if is_any(any) => rest,
                    rest => rest,
                });
                let each: Vec<&[Name]> = each.collect();
                items.iter().map(|item| named(inner, item, &each)).collect()
            }
            Json::Object(entries) if field.is_map() && !rests.iter().any(|rest| rest.is_empty()) => {
                let value = inner.unwrap().map_entry_value_field().kind();
                let entries = entries.iter().filter_map(|(key, entry)| {
                    let of_key = rests.iter().filter(|rest| is_any(&rest[0]) || same_key(&rest[0].0, key));
                    let of_key: Vec<&[Name]> = of_key.map(|rest| &rest[1..]).collect();
                    (!of_key.is_empty()).then(|| (key.clone(), named(value.as_message(), entry, &of_key)))
                });
                Json::Object(entries.collect())
            }
            value if field.is_map() => value.clone(),
            value => named(inner, value, &rests),
        };
        shown.insert(name.to_owned(), value);
    }
    shown.into()
}

/// Keys that are numbers may be written in several ways.
#[allow(clippy::float_cmp)]
fn same_key(written: &str, key: &str) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    written == key || key != "true" && number(key).is_some() && number(written) == number(key)
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

/// How long the parts are in which a stream of envelopes comes, and the stream. In whatever parts
/// it comes, the same messages are taken, and with what is left they are the stream.
fn envelopes(input: &[u8]) -> bool {
    let Some((size, stream)) = input.split_first() else { return false };
    let (mut begun, mut taken, mut too_long) = (envelope::Envelopes::of_at_most(MOST), Vec::new(), false);
    'parts: for part in stream.chunks(usize::from(*size).max(1)) {
        begun.push(part);
        loop {
            match begun.take() {
                Ok(Some(message)) => taken.push(message),
                Ok(None) => break,
                Err(envelope::TooLong) => {
                    too_long = true;
                    break 'parts;
                }
            }
        }
    }
    let mut whole = Bytes::copy_from_slice(stream);
    for (flags, message) in &taken {
        assert!(message.len() <= MOST);
        assert_eq!(envelope::take(&mut whole, MOST), Ok(Some((*flags, message.clone()))));
    }
    assert_eq!(envelope::take(&mut whole, MOST), if too_long { Err(envelope::TooLong) } else { Ok(None) });
    assert!(too_long || begun.are_whole() == whole.is_empty());
    let again: Vec<u8> =
        taken.iter().flat_map(|(flags, message)| envelope::envelope(*flags, message)).collect();
    assert_eq!([&again[..], &whole].concat(), stream);
    // As frames of gRPC-Web, which are the same, they fill the stream or do not.
    assert!(too_long || grpc_web::are_frames(stream) == whole.is_empty());
    !taken.is_empty()
}

/// Trailers, of which each line begins with the letter of its name. Whatever they are, they can
/// be read after they were mended, and go into a frame.
fn trailers(input: &[u8]) -> bool {
    let mut trailers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n') {
        let name = match line.first() {
            Some(b's') => tonic::Status::GRPC_STATUS,
            Some(b'm') => tonic::Status::GRPC_MESSAGE,
            Some(b'd') => tonic::Status::GRPC_STATUS_DETAILS,
            _ => continue,
        };
        if let Ok(value) = HeaderValue::from_bytes(&line[1..]) {
            trailers.append(name, value);
        }
    }
    let known = trailers.get_all(tonic::Status::GRPC_STATUS).iter().next().cloned();
    let taken = frontdesk_proto::mend_trailers(&mut trailers);
    let status = tonic::Status::from_header_map(&trailers);
    assert_eq!(status.is_some(), taken);
    if let (Some(status), Some(known)) = (status, known) {
        let code = tonic::Code::from_bytes(known.as_bytes());
        let kept = matches!(code, tonic::Code::Ok | tonic::Code::Unknown) || code == status.code();
        assert!(kept, "{known:?} became {status:?}");
        assert!(grpc_web::are_frames(&grpc_web::trailer_frame(&trailers)));
        let mut again = trailers.clone();
        frontdesk_proto::mend_trailers(&mut again);
        assert_eq!(again, trailers);
    }
    taken
}

pub fn folder(target: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/corpus")).join(target)
}

/// The inputs that are kept for a target.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let files = std::fs::read_dir(folder(target)).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}
