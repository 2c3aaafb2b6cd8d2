//! Wire to JSON, in one pass and without message objects.
//!
//! Encoders write fields in the order of their numbers, lists and maps in one
//! piece, and no singular field twice; then each field is rendered where it
//! stands. A message that is written otherwise is rendered again with its fields
//! gathered first.

use crate::error::OutputError;
use crate::json::write;
use crate::plan::{Field, Kind, Label, Message, MessageId, Plans, Shape};
use crate::time;
use crate::wire::{MAX_DEPTH, Raw, Wire, WireType};

type Result<T = ()> = std::result::Result<T, OutputError>;

/// Appends the JSON of a message.
pub fn message(plans: &Plans, id: MessageId, wire: &[u8], out: &mut Vec<u8>) -> Result {
    Renderer { plans, gather: false, depth: 0 }.message(id, wire, out)
}

/// Appends the JSON of one field of a message.
pub fn field(plans: &Plans, id: MessageId, field: usize, wire: &[u8], out: &mut Vec<u8>) -> Result {
    let message = plans.message(id);
    let mut values = Vec::new();
    let field = &message.fields[field];
    let mut rest = Wire(wire);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, 0)?;
        if number == field.number {
            values.push(raw);
        }
    }
    if values.is_empty() {
        let default = field.absent.get(field.key.len()..).filter(|default| !default.is_empty());
        out.extend_from_slice(default.unwrap_or(b"null"));
        return Ok(());
    }
    Renderer { plans, gather: false, depth: 0 }.gathered(field, &values, out)
}

/// Appends the JSON of an `Any`. One whose type is unknown is shown in base64,
/// since a refusal with a strange detail must still be readable.
pub fn any_or_base64(plans: &Plans, type_url: &str, value: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut renderer = Renderer { plans, gather: false, depth: 0 };
    if renderer.any_parts(type_url, value, out).is_ok() {
        return;
    }
    out.truncate(start);
    out.extend_from_slice(b"{\"@type\":");
    write::string(out, type_url);
    out.extend_from_slice(b",\"value\":");
    write::base64(out, value);
    out.push(b'}');
}

/// The last value of a field of bytes or text, or of a message.
pub fn delimited(wire: &[u8], number: u32) -> Result<Option<&[u8]>> {
    match last(wire, number)? {
        None => Ok(None),
        Some(Raw::Delimited(bytes)) => Ok(Some(bytes)),
        Some(_) => Err(OutputError::Malformed),
    }
}

struct Renderer<'p> {
    plans: &'p Plans,
    /// Since one message was out of order, none is tried in order any more: a
    /// tree of messages out of order would be rendered twice at each level.
    gather: bool,
    depth: usize,
}

/// The wire is not in the order of the fields.
struct OutOfOrder;

impl Renderer<'_> {
    fn message(&mut self, id: MessageId, wire: &[u8], out: &mut Vec<u8>) -> Result {
        if self.depth >= MAX_DEPTH {
            return Err(OutputError::Malformed);
        }
        self.depth += 1;
        let plans = self.plans;
        let message = plans.message(id);
        let done = match message.shape {
            Shape::Plain => self.object(message, wire, out),
            Shape::Timestamp | Shape::Duration => time_text(message.shape, wire, out),
            Shape::FieldMask => self.field_mask(wire, out),
            Shape::Wrapper => self.wrapper(message, wire, out),
            Shape::Struct | Shape::List => self.struct_or_list(message, wire, out),
            Shape::Value => self.value_message(message, wire, out),
            Shape::Any => self.any(wire, out),
        };
        self.depth -= 1;
        done
    }

    fn object(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let start = out.len();
        self.members(message, wire, out)?;
        // Each member brings the comma before it.
        if out.len() == start {
            out.push(b'{');
        } else {
            out[start] = b'{';
        }
        out.push(b'}');
        Ok(())
    }

    fn members(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        if !self.gather {
            let start = out.len();
            if self.in_order(message, wire, out)?.is_ok() {
                return Ok(());
            }
            out.truncate(start);
            self.gather = true;
        }
        let mut found = self.gather_fields(message, wire)?;
        found.sort_by_key(|(index, _)| *index);
        let mut found = found.into_iter().peekable();
        for (index, field) in message.fields.iter().enumerate() {
            let mut values = Vec::new();
            while let Some((_, raw)) = found.next_if(|(at, _)| *at == index) {
                values.push(raw);
            }
            if values.is_empty() {
                out.extend_from_slice(&field.absent);
            } else if !self.is_hidden_default(field, &values) {
                out.extend_from_slice(&field.key);
                self.gathered(field, &values, out)?;
            }
        }
        Ok(())
    }

    fn in_order(
        &mut self,
        message: &Message,
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<std::result::Result<(), OutOfOrder>> {
        let mut rest = Wire(wire);
        let (mut next, mut oneofs) = (0, 0_u64);
        while !rest.is_empty() {
            let (number, wire_type) = rest.tag()?;
            let Some(index) = message.by_number(number) else {
                rest.raw(number, wire_type, self.depth)?;
                continue;
            };
            if index < next {
                return Ok(Err(OutOfOrder));
            }
            let field = &message.fields[index];
            for absent in &message.fields[next..index] {
                out.extend_from_slice(&absent.absent);
            }
            next = index + 1;
            if let Some(oneof) = field.oneof {
                let bit = 1_u64.checked_shl(u32::from(oneof)).unwrap_or(u64::MAX);
                if oneofs & bit != 0 {
                    return Ok(Err(OutOfOrder));
                }
                oneofs |= bit;
            }
            match field.label {
                Label::One => {
                    let raw = rest.raw(number, wire_type, self.depth)?;
                    if !self.is_hidden_default(field, &[raw]) {
                        out.extend_from_slice(&field.key);
                        self.single(field.kind, raw, out)?;
                    }
                }
                Label::List => {
                    out.extend_from_slice(&field.key);
                    let start = out.len();
                    let raw = rest.raw(number, wire_type, self.depth)?;
                    self.items(field, raw, out)?;
                    while rest.0.starts_with(&field.tag) {
                        rest.0 = &rest.0[field.tag.len()..];
                        let raw = rest.raw(number, field.kind.wire_type(), self.depth)?;
                        self.items(field, raw, out)?;
                    }
                    if out.len() == start && !self.plans.style.defaults {
                        // Nothing but empty packed lists.
                        out.truncate(start - field.key.len());
                    } else {
                        close_list(out, start);
                    }
                }
                Label::Map => {
                    out.extend_from_slice(&field.key);
                    let mut entries = vec![rest.raw(number, wire_type, self.depth)?];
                    while rest.0.starts_with(&field.tag) {
                        rest.0 = &rest.0[field.tag.len()..];
                        entries.push(Raw::Delimited(rest.delimited()?));
                    }
                    self.map(field, &entries, out)?;
                }
            }
        }
        for absent in &message.fields[next..] {
            out.extend_from_slice(&absent.absent);
        }
        Ok(Ok(()))
    }

    /// The values of known fields; of a oneof's members only the last one that was
    /// set counts.
    fn gather_fields<'w>(&self, message: &Message, wire: &'w [u8]) -> Result<Vec<(usize, Raw<'w>)>> {
        let mut found = Vec::new();
        let mut last: Vec<Option<usize>> = vec![None; message.oneofs.len()];
        let mut rest = Wire(wire);
        while !rest.is_empty() {
            let (number, wire_type) = rest.tag()?;
            let raw = rest.raw(number, wire_type, self.depth)?;
            let Some(index) = message.by_number(number) else { continue };
            if let Some(oneof) = message.fields[index].oneof {
                last[usize::from(oneof)] = Some(index);
            }
            found.push((index, raw));
        }
        found.retain(|(index, _)| {
            message.fields[*index].oneof.is_none_or(|oneof| last[usize::from(oneof)] == Some(*index))
        });
        Ok(found)
    }

    /// A default that an encoder wrote for a field without presence is as good
    /// as absent.
    fn is_hidden_default(&self, field: &Field, values: &[Raw<'_>]) -> bool {
        let Some(last) = values.last() else { return false };
        if self.plans.style.defaults || field.presence || field.label == Label::Map {
            return false;
        }
        if field.label == Label::List {
            let packs = !matches!(field.kind.wire_type(), WireType::Delimited | WireType::StartGroup);
            return packs && values.iter().all(|raw| *raw == Raw::Delimited(&[]));
        }
        match (field.kind, last) {
            (Kind::Enum(id), _) if self.plans.enumeration(id).is_null => true,
            // Of a 32-bit number only those bits count.
            (Kind::Int32 | Kind::Sint32 | Kind::Uint32 | Kind::Enum(_), Raw::Varint(value)) => {
                value.trailing_zeros() >= 32
            }
            (_, Raw::Varint(0) | Raw::Fixed32(0) | Raw::Fixed64(0) | Raw::Delimited([])) => true,
            _ => false,
        }
    }

    /// All values of a field, which is there.
    fn gathered(&mut self, field: &Field, values: &[Raw<'_>], out: &mut Vec<u8>) -> Result {
        match field.label {
            Label::Map => self.map(field, values, out),
            Label::List => {
                let start = out.len();
                for raw in values {
                    self.items(field, *raw, out)?;
                }
                close_list(out, start);
                Ok(())
            }
            Label::One => match (field.kind, values) {
                (_, [raw]) => self.single(field.kind, *raw, out),
                // Parts of a message are one message.
                (Kind::Message(_) | Kind::Group(_), parts) => {
                    let mut whole = Vec::new();
                    for part in parts {
                        match (part, field.kind) {
                            (Raw::Delimited(part), Kind::Message(_)) => whole.extend_from_slice(part),
                            (Raw::Group(part), Kind::Group(_)) => whole.extend_from_slice(part),
                            _ => return Err(OutputError::Malformed),
                        }
                    }
                    let raw = match field.kind {
                        Kind::Group(_) => Raw::Group(&whole),
                        _ => Raw::Delimited(&whole),
                    };
                    self.single(field.kind, raw, out)
                }
                (_, values) => {
                    let last = values.last().ok_or(OutputError::Malformed)?;
                    self.single(field.kind, *last, out)
                }
            },
        }
    }

    /// The value or values of a list that stand behind one tag, each with a comma
    /// before it.
    fn items(&mut self, field: &Field, raw: Raw<'_>, out: &mut Vec<u8>) -> Result {
        let wire_type = field.kind.wire_type();
        let packed = match raw {
            Raw::Delimited(packed) if !matches!(wire_type, WireType::Delimited | WireType::StartGroup) => {
                packed
            }
            single => {
                out.push(b',');
                return self.single(field.kind, single, out);
            }
        };
        let mut rest = Wire(packed);
        while !rest.is_empty() {
            let raw = rest.raw(field.number, wire_type, self.depth)?;
            out.push(b',');
            self.single(field.kind, raw, out)?;
        }
        Ok(())
    }

    /// Members sorted by key, so that equal maps are equal texts; of entries with
    /// one key the last counts.
    fn map(&mut self, field: &Field, entries: &[Raw<'_>], out: &mut Vec<u8>) -> Result {
        let Kind::Message(entry) = field.kind else { return Err(OutputError::Malformed) };
        let plans = self.plans;
        let [key_field, value_field] = &*plans.message(entry).fields else {
            return Err(OutputError::Malformed);
        };
        let mut members: Vec<(String, Vec<Raw<'_>>)> = Vec::with_capacity(entries.len());
        for raw in entries {
            let Raw::Delimited(entry) = raw else { return Err(OutputError::Malformed) };
            let (mut key, mut values) = (None, Vec::new());
            let mut rest = Wire(entry);
            while !rest.is_empty() {
                let (number, wire_type) = rest.tag()?;
                let raw = rest.raw(number, wire_type, self.depth)?;
                match number {
                    1 => key = Some(raw),
                    2 => values.push(raw),
                    _ => {}
                }
            }
            members.push((key_text(key_field.kind, key)?, values));
        }
        members.sort_by(|one, other| one.0.cmp(&other.0));
        let start = out.len();
        for (at, (key, values)) in members.iter().enumerate() {
            if members.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            out.push(b',');
            write::string(out, key);
            out.push(b':');
            if values.is_empty() {
                self.zero(value_field.kind, out)?;
            } else {
                self.gathered(value_field, values, out)?;
            }
        }
        if out.len() == start {
            out.push(b'{');
        } else {
            out[start] = b'{';
        }
        out.push(b'}');
        Ok(())
    }

    fn zero(&mut self, kind: Kind, out: &mut Vec<u8>) -> Result {
        let raw = match kind.wire_type() {
            WireType::Varint => Raw::Varint(0),
            WireType::Fixed64 => Raw::Fixed64(0),
            WireType::Fixed32 => Raw::Fixed32(0),
            _ => Raw::Delimited(&[]),
        };
        self.single(kind, raw, out)
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    fn single(&mut self, kind: Kind, raw: Raw<'_>, out: &mut Vec<u8>) -> Result {
        match (kind, raw) {
            (Kind::String, Raw::Delimited(bytes)) => {
                write::text(out, bytes).ok_or(OutputError::Malformed)?;
            }
            (Kind::Enum(id), Raw::Varint(value)) => {
                let plan = self.plans.enumeration(id);
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
            (Kind::Message(id), Raw::Delimited(bytes)) | (Kind::Group(id), Raw::Group(bytes)) => {
                return self.message(id, bytes, out);
            }
            _ => return Err(OutputError::Malformed),
        }
        Ok(())
    }

    fn wrapper(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let field = message.fields.first().ok_or(OutputError::Malformed)?;
        match last(wire, field.number)? {
            Some(raw) => self.single(field.kind, raw, out),
            None => self.zero(field.kind, out),
        }
    }

    fn field_mask(&self, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let mut joined = String::new();
        let mut rest = Wire(wire);
        while !rest.is_empty() {
            let (number, wire_type) = rest.tag()?;
            let raw = rest.raw(number, wire_type, self.depth)?;
            let (1, Raw::Delimited(path)) = (number, raw) else { continue };
            let path = std::str::from_utf8(path).map_err(|_| OutputError::Malformed)?;
            if path.is_empty() || path.contains(',') {
                return Err(OutputError::NoJson);
            }
            if !joined.is_empty() {
                joined.push(',');
            }
            if self.plans.style.json_names {
                joined.push_str(&camel(path).ok_or(OutputError::NoJson)?);
            } else {
                joined.push_str(path);
            }
        }
        write::string(out, &joined);
        Ok(())
    }

    /// A `Struct` is its map, a `ListValue` its list.
    fn struct_or_list(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let field = message.fields.first().ok_or(OutputError::Malformed)?;
        let mut values = Vec::new();
        let mut rest = Wire(wire);
        while !rest.is_empty() {
            let (number, wire_type) = rest.tag()?;
            let raw = rest.raw(number, wire_type, self.depth)?;
            if number == field.number {
                values.push(raw);
            }
        }
        self.gathered(field, &values, out)
    }

    /// A `Value` is that of its members which is set. An unset one has no JSON, and
    /// neither has a number that is none.
    fn value_message(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let found = self.gather_fields(message, wire)?;
        let index = found.last().ok_or(OutputError::NoJson)?.0;
        let values: Vec<_> = found.iter().map(|(_, raw)| *raw).collect();
        let field = &message.fields[index];
        if let (Kind::Double, Some(Raw::Fixed64(bits))) = (field.kind, values.last())
            && !f64::from_bits(*bits).is_finite()
        {
            return Err(OutputError::NoJson);
        }
        self.gathered(field, &values, out)
    }

    fn any(&mut self, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let (type_url, value) =
            (delimited(wire, 1)?.unwrap_or_default(), delimited(wire, 2)?.unwrap_or_default());
        let type_url = std::str::from_utf8(type_url).map_err(|_| OutputError::Malformed)?;
        if type_url.is_empty() && value.is_empty() {
            out.extend_from_slice(b"{}");
            return Ok(());
        }
        self.any_parts(type_url, value, out)
    }

    fn any_parts(&mut self, type_url: &str, value: &[u8], out: &mut Vec<u8>) -> Result {
        let name = type_url.rsplit_once('/').ok_or(OutputError::NoJson)?.1;
        let id = self.plans.find(name).ok_or(OutputError::NoJson)?;
        let plans = self.plans;
        let message = plans.message(id);
        out.extend_from_slice(b"{\"@type\":");
        write::string(out, type_url);
        if message.shape == Shape::Plain {
            if self.depth >= MAX_DEPTH {
                return Err(OutputError::Malformed);
            }
            self.depth += 1;
            let done = self.members(message, value, out);
            self.depth -= 1;
            done?;
        } else {
            out.extend_from_slice(b",\"value\":");
            self.message(id, value, out)?;
        }
        out.push(b'}');
        Ok(())
    }
}

fn close_list(out: &mut Vec<u8>, start: usize) {
    if out.len() == start {
        out.push(b'[');
    } else {
        out[start] = b'[';
    }
    out.push(b']');
}

/// The last value of a field in a message of few fields.
fn last(wire: &[u8], wanted: u32) -> Result<Option<Raw<'_>>> {
    let mut found = None;
    let mut rest = Wire(wire);
    while !rest.is_empty() {
        let (number, wire_type) = rest.tag()?;
        let raw = rest.raw(number, wire_type, 0)?;
        if number == wanted {
            found = Some(raw);
        }
    }
    Ok(found)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
fn time_text(shape: Shape, wire: &[u8], out: &mut Vec<u8>) -> Result {
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

#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
fn key_text(kind: Kind, key: Option<Raw<'_>>) -> Result<String> {
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

#[allow(clippy::cast_possible_wrap)]
fn zigzag32(value: u32) -> i32 {
    (value >> 1) as i32 ^ -((value & 1) as i32)
}

#[allow(clippy::cast_possible_wrap)]
fn zigzag64(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
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
