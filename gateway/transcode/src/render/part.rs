//! Values of which a part is shown. What was not asked for is passed over on the wire,
//! unread: neither is its text looked at, nor are the messages within it.

use super::fields::entry;
use super::message::{OutOfOrder, Pick, Writer, close};
use super::value;
use crate::error::OutputError;
use crate::json::write;
use crate::key;
use crate::plan::{Field, Kind, Label, Message, MessageId};
use crate::read_mask::Part;
use crate::wire::{MAX_DEPTH, Raw, Wire};

type Result<T = ()> = std::result::Result<T, OutputError>;

impl Writer<'_> {
    /// What is shown of all values of a field, which is there.
    pub fn gathered(&mut self, field: &Field, values: &[Raw<'_>], part: &Part, out: &mut Vec<u8>) -> Result {
        match (field.label, values) {
            (Label::Map, entries) => self.map(field, entries, part, out),
            (Label::List, values) => {
                let start = out.len();
                for raw in values {
                    match part {
                        Part::Whole => self.items(field, *raw, out)?,
                        part => {
                            out.push(b',');
                            self.part(field.kind, *raw, part, out)?;
                        }
                    }
                }
                close(out, start, b'[', b']');
                Ok(())
            }
            (Label::One, [raw]) => self.part(field.kind, *raw, part, out),
            // Parts of a message are one message.
            (Label::One, values) if matches!(field.kind, Kind::Message(_) | Kind::Group(_)) => {
                let mut whole = Vec::new();
                for one in values {
                    match (one, field.kind) {
                        (Raw::Delimited(one), Kind::Message(_)) => whole.extend_from_slice(one),
                        (Raw::Group(one), Kind::Group(_)) => whole.extend_from_slice(one),
                        _ => return Err(OutputError::Malformed),
                    }
                }
                let raw = match field.kind {
                    Kind::Group(_) => Raw::Group(&whole),
                    _ => Raw::Delimited(&whole),
                };
                self.part(field.kind, raw, part, out)
            }
            (Label::One, values) => {
                let last = values.last().ok_or(OutputError::Malformed)?;
                self.part(field.kind, *last, part, out)
            }
        }
    }

    /// What is shown of one value.
    pub fn part(&mut self, kind: Kind, raw: Raw<'_>, part: &Part, out: &mut Vec<u8>) -> Result {
        match (part, kind, raw) {
            (Part::Whole, ..) => self.single(kind, raw, out),
            (Part::Fields(wanted), Kind::Message(id), Raw::Delimited(wire))
            | (Part::Fields(wanted), Kind::Group(id), Raw::Group(wire)) => self.wanted(id, wanted, wire, out),
            (Part::Fields(_) | Part::Entries(_), ..) => Err(OutputError::Malformed),
        }
    }

    /// An object of the fields that are wanted.
    fn wanted(&mut self, id: MessageId, wanted: &[(usize, Part)], wire: &[u8], out: &mut Vec<u8>) -> Result {
        if self.depth >= MAX_DEPTH {
            return Err(OutputError::Malformed);
        }
        self.depth += 1;
        let (message, start) = (self.plans.message(id), out.len());
        if self.gather || self.wanted_in_order(message, wanted, wire, out)?.is_err() {
            self.gather = true;
            out.truncate(start);
            self.gathered_members(message, &Pick::Only(wanted), wire, out)?;
        }
        self.depth -= 1;
        close(out, start, b'{', b'}');
        Ok(())
    }

    /// The wanted members as they stand on the wire, as long as that is in order.
    fn wanted_in_order(
        &mut self,
        message: &Message,
        wanted: &[(usize, Part)],
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<std::result::Result<(), OutOfOrder>> {
        let absent = |one: &(usize, Part)| &*message.fields[one.0].absent;
        let mut rest = Wire(wire);
        let (mut next, mut oneofs) = (0, 0_u64);
        while !rest.is_empty() {
            let (number, wire_type) = rest.tag()?;
            let Some(index) = message.by_number(number) else {
                rest.raw(number, wire_type, self.depth)?;
                continue;
            };
            let field = &message.fields[index];
            // Another member of a oneof unsets one that is wanted.
            if let Some(oneof) = field.oneof {
                let bit = 1_u64.checked_shl(u32::from(oneof)).unwrap_or(u64::MAX);
                if oneofs & bit != 0 {
                    return Ok(Err(OutOfOrder));
                }
                oneofs |= bit;
            }
            let Ok(at) = wanted.binary_search_by_key(&index, |(index, _)| *index) else {
                rest.raw(number, wire_type, self.depth)?;
                continue;
            };
            if at < next {
                return Ok(Err(OutOfOrder));
            }
            wanted[next..at].iter().for_each(|one| out.extend_from_slice(absent(one)));
            next = at + 1;
            match &wanted[at].1 {
                Part::Whole => self.next_member(field, (number, wire_type), &mut rest, out)?,
                part => {
                    out.extend_from_slice(&field.key);
                    let first = rest.raw(number, wire_type, self.depth)?;
                    self.next_part(field, part, first, &mut rest, out)?;
                }
            }
        }
        wanted[next..].iter().for_each(|one| out.extend_from_slice(absent(one)));
        Ok(Ok(()))
    }

    /// A part of the field whose first value was just read.
    fn next_part(
        &mut self,
        field: &Field,
        part: &Part,
        first: Raw<'_>,
        rest: &mut Wire<'_>,
        out: &mut Vec<u8>,
    ) -> Result {
        if field.label == Label::One {
            return self.part(field.kind, first, part, out);
        }
        let mut values = vec![first];
        while rest.0.starts_with(&field.tag) {
            rest.0 = &rest.0[field.tag.len()..];
            values.push(rest.raw(field.number, field.kind.wire_type(), self.depth)?);
        }
        self.gathered(field, &values, part, out)
    }

    /// Members sorted by key, so that equal maps are equal texts; of entries with
    /// one key the last counts.
    pub(super) fn map(
        &mut self,
        field: &Field,
        entries: &[Raw<'_>],
        part: &Part,
        out: &mut Vec<u8>,
    ) -> Result {
        let Kind::Message(of) = field.kind else { return Err(OutputError::Malformed) };
        let plans = self.plans;
        let [key_field, value_field] = &*plans.message(of).fields else {
            return Err(OutputError::Malformed);
        };
        let mut members: Vec<(String, Vec<Raw<'_>>)> = Vec::with_capacity(entries.len());
        for raw in entries {
            let (key, values) = entry(raw, self.depth)?;
            members.push((key::text(key_field.kind, key)?, values));
        }
        members.sort_by(|one, other| one.0.cmp(&other.0));
        let start = out.len();
        for (at, (key, values)) in members.iter().enumerate() {
            if members.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            let Some(part) = part.entry(key) else { continue };
            out.push(b',');
            write::string(out, key);
            out.push(b':');
            match values.as_slice() {
                [] => self.part(value_field.kind, value::zero(value_field.kind), part, out)?,
                values => self.gathered(value_field, values, part, out)?,
            }
        }
        close(out, start, b'{', b'}');
        Ok(())
    }
}
