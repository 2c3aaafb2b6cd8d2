//! The wire of declines.

use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::text::shows_nothing;
use frontdesk_proto::{ErrorReason, Refusal};
use tonic::Status;

use super::fields;
use crate::changes::Decline;
use crate::domain::decline::{DeclineReason, Declining};

/// A decline, whose reason shows something.
pub fn read(request: wire::DeclineBookingRequestRequest) -> Result<Decline, Status> {
    let wire::DeclineBookingRequestRequest {
        booking_request_id,
        decline_reason,
        internal_note,
        etag: _,
        reason_code,
        guest_message,
    } = request;
    let reason = decline_reason.trim().to_owned();
    // Checked before, in the words of its field.
    if shows_nothing(&reason) {
        return Err(Refusal::new(
            ErrorReason::DeclineReasonRequired,
            "A decline needs a decline_reason that is not blank. The booking request is unchanged.",
        )
        .violation("decline_reason", "is needed and must not be blank")
        .into());
    }
    let code = DeclineReason::ALL.into_iter().find(|reason| i32::from(code(*reason)) == reason_code);
    Ok(Decline {
        id: fields::id("booking_request_id", &booking_request_id)?,
        declining: Declining { reason, code, guest_message },
        note: internal_note,
    })
}

/// The word of a reason.
pub fn code(reason: DeclineReason) -> wire::DeclineReason {
    match reason {
        DeclineReason::DatesUnavailable => wire::DeclineReason::DatesUnavailable,
        DeclineReason::RulesNotMet => wire::DeclineReason::RulesNotMet,
        DeclineReason::GuestNotSuitable => wire::DeclineReason::GuestNotSuitable,
        DeclineReason::Price => wire::DeclineReason::Price,
        DeclineReason::PropertyClosed => wire::DeclineReason::PropertyClosed,
        DeclineReason::Other => wire::DeclineReason::Other,
    }
}
