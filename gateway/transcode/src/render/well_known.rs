//! Messages that are a single text in JSON.

use crate::error::OutputError;
use crate::json::write;
use crate::plan::Shape;
use crate::style::Style;
use crate::time;
use crate::wire::{Raw, Wire, last};

type Result<T = ()> = std::result::Result<T, OutputError>;

/// Appends a `Timestamp` or a `Duration`.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
pub fn time_text(shape: Shape, wire: &[u8], out: &mut Vec<u8>) -> Result {
    let number = |raw| match raw {
        None => Ok(0),
        Some(Raw::Varint(value)) => Ok(value as i64),
        Some(_) => Err(OutputError::Malformed),
    };
    let (seconds, nanos) = (number(last(wire, 1)?)?, number(last(wire, 2)?)? as i32);
    out.push(b'"');
    let put = if shape == Shape::Timestamp { time::put_timestamp } else { time::put_duration };
    put(out, seconds, nanos).ok_or(OutputError::NoJson)?;
    out.push(b'"');
    Ok(())
}

/// Appends a `FieldMask`.
pub fn field_mask(style: Style, wire: &[u8], depth: usize, out: &mut Vec<u8>) -> Result {
    let mut joined = String::new();
    let mut rest = Wire(wire);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, depth)?;
        let (1, Raw::Delimited(path)) = (number, raw) else { continue };
        let path = std::str::from_utf8(path).map_err(|_| OutputError::Malformed)?;
        if path.is_empty() || path.contains(',') {
            return Err(OutputError::NoJson);
        }
        if !joined.is_empty() {
            joined.push(',');
        }
        if style.json_names {
            joined.push_str(&camel(path).ok_or(OutputError::NoJson)?);
        } else {
            joined.push_str(path);
        }
    }
    write::string(out, &joined);
    Ok(())
}

/// A path of a mask in lowerCamelCase; `None` if it would not come back.
fn camel(path: &str) -> Option<String> {
    let mut camel = String::with_capacity(path.len());
    let mut chars = path.chars();
    while let Some(char) = chars.next() {
        match char {
            '_' => camel.push(chars.next().filter(char::is_ascii_lowercase)?.to_ascii_uppercase()),
            char if char.is_ascii_uppercase() => return None,
            char => camel.push(char),
        }
    }
    Some(camel)
}
