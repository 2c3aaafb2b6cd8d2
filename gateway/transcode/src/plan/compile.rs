//! From descriptors to tables.

use std::collections::HashMap;

use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor};

use super::{Enum, EnumId, Field, Kind, Label, Message, MessageId, Plans, Shape};
use crate::style::{Style, short_name};
use crate::wire::{self, WireType};

impl Plans {
    pub fn new(pool: &DescriptorPool, style: Style) -> Self {
        let name = |message: MessageDescriptor| message.full_name().to_owned();
        // Map entries are in here as nested messages.
        let messages: Vec<_> = pool.all_messages().collect();
        let enums: Vec<_> = pool.all_enums().collect();
        let id = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
        let by_name =
            messages.iter().enumerate().map(|(at, one)| (name(one.clone()), MessageId(id(at)))).collect();
        let enum_ids: HashMap<String, EnumId> =
            enums.iter().enumerate().map(|(at, one)| (one.full_name().to_owned(), EnumId(id(at)))).collect();
        let enums = enums.iter().map(|one| Enum::new(one, style)).collect();
        let mut plans = Self { style, messages: Vec::new(), enums, by_name };
        plans.messages = messages.iter().map(|one| plans.compile(one, &enum_ids)).collect();
        plans
    }

    fn compile(&self, message: &MessageDescriptor, enums: &HashMap<String, EnumId>) -> Message {
        let oneofs: Vec<_> = message.oneofs().filter(|oneof| !oneof.is_synthetic()).collect();
        let mut described: Vec<_> = message.fields().collect();
        described.sort_by_key(FieldDescriptor::number);
        let fields: Vec<Field> = described
            .iter()
            .map(|field| {
                let oneof = field
                    .containing_oneof()
                    .and_then(|of| oneofs.iter().position(|one| one.name() == of.name()))
                    .and_then(|at| u16::try_from(at).ok());
                self.field(field, oneof, enums)
            })
            .collect();
        let index = |at: usize| u16::try_from(at).unwrap_or(u16::MAX);
        let mut names = Vec::with_capacity(fields.len() * 2);
        let mut low_numbers = Vec::new();
        for (at, field) in described.iter().enumerate() {
            names.push((field.name().into(), index(at)));
            if field.json_name() != field.name() {
                names.push((field.json_name().into(), index(at)));
            }
            let number = field.number() as usize;
            if number < 256 {
                low_numbers.resize(low_numbers.len().max(number + 1), None);
                low_numbers[number] = Some(index(at));
            }
        }
        names.sort();
        Message {
            name: message.full_name().into(),
            shape: Shape::of(message.full_name()),
            fields,
            oneofs: oneofs.iter().map(|oneof| oneof.name().into()).collect(),
            names,
            low_numbers,
        }
    }

    fn field(&self, field: &FieldDescriptor, oneof: Option<u16>, enums: &HashMap<String, EnumId>) -> Field {
        let kind = self.kind(field, enums);
        let label = match field.cardinality() {
            _ if field.is_map() => Label::Map,
            Cardinality::Repeated => Label::List,
            Cardinality::Optional | Cardinality::Required => Label::One,
        };
        let presence = label == Label::One && field.supports_presence();
        let shown = if self.style.json_names { field.json_name() } else { field.name() };
        let key: Box<[u8]> = format!(",\"{shown}\":").into_bytes().into();
        let default = self.default(kind, label, presence, field.containing_oneof().is_some());
        let absent = match default {
            Some(default) if self.style.defaults => [&key, default.as_slice()].concat(),
            _ => Vec::new(),
        };
        Field {
            number: field.number(),
            name: field.name().into(),
            kind,
            label,
            presence,
            oneof,
            packed: field.is_packed(),
            tag: wire::tag(field.number(), kind.wire_type()).into(),
            packed_tag: wire::tag(field.number(), WireType::Delimited).into(),
            key,
            absent: absent.into(),
        }
    }

    /// The JSON of an unset field; nothing where its absence says something.
    fn default(&self, kind: Kind, label: Label, presence: bool, in_oneof: bool) -> Option<Vec<u8>> {
        Some(match (label, kind) {
            (Label::List, _) => b"[]".to_vec(),
            (Label::Map, _) => b"{}".to_vec(),
            // Null is a value of `Value`.
            (Label::One, Kind::Message(id)) if Some(id) == self.find("google.protobuf.Value") => return None,
            (Label::One, Kind::Message(_) | Kind::Group(_)) if !in_oneof => b"null".to_vec(),
            (Label::One, _) if presence => return None,
            (Label::One, Kind::Bool) => b"false".to_vec(),
            (Label::One, Kind::String | Kind::Bytes) => b"\"\"".to_vec(),
            (Label::One, Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 | Kind::Uint64 | Kind::Fixed64) => {
                b"\"0\"".to_vec()
            }
            (Label::One, Kind::Float | Kind::Double) => b"0.0".to_vec(),
            (Label::One, Kind::Enum(id)) if self.enumeration(id).is_null => b"null".to_vec(),
            (Label::One, Kind::Enum(id)) => {
                self.enumeration(id).json(0).map_or_else(|| b"0".to_vec(), <[u8]>::to_vec)
            }
            (Label::One, _) => b"0".to_vec(),
        })
    }

    fn kind(&self, field: &FieldDescriptor, enums: &HashMap<String, EnumId>) -> Kind {
        use prost_reflect::Kind as K;
        // A kind's descriptor comes from the same pool as the tables.
        let message = |of: &MessageDescriptor| self.find(of.full_name()).unwrap_or(MessageId(0));
        match field.kind() {
            K::Bool => Kind::Bool,
            K::Int32 => Kind::Int32,
            K::Sint32 => Kind::Sint32,
            K::Sfixed32 => Kind::Sfixed32,
            K::Uint32 => Kind::Uint32,
            K::Fixed32 => Kind::Fixed32,
            K::Int64 => Kind::Int64,
            K::Sint64 => Kind::Sint64,
            K::Sfixed64 => Kind::Sfixed64,
            K::Uint64 => Kind::Uint64,
            K::Fixed64 => Kind::Fixed64,
            K::Float => Kind::Float,
            K::Double => Kind::Double,
            K::String => Kind::String,
            K::Bytes => Kind::Bytes,
            K::Enum(of) => Kind::Enum(enums.get(of.full_name()).copied().unwrap_or(EnumId(0))),
            K::Message(of) if field.is_group() => Kind::Group(message(&of)),
            K::Message(of) => Kind::Message(message(&of)),
        }
    }
}

impl Shape {
    fn of(full_name: &str) -> Self {
        match full_name.strip_prefix("google.protobuf.") {
            Some("Timestamp") => Self::Timestamp,
            Some("Duration") => Self::Duration,
            Some("FieldMask") => Self::FieldMask,
            Some("Struct") => Self::Struct,
            Some("Value") => Self::Value,
            Some("ListValue") => Self::List,
            Some("Any") => Self::Any,
            Some(
                "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value" | "UInt32Value"
                | "BoolValue" | "StringValue" | "BytesValue",
            ) => Self::Wrapper,
            _ => Self::Plain,
        }
    }
}

impl Enum {
    fn new(descriptor: &EnumDescriptor, style: Style) -> Self {
        let short = |name: &str| style.short_enums.then(|| short_name(descriptor.name(), name)).flatten();
        let mut names = HashMap::new();
        let mut json: Vec<(i32, Box<[u8]>)> = Vec::new();
        let mut shown = Vec::new();
        for value in descriptor.values() {
            // Of several names for a number the first one is shown.
            let first = descriptor.get_value(value.number()).map(|value| value.name().to_owned());
            let first = first.unwrap_or_default();
            names.insert(value.name().into(), value.number());
            // A full name is never hidden by a short one, which is read in upper case, too,
            // as sources write it.
            for name in short(value.name()).iter().flat_map(|name| [name.clone(), name.to_ascii_uppercase()])
            {
                names.entry(name.into()).or_insert(value.number());
            }
            if !json.iter().any(|(number, _)| *number == value.number()) {
                let first = short(&first).unwrap_or(first);
                json.push((value.number(), format!("\"{first}\"").into_bytes().into()));
                if value.number() != 0 {
                    shown.push(first.into());
                }
            }
        }
        json.sort();
        Self {
            is_null: descriptor.full_name() == "google.protobuf.NullValue",
            closed: descriptor.parent_file().syntax() == prost_reflect::Syntax::Proto2,
            names,
            json,
            shown,
        }
    }
}
