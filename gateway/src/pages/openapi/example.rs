//! The least that a call can say, as an example: what is required, and nothing else. A
//! test sends each of them to a running system.

use frontdesk_proto::rest::v1::Format;
use frontdesk_proto::{FieldContract, Limits};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};
use transcode::short_name;

/// The required fields of a message, as far as they are wanted, each with a value.
pub fn of(message: &MessageDescriptor, wanted: impl Fn(&FieldDescriptor) -> bool) -> Map<String, Json> {
    let required = |field: &FieldDescriptor| FieldContract::of(field).limits.required;
    let fields = message.fields().filter(|field| required(field) && wanted(field));
    fields.map(|field| (field.name().to_owned(), value(&field))).collect()
}

/// A value of a field.
pub fn value(field: &FieldDescriptor) -> Json {
    let one = one(field);
    if field.is_list() { json!([one]) } else { one }
}

fn one(field: &FieldDescriptor) -> Json {
    let Limits { format, min, min_length, .. } = FieldContract::of(field).limits;
    match field.kind() {
        Kind::Bool => true.into(),
        Kind::String if !format.form().example.is_empty() => of_format(field, format),
        // What has no form of its own is called what it is.
        Kind::String => format!("{:x<1$}", field.name(), min_length as usize).into(),
        Kind::Enum(of) => {
            let value = of.values().find(|value| value.number() != 0);
            value.and_then(|value| short_name(of.name(), value.name())).into()
        }
        Kind::Message(of) => match of.full_name() {
            "google.protobuf.Timestamp" => "2026-07-01T12:00:00Z".into(),
            "google.protobuf.Duration" => "60s".into(),
            _ => self::of(&of, |_| true).into(),
        },
        _ => min.unwrap_or(1).max(1).into(),
    }
}

/// Days are to come, for years: nobody books one that is over. Two days of one call are not
/// the same: the later one ends what begins with the earlier.
fn of_format(field: &FieldDescriptor, format: Format) -> Json {
    let earlier = field.parent_message().fields().filter(|other| {
        let is_day = FieldContract::of(other).limits.format == Format::Date;
        is_day && other.number() < field.number()
    });
    match format {
        Format::Date => format!("2040-07-{:02}", 1 + 3 * earlier.count().min(9)).into(),
        _ => format.form().example.as_str().into(),
    }
}
