//! Values that are not messages, as JSON.

use crate::error::OutputError;
use crate::json::write;
use crate::plan::{Kind, Plans};
use crate::wire::{Raw, WireType, zigzag32, zigzag64};

type Result<T = ()> = std::result::Result<T, OutputError>;

/// Appends a value that is not a message.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
#[inline]
pub fn scalar(plans: &Plans, kind: Kind, raw: Raw<'_>, out: &mut Vec<u8>) -> Result {
    match (kind, raw) {
        (Kind::String, Raw::Delimited(bytes)) => {
            write::text(out, bytes).ok_or(OutputError::Malformed)?;
        }
        (Kind::Enum(id), Raw::Varint(value)) => {
            let plan = plans.enumeration(id);
            match plan.json(value as i32) {
                _ if plan.is_null => out.extend_from_slice(b"null"),
                Some(json) => out.extend_from_slice(json),
                None => write::integer(out, value as i32),
            }
        }
        (Kind::Bool, Raw::Varint(value)) => {
            out.extend_from_slice(if value == 0 { b"false" } else { b"true" });
        }
        (Kind::Int32, Raw::Varint(value)) => write::integer(out, value as i32),
        (Kind::Uint32, Raw::Varint(value)) => write::integer(out, value as u32),
        (Kind::Sint32, Raw::Varint(value)) => write::integer(out, zigzag32(value as u32)),
        (Kind::Sfixed32, Raw::Fixed32(value)) => write::integer(out, value as i32),
        (Kind::Fixed32, Raw::Fixed32(value)) => write::integer(out, value),
        (Kind::Int64, Raw::Varint(value)) => write::quoted_integer(out, value as i64),
        (Kind::Uint64, Raw::Varint(value)) => write::quoted_integer(out, value),
        (Kind::Sint64, Raw::Varint(value)) => write::quoted_integer(out, zigzag64(value)),
        (Kind::Sfixed64, Raw::Fixed64(value)) => write::quoted_integer(out, value as i64),
        (Kind::Fixed64, Raw::Fixed64(value)) => write::quoted_integer(out, value),
        (Kind::Float, Raw::Fixed32(value)) => write::float(out, f32::from_bits(value)),
        (Kind::Double, Raw::Fixed64(value)) => write::double(out, f64::from_bits(value)),
        (Kind::Bytes, Raw::Delimited(bytes)) => write::base64(out, bytes),
        _ => return Err(OutputError::Malformed),
    }
    Ok(())
}

/// The default of a kind, as it would stand on the wire.
pub fn zero(kind: Kind) -> Raw<'static> {
    match kind.wire_type() {
        WireType::Varint => Raw::Varint(0),
        WireType::Fixed64 => Raw::Fixed64(0),
        WireType::Fixed32 => Raw::Fixed32(0),
        _ => Raw::Delimited(&[]),
    }
}
