//! Statements about the list of inconsistencies, what is noted for it, and how far its
//! check is.
//!
//! What is kept is where to look. A page judges each row that it shows, and each that
//! other programs or this process have written since, as it is now; so it shows neither
//! what is gone nor misses what was just written. It writes nothing. The check judges a
//! tenant's rows under the lock of the tenant's row, so that two servers never keep what
//! they saw in the wrong order.

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault, Query, Tx};
use tokio_postgres::Row;
use uuid::Uuid;

use super::database::{Schema, Store};
use super::judged::{Suspects, judge};
use super::unreadable::{next_customers, next_properties};
use crate::domain::check::{Place, Walk, Walked};
use crate::domain::ids::RowId;
use crate::domain::inconsistency::{Inconsistency, InconsistencyKind};
use crate::domain::listing::After;
use crate::layout::SWEEPER;

/// Most noted rows that a page or a step of the check judges.
const MOST_NOTED: i64 = 500;
/// Most of this process' own writes that a page judges, the last ones.
const MOST_OWN: usize = 16;
/// Most of this process' own writes that a step of the check judges.
const STEP_OF_OWN: usize = 50;
/// Rows that a step of the check walks over.
const STEP: i64 = 500;
/// How often a page that came out short goes on: most of what it found was gone.
const ROUNDS: usize = 5;

pg::statements! {
    /// What was found, in the order of the list.
    ListInconsistencies = "list_inconsistencies" (tenant: Uuid, after_kind: i32, after_id: RowId, most: i64);
    /// Rows that other programs have written.
    ListSuspects = "list_suspects" (tenant: Uuid, most: i64);
    /// Rows that other programs have written, no longer noted.
    TakeSuspects = "take_suspects" (tenant: Uuid, most: i64);
    /// Keeps what was found about rows.
    KeepInconsistencies<'a> = "keep_inconsistencies" (
        tenant: Uuid, judged: &'a [RowId], kinds: &'a [i32], found: &'a [RowId], at: Timestamp,
    );
    /// Makes the row of a tenant's check.
    BeginCheck = "begin_check" (tenant: Uuid);
    /// Locks a tenant's check, unless somebody has.
    LockCheck = "lock_check" (tenant: Uuid);
    /// Keeps how far a tenant's check is.
    MoveCheck = "move_check" (
        tenant: Uuid, phase: i32, after_kind: i32, after_id: RowId, begun_at: Option<Timestamp>,
        finished_at: Option<Timestamp>, again: bool,
    );
    /// Requests of a walk through all of them.
    NextRequests = "next_requests" (tenant: Uuid, after_id: RowId, most: i64);
    /// Bookings of a walk through all of them.
    NextBookings = "next_bookings" (tenant: Uuid, after_id: RowId, most: i64);
    /// Ranges of a walk through all of them.
    NextRanges = "next_ranges" (tenant: Uuid, after_id: RowId, most: i64);
    /// The next tenant.
    NextTenant = "next_tenant" (after_tenant: Uuid);
    /// The next tenant of which another program has written rows.
    NextSuspectedTenant = "next_suspected_tenant" (after_tenant: Uuid);
}

/// A page of inconsistencies.
#[derive(Debug)]
pub struct InconsistencyPage {
    pub rows: Vec<Inconsistency>,
    /// Where the next page goes on; `None` after the last one.
    pub next: Option<(i32, RowId)>,
}

impl Store {
    /// Inconsistencies after a place, as the rows are now.
    pub async fn list_inconsistencies(
        &self,
        tenant: TenantId,
        after: &After<i32>,
        size: i64,
    ) -> Result<InconsistencyPage, Fault> {
        let tenant = tenant.uuid();
        let first = (after.key, after.id);
        let wanted = usize::try_from(size).unwrap_or_default();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            let layout = schema.found.layout;
            let mut noted = noted(&tx, &ListSuspects { tenant, most: MOST_NOTED }).await?;
            noted.rows.extend(self.own_writes.last(tenant, MOST_OWN));
            let suspects = Suspects::concerned(&tx, tenant, &noted.rows).await?;
            let fresh = judge(&tx, tenant, layout, &suspects).await?;
            let (mut rows, mut after, mut next) = (Vec::new(), first, None);
            for round in 0..ROUNDS {
                let most = if round == 0 { size + 1 } else { STEP };
                let known = known(&tx, tenant, after, most).await?;
                let full = i64::try_from(known.len()).is_ok_and(|known| known == most);
                let until = known.last().copied().filter(|_| full);
                let mut found = judge(&tx, tenant, layout, &suspects_of(&known)).await?;
                found.extend(fresh.iter().cloned());
                found.retain(|one| one.place() > after && until.is_none_or(|until| one.place() <= until));
                found.sort_by_key(Inconsistency::place);
                found.dedup_by_key(|one| one.place());
                rows.append(&mut found);
                next = until;
                match until {
                    Some(until) if rows.len() <= wanted => after = until,
                    _ => break,
                }
            }
            tx.commit().await?;
            if rows.len() > wanted {
                rows.truncate(wanted);
                next = rows.last().map(Inconsistency::place);
            }
            Ok(InconsistencyPage { rows, next })
        })
        .await
    }

    /// The next tenant after this one, or the next of which another program has written
    /// rows.
    pub async fn next_tenant(&self, after: Uuid, suspected: bool) -> Result<Option<TenantId>, Fault> {
        let (any, one) = (NextTenant { after_tenant: after }, NextSuspectedTenant { after_tenant: after });
        let next: &(dyn Query + Send) = if suspected { &one } else { &any };
        self.read(async |schema| {
            let rows = schema.db.begin_as(SWEEPER).await?.run_last(next).await?;
            Columns::first(&rows, |row| row.next("tenant_id").map(TenantId::of_stored_row))
        })
        .await
    }

    /// Tenants of which this process has written rows that are not judged yet, those after
    /// this one first.
    pub fn own_writes(&self, after: Uuid) -> Vec<TenantId> {
        self.own_writes.tenants(after).into_iter().map(TenantId::of_stored_row).collect()
    }

    /// Judges what other programs and this process have written of a tenant, a bounded
    /// number of rows. Whether there may be more.
    pub async fn check_suspects(&self, tenant: TenantId, at: Timestamp) -> Result<bool, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            let Some(place) = locked(&tx, tenant).await? else { return Ok(false) };
            let mut noted = noted(&tx, &TakeSuspects { tenant, most: MOST_NOTED }).await?;
            let own = self.own_writes.first(tenant, STEP_OF_OWN);
            noted.rows.extend(&own);
            let suspects = Suspects::concerned(&tx, tenant, &noted.rows).await?;
            keep(&tx, &schema, tenant, &suspects, &noted.rows, at).await?;
            // So many that only the tenant was noted.
            let place = if noted.whole { place.begins_again() } else { place };
            tx.run_last(&kept(place, tenant)).await?;
            self.own_writes.forget(tenant, &own);
            Ok(noted.full || own.len() == STEP_OF_OWN)
        })
        .await
    }

    /// Goes a step on in the check of a tenant's rows, if it is time for one. Whether
    /// it was.
    pub async fn check_step(&self, tenant: TenantId, at: Timestamp) -> Result<bool, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let tx = schema.db.begin(tenant).await?;
            let Some(place) = locked(&tx, tenant).await? else { return Ok(false) };
            let Some(place) = place.due(at) else { return Ok(false) };
            let walked = match place.walk() {
                Walk::Found => {
                    let after = (place.after_kind, place.after_id);
                    let known = known(&tx, tenant, after, STEP).await?;
                    let rows: Vec<RowId> = known.iter().map(|(_, row)| *row).collect();
                    keep(&tx, &schema, tenant, &suspects_of(&known), &rows, at).await?;
                    Walked { last: known.last().copied(), full: is_step(known.len()) }
                }
                walk => step(&tx, &schema, tenant, walk, place.after_id, at).await?,
            };
            tx.run_last(&kept(place.after(&walked, at), tenant)).await?;
            Ok(true)
        })
        .await
    }
}

/// What was noted.
struct Noted {
    rows: Vec<RowId>,
    /// Whether a program has written more than was noted row by row.
    whole: bool,
    /// Whether there may be more.
    full: bool,
}

fn kept(place: Place, tenant: Uuid) -> MoveCheck {
    let Place { phase, after_kind, after_id, begun_at, finished_at, again } = place;
    MoveCheck { tenant, phase, after_kind, after_id, begun_at, finished_at, again }
}

/// Whether so many rows are all that a step walks over.
fn is_step(rows: usize) -> bool {
    i64::try_from(rows).is_ok_and(|rows| rows >= STEP)
}

/// How far a tenant's check is, locked; `None` while another server is at it.
async fn locked(tx: &Tx, tenant: Uuid) -> Result<Option<Place>, Fault> {
    let mut rows = tx.run(&LockCheck { tenant }).await?;
    if rows.is_empty() {
        tx.run(&BeginCheck { tenant }).await?;
        rows = tx.run(&LockCheck { tenant }).await?;
    }
    Columns::first(&rows, |row| {
        Ok(Place {
            phase: row.next("phase")?,
            after_kind: row.next("after_kind")?,
            after_id: row.next("after_id")?,
            begun_at: row.next("begun_at")?,
            finished_at: row.next("finished_at")?,
            again: row.next("again")?,
        })
    })
}

async fn noted(tx: &Tx, statement: &dyn Query) -> Result<Noted, Fault> {
    let found = tx.run(statement).await?;
    let full = i64::try_from(found.len()).is_ok_and(|found| found >= MOST_NOTED);
    let rows: Vec<Option<String>> = Columns::all(&found, |row| row.next("written_row"))?;
    let whole = rows.iter().any(Option::is_none);
    // Without a UUID no choice can be made for a row.
    let rows = rows.into_iter().flatten().filter_map(|text| text.parse().ok().map(RowId)).collect();
    Ok(Noted { rows, whole, full })
}

/// What was found, after a place: kind and row.
async fn known(tx: &Tx, tenant: Uuid, after: (i32, RowId), most: i64) -> Result<Vec<(i32, RowId)>, Fault> {
    let (after_kind, after_id) = after;
    let list = ListInconsistencies { tenant, after_kind, after_id, most };
    Columns::all(&tx.run(&list).await?, |row| Ok((row.next("kind_number")?, row.next("row_id")?)))
}

/// The rows, by what the kinds are about; a row of a later version's kind may be of
/// any table.
fn suspects_of(known: &[(i32, RowId)]) -> Suspects {
    let mut suspects = Suspects::default();
    for (number, row) in known {
        match InconsistencyKind::ALL.into_iter().find(|kind| kind.number() == *number) {
            Some(
                InconsistencyKind::BookingWithoutRange
                | InconsistencyKind::DeletedInTheWay
                | InconsistencyKind::FreedInTheWay,
            ) => suspects.bookings.push(*row),
            Some(InconsistencyKind::RangeWithoutBooking | InconsistencyKind::RangeMisplaced) => {
                suspects.ranges.push(*row);
            }
            None | Some(InconsistencyKind::Unreadable) => suspects.push(*row),
            Some(_) => suspects.requests.push(*row),
        }
    }
    suspects
}

/// Walks over some rows and keeps what is wrong with those that are suspect.
async fn step(
    tx: &Tx,
    schema: &Schema,
    tenant: Uuid,
    walk: Walk,
    after_id: RowId,
    at: Timestamp,
) -> Result<Walked, Fault> {
    let most = STEP;
    let walked = match walk {
        Walk::Requests => walked(&tx.run(&NextRequests { tenant, after_id, most }).await?)?,
        Walk::Bookings => walked(&tx.run(&NextBookings { tenant, after_id, most }).await?)?,
        Walk::Ranges => walked(&tx.run(&NextRanges { tenant, after_id, most }).await?)?,
        Walk::Found => Vec::new(),
        Walk::Properties => next_properties(tx, tenant, after_id, most).await?,
        Walk::Customers => next_customers(tx, tenant, after_id, most).await?,
    };
    let suspect: Vec<RowId> = walked.iter().filter(|(_, suspect)| *suspect).map(|(row, _)| *row).collect();
    if !suspect.is_empty() {
        let mut suspects = Suspects::default();
        match walk {
            Walk::Bookings => suspects.bookings = suspect,
            Walk::Ranges => suspects.ranges = suspect,
            Walk::Properties => suspects.properties = suspect,
            Walk::Customers => suspects.customers = suspect,
            Walk::Requests | Walk::Found => suspects.requests = suspect,
        }
        // What is known of the other rows is looked at in the walk through what was found.
        keep(tx, schema, tenant, &suspects, &[], at).await?;
    }
    Ok(Walked { last: walked.last().map(|(row, _)| (0, *row)), full: is_step(walked.len()) })
}

/// Rows of a walk, and whether each may contradict something.
fn walked(rows: &[Row]) -> Result<Vec<(RowId, bool)>, Fault> {
    Columns::all(rows, |row| Ok((row.next("id")?, row.next("suspect")?)))
}

/// Judges rows and keeps what is wrong with them in place of what was known of these
/// rows.
async fn keep(
    tx: &Tx,
    schema: &Schema,
    tenant: Uuid,
    suspects: &Suspects,
    also_known_of: &[RowId],
    at: Timestamp,
) -> Result<(), Fault> {
    let judged = [&suspects.all()[..], also_known_of].concat();
    if judged.is_empty() {
        return Ok(());
    }
    let wrong = judge(tx, tenant, schema.found.layout, suspects).await?;
    let (kinds, found): (Vec<i32>, Vec<RowId>) = wrong.iter().map(Inconsistency::place).unzip();
    tx.run(&KeepInconsistencies { tenant, judged: &judged, kinds: &kinds, found: &found, at }).await?;
    Ok(())
}
