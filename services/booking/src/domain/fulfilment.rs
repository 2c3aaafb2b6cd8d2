//! Which booking a request is linked to, whether that link may be followed, and
//! which of the nights that were asked for it covers. What follows from that is for
//! [`super::approval`] and [`super::steps`] to say.
//!
//! A link is a column that anybody can write. It is followed only to a sold booking
//! of the same guest and property with at least one night in common: by any other,
//! a request would read as confirmed by a stay that is somebody else's, elsewhere or
//! in another year, and would be cancelled together with it.

use super::booking::BookingStatus;
use super::ids::{BookingId, BookingRequestId, GuestId, PropertyId};
use super::stay::{Coverage, Stay};

/// The booking in `approved_booking_id`, whatever its state. Rows are written by
/// other programs, too: what of it cannot be shown is `None` and fits nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkedBooking {
    pub booking: BookingId,
    pub guest: Option<GuestId>,
    pub property: Option<PropertyId>,
    pub status: Option<BookingStatus>,
    pub stay: Option<Stay>,
}

/// What a request asks for, as far as a booking has to fit it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    pub request: BookingRequestId,
    pub guest: Option<GuestId>,
    pub property: PropertyId,
    pub stay: Stay,
}

/// Why a link is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// There is no such booking, or no link at all.
    Lost,
    /// It is another guest's, or nobody knows whose.
    OtherGuest,
    /// It is of another property.
    OtherProperty,
    /// It has none of the nights.
    OtherNights,
    /// It has been cancelled or declined.
    Cancelled,
    /// The guest did not come, and others may have the nights.
    NoShow,
    /// It has not been sold, or has a status that nobody here knows.
    NotSold,
}

/// Why a request reads as confirmed although nothing covers its nights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfulfilled {
    /// `confirmed_at` alone says so.
    Mark,
    /// It is linked to a booking that may not be followed.
    Link(Unfit),
}

/// Which nights of a request are covered, and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fulfilment {
    pub asked: Stay,
    /// The booking that covers nights of it; `None` when none does, and before it is
    /// made.
    pub booking: Option<BookingId>,
    /// The nights of that booking.
    pub nights: Option<Stay>,
}

impl LinkedBooking {
    /// The nights of the booking, if it may be followed. In the single-table layout
    /// the row of a request is its own booking, whoever the guest is.
    pub fn fits(&self, asked: &Asked) -> Result<Stay, Unfit> {
        let own_row = self.booking.0 == asked.request.0;
        if !own_row && (self.guest.is_none() || self.guest != asked.guest) {
            return Err(Unfit::OtherGuest);
        }
        if self.property != Some(asked.property) {
            return Err(Unfit::OtherProperty);
        }
        let nights = self.stay.filter(|stay| asked.stay.covered_by(*stay).is_some());
        let nights = nights.ok_or(Unfit::OtherNights)?;
        match self.status {
            Some(status) if status.is_sold() => Ok(nights),
            Some(BookingStatus::NoShow) => Err(Unfit::NoShow),
            Some(BookingStatus::Cancelled | BookingStatus::Declined) => Err(Unfit::Cancelled),
            Some(_) | None => Err(Unfit::NotSold),
        }
    }
}

impl Unfit {
    /// Every reason.
    pub const ALL: [Self; 7] = [
        Self::Lost,
        Self::OtherGuest,
        Self::OtherProperty,
        Self::OtherNights,
        Self::Cancelled,
        Self::NoShow,
        Self::NotSold,
    ];

    /// As `metadata.inconsistency` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Lost => "booking_lost",
            Self::OtherGuest => "booking_of_other_guest",
            Self::OtherProperty => "booking_of_other_property",
            Self::OtherNights => "booking_of_other_nights",
            Self::Cancelled => "booking_cancelled",
            Self::NoShow => "booking_no_show",
            Self::NotSold => "booking_not_sold",
        }
    }

    /// What is wrong with the booking, as the rest of a sentence about it.
    pub fn explained(self) -> &'static str {
        match self {
            Self::Lost => "is not there",
            Self::OtherGuest => "is not this guest's",
            Self::OtherProperty => "is of another property",
            Self::OtherNights => "has none of the nights",
            Self::Cancelled => "has been cancelled",
            Self::NoShow => "ended as a no-show",
            Self::NotSold => "is not confirmed",
        }
    }

    /// Whether the booking never was the request's. Of the others a confirmation
    /// date tells nothing: it came with the booking and is over with it.
    pub fn is_strangers(self) -> bool {
        matches!(self, Self::OtherGuest | Self::OtherProperty | Self::OtherNights)
    }
}

impl Unfulfilled {
    /// As `metadata.inconsistency` names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mark => "confirmed_at_set",
            Self::Link(unfit) => unfit.name(),
        }
    }
}

impl Fulfilment {
    /// How much is covered; `None` when nothing is.
    pub fn coverage(&self) -> Option<Coverage> {
        self.nights.and_then(|nights| self.asked.covered_by(nights))
    }

    /// Nights that were asked for and are not covered, at most before and after
    /// those that are.
    pub fn uncovered(&self) -> Vec<Stay> {
        let Stay { check_in, check_out } = self.asked;
        let Some(nights) = self.nights.filter(|nights| self.asked.covered_by(*nights).is_some()) else {
            return vec![self.asked];
        };
        let before = Stay { check_in, check_out: nights.check_in };
        let after = Stay { check_in: nights.check_out, check_out };
        [before, after].into_iter().filter(|part| part.check_in < part.check_out).collect()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::stay::tests::stay;
    use super::*;

    const GUEST: GuestId = GuestId(Uuid::from_u128(3));
    const HOUSE: PropertyId = PropertyId(Uuid::from_u128(2));

    fn asked() -> Asked {
        Asked {
            request: BookingRequestId(Uuid::from_u128(1)),
            guest: Some(GUEST),
            property: HOUSE,
            stay: stay("2026-07-05", "2026-07-10"),
        }
    }

    fn linked(status: BookingStatus) -> LinkedBooking {
        LinkedBooking {
            booking: BookingId(Uuid::from_u128(8)),
            guest: Some(GUEST),
            property: Some(HOUSE),
            status: Some(status),
            stay: Some(stay("2026-07-08", "2026-07-14")),
        }
    }

    #[test]
    fn only_the_guests_own_sold_nights_at_the_property_are_followed() {
        for status in BookingStatus::ALL {
            let expected = match status {
                BookingStatus::Confirmed | BookingStatus::CheckedIn | BookingStatus::CheckedOut => {
                    Ok(stay("2026-07-08", "2026-07-14"))
                }
                BookingStatus::NoShow => Err(Unfit::NoShow),
                BookingStatus::Cancelled | BookingStatus::Declined => Err(Unfit::Cancelled),
                _ => Err(Unfit::NotSold),
            };
            assert_eq!(linked(status).fits(&asked()), expected, "{status:?}");
        }
        let sold = linked(BookingStatus::Confirmed);
        let stranger = GuestId(Uuid::from_u128(4));
        let elsewhere = PropertyId(Uuid::from_u128(9));
        for (other, unfit) in [
            (LinkedBooking { guest: Some(stranger), ..sold }, Unfit::OtherGuest),
            (LinkedBooking { guest: None, ..sold }, Unfit::OtherGuest),
            (LinkedBooking { property: Some(elsewhere), ..sold }, Unfit::OtherProperty),
            (LinkedBooking { property: None, ..sold }, Unfit::OtherProperty),
            (LinkedBooking { stay: Some(stay("2026-07-10", "2026-07-12")), ..sold }, Unfit::OtherNights),
            (LinkedBooking { stay: Some(stay("2027-07-05", "2027-07-10")), ..sold }, Unfit::OtherNights),
            (LinkedBooking { stay: None, ..sold }, Unfit::OtherNights),
            (LinkedBooking { status: None, ..sold }, Unfit::NotSold),
        ] {
            assert_eq!(other.fits(&asked()), Err(unfit), "{other:?}");
        }
        // A guest that nobody knows is not the same as another one.
        let unknown = Asked { guest: None, ..asked() };
        assert_eq!(LinkedBooking { guest: None, ..sold }.fits(&unknown), Err(Unfit::OtherGuest));
        let own = LinkedBooking { booking: BookingId(unknown.request.0), guest: None, ..sold };
        assert!(own.fits(&unknown).is_ok());
    }

    #[test]
    fn what_is_not_covered_is_before_and_after_what_is() {
        let of = |nights: Option<Stay>| Fulfilment { asked: asked().stay, booking: None, nights };
        for (from, to, coverage, uncovered) in [
            ("2026-07-05", "2026-07-10", Some(Coverage::Exact), vec![]),
            ("2026-07-01", "2026-07-20", Some(Coverage::Contained), vec![]),
            ("2026-07-08", "2026-07-14", Some(Coverage::Partial), vec![stay("2026-07-05", "2026-07-08")]),
            ("2026-07-01", "2026-07-06", Some(Coverage::Partial), vec![stay("2026-07-06", "2026-07-10")]),
            (
                "2026-07-06",
                "2026-07-09",
                Some(Coverage::Partial),
                vec![stay("2026-07-05", "2026-07-06"), stay("2026-07-09", "2026-07-10")],
            ),
            ("2026-07-10", "2026-07-12", None, vec![asked().stay]),
        ] {
            let found = of(Some(stay(from, to)));
            assert_eq!((found.coverage(), found.uncovered()), (coverage, uncovered), "{from} {to}");
        }
        assert_eq!((of(None).coverage(), of(None).uncovered()), (None, vec![asked().stay]));
    }
}
