//! What the options in `error_reason.proto` say about a reason: its codes, and
//! what surfaces and relays of ours make of it. Read from the descriptor set once.

use std::collections::HashMap;
use std::sync::LazyLock;

use tonic::Code;

use crate::contract::extension;
use crate::reasons::v1::{AuthAnswer, ErrorReasonOptions, Occasion};
use crate::{ErrorReason, descriptors};

/// The status codes of a reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The code over gRPC.
    pub code: Code,
    /// The status over REST.
    pub http_status: u16,
}

impl ErrorReason {
    /// The name without the enum's prefix, as `ErrorInfo.reason` carries it.
    pub fn name(self) -> &'static str {
        self.as_str_name().trim_start_matches("ERROR_REASON_")
    }

    /// The reason that [`Self::name`] gives this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::from_str_name(&format!("ERROR_REASON_{name}"))
    }

    /// Every reason that can be sent, in the order of the proto.
    pub fn all() -> impl Iterator<Item = Self> {
        let reasons = descriptors().get_enum_by_name("frontdesk.error.v1.ErrorReason");
        let numbers: Vec<i32> = reasons
            .iter()
            .flat_map(|of| of.values().map(|value| value.number()).collect::<Vec<_>>())
            .collect();
        numbers.into_iter().filter(|number| *number != 0).filter_map(|number| Self::try_from(number).ok())
    }

    /// The codes of this reason.
    pub fn wire(self) -> Wire {
        self.options()
            .and_then(|options| wire(options.grpc_code, options.http_status))
            .unwrap_or(Wire { code: Code::Internal, http_status: 500 })
    }

    /// The kinds of calls that may have it without their method saying so.
    pub fn occasions(self) -> impl Iterator<Item = Occasion> {
        self.options().into_iter().flat_map(ErrorReasonOptions::occasions)
    }

    /// The method that it was made for, whose calls may have it.
    pub fn method(self) -> Option<&'static str> {
        self.options().map(|options| &*options.method).filter(|name| !name.is_empty())
    }

    /// Whether a service passes it on to its own caller when identity refuses the
    /// caller with it.
    pub fn passes_through(self) -> bool {
        self.options().is_some_and(|options| options.passes_through)
    }

    /// How it appears on the surface for clients of hosted Supabase auth.
    pub fn auth_answer(self) -> Option<&'static AuthAnswer> {
        self.options().and_then(|options| options.auth.as_ref())
    }

    /// The word for it at the token endpoint (RFC 6749 section 5.2).
    pub fn oauth_error(self) -> &'static str {
        let said = self.options().map_or("", |options| options.oauth_error.as_str());
        match self.wire().http_status {
            _ if !said.is_empty() => said,
            429 | 503 | 504 => "temporarily_unavailable",
            500.. => "server_error",
            _ => "invalid_request",
        }
    }

    /// The options of the enum value.
    fn options(self) -> Option<&'static ErrorReasonOptions> {
        static OPTIONS: LazyLock<HashMap<i32, ErrorReasonOptions>> = LazyLock::new(read_options);
        OPTIONS.get(&(self as i32))
    }
}

fn wire(grpc_code: i32, http_status: i32) -> Option<Wire> {
    let http_status = u16::try_from(http_status).ok().filter(|status| *status != 0)?;
    Some(Wire { code: Code::from(grpc_code), http_status })
}

fn read_options() -> HashMap<i32, ErrorReasonOptions> {
    let reasons = descriptors().get_enum_by_name("frontdesk.error.v1.ErrorReason");
    let reason = descriptors().get_extension_by_name("frontdesk.error.v1.reason");
    let values = reasons.iter().flat_map(|reasons| reasons.values().collect::<Vec<_>>());
    values.filter_map(|value| Some((value.number(), extension(reason.clone(), &value.options())?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_code_and_an_http_status() {
        assert!(ErrorReason::all().count() > 60);
        for reason in ErrorReason::all() {
            let options = reason.options();
            let wire = options.and_then(|options| wire(options.grpc_code, options.http_status));
            let wire = wire.unwrap_or_else(|| panic!("{} has no codes", reason.name()));
            assert!((400..600).contains(&wire.http_status), "{}", reason.name());
            assert_ne!(wire.code, Code::Ok, "{}", reason.name());
            assert_eq!(ErrorReason::from_name(reason.name()), Some(reason));
        }
    }
}
