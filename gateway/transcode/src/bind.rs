//! What of a request sets which field: path, query and body may not contradict
//! each other, or whoever checks one of them is fooled by another.
//!
//! Path variables are written last and compared with the body before: protobuf
//! merges, so the last one would win without a word.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::error::InputError;
use crate::escape::hex_pair;
use crate::plan::{Field, Kind, Label, MessageId, Plans, Shape};
use crate::scalar;
use crate::wire::{self, Raw, Wire, WireType};

/// Parameters that trackers add; no method has them.
const IGNORED_PREFIX: &str = "utm_";

/// A field, maybe of a message within the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldPath {
    /// Each message and the index of its field.
    steps: Vec<(MessageId, usize)>,
    /// Proto names, joined with dots.
    pub name: String,
}

/// Why two paths cannot both be set.
enum Clash<'p> {
    /// One is the other or holds it.
    Same,
    /// They are members of one oneof.
    Oneof(&'p str),
}

impl FieldPath {
    /// The path that names stand for: proto or JSON names, through messages only.
    /// On failure, the message that lacks the name.
    pub fn resolve<'n>(
        plans: &Plans,
        input: MessageId,
        names: impl Iterator<Item = &'n str>,
    ) -> Result<Self, Option<MessageId>> {
        let mut parent = Some(input);
        let (mut steps, mut parts) = (Vec::new(), Vec::new());
        for name in names {
            let id = parent.ok_or(None)?;
            let message = plans.message(id);
            let index = message.by_name(name, 0).ok_or(Some(id))?;
            let field = &message.fields[index];
            parent = match (field.label, field.kind) {
                (Label::One, Kind::Message(id)) if plans.message(id).shape == Shape::Plain => Some(id),
                _ => None,
            };
            steps.push((id, index));
            parts.push(&*field.name);
        }
        Ok(Self { name: parts.join("."), steps })
    }

    /// The field at the end.
    pub fn field<'p>(&self, plans: &'p Plans) -> Option<&'p Field> {
        let (id, index) = *self.steps.last()?;
        Some(&plans.message(id).fields[index])
    }

    fn clash<'p>(&self, other: &Self, plans: &'p Plans) -> Option<Clash<'p>> {
        for (one, another) in self.steps.iter().zip(&other.steps) {
            if one == another {
                continue;
            }
            let message = plans.message(one.0);
            let oneof = message.fields[one.1].oneof?;
            let same = message.fields[another.1].oneof == Some(oneof);
            return same.then(|| Clash::Oneof(&message.oneofs[usize::from(oneof)]));
        }
        Some(Clash::Same)
    }

    /// Appends the field's tag and value within the messages that lead to it.
    fn put(&self, plans: &Plans, leaf: &[u8], out: &mut Vec<u8>) {
        let mut open = Vec::new();
        for (id, index) in self.steps.split_last().map(|(_, parents)| parents).unwrap_or_default() {
            out.extend_from_slice(&plans.message(*id).fields[*index].tag);
            open.push(wire::open(out));
        }
        out.extend_from_slice(leaf);
        for from in open.into_iter().rev() {
            wire::close(out, from);
        }
    }
}

/// What sets fields of a request beside its query.
#[derive(Debug, Clone, Copy)]
pub struct Others<'b> {
    /// Set by the path.
    pub variables: &'b [FieldPath],
    /// Set by the body.
    pub body: Option<&'b FieldPath>,
    /// Whether the body sets all fields that the path does not.
    pub body_is_rest: bool,
    /// The parameter that is about the answer, and sets nothing.
    pub read_mask: Option<&'b str>,
}

/// Appends the fields that the parameters name.
pub fn query(
    plans: &Plans,
    input: MessageId,
    query: &str,
    others: Others<'_>,
    out: &mut Vec<u8>,
) -> Result<(), InputError> {
    let mut set: Vec<FieldPath> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = match pair.split_once('=') {
            Some((name, text)) => (decode(name)?, Some(decode(text)?)),
            None => (decode(pair)?, None),
        };
        if name.starts_with(IGNORED_PREFIX) || others.read_mask == Some(&*name) {
            continue;
        }
        if others.body_is_rest {
            let what = "is a query parameter; this method takes its fields in the body";
            return Err(InputError::field(clipped(&name), what));
        }
        let path = FieldPath::resolve(plans, input, name.split('.'))
            .map_err(|lacking| unknown(plans, &name, lacking, others.variables))?;
        let field = path.field(plans).ok_or_else(|| unknown(plans, &name, None, others.variables))?;
        let refuse = |what: String| InputError::field(&path.name, what);
        others.check(plans, &path).map_err(refuse)?;
        let text = text.ok_or_else(|| refuse("has no value; write name=value".to_owned()))?;
        if !from_text(plans, field) {
            return Err(refuse("cannot be a query parameter".to_owned()));
        }
        let is_new = check_again(plans, &set, &path, field).map_err(refuse)?;
        let mut leaf = Vec::with_capacity(text.len() + 8);
        scalar::put_text(plans, field, &text, &mut leaf)
            .map_err(|unfit| InputError::field(&path.name, unfit.into_text()))?;
        path.put(plans, &leaf, out);
        if is_new {
            set.push(path);
        }
    }
    Ok(())
}

/// The value of a parameter that is none of the request's fields.
pub fn parameter<'q>(query: &'q str, name: &str) -> Result<Option<Cow<'q, str>>, InputError> {
    let mut found = None;
    for pair in query.split('&') {
        let (written, text) = pair.split_once('=').map_or((pair, None), |(name, text)| (name, Some(text)));
        // Most are others, and are read with the request.
        if written != name && (!written.contains('%') || decode(written)? != name) {
            continue;
        }
        let text = text.ok_or_else(|| InputError::field(name, "has no value; write name=value"))?;
        if found.replace(decode(text)?).is_some() {
            return Err(InputError::field(name, "is there twice"));
        }
    }
    Ok(found)
}

impl Others<'_> {
    /// Refuses a parameter that sets what something else sets.
    fn check(&self, plans: &Plans, path: &FieldPath) -> Result<(), String> {
        let clash = |others: &[FieldPath], source: &str| match others
            .iter()
            .find_map(|one| path.clash(one, plans))
        {
            None => Ok(()),
            Some(Clash::Same) => Err(format!("is set by the {source}; do not send it as a query parameter")),
            Some(Clash::Oneof(oneof)) => {
                Err(format!("excludes another member of {oneof} that is set by the {source}"))
            }
        };
        clash(self.variables, "path")?;
        clash(self.body.map(std::slice::from_ref).unwrap_or_default(), "body")
    }
}

/// Whether a parameter is the first of its name; only those of lists may be there
/// again.
fn check_again(plans: &Plans, set: &[FieldPath], path: &FieldPath, field: &Field) -> Result<bool, String> {
    if set.contains(path) {
        return if field.label == Label::One { Err("is there twice".to_owned()) } else { Ok(false) };
    }
    match set.iter().find_map(|other| path.clash(other, plans)) {
        None => Ok(true),
        Some(Clash::Same) => Err("is there twice, as a whole and in parts".to_owned()),
        Some(Clash::Oneof(oneof)) => Err(format!("excludes another member of {oneof} that is there")),
    }
}

/// Appends the field that a part of the path sets, which the request so far,
/// from `start`, must not contradict.
pub fn variable(
    plans: &Plans,
    path: &FieldPath,
    text: &str,
    start: usize,
    out: &mut Vec<u8>,
) -> Result<(), InputError> {
    let refuse = |what: String| InputError::field(&path.name, what);
    let field = path.field(plans).ok_or_else(|| refuse("is not a field".to_owned()))?;
    let unfit = |unfit: scalar::Unfit| InputError::field(&path.name, unfit.into_text());
    if out.len() == start && path.steps.len() == 1 {
        // Nothing is there that it could contradict.
        return scalar::put_text(plans, field, text, out).map_err(unfit);
    }
    let mut leaf = Vec::with_capacity(text.len() + 8);
    scalar::put_text(plans, field, text, &mut leaf).map_err(unfit)?;
    let mut within = vec![&out[start..]];
    for (at, (id, index)) in path.steps.iter().enumerate() {
        let message = plans.message(*id);
        let last = at + 1 == path.steps.len();
        let mut deeper = Vec::new();
        for part in within {
            let mut rest = Wire(part);
            while !rest.is_empty() {
                let from = part.len() - rest.0.len();
                let broken = |_| refuse("cannot be compared with the body".to_owned());
                let (number, wire_type) = rest.tag().map_err(broken)?;
                let raw = rest.raw(number, wire_type, 0).map_err(broken)?;
                let Some(found) = message.by_number(number) else { continue };
                if found == *index && last && part[from..part.len() - rest.0.len()] != *leaf {
                    return Err(refuse("is in the path and has another value in the body".to_owned()));
                }
                if let (true, Raw::Delimited(inner)) = (found == *index, raw) {
                    deeper.push(inner);
                }
                let oneof = message.fields[*index].oneof;
                if found != *index && oneof.is_some() && message.fields[found].oneof == oneof {
                    let name = &message.fields[found].name;
                    return Err(refuse(format!("is in the path and excludes {name}, which the body sets")));
                }
            }
        }
        within = deeper;
    }
    path.put(plans, &leaf, out);
    Ok(())
}

/// Appends an `HttpBody` field by field (google/api/httpbody.proto).
pub fn http_body(content_type: &str, data: &[u8], out: &mut Vec<u8>) {
    for (number, bytes) in [(1_u8, content_type.as_bytes()), (2, data)] {
        if !bytes.is_empty() {
            out.push(number << 3 | WireType::Delimited as u8);
            scalar::put_bytes(bytes, out);
        }
    }
}

fn from_text(plans: &Plans, field: &Field) -> bool {
    match (field.label, field.kind) {
        (Label::Map, _) | (_, Kind::Group(_)) => false,
        (Label::List, Kind::Message(_)) => false,
        (Label::One, Kind::Message(id)) => scalar::has_text(plans, id),
        _ => true,
    }
}

fn unknown(plans: &Plans, name: &str, lacking: Option<MessageId>, variables: &[FieldPath]) -> InputError {
    let taken: BTreeSet<&str> = variables.iter().map(|path| path.name.as_str()).collect();
    let names: Vec<&str> = lacking.map_or_else(Vec::new, |id| {
        let fields = plans.message(id).fields.iter().map(|field| &*field.name);
        fields.filter(|name| !taken.contains(name)).collect()
    });
    let known = match names.as_slice() {
        [] => String::new(),
        names => format!("; there are {}", names.join(", ")),
    };
    InputError::field(clipped(name), format!("is not a query parameter of this method{known}"))
}

/// Form rules: `+` is a space.
pub fn decode(text: &str) -> Result<Cow<'_, str>, InputError> {
    if !text.contains(['+', '%']) {
        return Ok(text.into());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = match first {
            b'+' => {
                bytes.push(b' ');
                after
            }
            b'%' => {
                let byte = hex_pair(after)
                    .ok_or_else(|| InputError::request("the query has a % without two hex digits"))?;
                bytes.push(byte);
                &after[2..]
            }
            other => {
                bytes.push(other);
                after
            }
        };
    }
    String::from_utf8(bytes).map(Cow::Owned).map_err(|_| InputError::request("the query is not UTF-8"))
}

fn clipped(name: &str) -> String {
    name.chars().take(64).collect()
}
