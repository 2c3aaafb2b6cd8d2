//! Descriptors compiled into tables: per message its fields by number and by
//! name, with tags and keys written out beforehand. Built once at the start.

mod compile;

use std::collections::HashMap;
use std::fmt;

use crate::style::Style;
use crate::wire::WireType;

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
    pub fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0 as usize]
    }

    pub fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0 as usize]
    }

    pub fn find(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
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
