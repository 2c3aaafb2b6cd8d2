//! What the caller reads when somebody has nights of a stay.

use frontdesk_proto::{ErrorReason as Reason, Refusal};

use super::contradictions;
use crate::domain::approval::ConflictKind;
use crate::domain::fulfilment::Unfulfilled;
use crate::domain::ids::BookingRequestId;
use crate::domain::stay::Stay;

/// What wanted nights that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverlapOf {
    /// A request, in its approval; with what has the nights. It may read as confirmed all
    /// the same.
    Request(BookingRequestId, ConflictKind, Option<Unfulfilled>),
    /// A booking that staff or a channel made; with what has the nights.
    Booking(ConflictKind),
    /// A request that has to hold its dates, or a block.
    New,
}

/// The refusal of nights that somebody has.
pub fn refusal(stay: Stay, of: OverlapOf) -> Refusal {
    let Stay { check_in, check_out } = stay;
    let refusal = match of {
        OverlapOf::Request(request, kind, unfulfilled) => {
            let sentence = what_has(kind);
            let decide = match unfulfilled {
                None => "decline it".to_owned(),
                Some(why) => contradictions::clearing(why, request),
            };
            let way_out = format!("{decide} or free the dates{}", how_to_free(kind));
            let refusal = Refusal::new(
                Reason::BookingOverlap,
                format!(
                    "The property is taken: {sentence} nights between {check_in} and {check_out}. The booking request is unchanged: {way_out}. GET /v1/booking-requests/{request}/explain shows what is in the way."
                ),
            )
            .with("conflict_kind", kind.name());
            unfulfilled.map_or(refusal.clone(), |why| contradictions::named(refusal, request, why))
        }
        OverlapOf::Booking(kind) => Refusal::new(
            Reason::BookingOverlap,
            format!(
                "The property is taken: {} nights between {check_in} and {check_out}. Nothing was stored: choose other nights, which GET /v1/properties/{{property_id}}/availability shows, or free the dates{}.",
                what_has(kind),
                how_to_free(kind)
            ),
        )
        .with("conflict_kind", kind.name()),
        OverlapOf::New => Refusal::new(
            Reason::BookingOverlap,
            format!(
                "The property is taken for nights between {check_in} and {check_out}. Nothing was stored; GET /v1/properties/{{property_id}}/availability shows the free nights."
            ),
        ),
    };
    refusal.with("conflict_type", "booking_overlap")
}

fn what_has(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Booking => "another booking has",
        ConflictKind::Hold => "another booking request holds",
        ConflictKind::Block => "a block has",
        ConflictKind::Deleted => "a booking that was deleted still has",
        ConflictKind::Freed => "a booking that does not stand still has",
        ConflictKind::Inventory => "an inventory range without a booking has",
    }
}

/// How nights are freed that no call for bookings or blocks frees.
fn how_to_free(kind: ConflictKind) -> &'static str {
    match kind {
        ConflictKind::Booking | ConflictKind::Hold | ConflictKind::Block => "",
        ConflictKind::Deleted | ConflictKind::Freed | ConflictKind::Inventory => {
            " as GET /api/v1/diagnostics/inconsistencies says of what has them"
        }
    }
}
