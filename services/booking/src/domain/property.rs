//! A property, its calendar, and what its requests do to it.

use jiff::Timestamp;
use jiff::civil::Date;

use super::ids::{BlockId, BookingId, BookingRequestId, PropertyId, RangeId};
use super::rules::{Broken, Neighbours, StayRules, Terms};
use super::stay::Stay;

/// Hours that a hold lasts where nobody says how many.
pub const DEFAULT_HOLD_HOURS: i32 = 24;

/// Ten years: a hold by what another program has stored ends in a time that we can name.
pub const MOST_HOLD_HOURS: i32 = 87_600;

/// A property.
#[derive(Debug, Hash)]
pub struct Property {
    pub id: PropertyId,
    pub name: String,
    pub time_zone: String,
    pub max_guests: i32,
    pub hold_policy: HoldPolicy,
    pub hold_hours: i32,
    pub rules: StayRules,
    pub row_version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whether a request holds its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HoldPolicy {
    None,
    Hold,
}

/// A property to store.
#[derive(Debug)]
pub struct NewProperty {
    pub id: PropertyId,
    pub name: String,
    pub time_zone: String,
    pub max_guests: i32,
    pub hold_policy: HoldPolicy,
    pub hold_hours: i32,
    pub rules: StayRules,
}

/// What changes of a property; what is `None` stays.
#[derive(Debug)]
pub struct PropertyUpdate {
    pub name: Option<String>,
    pub time_zone: Option<String>,
    pub max_guests: Option<i32>,
    pub hold_policy: Option<HoldPolicy>,
    pub hold_hours: Option<i32>,
    /// All of them: one that is not set does not hold.
    pub rules: Option<StayRules>,
}

/// Nights of a property that something has or asks for.
#[derive(Debug)]
pub struct Occupancy {
    pub by: Occupant,
    pub nights: Stay,
}

/// A property with what has nights of it between two dates, or asks for them, by first
/// night.
#[derive(Debug)]
pub struct Calendar {
    pub property: Property,
    pub occupancies: Vec<Occupancy>,
    /// The stays next to the dates, as far as its rules look at them.
    pub near: Neighbours,
}

/// What can be had of a property between two dates.
#[derive(Debug)]
pub struct Availability {
    pub free_nights: Vec<Date>,
    /// Nights on which a stay may begin.
    pub arrivals: Vec<Date>,
    /// Every rule that a stay of all nights breaks.
    pub broken: Vec<Broken>,
    /// Whether all nights can be had as one stay.
    pub bookable: bool,
}

/// What has nights of a property, or asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occupant {
    /// A booking, or an inventory range that names it.
    Booking(BookingId),
    /// A booking that was deleted and is in the constraint all the same.
    Deleted(BookingId),
    /// A booking whose status frees its nights, and that is in the constraint all the same.
    Freed(BookingId),
    /// The booking that holds the dates of a request.
    Hold(BookingId),
    Block(BlockId),
    /// An inventory range that no booking accounts for.
    Inventory(RangeId),
    /// An open request; others may still take the nights.
    Request(BookingRequestId),
}

/// Nights that are kept from being let.
#[derive(Debug, Hash)]
pub struct Block {
    pub id: BlockId,
    pub property: PropertyId,
    pub nights: Stay,
    pub note: String,
    pub active: bool,
}

impl Property {
    /// What a stay is held against.
    pub fn terms(&self) -> Terms {
        let Self { max_guests, time_zone, rules, .. } = self;
        Terms { max_guests: *max_guests, time_zone: time_zone.clone(), rules: rules.clone() }
    }
}

impl HoldPolicy {
    /// Every policy.
    pub const ALL: [Self; 2] = [Self::None, Self::Hold];

    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hold => "hold",
        }
    }

    /// Reads what the database writes.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

impl Occupant {
    /// Whether nobody else can have the nights.
    pub fn is_blocking(self) -> bool {
        !matches!(self, Self::Request(_))
    }
}

impl Calendar {
    /// What so many guests can have between the dates.
    pub fn availability(&self, dates: Stay, guests: i32, now: Timestamp) -> Availability {
        let (terms, free_nights) = (self.property.terms(), free_nights(dates, &self.occupancies));
        let broken = terms.broken(dates, guests, now, self.near);
        let whole = i32::try_from(free_nights.len()) == Ok((dates.check_out - dates.check_in).get_days());
        Availability {
            arrivals: free_nights.iter().copied().filter(|night| terms.takes_arrival(*night, now)).collect(),
            bookable: whole && broken.is_empty(),
            free_nights,
            broken,
        }
    }
}

/// The nights between two dates that nothing blocks.
fn free_nights(dates: Stay, occupancies: &[Occupancy]) -> Vec<Date> {
    let taken = |night: Date| {
        occupancies
            .iter()
            .any(|one| one.by.is_blocking() && (one.nights.check_in..one.nights.check_out).contains(&night))
    };
    std::iter::successors(Some(dates.check_in), |night| night.tomorrow().ok())
        .take_while(|night| *night < dates.check_out)
        .filter(|night| !taken(*night))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::stay::tests::stay;
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_night_is_free_when_nothing_blocks_it() {
        let id = Uuid::from_u128(1);
        let occupancies = [
            Occupancy { by: Occupant::Booking(BookingId(id)), nights: stay("2026-06-30", "2026-07-02") },
            Occupancy {
                by: Occupant::Request(BookingRequestId(id)),
                nights: stay("2026-07-02", "2026-07-03"),
            },
            Occupancy { by: Occupant::Block(BlockId(id)), nights: stay("2026-07-03", "2026-07-04") },
        ];
        let free = free_nights(stay("2026-07-01", "2026-07-06"), &occupancies);
        let named: Vec<String> = free.iter().map(ToString::to_string).collect();
        assert_eq!(named, ["2026-07-02", "2026-07-04", "2026-07-05"]);
    }
}
