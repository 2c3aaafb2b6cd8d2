//! Wire to JSON, in one pass and without message objects.
//!
//! Encoders write fields in the order of their numbers, lists and maps in one
//! piece, and no singular field twice; then each field is rendered where it
//! stands. A message that is written otherwise is rendered again with its fields
//! gathered first, and then so is every message after it: trying each level of a
//! tree of such messages in order first would double the work with each level.
//!
//! So members come in the order of their numbers, which is that of the wire. An
//! unset `google.protobuf.Value` is left out, since its null is a value.

use super::fields::{delimited, gather, is_hidden_default, values};
use super::value;
use super::well_known::{field_mask, time_text};
use crate::error::OutputError;
use crate::json::write;
use crate::plan::{Field, Kind, Label, Message, MessageId, Plans, Shape};
use crate::read_mask::Part;
use crate::wire::{MAX_DEPTH, Raw, Wire, WireType, last};

type Result<T = ()> = std::result::Result<T, OutputError>;

/// Writes the messages of one answer.
#[derive(Debug)]
pub struct Writer<'p> {
    pub(super) plans: &'p Plans,
    /// One message was out of order: none is tried in order any more.
    pub(super) gather: bool,
    pub(super) depth: usize,
}

/// The wire is not in the order of the fields.
pub(super) struct OutOfOrder;

/// Which members of an object are written.
pub(super) enum Pick<'m> {
    All,
    Without(usize),
    Only(&'m [(usize, Part)]),
}

impl<'p> Writer<'p> {
    pub fn new(plans: &'p Plans) -> Self {
        Self { plans, gather: false, depth: 0 }
    }

    /// Appends a message.
    pub fn message(&mut self, id: MessageId, wire: &[u8], out: &mut Vec<u8>) -> Result {
        if self.depth >= MAX_DEPTH {
            return Err(OutputError::Malformed);
        }
        self.depth += 1;
        let plans = self.plans;
        let message = plans.message(id);
        let done = match message.shape {
            Shape::Plain => self.object(message, wire, out),
            Shape::Timestamp | Shape::Duration => time_text(message.shape, wire, out),
            Shape::FieldMask => field_mask(plans.style, wire, self.depth, out),
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
        close(out, start, b'{', b'}');
        Ok(())
    }

    /// Appends an object without one of its fields.
    pub fn object_without(
        &mut self,
        message: &Message,
        hidden: usize,
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result {
        let start = out.len();
        self.depth += 1;
        self.gathered_members(message, &Pick::Without(hidden), wire, out)?;
        self.depth -= 1;
        close(out, start, b'{', b'}');
        Ok(())
    }

    /// The members of an object, each with the comma before it.
    fn members(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        if !self.gather {
            let start = out.len();
            if self.in_order(message, wire, out)?.is_ok() {
                return Ok(());
            }
            out.truncate(start);
            self.gather = true;
        }
        self.gathered_members(message, &Pick::All, wire, out)
    }

    /// The members in the order of the fields, wherever they stand on the wire.
    pub(super) fn gathered_members(
        &mut self,
        message: &Message,
        pick: &Pick<'_>,
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result {
        let mut found = gather(message, wire, self.depth)?;
        found.sort_by_key(|(index, _)| *index);
        let mut found = found.into_iter().peekable();
        for (index, field) in message.fields.iter().enumerate() {
            let mut values = Vec::new();
            while let Some((_, raw)) = found.next_if(|(at, _)| *at == index) {
                values.push(raw);
            }
            let Some(part) = pick.part(index) else { continue };
            if values.is_empty() {
                out.extend_from_slice(&field.absent);
            } else if !is_hidden_default(self.plans, field, &values) {
                out.extend_from_slice(&field.key);
                self.gathered(field, &values, part, out)?;
            }
        }
        Ok(())
    }

    /// The members as they stand on the wire, as long as that is in order.
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
            self.next_member(field, (number, wire_type), &mut rest, out)?;
        }
        for absent in &message.fields[next..] {
            out.extend_from_slice(&absent.absent);
        }
        Ok(Ok(()))
    }

    /// The field whose tag was just read, with all its values where it is a list or
    /// a map.
    #[inline]
    pub(super) fn next_member(
        &mut self,
        field: &Field,
        (number, wire_type): (u32, WireType),
        rest: &mut Wire<'_>,
        out: &mut Vec<u8>,
    ) -> Result {
        match field.label {
            Label::One => {
                let raw = rest.raw(number, wire_type, self.depth)?;
                if !is_hidden_default(self.plans, field, &[raw]) {
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
                    close(out, start, b'[', b']');
                }
            }
            Label::Map => {
                out.extend_from_slice(&field.key);
                let mut entries = vec![rest.raw(number, wire_type, self.depth)?];
                while rest.0.starts_with(&field.tag) {
                    rest.0 = &rest.0[field.tag.len()..];
                    entries.push(Raw::Delimited(rest.delimited()?));
                }
                self.map(field, &entries, &Part::Whole, out)?;
            }
        }
        Ok(())
    }

    /// The value or values of a list that follow one tag, each with a comma
    /// before it.
    pub(super) fn items(&mut self, field: &Field, raw: Raw<'_>, out: &mut Vec<u8>) -> Result {
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

    #[inline]
    pub(super) fn single(&mut self, kind: Kind, raw: Raw<'_>, out: &mut Vec<u8>) -> Result {
        match (kind, raw) {
            (Kind::Message(id), Raw::Delimited(bytes)) | (Kind::Group(id), Raw::Group(bytes)) => {
                self.message(id, bytes, out)
            }
            (kind, raw) => value::scalar(self.plans, kind, raw, out),
        }
    }

    /// A wrapper is the value of its one field.
    fn wrapper(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let field = message.fields.first().ok_or(OutputError::Malformed)?;
        let raw = last(wire, field.number)?.unwrap_or_else(|| value::zero(field.kind));
        self.single(field.kind, raw, out)
    }

    /// A `Struct` is its map, a `ListValue` its list.
    fn struct_or_list(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let field = message.fields.first().ok_or(OutputError::Malformed)?;
        self.gathered(field, &values(wire, field.number, self.depth)?, &Part::Whole, out)
    }

    /// A `Value` is the one of its members that is set. An unset one has no JSON, nor
    /// has a number that is not finite.
    fn value_message(&mut self, message: &Message, wire: &[u8], out: &mut Vec<u8>) -> Result {
        let found = gather(message, wire, self.depth)?;
        let index = found.last().ok_or(OutputError::NoJson)?.0;
        let values: Vec<_> = found.iter().map(|(_, raw)| *raw).collect();
        let field = &message.fields[index];
        if let (Kind::Double, Some(Raw::Fixed64(bits))) = (field.kind, values.last())
            && !f64::from_bits(*bits).is_finite()
        {
            return Err(OutputError::NoJson);
        }
        self.gathered(field, &values, &Part::Whole, out)
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

    /// Appends an `Any` of a type and a value.
    pub fn any_parts(&mut self, type_url: &str, value: &[u8], out: &mut Vec<u8>) -> Result {
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

impl Pick<'_> {
    /// What is shown of a field; nothing if it is not.
    fn part(&self, index: usize) -> Option<&Part> {
        match self {
            Self::All => Some(&Part::Whole),
            Self::Without(hidden) => (*hidden != index).then_some(&Part::Whole),
            Self::Only(wanted) => {
                let at = wanted.binary_search_by_key(&index, |(index, _)| *index).ok()?;
                Some(&wanted[at].1)
            }
        }
    }
}

/// Puts brackets around what came since `start`, each part of which brought the
/// comma before it: the first comma becomes the opening bracket.
#[inline]
pub(super) fn close(out: &mut Vec<u8>, start: usize, opening: u8, closing: u8) {
    match out.get_mut(start) {
        Some(comma) => *comma = opening,
        None => out.push(opening),
    }
    out.push(closing);
}
