//! Messages by name, without routes: what the conformance suite and other users
//! of the tables alone need.

use std::sync::Arc;

use prost_reflect::DescriptorPool;

use crate::error::{InputError, OutputError};
use crate::plan::{MessageId, Plans};
use crate::read_mask::{self, Part, Value};
use crate::style::Style;
use crate::{parse, render};

/// Messages to JSON and back, by name.
#[derive(Debug, Clone)]
pub struct Messages {
    plans: Arc<Plans>,
}

/// Which fields are shown of the messages of a type.
#[derive(Debug, Clone)]
pub struct ReadMask {
    of: MessageId,
    part: Part,
}

impl Messages {
    /// The messages of a descriptor set.
    pub fn new(pool: &DescriptorPool, style: Style) -> Self {
        Self { plans: Arc::new(Plans::new(pool, style)) }
    }

    pub(crate) fn of(plans: Arc<Plans>) -> Self {
        Self { plans }
    }

    /// The wire of a JSON text; `None` if no message has the name.
    pub fn to_wire(&self, full_name: &str, json: &[u8]) -> Option<Result<Vec<u8>, InputError>> {
        let id = self.plans.find(full_name)?;
        let mut out = Vec::with_capacity(json.len());
        Some(parse::message(&self.plans, id, json, &mut out).map(|()| out))
    }

    /// The JSON of a message; `None` if no message has the name.
    pub fn to_json(&self, full_name: &str, wire: &[u8]) -> Option<Result<Vec<u8>, OutputError>> {
        let id = self.plans.find(full_name)?;
        let mut out = Vec::with_capacity(256 + wire.len() * 3);
        Some(render::message(&self.plans, id, wire, &mut out).map(|()| out))
    }

    /// A list of paths of fields of a message, as
    /// [`renderer_for`](crate::Match::renderer_for) reads it; `None` if no message has the name.
    pub fn read_mask(&self, full_name: &str, paths: &str) -> Option<Result<ReadMask, InputError>> {
        let of = self.plans.find(full_name)?;
        let part = read_mask::parse(&self.plans, Value::message(of), paths);
        Some(
            part.map(|part| ReadMask { of, part })
                .map_err(|what| InputError::request(format!("the mask {what}"))),
        )
    }

    /// The JSON of what a mask, which these messages made, shows of a message of its type.
    pub fn to_json_of(&self, mask: &ReadMask, wire: &[u8]) -> Result<Vec<u8>, OutputError> {
        let mut out = Vec::with_capacity(256 + wire.len());
        render::message_part(&self.plans, mask.of, &mask.part, wire, &mut out).map(|()| out)
    }

    /// The same without one of the message's own fields.
    pub fn to_json_without(
        &self,
        field: &str,
        full_name: &str,
        wire: &[u8],
    ) -> Option<Result<Vec<u8>, OutputError>> {
        let id = self.plans.find(full_name)?;
        let hidden = self.plans.message(id).by_name(field, 0)?;
        let mut out = Vec::with_capacity(256 + wire.len() * 3);
        Some(render::message_without(&self.plans, id, hidden, wire, &mut out).map(|()| out))
    }
}
