//! Keys of maps, and what else of a message is named by a text that is no JSON.

use crate::error::OutputError;
use crate::plan::Kind;
use crate::wire::{Raw, zigzag32, zigzag64};

type Result<T> = std::result::Result<T, OutputError>;

/// The text of a key, or of what a path names; of one that is not there, that of its default.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
pub fn text(kind: Kind, key: Option<Raw<'_>>) -> Result<String> {
    let Some(raw) = key else {
        return Ok(match kind {
            Kind::String => String::new(),
            Kind::Bool => "false".to_owned(),
            _ => "0".to_owned(),
        });
    };
    Ok(match (kind, raw) {
        (Kind::String, Raw::Delimited(bytes)) => {
            std::str::from_utf8(bytes).map_err(|_| OutputError::Malformed)?.to_owned()
        }
        (Kind::Bool, Raw::Varint(value)) => (value != 0).to_string(),
        (Kind::Int32, Raw::Varint(value)) => (value as i32).to_string(),
        (Kind::Uint32, Raw::Varint(value)) => (value as u32).to_string(),
        (Kind::Sint32, Raw::Varint(value)) => zigzag32(value as u32).to_string(),
        (Kind::Int64, Raw::Varint(value)) => (value as i64).to_string(),
        (Kind::Uint64, Raw::Varint(value)) => value.to_string(),
        (Kind::Sint64, Raw::Varint(value)) => zigzag64(value).to_string(),
        (Kind::Sfixed32, Raw::Fixed32(value)) => (value as i32).to_string(),
        (Kind::Fixed32, Raw::Fixed32(value)) => value.to_string(),
        (Kind::Sfixed64, Raw::Fixed64(value)) => (value as i64).to_string(),
        (Kind::Fixed64, Raw::Fixed64(value)) => value.to_string(),
        _ => return Err(OutputError::Malformed),
    })
}
