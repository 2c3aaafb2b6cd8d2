//! Headers by which a caller makes a condition of a change. A method either heeds
//! one or refuses it: whoever sends a condition relies on it, and a change that was
//! made without looking at it cannot be taken back. Which methods heed what is an
//! option of their protos; how it is heeded is known where the change is made.

use frontdesk_proto::{ErrorReason, MethodContract, Refusal};
use http::HeaderMap;

/// The conditions that a changing method does not heed, each with what to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unheeded {
    idempotency_key: bool,
    if_match: bool,
}

impl Unheeded {
    /// What a method does not heed. Reading twice does no harm, so a method that
    /// changes nothing may get anything.
    pub fn of(contract: &MethodContract) -> Self {
        Self {
            idempotency_key: contract.changes && !contract.idempotency_key,
            if_match: contract.changes && !contract.if_match,
        }
    }

    /// Refuses a call with a condition that would not be looked at.
    pub fn check(self, headers: &HeaderMap) -> Result<(), Refusal> {
        if self.idempotency_key && headers.contains_key("idempotency-key") {
            return Err(Refusal::new(
                ErrorReason::InvalidHeader,
                "The method takes no Idempotency-Key: a second call would be made as well. Nothing was stored; send the call without the header.",
            )
            .with("header", "idempotency-key"));
        }
        if self.if_match && headers.contains_key("if-match") {
            return Err(Refusal::new(
                ErrorReason::InvalidHeader,
                "The method takes no If-Match: what it changes has no version. Nothing was stored; send the call without the header.",
            )
            .with("header", "if-match"));
        }
        Ok(())
    }
}
