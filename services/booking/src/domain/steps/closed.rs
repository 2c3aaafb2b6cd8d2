//! States from which a step does not lead on: why, and what to do instead. Which step
//! that is, is decided elsewhere.

/// A state from which a step does not lead on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    AlreadyApproved,
    AlreadyDeclined,
    Cancelled,
    Expired,
    /// The booking is only a hold; its request decides.
    Hold,
    /// The booking is not confirmed.
    NotConfirmed,
    /// The guest has not checked in.
    NotCheckedIn,
    CheckedIn,
    CheckedOut,
    NoShow,
    /// The first day of the stay has not come.
    TooEarly,
    /// Another program stored a status that this version does not know.
    Unknown,
    /// The day of departure has come.
    TooLate,
    /// Another program stored dates that have no form.
    NoNights,
}

impl Closed {
    /// As `metadata.state` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::AlreadyApproved => "already_approved",
            Self::AlreadyDeclined => "already_declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Hold => "hold",
            Self::NotConfirmed => "not_confirmed",
            Self::NotCheckedIn => "not_checked_in",
            Self::CheckedIn => "checked_in",
            Self::CheckedOut => "checked_out",
            Self::NoShow => "no_show",
            Self::TooEarly => "too_early",
            Self::Unknown => "unknown_status",
            Self::TooLate => "too_late",
            Self::NoNights => "unknown_nights",
        }
    }

    /// Why and what to do, as the rest of a sentence.
    pub fn explained(self) -> &'static str {
        match self {
            Self::AlreadyApproved => "it has been approved; cancel it instead",
            Self::AlreadyDeclined => "it has been declined; the guest can send a new request",
            Self::Cancelled => "it has been cancelled; the guest can send a new request",
            Self::Expired => "its hold ran out; the guest can send a new request",
            Self::Hold => "it only holds the dates of a booking request; decide or cancel that request",
            Self::NotConfirmed => "it is not confirmed; its booking request has to be approved first",
            Self::NotCheckedIn => "the guest has not checked in; check in first, or mark a no-show",
            Self::CheckedIn => "the guest has checked in; check out instead",
            Self::CheckedOut => "the stay is over; what comes after it is a new booking",
            Self::NoShow => {
                "the guest did not come and the dates were freed; who comes all the same needs a new booking"
            }
            Self::TooEarly => {
                "the first day of the stay has not come at the property; wait for it, or check in with `override_rules`"
            }
            Self::Unknown => {
                "another program gave it a status that this version does not know; unknown_status shows it, and that program has to set one that is known"
            }
            Self::TooLate => {
                "the last night of the stay is over at the property; mark a no-show, or set `override_rules` to check in all the same"
            }
            Self::NoNights => {
                "another program gave it dates that cannot be shown; that program has to set others, or cancel it"
            }
        }
    }
}
