//! How messages are written: as protobuf, or as JSON as all clients of protobuf read and write
//! it. That of REST is another one, with names as in the proto files and short enums. A field
//! or an enum's name that is not known is passed over, as other servers of Connect do.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use frontdesk_proto::Refusal;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use prost_reflect::DescriptorPool;
use prost_types::Any;
use serde_json::Value;
use transcode::{Messages, Style};

use crate::answer::failure::{input_error, unreadable};

const STYLE: Style = Style { ignore_unknown: true, ..Style::CANONICAL };

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    Proto,
    Json,
}

/// What a content type says: how messages are written, and whether each is in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    pub codec: Codec,
    pub streams: bool,
}

/// The JSON of all messages. Clones share what is known of them.
#[derive(Debug, Clone)]
pub struct Json(Arc<Known>);

#[derive(Debug)]
struct Known {
    pools: Vec<DescriptorPool>,
    /// Made when somebody asks for JSON: many never do.
    messages: OnceLock<Vec<Messages>>,
}

impl Codec {
    /// The one that the protocol calls so.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "proto" => Some(Self::Proto),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

impl Form {
    /// That of a body; `None` for a content type that is none of Connect.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let text = headers.get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next()?.strip_prefix("application/")?;
        let (name, streams) = match essence.strip_prefix("connect+") {
            Some(name) => (name, true),
            None => (essence, false),
        };
        let codec = Codec::named(name)?;
        let charset =
            parts.find_map(|part| part.strip_prefix("charset=").map(|one| one.trim_matches('"').to_owned()));
        let is_read = codec == Codec::Proto || charset.is_none_or(|charset| charset == "utf-8");
        is_read.then_some(Self { codec, streams })
    }

    /// The same as a header.
    pub fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match (self.codec, self.streams) {
            (Codec::Proto, false) => "application/proto",
            (Codec::Json, false) => "application/json",
            (Codec::Proto, true) => "application/connect+proto",
            (Codec::Json, true) => "application/connect+json",
        })
    }
}

impl Json {
    /// Of the messages of these descriptors.
    pub fn new(pools: Vec<DescriptorPool>) -> Self {
        Self(Arc::new(Known { pools, messages: OnceLock::new() }))
    }

    /// A message with this name in wire format, as it was written by a caller.
    pub fn read(&self, codec: Codec, name: &str, message: Bytes) -> Result<Bytes, Refusal> {
        match codec {
            Codec::Proto => Ok(message),
            Codec::Json => {
                let wire = self.messages().iter().find_map(|messages| messages.to_wire(name, &message));
                wire.ok_or_else(unreadable)?.map(Bytes::from).map_err(input_error)
            }
        }
    }

    /// A message with this name as a caller wants it written.
    pub fn written(&self, codec: Codec, name: &str, wire: Bytes) -> Result<Bytes, Refusal> {
        match codec {
            Codec::Proto => Ok(wire),
            Codec::Json => {
                let json = self.messages().iter().find_map(|messages| messages.to_json(name, &wire));
                json.ok_or_else(unreadable)?.map(Bytes::from).map_err(|error| {
                    tracing::error!(%error, message = name, "an answer cannot be written as JSON");
                    unreadable()
                })
            }
        }
    }

    /// A detail for people to read, if its message is known.
    pub fn shown(&self, detail: &Any) -> Option<Value> {
        let name = name_of(detail);
        let json = self.messages().iter().find_map(|messages| messages.to_json(name, &detail.value))?;
        serde_json::from_slice(&json.ok()?).ok()
    }

    fn messages(&self) -> &[Messages] {
        let Known { pools, messages } = &*self.0;
        messages.get_or_init(|| pools.iter().map(|pool| Messages::new(pool, STYLE)).collect())
    }
}

/// The full name of a detail's message.
pub fn name_of(detail: &Any) -> &str {
    detail.type_url.rsplit('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_are_read_without_case_and_with_one_charset() {
        let of = |text: &'static str| {
            let form = Form::of(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]));
            form.map(|form| (form.content_type().to_str().unwrap().to_owned(), form.streams))
        };
        let json = || Some(("application/json".to_owned(), false));
        assert_eq!(of("application/json"), json());
        assert_eq!(of("Application/JSON ; charset=UTF-8"), json());
        assert_eq!(of("application/json; charset=\"utf-8\""), json());
        assert_eq!(of("application/proto"), Some(("application/proto".to_owned(), false)));
        assert_eq!(of("application/connect+proto"), Some(("application/connect+proto".to_owned(), true)));
        for other in [
            "application/json; charset=latin1",
            "text/json",
            "application/xml",
            "application/connect+xml",
            "json",
            "",
        ] {
            assert_eq!(of(other), None, "{other}");
        }
        assert_eq!(Form::of(&HeaderMap::new()), None);
    }
}
