//! Values of scalar fields, from JSON and from the text of paths and queries
//! (ProtoJSON's rules; enums also in our short form).

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, Value};
use serde_json::Value as Json;

/// A value of a field's kind from JSON; lists and maps are taken apart before.
pub fn from_json(kind: &Kind, json: &Json) -> Result<Value, String> {
    match kind {
        Kind::Bool => json.as_bool().map(Value::Bool).ok_or_else(|| "must be true or false".to_owned()),
        Kind::String => json
            .as_str()
            .map(|text| Value::String(text.to_owned()))
            .ok_or_else(|| "must be a string".to_owned()),
        Kind::Bytes => json
            .as_str()
            .and_then(base64_bytes)
            .map(|bytes| Value::Bytes(bytes.into()))
            .ok_or_else(|| "must be base64".to_owned()),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => integer(json, "a 32-bit integer").map(Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => integer(json, "a 64-bit integer").map(Value::I64),
        Kind::Uint32 | Kind::Fixed32 => integer(json, "an unsigned 32-bit integer").map(Value::U32),
        Kind::Uint64 | Kind::Fixed64 => integer(json, "an unsigned 64-bit integer").map(Value::U64),
        Kind::Double => float(json).map(Value::F64),
        #[allow(clippy::cast_possible_truncation)]
        Kind::Float => {
            let wide = float(json)?;
            let narrow = wide as f32;
            if wide.is_finite() && narrow.is_infinite() {
                return Err("is beyond the range of a float".to_owned());
            }
            Ok(Value::F32(narrow))
        }
        Kind::Enum(descriptor) => match json {
            Json::String(name) => enum_number(descriptor, name).map(Value::EnumNumber),
            number => {
                integer(number, "an enum value").map(Value::EnumNumber).map_err(|_| enum_names(descriptor))
            }
        },
        Kind::Message(descriptor) => DynamicMessage::deserialize(descriptor.clone(), json.clone())
            .map(Value::Message)
            .map_err(|error| format!("is not a {}: {error}", descriptor.name())),
    }
}

/// A value of a field from text.
pub fn from_text(field: &FieldDescriptor, text: &str) -> Result<Value, String> {
    match field.kind() {
        Kind::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err("must be true or false".to_owned()),
        },
        Kind::Enum(descriptor) => match text.parse() {
            Ok(number) => Ok(Value::EnumNumber(number)),
            Err(_) => enum_number(&descriptor, text).map(Value::EnumNumber),
        },
        kind => from_json(&kind, &Json::String(text.to_owned())),
    }
}

/// The short form of an enum value: without the enum's prefix, in lower case.
/// `None` for enums whose values have no such prefix.
pub fn enum_short_name(descriptor: &EnumDescriptor, name: &str) -> Option<String> {
    let prefix = upper_snake(descriptor.name());
    Some(name.strip_prefix(&prefix)?.strip_prefix('_')?.to_ascii_lowercase())
}

fn enum_number(descriptor: &EnumDescriptor, text: &str) -> Result<i32, String> {
    if let Some(value) = descriptor.get_value_by_name(text) {
        return Ok(value.number());
    }
    descriptor
        .values()
        .find(|value| enum_short_name(descriptor, value.name()).as_deref() == Some(text))
        .map(|value| value.number())
        .ok_or_else(|| enum_names(descriptor))
}

fn enum_names(descriptor: &EnumDescriptor) -> String {
    let names: Vec<String> = descriptor
        .values()
        .filter(|value| value.number() != 0)
        .map(|value| enum_short_name(descriptor, value.name()).unwrap_or_else(|| value.name().to_owned()))
        .collect();
    format!("must be one of {}", names.join(", "))
}

fn integer<T: TryFrom<i128>>(json: &Json, wanted: &str) -> Result<T, String> {
    let wide = match json {
        Json::Number(number) => number.as_i128().or_else(|| number.as_f64().and_then(whole)),
        Json::String(text) => text.parse().ok().or_else(|| decimal(text).and_then(whole)),
        _ => None,
    };
    wide.and_then(|wide| T::try_from(wide).ok()).ok_or_else(|| format!("must be {wanted}"))
}

#[allow(clippy::cast_possible_truncation)]
fn whole(float: f64) -> Option<i128> {
    (float.fract() == 0.0 && float.abs() <= 1e20).then_some(float as i128)
}

fn float(json: &Json) -> Result<f64, String> {
    let float = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            text => decimal(text),
        },
        _ => None,
    };
    float.ok_or_else(|| "must be a number".to_owned())
}

/// A JSON number in text; Rust alone would also take `inf`, `+1` and `.5`.
fn decimal(text: &str) -> Option<f64> {
    let shaped = text.starts_with(|first: char| first.is_ascii_digit() || first == '-')
        && text.chars().all(|char| char.is_ascii_digit() || matches!(char, '.' | 'e' | 'E' | '+' | '-'));
    if shaped { text.parse().ok().filter(|float: &f64| float.is_finite()) } else { None }
}

fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet =
        if text.contains(['-', '_']) { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

/// Base64 as ProtoJSON writes it.
pub fn base64_text(bytes: &[u8]) -> String {
    general_purpose::STANDARD.encode(bytes)
}

fn upper_snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for char in name.chars() {
        if char.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(char.to_ascii_uppercase());
    }
    snake
}
