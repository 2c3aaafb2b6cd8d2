//! Answers: the JSON of a response message or of the one field that is sent, its
//! etag, or a body of another type.

mod fields;
mod message;
mod value;
mod well_known;

use std::sync::Arc;

use self::fields::delimited;
use self::message::field;
pub use self::message::{any_or_base64, message, message_without};
use crate::binding::Binding;
use crate::error::OutputError;
use crate::plan::{MessageId, Plans};

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
}

impl Renderer {
    pub(crate) fn new(plans: Arc<Plans>, binding: &Binding) -> Self {
        let Binding { output, response_body, etag, raw, .. } = binding;
        Self { plans, output: *output, response_body: *response_body, etag: *etag, raw: *raw }
    }

    /// The JSON of a response message, on one line.
    pub fn json(&self, wire: &[u8]) -> Result<Vec<u8>, OutputError> {
        // Keys and defaults make JSON a few times as long as its wire.
        let mut out = Vec::with_capacity(256 + wire.len() * 3);
        match self.response_body {
            None => message(&self.plans, self.output, wire, &mut out)?,
            Some(at) => field(&self.plans, self.output, at, wire, &mut out)?,
        }
        Ok(out)
    }

    /// Whether answers are of any content type.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// What to send for a response message.
    pub fn answer(&self, wire: &[u8]) -> Result<Answer, OutputError> {
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
