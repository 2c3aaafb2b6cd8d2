//! Descriptors compiled into tables: per message its fields by number and by
//! name, with tags and keys written out beforehand. Built once at the start.

use std::collections::HashMap;
use std::fmt;

use prost_reflect::{Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor};

use crate::wire::{self, WireType};

/// What JSON looks like, and how strictly it is read.
// Four independent switches, each named where it is set.
#[allow(clippy::struct_excessive_bools)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Field names in lowerCamelCase instead of as in the proto file.
    pub json_names: bool,
    /// Enum values without the enum's prefix and in lower case.
    pub short_enums: bool,
    /// Unset fields are shown: with their default, messages as null.
    pub defaults: bool,
    /// Unknown fields and enum names are passed over instead of refused.
    pub ignore_unknown: bool,
}

impl Style {
    /// The style of Frontdesk's API.
    pub const FRONTDESK: Self =
        Self { json_names: false, short_enums: true, defaults: true, ignore_unknown: false };
    /// ProtoJSON as protobuf's conformance suite wants it.
    pub const CANONICAL: Self =
        Self { json_names: true, short_enums: false, defaults: false, ignore_unknown: false };
}

/// Place of a message in its [`Plans`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageId(u32);

/// Place of an enum in its [`Plans`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnumId(u32);

/// The tables of a descriptor set.
pub struct Plans {
    pub style: Style,
    messages: Vec<Message>,
    enums: Vec<Enum>,
    by_name: HashMap<String, MessageId>,
}

#[derive(Debug)]
pub struct Message {
    pub name: Box<str>,
    pub shape: Shape,
    /// By number, which is the order of the wire.
    pub fields: Vec<Field>,
    pub oneofs: Vec<Box<str>>,
    /// Both names of each field, sorted.
    names: Vec<(Box<str>, u16)>,
    /// Index by number, for small numbers.
    low_numbers: Vec<Option<u16>>,
}

/// What a message is in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// An object of its fields.
    Plain,
    Timestamp,
    Duration,
    FieldMask,
    /// The value of its one field.
    Wrapper,
    Struct,
    Value,
    List,
    Any,
}

#[derive(Debug)]
pub struct Field {
    pub number: u32,
    pub name: Box<str>,
    pub kind: Kind,
    pub label: Label,
    /// Whether unset and default are told apart.
    pub presence: bool,
    pub oneof: Option<u16>,
    /// Whether a list of it is written packed.
    pub packed: bool,
    /// The tag of one value.
    pub tag: Box<[u8]>,
    /// The tag of a packed list.
    pub packed_tag: Box<[u8]>,
    /// `,"name":`
    pub key: Box<[u8]>,
    /// What stands for it when it is unset, with its key; may be empty.
    pub absent: Box<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    One,
    List,
    Map,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int32,
    Sint32,
    Sfixed32,
    Uint32,
    Fixed32,
    Int64,
    Sint64,
    Sfixed64,
    Uint64,
    Fixed64,
    Float,
    Double,
    String,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
    Group(MessageId),
}

#[derive(Debug)]
pub struct Enum {
    /// `NullValue` is null in JSON.
    pub is_null: bool,
    /// Only known numbers are values (proto2).
    pub closed: bool,
    names: HashMap<Box<str>, i32>,
    /// JSON of each number, quoted.
    json: Vec<(i32, Box<[u8]>)>,
    /// Names as a message shows them.
    shown: Vec<Box<str>>,
}

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

    pub fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0 as usize]
    }

    pub fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0 as usize]
    }

    pub fn find(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
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

impl fmt::Debug for Plans {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Plans").field("style", &self.style).finish_non_exhaustive()
    }
}

impl Message {
    /// The index of a field by its number.
    pub fn by_number(&self, number: u32) -> Option<usize> {
        if let Some(index) = self.low_numbers.get(number as usize) {
            return index.map(usize::from);
        }
        self.fields.binary_search_by_key(&number, |field| field.number).ok()
    }

    /// The index of a field by either of its names. Members mostly come in the
    /// order of the fields: `likely` is looked at first.
    pub fn by_name(&self, name: &str, likely: usize) -> Option<usize> {
        if self.fields.get(likely).is_some_and(|field| &*field.name == name) {
            return Some(likely);
        }
        let at = self.names.binary_search_by(|(one, _)| (**one).cmp(name)).ok()?;
        Some(usize::from(self.names[at].1))
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

impl Kind {
    pub fn wire_type(self) -> WireType {
        match self {
            Self::Bool
            | Self::Int32
            | Self::Sint32
            | Self::Uint32
            | Self::Int64
            | Self::Sint64
            | Self::Uint64
            | Self::Enum(_) => WireType::Varint,
            Self::Sfixed32 | Self::Fixed32 | Self::Float => WireType::Fixed32,
            Self::Sfixed64 | Self::Fixed64 | Self::Double => WireType::Fixed64,
            Self::String | Self::Bytes | Self::Message(_) => WireType::Delimited,
            Self::Group(_) => WireType::StartGroup,
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
            let text = short(value.name()).unwrap_or_else(|| value.name().to_owned());
            names.insert(value.name().into(), value.number());
            // A full name is never hidden by a short one.
            names.entry(text.as_str().into()).or_insert(value.number());
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

    pub fn number(&self, name: &str) -> Option<i32> {
        self.names.get(name).copied()
    }

    pub fn json(&self, number: i32) -> Option<&[u8]> {
        let at = match self.json.get(usize::try_from(number).unwrap_or(usize::MAX)) {
            Some((at, json)) if *at == number => return Some(json),
            _ => self.json.binary_search_by_key(&number, |(number, _)| *number).ok()?,
        };
        Some(&self.json[at].1)
    }

    /// All names but that of zero, which stands for unset.
    pub fn shown(&self) -> &[Box<str>] {
        &self.shown
    }
}

/// The short form of an enum value: without the enum's prefix, in lower case.
/// `None` for enums whose values have no such prefix.
pub fn short_name(of: &str, value: &str) -> Option<String> {
    let mut prefix = String::with_capacity(of.len() + 4);
    for char in of.chars() {
        if char.is_ascii_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(char.to_ascii_uppercase());
    }
    Some(value.strip_prefix(&prefix)?.strip_prefix('_')?.to_ascii_lowercase())
}
