//! Statements about everything around a request that bears on its approval.

use std::sync::Arc;

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault, Kind};
use tokio_postgres::Row;
use uuid::Uuid;

use super::change::Change;
use super::database::{Schema, Store, lost_row};
use super::foreign::reach;
use super::properties::{GetProperty, neighbours, property as property_of, read_neighbours};
use super::requests::{GetBookingRequest, known_stay, linked_request};
use crate::domain::approval::{ActiveRange, Obstacle, Rival, Surroundings};
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
            let Some(request) = Columns::first(&rows, linked_request)? else { return Ok(None) };
            let BookingRequest { property, stay, guest, .. } = request;
            let surroundings = surroundings(&tx.run(&read(tenant, &request)).await?)?;
            let found = Columns::first(&tx.run(&GetProperty { tenant, id: property }).await?, property_of)?;
            let terms = found.map(|property| property.terms());
            // Bounds what is read; without a rule nothing is.
            let days = terms.as_ref().and_then(|terms| terms.rules.turnover_days).unwrap_or_default();
            let near =
                neighbours(&tx.run_last(&read_neighbours(tenant, property, guest, stay, days)).await?)?;
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
    /// not locked as it was before: the range of a booking that was cancelled meanwhile
    /// would be in the way, belonging to nobody.
    pub async fn lock_surroundings(&self, request: &BookingRequest) -> Result<Surroundings, Fault> {
        let read = read(self.tenant(), request);
        let ReadSurroundings { tenant, id, property, check_in, check_out, linked, held, guest } = read;
        let lock = LockSurroundings { tenant, id, property, check_in, check_out, linked, held, guest };
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

/// The statement that reads what surrounds a request.
fn read(tenant: Uuid, request: &BookingRequest) -> ReadSurroundings {
    let BookingRequest { id, property, stay, approved_booking, held_booking, guest, .. } = *request;
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

/// The bookings among what surrounds a request.
fn bookings(rows: &[Row]) -> Result<Vec<Uuid>, Fault> {
    let mut found = Vec::new();
    for row in rows {
        let mut row = Columns::of(row);
        let (part, id): (&str, Option<Uuid>) = (row.next("part")?, row.next("id")?);
        if matches!(part, "linked" | "held" | "related" | "rival" | "deleted_rival") {
            found.extend(id);
        }
    }
    Ok(found)
}

fn surroundings(rows: &[Row]) -> Result<Surroundings, Fault> {
    let mut found = Surroundings::default();
    for row in rows {
        let row = &mut Columns::of(row);
        let part = row.next("part")?;
        add(&mut found, part, row)?;
    }
    Ok(found)
}

/// Adds a part, whose other columns are the next ones of the row.
pub(super) fn add(found: &mut Surroundings, part: &str, row: &mut Columns<'_>) -> Result<(), Fault> {
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
        "linked" => found.linked = Some(around.linked()?),
        "held" => found.hold_stands = true,
        "related" => found.related = Some(BookingId(around.id()?)),
        "rival" => found.rivals.push(around.rival()?),
        "deleted_rival" => found.rivals.push(Rival { deleted: true, ..around.rival()? }),
        "own_range" => found.own_range = true,
        "range" => found.ranges.push(around.range()?),
        "obstacle" => found.obstacles.push(around.obstacle()?),
        "own" => found.own = Some(around.rival()?),
        "booked" => found.booked = known_stay(around.from, around.to),
        "healed" => found.healed_as = super::events::evidence_of(around.word.unwrap_or_default()),
        part => return Err(Fault::new(Kind::Other, format!("surroundings have a part {part}"))),
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

    /// The nights that it keeps from others: without an end it goes on for ever, as in
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
