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
pub fn number(field: &FieldDescriptor, direction: Direction, least: i64, most: i64) -> Json {
    let Limits { required, min, max, .. } = FieldContract::of(field).limits;
    let unset = !required && !field.supports_presence();
    let least = min.map_or(least, |min| i64::from(if unset { min.min(0) } else { min }));
    let format = if least >= 0 && most > i64::from(i32::MAX) { "int64" } else { "int32" };
    let mut schema = json!({"type": "integer", "format": format});
    // What is answered is in the range of its type anyway.
    if direction == Direction::In || min.is_some() {
        schema["minimum"] = least.into();
    }
    if direction == Direction::In || max.is_some() {
        schema["maximum"] = max.map_or(most, i64::from).into();
    }
    schema
}

/// A text that is sent, without what its format says, which is written once. One that need
/// not be there may be empty, and so may one that is set to take away what is there.
pub fn text(field: &FieldDescriptor) -> (Json, Option<Shared>) {
    let limits = FieldContract::of(field).limits;
    let shared = Shared { format: limits.format, filled: is_filled(field, limits) };
    let has_format = limits.format != Format::Unspecified;
    let mut schema = if has_format { json!({}) } else { json!({"type": "string"}) };
    let has_name = shared.filled && format_name(limits.format).is_some();
    let least = limits.min_length.max(u32::from(limits.required && !has_name));
    if least > 0 {
        schema["minLength"] = least.into();
    }
    // No text has more characters than bytes.
    let most = if limits.max_length > 0 { limits.max_length } else { limits.max_bytes };
    if most > 0 {
        schema["maxLength"] = most.into();
    }
    (schema, has_format.then_some(shared))
}

/// A text that is answered: nobody checks it.
pub fn answered_text(field: &FieldDescriptor) -> Json {
    let limits = FieldContract::of(field).limits;
    match format_name(limits.format).filter(|_| is_filled(field, limits)) {
        Some(name) => json!({"type": "string", "format": name}),
        None => json!({"type": "string"}),
    }
}

fn is_filled(field: &FieldDescriptor, limits: Limits) -> bool {
    limits.required || field.supports_presence() && limits.min_length > 0 || field.is_list()
}

/// A format of texts, which many fields have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shared {
    format: Format,
    /// Whether an empty text does not have it.
    filled: bool,
}

impl Shared {
    /// A UUID or nothing.
    pub const ID_OR_EMPTY: Self = Self { format: Format::Uuid, filled: false };

    /// What its schema is called.
    pub fn name(self) -> String {
        let name = match self.format {
            Format::Unspecified => "Any",
            Format::Uuid => "Uuid",
            Format::Date => "Date",
            Format::Email => "Email",
            Format::Slug => "Slug",
            Format::TimeZone => "TimeZone",
            Format::Text => "Text",
            Format::Line => "Line",
        };
        if self.takes_nothing() { format!("{name}OrEmpty") } else { name.to_owned() }
    }

    /// Whether it takes an empty text, which its format does not.
    fn takes_nothing(self) -> bool {
        !self.filled && !matches!(self.format, Format::Unspecified | Format::Text | Format::Line)
    }

    /// The schema.
    pub fn schema(self) -> Json {
        let form = self.format.form();
        let optional = if self.takes_nothing() { "?" } else { "" };
        let mut schema = json!({"type": "string", "pattern": format!("^({}){optional}$", form.pattern)});
        if let Some(most) = (Limits { format: self.format, ..Limits::NONE }).most_bytes() {
            schema["maxLength"] = most.into();
        }
        if !form.example.is_empty() {
            schema["examples"] = json!([form.example]);
        }
        // An address may have letters of any language and space around it: its pattern says so.
        if let Some(name) = format_name(self.format).filter(|_| self.filled && self.format != Format::Email) {
            schema["format"] = name.into();
        }
        schema
    }
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
