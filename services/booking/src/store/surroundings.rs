//! Statements about everything around a request that bears on its approval.

use std::sync::Arc;

use access::TenantId;
use jiff::civil::Date;
use pg::{Columns, Fault, Kind};
use tokio_postgres::Row;
use uuid::Uuid;

use super::change::Change;
use super::database::{Schema, Store};
use super::inventory::stay;
use super::requests::{GetBookingRequest, booking_request};
use crate::domain::approval::{Evidence, Rival, StrayRange, Surroundings};
use crate::domain::booking::BookingStatus;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId, RangeId};
use crate::domain::request::BookingRequest;

pg::statements! {
    /// What surrounds a request, locked.
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
            let Some(request) = Columns::first(&rows, booking_request)? else { return Ok(None) };
            let BookingRequest { property, stay, approved_booking, held_booking, guest, .. } = request;
            let read = ReadSurroundings {
                tenant,
                id,
                property,
                check_in: stay.check_in,
                check_out: stay.check_out,
                linked: approved_booking,
                held: held_booking,
                guest,
            };
            let surroundings = surroundings(&tx.run_last(&read).await?)?;
            Ok(Some(Explained { request, surroundings, schema }))
        })
        .await
    }
}

impl Change {
    /// What surrounds a locked request, locked against change too.
    pub async fn lock_surroundings(&self, request: &BookingRequest) -> Result<Surroundings, Fault> {
        let BookingRequest { id, property, stay, approved_booking, held_booking, guest, .. } = request;
        let lock = LockSurroundings {
            tenant: self.tenant(),
            id: *id,
            property: *property,
            check_in: stay.check_in,
            check_out: stay.check_out,
            linked: *approved_booking,
            held: *held_booking,
            guest: *guest,
        };
        surroundings(&self.tx.run(&lock).await?)
    }
}

fn surroundings(rows: &[Row]) -> Result<Surroundings, Fault> {
    let mut found = Surroundings::default();
    for row in rows {
        let row = &mut Columns::of(row);
        match row.next::<&str>("part")? {
            "linked" => found.linked = Some(rival(row)?),
            "held" => found.hold_stands = true,
            "related" => found.related = Some(row.next("id")?),
            "rival" => found.rivals.push(rival(row)?),
            "own_range" => found.own_range = true,
            "stray" => found.strays.push(stray(row)?),
            "healed" => found.healed_as = healed_as(row)?,
            part => {
                return Err(Fault::new(Kind::Other, format!("surroundings have a part {part}")));
            }
        }
    }
    Ok(found)
}

fn rival(row: &mut Columns<'_>) -> Result<Rival, Fault> {
    Ok(Rival {
        booking: row.next("id")?,
        guest: row.next("guest_id")?,
        status: row.word("word", BookingStatus::from_name)?,
        stay: stay(row, "start_date", "end_date")?,
    })
}

fn stray(row: &mut Columns<'_>) -> Result<StrayRange, Fault> {
    let id: RangeId = row.next("id")?;
    let _guest: Option<GuestId> = row.next("guest_id")?;
    let block = row.word("word", |kind| match kind {
        "block" => Some(true),
        "booking" => Some(false),
        _ => None,
    })?;
    Ok(StrayRange { id, block, stay: stay(row, "start_date", "end_date")? })
}

fn healed_as(row: &mut Columns<'_>) -> Result<Option<Evidence>, Fault> {
    let _id: Option<Uuid> = row.next("id")?;
    let _guest: Option<GuestId> = row.next("guest_id")?;
    super::feed::evidence(row, "word")
}
