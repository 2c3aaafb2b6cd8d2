//! What happened, as the history and the feed tell it.

use jiff::Timestamp;

use super::approval::Evidence;
use super::ids::{BookingId, BookingRequestId, EventId, UserId};

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub request: Option<BookingRequestId>,
    pub booking: Option<BookingId>,
    pub kind: EventKind,
    /// Nobody when an API key or Frontdesk itself acted.
    pub actor: Option<UserId>,
    /// From what an earlier approval was recognised, for [`EventKind::Healed`].
    pub evidence: Option<Evidence>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    Created,
    ReviewStarted,
    Approved,
    Healed,
    Declined,
    AutoDeclined,
    Cancelled,
    Expired,
    FulfilmentLost,
    BookingCancelled,
    CheckedIn,
    CheckedOut,
    NoShow,
}

/// A place in a tenant's feed: behind the event that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPlace {
    /// As the database numbers it.
    pub position: i64,
    pub at: Timestamp,
    pub event: EventId,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 13] = [
        Self::Created,
        Self::ReviewStarted,
        Self::Approved,
        Self::Healed,
        Self::Declined,
        Self::AutoDeclined,
        Self::Cancelled,
        Self::Expired,
        Self::FulfilmentLost,
        Self::BookingCancelled,
        Self::CheckedIn,
        Self::CheckedOut,
        Self::NoShow,
    ];

    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::ReviewStarted => "review_started",
            Self::Approved => "approved",
            Self::Healed => "healed",
            Self::Declined => "declined",
            Self::AutoDeclined => "auto_declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::FulfilmentLost => "fulfilment_lost",
            Self::BookingCancelled => "booking_cancelled",
            Self::CheckedIn => "checked_in",
            Self::CheckedOut => "checked_out",
            Self::NoShow => "no_show",
        }
    }

    /// Reads what the database writes.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl FeedPlace {
    /// The place before every event of a position.
    pub fn before(position: i64) -> Self {
        Self { position, at: Timestamp::UNIX_EPOCH, event: EventId(uuid::Uuid::nil()) }
    }
}
