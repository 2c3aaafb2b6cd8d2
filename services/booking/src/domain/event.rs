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
    pub kind: Told,
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

/// What a stored event says has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A kind that this version knows.
    Known(EventKind),
    /// The word of a later version, or of another program that writes events. Nothing
    /// is decided by it, and it must not end a history or a stream.
    Unknown(String),
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
}

impl Told {
    /// Reads what the database has.
    pub fn from_name(name: &str) -> Self {
        let known = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
        known.map_or_else(|| Self::Unknown(name.to_owned()), Self::Known)
    }
}

impl FeedPlace {
    /// The place before every event of a position.
    pub fn before(position: i64) -> Self {
        Self { position, at: Timestamp::UNIX_EPOCH, event: EventId(uuid::Uuid::nil()) }
    }
}
