//! Statements about the history of a request, about what runs out, and rows of events.
//! In which order a tenant's events are sent is known in `feed.rs`.
//!
//! What runs out in all tenants is seen by a role of its own, which sees which
//! requests hold dates until when, and nothing else.

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault, Micros};
use tokio_postgres::Row;
use uuid::Uuid;

use super::actors::acting;
use super::change::Change;
use super::database::Store;
use super::foreign::{time, word};
use super::looked;
use super::requests::{GetBookingRequest, known_stay};
use crate::domain::actor::Acting;
use crate::domain::approval::Evidence;
use crate::domain::event::{Event, EventKind, StoredKind};
use crate::domain::fulfilment::Fulfilment;
use crate::domain::ids::{BookingRequestId, EventId};
use crate::domain::inconsistency::Choice;
use crate::domain::listing::{After, Time};
use crate::layout::{SWEEPER, columns};

pg::statements! {
    /// Events of a request, oldest first.
    ListEvents = "list_events" (
        tenant: Uuid, request: BookingRequestId, after_at: Micros, after_id: EventId, most: i64,
    );
    /// Requests of all tenants whose holds have run out.
    ListDueHolds = "list_due_holds" (at: Timestamp, after_at: Timestamp, after_id: BookingRequestId);
    /// Of requests whose holds have run out, those that are to be ended.
    HoldsThatEnd<'a> = "holds_that_end" (tenant: Uuid, ids: &'a [Uuid]);
    /// Locks a request whose hold has run out, unless somebody has.
    LockDueHold = "lock_due_hold" (tenant: Uuid, id: BookingRequestId, at: Timestamp);
}

/// A request whose hold has run out.
#[derive(Debug, Clone, Copy)]
pub struct DueHold {
    pub tenant: TenantId,
    pub request: BookingRequestId,
    pub until: Timestamp,
}

impl DueHold {
    /// The place before all of them.
    pub fn first() -> Self {
        let nobody = Uuid::nil();
        Self {
            tenant: TenantId::of_stored_row(nobody),
            request: BookingRequestId(nobody),
            until: Timestamp::UNIX_EPOCH,
        }
    }
}

impl Store {
    /// Events of a request after a place, oldest first and each with its place; `None` when
    /// the tenant has no such request.
    pub async fn list_events(
        &self,
        tenant: TenantId,
        request: BookingRequestId,
        after: &After<Time>,
        most: i64,
    ) -> Result<Option<Vec<(Time, Event)>>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            if tx.run(&GetBookingRequest { tenant, id: request }).await?.is_empty() {
                return Ok(None);
            }
            let (after_at, after_id) = (Micros(after.key), EventId(after.id.0));
            let list = ListEvents { tenant, request, after_at, after_id, most };
            let rows = tx.run_last(&list).await?;
            let placed = rows.iter().map(|row| Ok((place(row)?, event(&mut Columns::of(row))?)));
            placed.collect::<Result<_, Fault>>().map(Some)
        })
        .await
    }

    /// Requests of all tenants whose holds have run out, a page after a place.
    pub async fn list_due_holds(&self, at: Timestamp, after: &DueHold) -> Result<Vec<DueHold>, Fault> {
        let list = ListDueHolds { at, after_at: after.until, after_id: after.request };
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(&list).await?;
            Columns::all(&rows, |row| {
                Ok(DueHold {
                    tenant: TenantId::of_stored_row(row.next("tenant_id")?),
                    request: row.next("id")?,
                    until: row.next("hold_expires_at")?,
                })
            })
        })
        .await
    }

    /// Of a tenant's requests in a page, those that are to be ended.
    pub async fn holds_that_end(
        &self,
        of: TenantId,
        page: &[DueHold],
    ) -> Result<Vec<BookingRequestId>, Fault> {
        let tenant = of.uuid();
        let ids: Vec<Uuid> = page.iter().filter(|due| due.tenant == of).map(|due| due.request.0).collect();
        self.read(async |schema| {
            let rows = schema.db.run(tenant, &HoldsThatEnd { tenant, ids: &ids }).await?;
            Columns::all(&rows, |row| row.next("id"))
        })
        .await
    }
}

impl Change {
    /// Locks a request whose hold has run out; whether nobody else had, or has decided it.
    pub async fn lock_due_hold(&self, id: BookingRequestId) -> Result<bool, Fault> {
        let lock = LockDueHold { tenant: self.tenant(), id, at: self.now() };
        Ok(!self.tx.run(&lock).await?.is_empty())
    }
}

/// Where an event is in the history of its request, whose times other programs may have
/// stored: one that we cannot name is as far from its neighbours as it is in the database.
fn place(row: &Row) -> Result<Time, Fault> {
    let at: Option<Micros> = looked::column(row, &columns::EVENT, "at").or_empty("at")?;
    Ok(at.map_or(Time::MIN, |Micros(at)| at))
}

/// An event, with what of it can be shown: one that holds something else must not end the
/// feed of its tenant, which goes on after it.
pub(super) fn event(row: &mut Columns<'_>) -> Result<Event, Fault> {
    let mut event = Event {
        id: row.next("id")?,
        at: time(row, "at")?,
        request: row.or_empty("booking_request_id")?,
        booking: row.or_empty("booking_id")?,
        property: row.or_empty("property_id")?,
        customer: row.or_empty("customer_id")?,
        block: row.or_empty("block_id")?,
        kind: StoredKind::from_name(row.or_empty("action")?),
        evidence: None,
        choice: None,
        acting: Acting::default(),
        on_behalf_of: None,
        fulfilment: None,
        overridden_rules: Vec::new(),
    };
    // By what it was decided: a choice, or an evidence.
    if event.kind == StoredKind::Known(EventKind::InconsistencyResolved) {
        event.choice = word(row, "evidence", Choice::from_name)?;
    } else {
        event.evidence = word(row, "evidence", Evidence::from_name)?;
    }
    event.acting = acting(row, ["actor", "actor_kind", "actor_id"])?;
    event.on_behalf_of = row.or_empty("on_behalf_of")?;
    let rules: Vec<Option<String>> = row.or_empty("overridden_rules")?;
    event.overridden_rules = rules.into_iter().flatten().collect();
    let asked = known_stay(row.or_empty("asked_check_in")?, row.or_empty("asked_check_out")?);
    let nights = known_stay(row.or_empty("given_check_in")?, row.or_empty("given_check_out")?);
    event.fulfilment = asked.map(|asked| Fulfilment { asked, booking: event.booking, nights });
    if let StoredKind::Unknown(action) = &event.kind {
        tracing::warn!(event_id = %event.id, action, "an event says something that this version does not know");
    }
    Ok(event)
}
