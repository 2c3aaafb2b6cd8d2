//! JSON to wire, in one pass and without message objects, strictly: an unknown
//! field, a field given twice, two members of a oneof and a value of another
//! type are refused with their place.

mod seen;
mod wrong;

use std::borrow::Cow;

use self::seen::Seen;
use self::wrong::{Wrong, unknown_field};
use crate::error::{InputError, clipped};
use crate::json::read::{Next, Reader};
use crate::plan::{Field, Kind, Label, Message, MessageId, Plans, Shape};
use crate::scalar::{self, Token};
use crate::wire::{self, MAX_DEPTH, WireType};

type Result<T = ()> = std::result::Result<T, Wrong>;

/// Appends the wire of a message.
pub fn message(
    plans: &Plans,
    id: MessageId,
    json: &[u8],
    out: &mut Vec<u8>,
) -> std::result::Result<(), InputError> {
    whole(json, |reader| Parser { plans }.message(id, reader, out))
}

/// Appends one field, with its tag.
pub fn field(
    plans: &Plans,
    field: &Field,
    json: &[u8],
    out: &mut Vec<u8>,
) -> std::result::Result<(), InputError> {
    whole(json, |reader| {
        let set = Parser { plans }
            .field(field, reader, out)
            .and_then(|set| if set { Ok(()) } else { Err(Wrong::value("must not be null")) });
        set.map_err(|wrong| wrong.within(&field.name))
    })
}

fn whole(json: &[u8], read: impl FnOnce(&mut Reader<'_>) -> Result) -> std::result::Result<(), InputError> {
    let text = std::str::from_utf8(json).map_err(|_| InputError::request("the body is not UTF-8"))?;
    let mut reader = Reader::new(text);
    let done = read(&mut reader).and_then(|()| Ok(reader.end()?));
    done.map_err(|wrong| wrong.into_error(&reader))
}

struct Parser<'p> {
    plans: &'p Plans,
}

impl Parser<'_> {
    fn message(&self, id: MessageId, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        let message = self.plans.message(id);
        match message.shape {
            Shape::Plain => self.object(message, reader, false, out),
            Shape::Timestamp => {
                let text = text(reader, scalar::TIMESTAMP)?;
                Ok(scalar::timestamp(&text, out)?)
            }
            Shape::Duration => {
                let text = text(reader, scalar::DURATION)?;
                Ok(scalar::duration(&text, out)?)
            }
            Shape::FieldMask => {
                let text = text(reader, "must be field names, separated by commas")?;
                Ok(scalar::field_mask(self.plans, &text, out)?)
            }
            Shape::Wrapper => {
                let field = message.fields.first().ok_or(Wrong::value("has no JSON"))?;
                self.single(field, reader, out)
            }
            Shape::Value => self.value_message(message, reader, out),
            Shape::Struct => {
                let field = message.fields.first().ok_or(Wrong::value("has no JSON"))?;
                self.map(field, reader, out)
            }
            Shape::List => {
                let field = message.fields.first().ok_or(Wrong::value("has no JSON"))?;
                self.list(field, reader, out)
            }
            Shape::Any => self.any(reader, out),
        }
    }

    /// An object whose members are fields; `@type` is passed over within an `Any`.
    fn object(&self, message: &Message, reader: &mut Reader<'_>, in_any: bool, out: &mut Vec<u8>) -> Result {
        enter(reader, Next::Object, "must be a JSON object")?;
        let (mut first, mut likely, mut seen) = (true, 0, Seen::default());
        while let Some(name) = reader.member(&mut first)? {
            let Some(index) = message.by_name(&name, likely) else {
                if self.plans.style.ignore_unknown || in_any && name == "@type" {
                    reader.skip()?;
                    continue;
                }
                return Err(Wrong::value(unknown_field(message)).within(&clipped(&name)));
            };
            likely = index + 1;
            let field = &message.fields[index];
            self.member(message, index, reader, &mut seen, out).map_err(|wrong| wrong.within(&field.name))?;
        }
        Ok(())
    }

    fn member(
        &self,
        message: &Message,
        index: usize,
        reader: &mut Reader<'_>,
        seen: &mut Seen,
        out: &mut Vec<u8>,
    ) -> Result {
        if !seen.insert(index) {
            return Err(Wrong::value("is there twice"));
        }
        let field = &message.fields[index];
        if self.field(field, reader, out)?
            && let Some(oneof) = field.oneof
            && !seen.insert(message.fields.len() + usize::from(oneof))
        {
            let oneof = &message.oneofs[usize::from(oneof)];
            return Err(Wrong::value(format!("excludes another member of {oneof} that is there")));
        }
        Ok(())
    }

    /// Whether the field is set; null leaves it unset.
    fn field(&self, field: &Field, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<bool> {
        if reader.peek()? == Next::Null && !self.takes_null(field) {
            reader.null()?;
            return Ok(false);
        }
        match field.label {
            Label::One => self.single(field, reader, out)?,
            Label::List => self.list(field, reader, out)?,
            Label::Map => self.map(field, reader, out)?,
        }
        Ok(true)
    }

    fn takes_null(&self, field: &Field) -> bool {
        match (field.label, field.kind) {
            (Label::One, Kind::Message(id)) => self.plans.message(id).shape == Shape::Value,
            (Label::One, Kind::Enum(id)) => self.plans.enumeration(id).is_null,
            _ => false,
        }
    }

    /// One value with its tag; defaults of fields without presence are left out.
    fn single(&self, field: &Field, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        let start = out.len();
        out.extend_from_slice(&field.tag);
        let value = out.len();
        match self.value(field, reader, out) {
            Err(wrong) if self.passes_over(&wrong) => {
                out.truncate(start);
                return Ok(());
            }
            done => done?,
        }
        let is_default = match field.kind.wire_type() {
            WireType::Varint | WireType::Delimited => out[value..] == [0],
            WireType::Fixed32 | WireType::Fixed64 => out[value..].iter().all(|byte| *byte == 0),
            WireType::StartGroup | WireType::EndGroup => false,
        };
        if is_default && !field.presence && !matches!(field.kind, Kind::Message(_)) {
            out.truncate(start);
        }
        Ok(())
    }

    /// One value without its tag.
    fn value(&self, field: &Field, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        match field.kind {
            Kind::Message(id) => {
                let from = wire::open(out);
                self.message(id, reader, out)?;
                wire::close(out, from);
                Ok(())
            }
            Kind::Group(id) => {
                self.message(id, reader, out)?;
                out.extend_from_slice(&wire::tag(field.number, WireType::EndGroup));
                Ok(())
            }
            kind => {
                let token = token(reader)?;
                Ok(scalar::put(self.plans, kind, &token, out)?)
            }
        }
    }

    fn list(&self, field: &Field, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        enter(reader, Next::Array, "must be a JSON array")?;
        let start = out.len();
        let from = field.packed.then(|| {
            out.extend_from_slice(&field.packed_tag);
            wire::open(out)
        });
        let (mut first, mut index) = (true, 0_usize);
        while reader.item(&mut first)? {
            let before = out.len();
            if from.is_none() {
                out.extend_from_slice(&field.tag);
            }
            if reader.peek()? == Next::Null && !self.item_takes_null(field) {
                return Err(Wrong::value("must not be null").within(&index.to_string()));
            }
            match self.value(field, reader, out) {
                Ok(()) => {}
                Err(wrong) if self.passes_over(&wrong) => out.truncate(before),
                Err(wrong) => return Err(wrong.within(&index.to_string())),
            }
            index += 1;
        }
        match from {
            Some(from) if out.len() == from => out.truncate(start),
            Some(from) => wire::close(out, from),
            None => {}
        }
        Ok(())
    }

    /// A name that its enum does not have is like a field that is unknown.
    fn passes_over(&self, wrong: &Wrong) -> bool {
        self.plans.style.ignore_unknown && wrong.is_unknown_enum()
    }

    fn item_takes_null(&self, field: &Field) -> bool {
        match field.kind {
            Kind::Message(id) => self.plans.message(id).shape == Shape::Value,
            Kind::Enum(id) => self.plans.enumeration(id).is_null,
            _ => false,
        }
    }

    fn map(&self, field: &Field, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        enter(reader, Next::Object, "must be a JSON object")?;
        let Kind::Message(entry) = field.kind else { return Err(Wrong::value("has no JSON")) };
        let plans = self.plans;
        let [key_field, value_field] = &*plans.message(entry).fields else {
            return Err(Wrong::value("has no JSON"));
        };
        let mut seen = std::collections::HashSet::new();
        let mut first = true;
        while let Some(name) = reader.member(&mut first)? {
            let before = out.len();
            let within = |wrong: Wrong| wrong.within(&clipped(&name));
            out.extend_from_slice(&field.tag);
            let from = wire::open(out);
            out.extend_from_slice(&key_field.tag);
            let key_from = out.len();
            scalar::put_key(plans, key_field.kind, &name, out)
                .map_err(|_| within(Wrong::value("is not a key of this map")))?;
            if !seen.insert(out[key_from..].to_vec()) {
                return Err(within(Wrong::value("is there twice")));
            }
            if reader.peek()? == Next::Null && !self.item_takes_null(value_field) {
                return Err(within(Wrong::value("must not be null")));
            }
            out.extend_from_slice(&value_field.tag);
            match self.value(value_field, reader, out) {
                Ok(()) => wire::close(out, from),
                Err(wrong) if self.passes_over(&wrong) => out.truncate(before),
                Err(wrong) => return Err(within(wrong)),
            }
        }
        Ok(())
    }

    fn value_message(&self, message: &Message, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        let number = match reader.peek()? {
            Next::Null => 1,
            Next::Number => 2,
            Next::String => 3,
            Next::Bool => 4,
            Next::Object => 5,
            Next::Array => 6,
        };
        let index = message.by_number(number).ok_or(Wrong::value("has no JSON"))?;
        let field = &message.fields[index];
        out.extend_from_slice(&field.tag);
        self.value(field, reader, out)
    }

    /// The type may stand anywhere in the object: it is looked for first.
    fn any(&self, reader: &mut Reader<'_>, out: &mut Vec<u8>) -> Result {
        let mut ahead = reader.clone();
        enter(&mut ahead, Next::Object, "must be a JSON object")?;
        let (mut first, mut empty, mut type_url, mut value) = (true, true, None, None);
        while let Some(name) = ahead.member(&mut first)? {
            empty = false;
            match &*name {
                "@type" if type_url.is_some() => {
                    return Err(Wrong::value("is there twice").within("@type"));
                }
                "@type" => type_url = Some(text(&mut ahead, "must be a string")?.into_owned()),
                "value" => {
                    value = Some(ahead.clone());
                    ahead.skip()?;
                }
                _ => ahead.skip()?,
            }
        }
        if empty {
            *reader = ahead;
            return Ok(());
        }
        let type_url = type_url.ok_or(Wrong::value("is missing").within("@type"))?;
        let id = type_url.rsplit_once('/').and_then(|(_, name)| self.plans.find(name));
        let id = id.ok_or_else(|| Wrong::value("is not a known type").within("@type"))?;
        wire::put_varint(out, 1 << 3 | WireType::Delimited as u64);
        wire::put_varint(out, type_url.len() as u64);
        out.extend_from_slice(type_url.as_bytes());
        wire::put_varint(out, 2 << 3 | WireType::Delimited as u64);
        let from = wire::open(out);
        let message = self.plans.message(id);
        if message.shape == Shape::Plain {
            self.object(message, reader, true, out)?;
        } else {
            let mut value = value.ok_or(Wrong::value("is missing").within("value"))?;
            self.message(id, &mut value, out).map_err(|wrong| wrong.within("value"))?;
            self.only_type_and_value(reader)?;
        }
        wire::close(out, from);
        Ok(())
    }

    fn only_type_and_value(&self, reader: &mut Reader<'_>) -> Result {
        enter(reader, Next::Object, "must be a JSON object")?;
        let (mut first, mut values) = (true, 0);
        while let Some(name) = reader.member(&mut first)? {
            values += usize::from(name == "value");
            if values > 1 {
                return Err(Wrong::value("is there twice").within("value"));
            }
            if !matches!(&*name, "@type" | "value") && !self.plans.style.ignore_unknown {
                return Err(Wrong::value("is not a field; there are @type, value").within(&clipped(&name)));
            }
            reader.skip()?;
        }
        Ok(())
    }
}

fn text<'j>(reader: &mut Reader<'j>, otherwise: &'static str) -> Result<Cow<'j, str>> {
    match reader.peek()? {
        Next::String => Ok(reader.string()?),
        _ => Err(Wrong::value(otherwise)),
    }
}

fn enter(reader: &mut Reader<'_>, wanted: Next, otherwise: &'static str) -> Result {
    if reader.peek()? != wanted {
        return Err(Wrong::value(otherwise));
    }
    if reader.depth() >= MAX_DEPTH {
        return Err(Wrong::value(format!("is nested deeper than {MAX_DEPTH} levels")));
    }
    Ok(reader.enter()?)
}

fn token<'j>(reader: &mut Reader<'j>) -> Result<Token<'j>> {
    Ok(match reader.peek()? {
        Next::String => Token::Text(reader.string()?),
        Next::Number => Token::Number(reader.number()?),
        Next::Bool => Token::Bool(reader.bool()?),
        Next::Null => {
            reader.null()?;
            Token::Null
        }
        Next::Object | Next::Array => Token::Nested,
    })
}
