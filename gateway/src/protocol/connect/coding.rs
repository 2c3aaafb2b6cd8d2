//! Compression of messages: gzip, or none. What else somebody sends is refused with the code
//! that the protocol has for it.

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http::{HeaderMap, HeaderName};
use tonic::Code;

use super::error::Wrong;
use crate::answer::{accept, encoding};

/// How messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    Identity,
    Gzip,
}

impl Coding {
    /// The one with this name; an empty one is none.
    pub fn named(name: &str) -> Result<Self, Wrong> {
        match name.trim().to_ascii_lowercase().as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" => Ok(Self::Gzip),
            other => {
                let shown: String = other.chars().take(50).collect();
                let sentence = format!(
                    "The message is compressed by {shown}, which is not taken. Send it as it is (identity) or with gzip."
                );
                let refusal =
                    Refusal::new(ErrorReason::UnsupportedMediaType, boot::nothing_stored(&sentence, ""));
                Err(Wrong::with_code(Code::Unimplemented, refusal))
            }
        }
    }

    /// The one that a header names: of several, on however many lines, none is taken.
    pub fn of(headers: &HeaderMap, name: &HeaderName) -> Result<Self, Wrong> {
        let lines = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        Self::named(&lines.collect::<Vec<_>>().join(", "))
    }

    /// Whether a list of those that somebody takes has gzip.
    pub fn is_gzip_taken(headers: &HeaderMap, name: &HeaderName) -> bool {
        accept::list(headers, name).any(|entry| entry.name == "gzip" && entry.weight > 0)
    }

    /// A message that was compressed so, of `limit` bytes at most. Nothing is nothing.
    pub async fn undone(self, message: Bytes, limit: usize) -> Result<Bytes, Refusal> {
        match self {
            Self::Gzip if !message.is_empty() => encoding::inflated_with_room(message, limit).await,
            Self::Gzip | Self::Identity => Ok(message),
        }
    }
}
