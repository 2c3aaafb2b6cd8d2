//! Declining a booking request.

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use pg::retrying;
use uuid::Uuid;

use crate::domain::decision::{self, Decline};
use crate::domain::ids::BookingRequestId;
use crate::error::Error;
use crate::store::{Act, Store};

/// Declines a request. The reason must not be blank.
pub async fn decline(
    store: &Store,
    id: BookingRequestId,
    reason: &str,
    note: &str,
    tenant: access::TenantId,
    actor: Option<Uuid>,
) -> Result<(), Error> {
    if reason.trim().is_empty() {
        return Err(Refusal::new(
            ErrorReason::DeclineReasonRequired,
            "A decline needs a decline_reason that is not blank. The booking request is unchanged.",
        )
        .violation("decline_reason", "is needed and must not be blank")
        .into());
    }
    retrying(|| async {
        let act = Act { tenant, actor, at: Timestamp::now(), event: Uuid::now_v7() };
        let tx = store.db.begin(tenant.uuid()).await?;
        let request = store.lock_booking_request(&tx, tenant, id).await?.ok_or(Error::RequestNotFound(id))?;
        match decision::decline(&request) {
            Decline::Decline => {
                let stored = store.decline_booking_request(tx, id, reason.trim(), note, act).await?;
                if stored { Ok(()) } else { Err(Error::RequestNotFound(id)) }
            }
            Decline::Refused(state) => Err(Error::InvalidTransition { step: "declined", state }),
        }
    })
    .await
}
