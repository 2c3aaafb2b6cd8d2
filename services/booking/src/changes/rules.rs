//! The rules of a stay, as the changes that sell nights look at them.

use crate::domain::ids::{GuestId, PropertyId};
use crate::domain::request::BookingRequest;
use crate::domain::rules::{Broken, Neighbours, Terms};
use crate::domain::stay::Stay;
use crate::error::Error;
use crate::store::Change;

/// A stay that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct RequestedStay {
    pub property: PropertyId,
    pub guest: Option<GuestId>,
    pub stay: Stay,
    pub guests: i32,
}

impl RequestedStay {
    /// What a request asks for.
    pub fn of(request: &BookingRequest) -> Self {
        let BookingRequest { property, guest, stay, guest_count: guests, .. } = *request;
        Self { property, guest, stay, guests }
    }
}

/// Every rule that a new stay breaks. What is stored looks for its guest again: whoever
/// has the property locked must not wait for one who merges that guest, who waits for a
/// request whose approve waits for the property. So the guest comes first.
pub async fn broken_by_new(
    change: &Change,
    terms: &Terms,
    requested: RequestedStay,
) -> Result<Vec<Broken>, Error> {
    if let (Some(_), Some(guest)) = (terms.rules.turnover_days, requested.guest) {
        change.share_customer(guest).await?;
    }
    broken(change, terms, requested).await
}

/// Every rule that a stay breaks. Where nights have to stay empty between two stays,
/// the property is locked first: no constraint keeps two who are approved at once
/// apart by more than their nights.
pub async fn broken(change: &Change, terms: &Terms, requested: RequestedStay) -> Result<Vec<Broken>, Error> {
    let RequestedStay { property, guest, stay, guests } = requested;
    let near = match terms.rules.turnover_days {
        Some(days) => {
            change.lock_property(property).await?;
            change.neighbours(property, guest, stay, days).await?
        }
        None => Neighbours::default(),
    };
    let broken = terms.broken(stay, guests, change.now(), near);
    Ok(broken.into_iter().chain(change.too_long(stay)).collect())
}
