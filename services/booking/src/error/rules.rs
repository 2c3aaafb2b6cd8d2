//! What the caller reads of rules that a stay breaks: a reason for each, the value
//! of each in the metadata, and each with its field.

use frontdesk_proto::{ErrorReason as Reason, Refusal};

use crate::domain::rules::Broken;

/// What broke the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulesOf {
    /// A new request.
    New,
    /// A request, in its approval.
    Request,
    /// A booking that staff or a channel made.
    Booking,
    /// A request that is to be put right by a new booking.
    Resolution,
}

/// The reason of a call that breaks a rule.
pub fn reason(broken: Broken) -> Reason {
    match broken {
        Broken::MaxGuests(_) => Reason::TooManyGuests,
        Broken::InThePast(_) => Reason::StayInThePast,
        Broken::MinNights(_) => Reason::StayTooShort,
        Broken::MaxNights(_) | Broken::MostNights(_) => Reason::StayTooLong,
        Broken::ClosedToArrival(_) => Reason::ClosedToArrival,
        Broken::ClosedToDeparture(_) => Reason::ClosedToDeparture,
        Broken::LeadDays { .. } => Reason::ArrivalTooSoon,
        Broken::HorizonDays { .. } => Reason::ArrivalTooFar,
        Broken::TurnoverDays { .. } => Reason::TurnoverTooShort,
    }
}

/// The refusal of a stay that breaks rules; its reason is that of the first.
pub fn refusal(broken: &[Broken], of: RulesOf) -> Refusal {
    let said: Vec<String> = broken.iter().map(|one| format!("`{}` {}", one.field(), one.takes())).collect();
    let next = match of {
        RulesOf::Request | RulesOf::Resolution if broken.iter().any(|one| one.is_limit()) => {
            "Nothing was changed, and no right sets this aside: decline the booking request, or have its dates corrected by the program that wrote them."
        }
        RulesOf::New => {
            "Nothing was stored: ask for another stay. GET /v1/properties/{property_id}/availability shows what can be had."
        }
        RulesOf::Booking => {
            "Nothing was stored: choose another stay, or store it with `override_rules`. GET /v1/properties/{property_id}/availability shows what can be had."
        }
        RulesOf::Resolution => {
            "Nothing was changed: make another choice, or resolve it with `override_rules`."
        }
        RulesOf::Request => {
            "The booking request is unchanged: decline it, or approve it with `override_rules`, which needs the scope bookings:manage."
        }
    };
    let reason = broken.first().map_or(Reason::Internal, |first| reason(*first));
    let message = format!("The stay breaks rules of the property: {}. {next}", said.join("; "));
    broken.iter().fold(Refusal::new(reason, message), |refusal, one| {
        refusal.with(one.name(), one.value()).violation(one.field(), one.takes())
    })
}
