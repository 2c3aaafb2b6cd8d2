//! Statements about everything around a request that bears on its approval.

use std::sync::Arc;

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault, Kind};
use tokio_postgres::Row;
use uuid::Uuid;

use super::change::Change;
use super::database::{Schema, Store, lost_row};
use super::foreign::{known, reach};
use super::properties::{GetProperty, asking_property, neighbours, property as property_of, read_neighbours};
use super::requests::{GetBookingRequest, known_stay, linked_request};
use crate::domain::approval::{ActiveRange, Evidence, Obstacle, Rival, Surroundings};
use crate::domain::booking::BookingStatus;
use crate::domain::fulfilment::LinkedBooking;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId, RangeId};
use crate::domain::request::BookingRequest;
use crate::domain::rules::{Neighbours, Terms};
use crate::domain::stay::Stay;
use crate::layout::words;

/// How often the bookings around a request are locked until no other one has come.
const ROUNDS: usize = 3;

pg::statements! {
    /// Locks the bookings around a request.
    LockSurroundings = "lock_surroundings" (
        tenant: Uuid, id: BookingRequestId, property: PropertyId, check_in: Date, check_out: Date,
        linked: Option<BookingId>, held: Option<BookingId>, guest: Option<GuestId>,
    );
    /// What surrounds a request, as it is now.
    ReadSurroundings = "read_surroundings" (
        tenant: Uuid, id: BookingRequestId, property: PropertyId, check_in: Date, check_out: Date,
        linked: Option<BookingId>, held: Option<BookingId>, guest: Option<GuestId>,
    );
}

/// A part of what surrounds a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Linked,
    Held,
    MovedHold,
    Related,
    Rival,
    DeletedRival,
    Own,
    Booked,
    OwnRange,
    Range,
    Obstacle,
    Healed,
}

/// A request with what bears on its approval, as it is now.
#[derive(Debug)]
pub struct Explained {
    pub request: BookingRequest,
    pub surroundings: Surroundings,
    /// What the property asks of a stay; `None` for one that is not there.
    pub terms: Option<Terms>,
    /// The stays next to the one that is asked for.
    pub near: Neighbours,
    /// How the database stores it.
    pub schema: Arc<Schema>,
}

impl Store {
    /// A request with what surrounds it, without locks.
    pub async fn explain(&self, tenant: TenantId, id: BookingRequestId) -> Result<Option<Explained>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            let rows = tx.run(&GetBookingRequest { tenant, id }).await?;
            let found = Columns::first(&rows, |row| {
                let request = linked_request(row)?;
                Ok((request, row.decided_by(&["guest_count"])))
            })?;
            let Some((request, guests)) = found else { return Ok(None) };
            let BookingRequest { property, stay, guest, .. } = request;
            let surroundings = surroundings(&tx.run(&read(tenant, &request)).await?)?;
            // Rules are asked of what waits for a decision.
            let is_open = request.status.is_open();
            if is_open {
                guests?;
            }
            let read = if is_open { asking_property } else { property_of };
            let found = Columns::first(&tx.run(&GetProperty { tenant, id: property }).await?, read)?;
            let terms = found.map(|property| property.terms());
            // Bounds what is read; without a rule nothing is.
            let days = terms.as_ref().and_then(|terms| terms.rules.turnover_days).unwrap_or_default();
            let asked = read_neighbours(tenant, property, guest, stay, days);
            let near = neighbours(&tx.run_last(&asked).await?)?;
            Ok(Some(Explained { request, surroundings, terms, near, schema }))
        })
        .await
    }
}

impl Change {
    /// What surrounds a locked request, its bookings locked against change too.
    ///
    /// They are locked by one statement and read by the next, in the same round trip. One
    /// that did both would give a booking as it is after a wait, and everything that is
    /// not locked as it was before: the range of a booking that was cancelled in the meantime
    /// would be in the way, belonging to nobody.
    pub async fn lock_surroundings(&self, request: &BookingRequest) -> Result<Surroundings, Fault> {
        let read = read(self.tenant(), request);
        let lock = lock(self.tenant(), request);
        for _ in 0..ROUNDS {
            let (locked, found) = self.tx.run_both(&lock, &read).await?;
            let locked: Vec<Uuid> = Columns::all(&locked, |row| row.next("id"))?;
            if bookings(&found)?.iter().all(|booking| locked.contains(booking)) {
                return surroundings(&found);
            }
        }
        Err(Fault::new(Kind::Contention, "bookings around the request kept coming"))
    }
}

impl Part {
    const ALL: [Self; 12] = [
        Self::Linked,
        Self::Held,
        Self::MovedHold,
        Self::Related,
        Self::Rival,
        Self::DeletedRival,
        Self::Own,
        Self::Booked,
        Self::OwnRange,
        Self::Range,
        Self::Obstacle,
        Self::Healed,
    ];

    /// As `parts/surroundings.sql` names it.
    fn name(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::Held => "held",
            Self::MovedHold => "moved_hold",
            Self::Related => "related",
            Self::Rival => "rival",
            Self::DeletedRival => "deleted_rival",
            Self::Own => "own",
            Self::Booked => "booked",
            Self::OwnRange => "own_range",
            Self::Range => "range",
            Self::Obstacle => "obstacle",
            Self::Healed => "healed",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Whether it is a booking that `lock_surroundings.sql` locks: `parts/surroundings.sql` has
    /// `{share}` there.
    fn is_locked(self) -> bool {
        match self {
            Self::Linked
            | Self::Held
            | Self::MovedHold
            | Self::Related
            | Self::Rival
            | Self::DeletedRival
            | Self::Own => true,
            // The linked booking again; ranges and events, which are not locked.
            Self::Booked | Self::OwnRange | Self::Range | Self::Obstacle | Self::Healed => false,
        }
    }
}

/// The statement that reads what surrounds a request.
fn read(tenant: Uuid, request: &BookingRequest) -> ReadSurroundings {
    let BookingRequest { id, property, stay, approved_booking, held_booking, guest, .. } = *request;
    let stay = stay.askable();
    ReadSurroundings {
        tenant,
        id,
        property,
        check_in: stay.check_in,
        check_out: stay.check_out,
        linked: approved_booking,
        held: held_booking,
        guest,
    }
}

/// The statement that locks the bookings among them.
pub(super) fn lock(tenant: Uuid, request: &BookingRequest) -> LockSurroundings {
    let ReadSurroundings { tenant, id, property, check_in, check_out, linked, held, guest } =
        read(tenant, request);
    LockSurroundings { tenant, id, property, check_in, check_out, linked, held, guest }
}

/// The bookings among what surrounds a request.
fn bookings(rows: &[Row]) -> Result<Vec<Uuid>, Fault> {
    let mut found = Vec::new();
    for row in rows {
        let mut row = Columns::of(row);
        let (part, id): (Part, Option<Uuid>) = (row.word("part", Part::from_name)?, row.next("id")?);
        if part.is_locked() {
            found.extend(id);
        }
    }
    Ok(found)
}

fn surroundings(rows: &[Row]) -> Result<Surroundings, Fault> {
    let mut found = Surroundings::default();
    for row in rows {
        let row = &mut Columns::of(row);
        let part = row.word("part", Part::from_name)?;
        add(&mut found, part, row)?;
    }
    Ok(found)
}

/// Adds a part, whose other columns are the next ones of the row.
pub(super) fn add(found: &mut Surroundings, part: Part, row: &mut Columns<'_>) -> Result<(), Fault> {
    let around = Around {
        id: row.next("id")?,
        guest: row.or_empty("guest_id")?,
        property: row.or_empty("property_id")?,
        word: row.or_empty("word")?,
        from: row.or_empty("start_date")?,
        to: row.or_empty("end_date")?,
        source: row.or_empty("source_id")?,
    };
    match part {
        Part::Linked => found.linked = Some(around.linked()?),
        Part::Held => found.hold_stands = true,
        Part::MovedHold => found.hold_moved = true,
        Part::Related => found.related = Some(BookingId(around.id()?)),
        Part::Rival => found.rivals.push(around.rival()?),
        Part::DeletedRival => found.rivals.push(Rival { deleted: true, ..around.rival()? }),
        Part::OwnRange => found.own_range = true,
        Part::Range => found.ranges.push(around.range()?),
        Part::Obstacle => found.obstacles.push(around.obstacle()?),
        Part::Own => found.own = Some(around.rival()?),
        Part::Booked => found.booked = known_stay(around.from, around.to),
        Part::Healed => {
            found.healed_as = known("evidence", around.word.unwrap_or_default(), Evidence::from_name);
        }
    }
    Ok(())
}

/// A row of any part.
struct Around<'row> {
    id: Option<Uuid>,
    guest: Option<GuestId>,
    property: Option<PropertyId>,
    word: Option<&'row str>,
    from: Option<Date>,
    to: Option<Date>,
    source: Option<BookingId>,
}

impl Around<'_> {
    fn id(&self) -> Result<Uuid, Fault> {
        self.id.ok_or_else(|| lost_row("the id of what surrounds a request"))
    }

    /// The nights that it keeps from others: without an end it goes on forever, as in
    /// the constraint.
    fn reach(&self) -> Stay {
        reach(self.from, self.to)
    }

    fn linked(&self) -> Result<LinkedBooking, Fault> {
        let status = self.word.and_then(BookingStatus::from_name);
        let Self { guest, property, from, to, .. } = *self;
        let stay = known_stay(from, to);
        Ok(LinkedBooking { booking: BookingId(self.id()?), guest, property, status, stay })
    }

    fn rival(&self) -> Result<Rival, Fault> {
        let status = self.word.and_then(BookingStatus::from_name).unwrap_or(BookingStatus::Unknown);
        let (booking, guest, stay) = (BookingId(self.id()?), self.guest, self.reach());
        Ok(Rival { booking, guest, status, deleted: false, stay })
    }

    /// Whatever is not of a booking is a block.
    fn range(&self) -> Result<ActiveRange, Fault> {
        let (id, block) = (RangeId(self.id()?), self.word != Some(words::RANGE_BOOKING));
        Ok(ActiveRange { id, block, source: self.source, stay: self.reach() })
    }

    fn obstacle(&self) -> Result<Obstacle, Fault> {
        let booking = self.source.ok_or_else(|| lost_row("the booking without a range"))?;
        Ok(Obstacle { booking, range: ActiveRange { source: None, ..self.range()? } })
    }
}

#[cfg(test)]
mod tests {
    use super::super::statements::shared;
    use super::*;

    /// Names of parts, and which are locked, are in the statements as well.
    #[test]
    fn the_statements_have_these_parts_and_lock_these_bookings() {
        let read = include_str!("sql/parts/surroundings.sql");
        let locked: Vec<&str> = shared(read).collect();
        for part in Part::ALL {
            assert!(read.contains(&format!("'{}'", part.name())), "{part:?}");
            assert_eq!(Part::from_name(part.name()), Some(part));
            let rows = match part {
                Part::Rival | Part::DeletedRival => "rivals",
                Part::Held | Part::MovedHold => "held",
                other => other.name(),
            };
            assert_eq!(locked.contains(&rows), part.is_locked(), "{part:?}");
        }
    }
}
