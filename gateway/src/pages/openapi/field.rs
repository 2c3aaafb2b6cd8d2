//! Numbers and texts with what they take.

use frontdesk_proto::rest::v1::Format;
use frontdesk_proto::{FieldContract, Limits};
use prost_reflect::{FieldDescriptor, Kind};
use serde_json::{Value as Json, json};

/// Where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    In,
    Out,
}

/// Whether a query parameter can be the field.
pub fn fits_query(field: &FieldDescriptor) -> bool {
    let from_text = match field.kind() {
        Kind::Message(of) => matches!(
            of.full_name(),
            "google.protobuf.Timestamp" | "google.protobuf.Duration" | "google.protobuf.FieldMask"
        ),
        _ => true,
    };
    from_text && !field.is_map() && !(field.is_list() && matches!(field.kind(), Kind::Message(_)))
}

/// A number of 32 bits. One that is unset when it is 0 may be 0.
pub fn number(field: &FieldDescriptor, least: i64, most: i64) -> Json {
    let Limits { required, min, max, .. } = FieldContract::of(field).limits;
    let unset = !required && !field.supports_presence();
    let least = min.map_or(least, |min| i64::from(if unset { min.min(0) } else { min }));
    let format = if least >= 0 && most > i64::from(i32::MAX) { "int64" } else { "int32" };
    json!({"type": "integer", "format": format, "minimum": least, "maximum": max.map_or(most, i64::from)})
}

/// A text. One that need not be there may be empty, and so may one that is set to take
/// away what is there.
pub fn text(field: &FieldDescriptor, direction: Direction) -> Json {
    let limits = FieldContract::of(field).limits;
    let mut schema = json!({"type": "string"});
    let filled = limits.required || field.supports_presence() && limits.min_length > 0 || field.is_list();
    if limits.format != Format::Unspecified {
        let form = limits.format.form();
        let optional = if filled { "" } else { "?" };
        schema["pattern"] = format!("^({}){optional}$", form.pattern).into();
        if !form.example.is_empty() {
            schema["examples"] = json!([form.example]);
        }
        if let Some(name) = format_name(limits.format).filter(|_| filled) {
            schema["format"] = name.into();
        }
    }
    let least = limits.min_length.max(u32::from(limits.required && schema.get("format").is_none()));
    if least > 0 && direction == Direction::In {
        schema["minLength"] = least.into();
    }
    if limits.max_length > 0 {
        schema["maxLength"] = limits.max_length.into();
    }
    schema
}

/// The format's name in JSON Schema, if it has one.
fn format_name(format: Format) -> Option<&'static str> {
    match format {
        Format::Uuid => Some("uuid"),
        Format::Date => Some("date"),
        Format::Email => Some("email"),
        Format::Unspecified | Format::Slug | Format::TimeZone | Format::Text | Format::Line => None,
    }
}
