//! Why a request is declined: a word for programs, words for the staff, and words
//! for the guest. What the staff notes for itself is the request's internal note.

/// Why, in the words of a decline that nobody made: somebody else got the nights.
pub const DATES_TAKEN: &str = "dates_taken";

/// Why, as a word that programs compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeclineReason {
    DatesUnavailable,
    RulesNotMet,
    GuestNotSuitable,
    Price,
    PropertyClosed,
    Other,
}

/// A decline.
#[derive(Debug)]
pub struct Declining {
    /// Why, in the words of who declines; not blank.
    pub reason: String,
    /// Nobody has to say.
    pub code: Option<DeclineReason>,
    /// Message to the guest; may be empty.
    pub guest_message: String,
}

impl DeclineReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::DatesUnavailable,
        Self::RulesNotMet,
        Self::GuestNotSuitable,
        Self::Price,
        Self::PropertyClosed,
        Self::Other,
    ];

    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::DatesUnavailable => "dates_unavailable",
            Self::RulesNotMet => "rules_not_met",
            Self::GuestNotSuitable => "guest_not_suitable",
            Self::Price => "price",
            Self::PropertyClosed => "property_closed",
            Self::Other => "other",
        }
    }

    /// Reads what the database has; nothing is decided by it, so a word of another
    /// program reads as none.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.name() == name)
    }
}
