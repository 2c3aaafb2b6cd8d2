//! Messages to JSON: proto field names, enums short and in lower case, 64-bit
//! integers as strings, unset fields with their defaults.

use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value};
use serde_json::{Map, Value as Json};

use crate::error::OutputError;
use crate::scalar::{base64_text, enum_short_name};

/// The JSON of a message, or of one of its fields.
pub fn message(message: &DynamicMessage, field: Option<&FieldDescriptor>) -> Result<Vec<u8>, OutputError> {
    let json = match field {
        Some(field) => field_json(message, field).unwrap_or(Json::Null),
        None => message_json(message),
    };
    serde_json::to_vec(&json).map_err(|_| OutputError)
}

/// The JSON of an `Any`, with its type.
pub fn any(pool: &DescriptorPool, any: &prost_types::Any) -> Json {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let known = pool
        .get_message_by_name(name)
        .and_then(|descriptor| DynamicMessage::decode(descriptor, any.value.as_slice()).ok())
        .map(|message| message_json(&message));
    let mut object = Map::from_iter([("@type".to_owned(), Json::String(any.type_url.clone()))]);
    match known {
        Some(Json::Object(members)) => object.extend(members),
        Some(other) => object.extend([("value".to_owned(), other)]),
        None => object.extend([("value".to_owned(), Json::String(base64_text(&any.value)))]),
    }
    Json::Object(object)
}

fn message_json(message: &DynamicMessage) -> Json {
    let descriptor = message.descriptor();
    if descriptor.parent_file().package_name() == "google.protobuf" {
        return serde_json::to_value(message).unwrap_or(Json::Null);
    }
    let fields =
        descriptor.fields().filter_map(|field| Some((field.name().to_owned(), field_json(message, &field)?)));
    Json::Object(fields.collect())
}

/// Nothing for an unset field whose absence means something.
fn field_json(message: &DynamicMessage, field: &FieldDescriptor) -> Option<Json> {
    if field.supports_presence() && !message.has_field(field) {
        let is_message = matches!(field.kind(), Kind::Message(_)) && field.containing_oneof().is_none();
        return is_message.then_some(Json::Null);
    }
    Some(value_json(&message.get_field(field), &field.kind()))
}

fn value_json(value: &Value, kind: &Kind) -> Json {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::I32(value) => (*value).into(),
        Value::U32(value) => (*value).into(),
        Value::I64(value) => value.to_string().into(),
        Value::U64(value) => value.to_string().into(),
        Value::F32(value) => float_json(f64::from(*value), value.to_string().parse().ok()),
        Value::F64(value) => float_json(*value, Some(*value)),
        Value::String(value) => value.as_str().into(),
        Value::Bytes(value) => base64_text(value).into(),
        Value::EnumNumber(number) => enum_json(*number, kind),
        Value::Message(message) => message_json(message),
        Value::List(values) => values.iter().map(|value| value_json(value, kind)).collect(),
        Value::Map(values) => {
            let value_kind = kind.as_message().map(|entry| entry.map_entry_value_field().kind());
            let kind = value_kind.as_ref().unwrap_or(kind);
            let mut members: Vec<_> =
                values.iter().map(|(key, value)| (key_text(key), value_json(value, kind))).collect();
            members.sort_by(|one, other| one.0.cmp(&other.0));
            Json::Object(members.into_iter().collect())
        }
    }
}

/// `shortest` has the digits that are needed for the field's width.
fn float_json(value: f64, shortest: Option<f64>) -> Json {
    if value.is_nan() {
        "NaN".into()
    } else if value.is_infinite() {
        if value > 0.0 { "Infinity".into() } else { "-Infinity".into() }
    } else {
        shortest.unwrap_or(value).into()
    }
}

fn enum_json(number: i32, kind: &Kind) -> Json {
    let value =
        kind.as_enum().and_then(|descriptor| Some((descriptor.clone(), descriptor.get_value(number)?)));
    match value {
        Some((descriptor, _)) if descriptor.full_name() == "google.protobuf.NullValue" => Json::Null,
        Some((descriptor, value)) => {
            enum_short_name(&descriptor, value.name()).unwrap_or_else(|| value.name().to_owned()).into()
        }
        None => number.into(),
    }
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(key) => key.to_string(),
        MapKey::I32(key) => key.to_string(),
        MapKey::I64(key) => key.to_string(),
        MapKey::U32(key) => key.to_string(),
        MapKey::U64(key) => key.to_string(),
        MapKey::String(key) => key.clone(),
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn a_detail_of_an_unknown_type_is_shown_in_base64() {
        let pool = frontdesk_proto::descriptors();
        let unknown = prost_types::Any { type_url: "type.googleapis.com/x.Y".to_owned(), value: vec![1, 2] };
        assert_eq!(any(pool, &unknown)["value"], "AQI=");
        let info =
            frontdesk_proto::rpc::ErrorInfo { reason: "SCOPE_MISSING".to_owned(), ..Default::default() };
        let known = prost_types::Any {
            type_url: "type.googleapis.com/google.rpc.ErrorInfo".to_owned(),
            value: info.encode_to_vec(),
        };
        assert_eq!(any(pool, &known)["reason"], "SCOPE_MISSING");
    }
}
