//! Which fields of an answer are shown: the read mask that a request brings (AIP-157), a
//! list of paths of names (AIP-161). It is held against the tables once, before the call
//! is made; how it is kept to is `render`'s job.
//!
//! ```text
//! Mask    = Path { "," Path }
//! Path    = Segment { "." Segment }
//! Segment = NAME | "*" | "`" KEY "`"
//! ```
//! A path goes through messages by the names of fields, as in the proto file or in
//! lowerCamelCase; through lists as if there was one element, or with `*` for each;
//! and through maps by a key, or with `*` for each; a key with a dot or a comma in it
//! stands between backticks. What is no object of fields in JSON, such as a `Timestamp`, or
//! is one of any, such as a `Struct` and an `Any`, is shown as a whole or not at all.

use crate::error::clipped;
use crate::key;
use crate::plan::{Field, Kind, Label, Message, MessageId, Plans, Shape};
use crate::scalar;
use crate::wire::Wire;

/// Longest text of a read mask, in bytes. It bounds the work of holding it against the tables,
/// where an entry of a map that is named beside `*` is told what `*` names.
pub const MAX_READ_MASK: usize = 2048;
/// Most names of a path.
const MAX_NAMES: usize = 32;

const SYNTAX: &str = "is not a list of field names such as `id,guest.name`";

/// What is shown of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// These fields of a message, or of each message of a list, by index and in its order.
    Fields(Vec<(usize, Part)>),
    Entries(Entries),
}

/// What is shown of a map: of each entry, and of those with a key, of which it is what `every`
/// shows, too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries {
    every: Option<Box<Part>>,
    keys: Vec<(String, Part)>,
}

/// What a mask is of.
#[derive(Debug, Clone, Copy)]
pub struct Value {
    label: Label,
    kind: Kind,
}

enum Segment<'t> {
    Any,
    Name(&'t str),
    Quoted(&'t str),
}

/// What a path may go on with.
enum Inside<'p> {
    Fields(&'p Message),
    /// The kinds of key and value.
    Entries(Kind, &'p Field),
    Nothing,
}

/// The part that a mask names; what is wrong with one that names nothing is the rest of a
/// sentence about it.
pub fn parse(plans: &Plans, value: Value, text: &str) -> Result<Part, String> {
    if text.len() > MAX_READ_MASK {
        return Err(format!("is longer than {MAX_READ_MASK} bytes"));
    }
    let mut part = value.nothing(plans);
    let mut rest = text;
    loop {
        let before = rest;
        let names = path(&mut rest)?;
        let written = &before[..before.len() - rest.len()];
        add(plans, value, &mut part, &names)
            .map_err(|what| format!("names `{}`, {what}", clipped(written)))?;
        let Some(after) = rest.strip_prefix(',') else { return Ok(part) };
        rest = after;
    }
}

/// The names of the next path, which ends before a comma or at the end.
fn path<'t>(rest: &mut &'t str) -> Result<Vec<Segment<'t>>, String> {
    let mut names = Vec::new();
    loop {
        if let Some(quoted) = rest.strip_prefix('`') {
            let (key, after) = quoted.split_once('`').ok_or("has a backtick without another one")?;
            names.push(Segment::Quoted(key));
            *rest = after;
        } else {
            let (name, after) = rest.split_at(rest.find(['.', ',', '`']).unwrap_or(rest.len()));
            names.push(match name {
                "" => return Err(SYNTAX.to_owned()),
                "*" => Segment::Any,
                name => Segment::Name(name),
            });
            *rest = after;
        }
        match rest.strip_prefix('.') {
            Some(_) if names.len() == MAX_NAMES => {
                return Err(format!("has a path of more than {MAX_NAMES} names"));
            }
            Some(after) => *rest = after,
            None if rest.is_empty() || rest.starts_with(',') => return Ok(names),
            None => return Err(SYNTAX.to_owned()),
        }
    }
}

/// Adds what a path names of a value to what is shown of it.
fn add(plans: &Plans, value: Value, part: &mut Part, names: &[Segment<'_>]) -> Result<(), String> {
    let names = match (value.label, names) {
        (Label::List, [Segment::Any, rest @ ..]) => rest,
        (_, names) => names,
    };
    let Some((first, rest)) = names.split_first() else {
        *part = Part::Whole;
        return Ok(());
    };
    // What is shown as a whole stays so; the path has to be one nevertheless.
    let mut checked = value.nothing(plans);
    let part = if *part == Part::Whole { &mut checked } else { part };
    match (value.inside(plans), part) {
        (Inside::Fields(message), part) => match (first, part) {
            (Segment::Name(name), Part::Fields(fields)) => {
                let index = message.by_name(name, 0).ok_or_else(|| unknown(first, message))?;
                let value = Value::of(&message.fields[index]);
                let at = fields.binary_search_by_key(&index, |(index, _)| *index).unwrap_or_else(|at| {
                    fields.insert(at, (index, value.nothing(plans)));
                    at
                });
                add(plans, value, &mut fields[at].1, rest)
            }
            (Segment::Any, part) if rest.is_empty() => {
                *part = Part::Whole;
                Ok(())
            }
            (Segment::Any, _) => {
                Err("where `*` stands for fields; before the end it stands for what is in a list or a map"
                    .to_owned())
            }
            (Segment::Name(_) | Segment::Quoted(_), _) => Err(unknown(first, message)),
        },
        (Inside::Entries(key, entry), Part::Entries(entries)) => {
            let value = Value::of(entry);
            let nothing = || value.nothing(plans);
            match first {
                Segment::Any => {
                    entries.keys.iter_mut().try_for_each(|(_, part)| add(plans, value, part, rest))?;
                    add(plans, value, entries.every.get_or_insert_with(|| Box::new(nothing())), rest)
                }
                Segment::Name(text) | Segment::Quoted(text) => {
                    let text = key_of(plans, key, text).ok_or_else(|| {
                        format!("where `{}` is no key: these are of another kind", clipped(text))
                    })?;
                    add(plans, value, entries.with_key(text, nothing), rest)
                }
            }
        }
        (Inside::Entries(..) | Inside::Nothing, _) => {
            let name = clipped(first.text());
            Err(format!("where `{name}` is within what is shown as a whole or not at all"))
        }
    }
}

/// A key as it stands in JSON.
fn key_of(plans: &Plans, kind: Kind, text: &str) -> Option<String> {
    let mut wire = Vec::new();
    scalar::put_key(plans, kind, text, &mut wire).ok()?;
    let raw = Wire(&wire).raw(1, kind.wire_type(), 0).ok()?;
    key::text(kind, Some(raw)).ok()
}

fn unknown(name: &Segment<'_>, message: &Message) -> String {
    let name = clipped(name.text());
    let names: Vec<&str> = message.fields.iter().map(|field| &*field.name).collect();
    match names.as_slice() {
        [] => format!("where `{name}` is no field; there are none"),
        names => format!("where `{name}` is no field; there are {}", names.join(", ")),
    }
}

impl<'t> Segment<'t> {
    fn text(&self) -> &'t str {
        match self {
            Self::Any => "*",
            Self::Name(text) | Self::Quoted(text) => text,
        }
    }
}

impl Part {
    /// What is shown of the entry of a map; nothing if it is not.
    pub fn entry(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Whole => Some(self),
            Self::Entries(Entries { every, keys }) => {
                let named = keys.iter().find(|(one, _)| one == key).map(|(_, part)| part);
                named.or(every.as_deref())
            }
            Self::Fields(_) => None,
        }
    }
}

impl Entries {
    /// What is shown of the entry with a key: what is of every one, if nothing was said of it.
    fn with_key(&mut self, key: String, nothing: impl FnOnce() -> Part) -> &mut Part {
        let at = self.keys.iter().position(|(one, _)| *one == key).unwrap_or_else(|| {
            self.keys.push((key, self.every.as_deref().cloned().unwrap_or_else(nothing)));
            self.keys.len() - 1
        });
        &mut self.keys[at].1
    }
}

impl Value {
    pub fn message(id: MessageId) -> Self {
        Self { label: Label::One, kind: Kind::Message(id) }
    }

    pub fn of(field: &Field) -> Self {
        Self { label: field.label, kind: field.kind }
    }

    fn inside(self, plans: &Plans) -> Inside<'_> {
        let (Kind::Message(id) | Kind::Group(id)) = self.kind else { return Inside::Nothing };
        let message = plans.message(id);
        match (self.label, &*message.fields) {
            (Label::Map, [key, value]) => Inside::Entries(key.kind, value),
            (Label::Map, _) => Inside::Nothing,
            (Label::One | Label::List, _) if message.shape == Shape::Plain => Inside::Fields(message),
            (Label::One | Label::List, _) => Inside::Nothing,
        }
    }

    /// What is shown of it before any path names some of it.
    fn nothing(self, plans: &Plans) -> Part {
        match self.inside(plans) {
            Inside::Entries(..) => Part::Entries(Entries::default()),
            Inside::Fields(_) | Inside::Nothing => Part::Fields(Vec::new()),
        }
    }
}
