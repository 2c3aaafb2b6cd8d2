//! Scalar values to wire, from JSON and from the text of paths and queries
//! (ProtoJSON's rules; enums also in our short form).

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

use crate::json::read::is_number;
use crate::plan::{Enum, Field, Kind, MessageId, Plans, Shape};
use crate::time;
use crate::wire::{self, WireType};

/// A scalar of JSON.
#[derive(Debug)]
pub enum Token<'j> {
    Text(Cow<'j, str>),
    Number(&'j str),
    Bool(bool),
    Null,
    /// An object or array, which is not a scalar.
    Nested,
}

/// Why a value does not fit its field.
#[derive(Debug)]
pub enum Unfit {
    /// The enum has no such name.
    UnknownName(String),
    /// The rest of a sentence about the field.
    Other(Cow<'static, str>),
}

type Result<T = (), E = Unfit> = std::result::Result<T, E>;

/// Appends a value, without its tag.
#[allow(clippy::cast_sign_loss)]
pub fn put(plans: &Plans, kind: Kind, token: &Token<'_>, out: &mut Vec<u8>) -> Result {
    match kind {
        Kind::Bool => match token {
            Token::Bool(value) => out.push(u8::from(*value)),
            _ => return Err("must be true or false".into()),
        },
        Kind::String => match token {
            Token::Text(text) => put_bytes(text.as_bytes(), out),
            _ => return Err("must be a string".into()),
        },
        Kind::Bytes => match token {
            Token::Text(text) => put_bytes(&base64(text).ok_or("must be base64")?, out),
            _ => return Err("must be base64".into()),
        },
        Kind::Int32 => wire::put_varint(out, i64::from(integer::<i32>(token, INT32)?) as u64),
        Kind::Sint32 => {
            let value = integer::<i32>(token, INT32)?;
            wire::put_varint(out, u64::from(((value << 1) ^ (value >> 31)) as u32));
        }
        Kind::Sfixed32 => out.extend_from_slice(&integer::<i32>(token, INT32)?.to_le_bytes()),
        Kind::Uint32 => wire::put_varint(out, integer::<u32>(token, UINT32)?.into()),
        Kind::Fixed32 => out.extend_from_slice(&integer::<u32>(token, UINT32)?.to_le_bytes()),
        Kind::Int64 => wire::put_varint(out, integer::<i64>(token, INT64)? as u64),
        Kind::Sint64 => {
            let value = integer::<i64>(token, INT64)?;
            wire::put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
        }
        Kind::Sfixed64 => out.extend_from_slice(&integer::<i64>(token, INT64)?.to_le_bytes()),
        Kind::Uint64 => wire::put_varint(out, integer::<u64>(token, UINT64)?),
        Kind::Fixed64 => out.extend_from_slice(&integer::<u64>(token, UINT64)?.to_le_bytes()),
        Kind::Float => out.extend_from_slice(&float::<f32>(token)?.to_le_bytes()),
        Kind::Double => out.extend_from_slice(&float::<f64>(token)?.to_le_bytes()),
        Kind::Enum(id) => {
            let number = enum_number(plans.enumeration(id), token)?;
            wire::put_varint(out, i64::from(number) as u64);
        }
        Kind::Message(_) | Kind::Group(_) => return Err("is a message".into()),
    }
    Ok(())
}

/// Appends the key of a map, which JSON always has as a string.
pub fn put_key(plans: &Plans, kind: Kind, name: &str, out: &mut Vec<u8>) -> Result {
    let token = match (kind, name) {
        (Kind::Bool, "true") => Token::Bool(true),
        (Kind::Bool, "false") => Token::Bool(false),
        _ => Token::Text(Cow::Borrowed(name)),
    };
    put(plans, kind, &token, out)
}

/// Appends a field, with its tag, from the text of a path or query.
pub fn put_text(plans: &Plans, field: &Field, text: &str, out: &mut Vec<u8>) -> Result {
    out.extend_from_slice(&field.tag);
    match field.kind {
        Kind::Message(id) => {
            let from = wire::open(out);
            message_text(plans, id, text, out)?;
            wire::close(out, from);
            Ok(())
        }
        Kind::Group(_) => Err("is a message".into()),
        Kind::Bool => put_key(plans, field.kind, text, out),
        Kind::Enum(_) if is_number(text) => put(plans, field.kind, &Token::Number(text), out),
        kind => put(plans, kind, &Token::Text(Cow::Borrowed(text)), out),
    }
}

/// Whether a message has a text that stands for it as a query parameter.
pub fn has_text(plans: &Plans, id: MessageId) -> bool {
    matches!(plans.message(id).shape, Shape::Timestamp | Shape::Duration | Shape::FieldMask | Shape::Wrapper)
}

fn message_text(plans: &Plans, id: MessageId, text: &str, out: &mut Vec<u8>) -> Result {
    let message = plans.message(id);
    match message.shape {
        Shape::Timestamp => timestamp(text, out),
        Shape::Duration => duration(text, out),
        Shape::FieldMask => field_mask(plans, text, out),
        Shape::Wrapper => match message.fields.first() {
            Some(field) => put_text(plans, field, text, out),
            None => Err("is a message".into()),
        },
        _ => Err("is a message".into()),
    }
}

/// Appends a `Timestamp` from its text.
pub fn timestamp(text: &str, out: &mut Vec<u8>) -> Result {
    let (seconds, nanos) = time::timestamp(text).ok_or(TIMESTAMP)?;
    time::put_wire(seconds, nanos, out);
    Ok(())
}

/// Appends a `Duration` from its text.
pub fn duration(text: &str, out: &mut Vec<u8>) -> Result {
    let (seconds, nanos) = time::duration(text).ok_or(DURATION)?;
    time::put_wire(seconds, nanos, out);
    Ok(())
}

pub const TIMESTAMP: &str = "must be an RFC 3339 time, such as 2026-07-01T12:00:00Z";
pub const DURATION: &str = "must be a duration in seconds, such as 1.5s";
const INT32: &str = "must be a 32-bit integer";
const INT64: &str = "must be a 64-bit integer";
const UINT32: &str = "must be an unsigned 32-bit integer";
const UINT64: &str = "must be an unsigned 64-bit integer";

/// Appends the paths of a mask. JSON has them in lowerCamelCase; with our style
/// of names also as in the proto file.
pub fn field_mask(plans: &Plans, text: &str, out: &mut Vec<u8>) -> Result {
    for path in text.split(',').filter(|_| !text.is_empty()) {
        let mut snake = String::with_capacity(path.len() + 4);
        for char in path.chars() {
            match char {
                'A'..='Z' => {
                    snake.push('_');
                    snake.push(char.to_ascii_lowercase());
                }
                '_' if plans.style.json_names => {
                    return Err("must be field names in lowerCamelCase, separated by commas".into());
                }
                char => snake.push(char),
            }
        }
        if path.is_empty() {
            return Err("must be field names, separated by commas".into());
        }
        out.push(1 << 3 | WireType::Delimited as u8);
        put_bytes(snake.as_bytes(), out);
    }
    Ok(())
}

pub fn put_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    wire::put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn enum_number(plan: &Enum, token: &Token<'_>) -> Result<i32> {
    let names = || format!("must be one of {}", plan.shown().join(", "));
    match token {
        Token::Null if plan.is_null => Ok(0),
        Token::Text(name) => plan.number(name).ok_or_else(|| Unfit::UnknownName(names())),
        token => match integer(token, "") {
            Ok(number) if !plan.closed || plan.json(number).is_some() => Ok(number),
            Ok(_) | Err(_) => Err(Unfit::Other(names().into())),
        },
    }
}

fn integer<T: TryFrom<i128> + std::str::FromStr>(token: &Token<'_>, wanted: &'static str) -> Result<T> {
    let text = match token {
        Token::Number(text) => text,
        Token::Text(text) if is_number(text) => &**text,
        Token::Text(_) | Token::Bool(_) | Token::Null | Token::Nested => return Err(wanted.into()),
    };
    if let Ok(value) = text.parse() {
        return Ok(value);
    }
    whole(text).and_then(|wide| T::try_from(wide).ok()).ok_or_else(|| wanted.into())
}

/// A number that is written with a fraction or an exponent and is an integer
/// nevertheless; exactly, for a `double` has not all 64-bit integers.
fn whole(text: &str) -> Option<i128> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (before, after) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().ok()?;
    let digits = format!("{before}{after}");
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // Where the decimal point is among the digits.
    let point = i64::try_from(before.len()).ok()?.checked_add(exponent)?;
    let point = usize::try_from(point).ok().filter(|point| (significant.len()..=40).contains(point))?;
    let value: i128 = format!("{significant:0<point$}").parse().ok()?;
    Some(if negative { -value } else { value })
}

/// `f32` and `f64`, each rounded once from the text.
trait Float: std::str::FromStr + Copy {
    const INFINITE: [Self; 2];
    const NAN: Self;
    fn is_finite(self) -> bool;
}

impl Float for f32 {
    const INFINITE: [Self; 2] = [Self::INFINITY, Self::NEG_INFINITY];
    const NAN: Self = Self::NAN;
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Float for f64 {
    const INFINITE: [Self; 2] = [Self::INFINITY, Self::NEG_INFINITY];
    const NAN: Self = Self::NAN;
    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

fn float<T: Float>(token: &Token<'_>) -> Result<T> {
    let text = match token {
        Token::Number(text) => text,
        Token::Text(text) => match &**text {
            "NaN" => return Ok(T::NAN),
            "Infinity" => return Ok(T::INFINITE[0]),
            "-Infinity" => return Ok(T::INFINITE[1]),
            text if is_number(text) => text,
            _ => return Err("must be a number".into()),
        },
        Token::Bool(_) | Token::Null | Token::Nested => return Err("must be a number".into()),
    };
    let value: T = text.parse().map_err(|_| Unfit::from("must be a number"))?;
    if value.is_finite() { Ok(value) } else { Err("is beyond the range of its type".into()) }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let alphabet =
        if text.contains(['-', '_']) { &base64::alphabet::URL_SAFE } else { &base64::alphabet::STANDARD };
    GeneralPurpose::new(alphabet, LENIENT).decode(text).ok()
}

impl From<&'static str> for Unfit {
    fn from(what: &'static str) -> Self {
        Self::Other(what.into())
    }
}

impl Unfit {
    /// The rest of a sentence about the field.
    pub fn into_text(self) -> Cow<'static, str> {
        match self {
            Self::UnknownName(text) => text.into(),
            Self::Other(text) => text,
        }
    }
}
