//! The wire of evidence: from what an earlier approval was recognised, as a value and
//! in the words that scripts look for.

use frontdesk_proto::booking::v1 as wire;

use crate::domain::approval::Evidence;

/// Its value.
pub fn value(evidence: Evidence) -> wire::ApproveEvidence {
    match evidence {
        Evidence::AlreadyConfirmed => wire::ApproveEvidence::AlreadyConfirmed,
        Evidence::ConfirmedAtSet => wire::ApproveEvidence::ConfirmedAtSet,
        Evidence::ApprovedBookingConfirmed => wire::ApproveEvidence::ApprovedBookingConfirmed,
        Evidence::InventoryActive => wire::ApproveEvidence::InventoryActive,
        Evidence::RelatedBookingConfirmed => wire::ApproveEvidence::RelatedBookingConfirmed,
        Evidence::FulfilledByOverlapSameGuest => wire::ApproveEvidence::FulfilledByOverlapSameGuest,
    }
}

/// What it meant for the rows, in words.
pub fn words(evidence: Evidence) -> &'static str {
    match evidence {
        Evidence::ConfirmedAtSet => "idempotent, state healed",
        Evidence::InventoryActive => "idempotent, state healed from inventory",
        Evidence::AlreadyConfirmed
        | Evidence::ApprovedBookingConfirmed
        | Evidence::RelatedBookingConfirmed
        | Evidence::FulfilledByOverlapSameGuest => "idempotent",
    }
}
