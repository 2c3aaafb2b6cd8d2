//! Answers: the JSON of a response message or of the one field that is sent, its
//! etag, or a body of another type.

mod fields;
mod message;
mod part;
mod value;
mod well_known;

use std::sync::Arc;

use self::fields::{delimited, values};
use self::message::Writer;
use crate::binding::Binding;
use crate::error::OutputError;
use crate::json::write;
use crate::plan::{Kind, MessageId, Plans};
use crate::read_mask::{Part, Value};
use crate::wire::Raw;

type Result<T = ()> = std::result::Result<T, OutputError>;

/// An answer to be sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// JSON.
    Json(Vec<u8>),
    /// Something else, of that content type (`google.api.HttpBody`).
    Raw(String, Vec<u8>),
}

/// Renders the response messages of one method.
#[derive(Debug, Clone)]
pub struct Renderer {
    plans: Arc<Plans>,
    output: MessageId,
    response_body: Option<usize>,
    etag: Option<u32>,
    raw: bool,
    /// What is shown, unless it is all.
    part: Option<Arc<Part>>,
}

impl Renderer {
    pub(crate) fn new(plans: Arc<Plans>, binding: &Binding) -> Self {
        let Binding { output, response_body, etag, raw, .. } = binding;
        Self { plans, output: *output, response_body: *response_body, etag: *etag, raw: *raw, part: None }
    }

    /// The same for what a part of an answer shows.
    pub(crate) fn only(self, part: Part) -> Self {
        Self { part: Some(Arc::new(part)), ..self }
    }

    /// What a mask is of.
    pub(crate) fn value(&self) -> Value {
        match self.response_body {
            None => Value::message(self.output),
            Some(at) => Value::of(&self.plans.message(self.output).fields[at]),
        }
    }

    /// The JSON of a response message, on one line.
    pub fn json(&self, wire: &[u8]) -> Result<Vec<u8>> {
        // Keys and defaults make JSON a few times as long as its wire; a part of it is asked
        // for by who wants little.
        let room = 256 + if self.part.is_some() { wire.len() } else { wire.len() * 3 };
        let mut out = Vec::with_capacity(room);
        match (self.response_body, &self.part) {
            (None, None) => message(&self.plans, self.output, wire, &mut out)?,
            (None, Some(part)) => message_part(&self.plans, self.output, part, wire, &mut out)?,
            (Some(at), part) => {
                let part = part.as_deref().unwrap_or(&Part::Whole);
                field(&self.plans, self.output, at, part, wire, &mut out)?;
            }
        }
        Ok(out)
    }

    /// Whether answers are of any content type.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// What to send for a response message.
    pub fn answer(&self, wire: &[u8]) -> Result<Answer> {
        if !self.raw {
            return self.json(wire).map(Answer::Json);
        }
        let wire = match self.response_body {
            None => wire,
            Some(field) => {
                let number = self.plans.message(self.output).fields[field].number;
                delimited(wire, number)?.unwrap_or_default()
            }
        };
        let content_type = delimited(wire, 1)?.unwrap_or_default();
        let content_type = std::str::from_utf8(content_type).map_err(|_| OutputError::Malformed)?.to_owned();
        Ok(Answer::Raw(content_type, delimited(wire, 2)?.unwrap_or_default().to_vec()))
    }

    /// The text of a field of a response message, by its number; nothing where it is unset.
    pub fn text<'w>(&self, number: u32, wire: &'w [u8]) -> Option<&'w str> {
        let text = delimited(wire, number).ok()??;
        std::str::from_utf8(text).ok().filter(|text| !text.is_empty())
    }

    /// The value of the answer's field `etag`, if it has one that is set.
    pub fn etag<'w>(&self, wire: &'w [u8]) -> Option<&'w str> {
        let wire = match self.response_body {
            None => wire,
            Some(field) => {
                let number = self.plans.message(self.output).fields[field].number;
                delimited(wire, number).ok()??
            }
        };
        let etag = delimited(wire, self.etag?).ok()??;
        std::str::from_utf8(etag).ok().filter(|etag| !etag.is_empty())
    }
}

/// Appends the JSON of a message.
pub fn message(plans: &Plans, id: MessageId, wire: &[u8], out: &mut Vec<u8>) -> Result {
    Writer::new(plans).message(id, wire, out)
}

/// Appends the JSON of a part of a message.
pub fn message_part(plans: &Plans, id: MessageId, part: &Part, wire: &[u8], out: &mut Vec<u8>) -> Result {
    Writer::new(plans).part(Kind::Message(id), Raw::Delimited(wire), part, out)
}

/// Appends the JSON of a message without one of its fields.
pub fn message_without(
    plans: &Plans,
    id: MessageId,
    hidden: usize,
    wire: &[u8],
    out: &mut Vec<u8>,
) -> Result {
    Writer::new(plans).object_without(plans.message(id), hidden, wire, out)
}

/// Appends the JSON of one field of a message, or of a part of it.
pub fn field(
    plans: &Plans,
    id: MessageId,
    field: usize,
    part: &Part,
    wire: &[u8],
    out: &mut Vec<u8>,
) -> Result {
    let message = plans.message(id);
    let field = &message.fields[field];
    let values = values(wire, field.number, 0)?;
    if values.is_empty() {
        let default = field.absent.get(field.key.len()..).filter(|default| !default.is_empty());
        out.extend_from_slice(default.unwrap_or(b"null"));
        return Ok(());
    }
    Writer::new(plans).gathered(field, &values, part, out)
}

/// Appends the JSON of an `Any`. One whose type is unknown is shown in base64,
/// since a refusal with an unknown detail must still be readable.
pub fn any_or_base64(plans: &Plans, type_url: &str, value: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    let mut writer = Writer::new(plans);
    if writer.any_parts(type_url, value, out).is_ok() {
        return;
    }
    out.truncate(start);
    out.extend_from_slice(b"{\"@type\":");
    write::string(out, type_url);
    out.extend_from_slice(b",\"value\":");
    write::base64(out, value);
    out.push(b'}');
}
