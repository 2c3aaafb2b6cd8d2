//! What happened, as the history and the feed tell it.

use jiff::Timestamp;
use uuid::Uuid;

use super::actor::Acting;
use super::approval::Evidence;
use super::fulfilment::Fulfilment;
use super::ids::{BlockId, BookingId, BookingRequestId, EventId, GuestId, PropertyId};
use super::inconsistency::Choice;

/// Something that happened.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub request: Option<BookingRequestId>,
    pub booking: Option<BookingId>,
    pub property: Option<PropertyId>,
    pub customer: Option<GuestId>,
    pub block: Option<BlockId>,
    pub kind: StoredKind,
    /// Who did it.
    pub acting: Acting,
    /// For whom, when that is not who did it: Frontdesk declines for whoever approved.
    pub on_behalf_of: Option<Uuid>,
    /// Rules of the stay that were set aside.
    pub overridden_rules: Vec<String>,
    /// From what an earlier approval was recognised, for [`EventKind::Healed`].
    pub evidence: Option<Evidence>,
    /// Which nights were covered then, for [`EventKind::Approved`] and
    /// [`EventKind::Healed`].
    pub fulfilment: Option<Fulfilment>,
    /// What was chosen, for [`EventKind::InconsistencyResolved`].
    pub choice: Option<Choice>,
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
    BookingCreated,
    PropertyCreated,
    PropertyUpdated,
    Blocked,
    Unblocked,
    CustomerCreated,
    CustomerUpdated,
    CustomerArchived,
    CustomerMerged,
    SettingsUpdated,
    InconsistencyResolved,
}

/// What a stored event says has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredKind {
    /// A kind that this version knows.
    Known(EventKind),
    /// The word of a later version, or of another program that writes events. Nothing
    /// is decided by it, and it must not end a history or a stream.
    Unknown(String),
}

/// A place in a tenant's feed: right after the event that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeedPlace {
    /// In the feed, from 1.
    pub number: i64,
    pub at: Timestamp,
    /// `None` before every event, and after one that is gone.
    pub event: Option<EventId>,
}

/// An event and its place.
#[derive(Debug, Clone)]
pub struct PlacedEvent {
    pub event: Event,
    pub place: FeedPlace,
}

/// A place as the version before knew it, by a number of the transaction that wrote
/// the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldPlace {
    pub position: i64,
    pub at: Timestamp,
    /// Nil in the cursor of a heartbeat before the first event.
    pub event: EventId,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 24] = [
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
        Self::BookingCreated,
        Self::PropertyCreated,
        Self::PropertyUpdated,
        Self::Blocked,
        Self::Unblocked,
        Self::CustomerCreated,
        Self::CustomerUpdated,
        Self::CustomerArchived,
        Self::CustomerMerged,
        Self::SettingsUpdated,
        Self::InconsistencyResolved,
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
            Self::BookingCreated => "booking_created",
            Self::PropertyCreated => "property_created",
            Self::PropertyUpdated => "property_updated",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::CustomerCreated => "customer_created",
            Self::CustomerUpdated => "customer_updated",
            Self::CustomerArchived => "customer_archived",
            Self::CustomerMerged => "customer_merged",
            Self::SettingsUpdated => "settings_updated",
            Self::InconsistencyResolved => "inconsistency_resolved",
        }
    }
}

impl StoredKind {
    /// Reads what the database has.
    pub fn from_name(name: &str) -> Self {
        let known = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
        known.map_or_else(|| Self::Unknown(name.to_owned()), Self::Known)
    }
}

impl FeedPlace {
    /// The place after a number whose event is not known.
    pub fn after(number: i64) -> Self {
        Self { number, at: Timestamp::UNIX_EPOCH, event: None }
    }
}
