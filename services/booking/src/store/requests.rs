//! Statements about booking requests.

use std::sync::Arc;

use access::TenantId;
use pg::{Fault, Tx, column};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::statements::{Composed, Statements};
use super::{Act, Deed, Schema, Store, stay_of, unknown_word};
use crate::domain::approval::{Evidence, Layout, Rival, StrayRange, Surroundings};
use crate::domain::booking::BookingStatus;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId};
use crate::domain::request::{BookingRequest, Status};
use crate::domain::stay::Stay;
use crate::paging::{Cursor, Filter, Order, Page};

/// Counting stops here.
pub const MOST_COUNTED: i64 = 10_000;

/// A request to store.
#[derive(Debug)]
pub struct NewBookingRequest {
    pub id: BookingRequestId,
    pub property: PropertyId,
    pub guest: GuestId,
    pub stay: Stay,
    pub guest_count: i32,
    pub message: String,
}

/// A booking that shall fulfil a request.
#[derive(Debug, Clone, Copy)]
pub struct Linked {
    pub booking: BookingId,
    pub evidence: Evidence,
    pub soft: bool,
}

impl Store {
    pub async fn get_booking_request(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: BookingRequestId,
    ) -> Result<Option<BookingRequest>, Fault> {
        let row =
            self.first(tenant, &schema.statements.get_booking_request, &[&tenant.uuid(), &id.0]).await?;
        row.as_ref().map(booking_request).transpose()
    }

    /// A request with what surrounds it, as it is now and without locks.
    pub async fn explain(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: BookingRequestId,
    ) -> Result<Option<(BookingRequest, Surroundings)>, Fault> {
        let tx = self.db.begin(tenant.uuid()).await?;
        let sql = &schema.statements.get_booking_request;
        let Some(row) = tx.query_opt(sql, &[&tenant.uuid(), &id.0]).await? else { return Ok(None) };
        let request = booking_request(&row)?;
        let around = look(&tx, &schema.statements.explain, tenant, &request).await?;
        tx.commit().await?;
        Ok(Some((request, around)))
    }

    pub async fn list_booking_requests(
        &self,
        schema: &Schema,
        tenant: TenantId,
        filter: &Filter,
        page: &Page,
    ) -> Result<Vec<BookingRequest>, Fault> {
        // The row after the last one tells whether there is another page.
        let limit = page.size + 1;
        let tenant = tenant.uuid();
        let statuses = filter.status_names();
        let key: &(dyn ToSql + Sync) = match &page.after {
            Cursor::Created(at, _) => at,
            Cursor::CheckIn(date, _) => date,
        };
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&tenant, &statuses, key, page.after.id(), &limit];
        let sql = list_statement(&schema.statements, filter, page.order, &mut params);
        let rows = self.db.query(tenant, &sql, &params).await?;
        rows.iter().map(booking_request).collect()
    }

    /// Requests per effective status, up to one more than [`MOST_COUNTED`].
    pub async fn count_booking_requests(
        &self,
        schema: &Schema,
        tenant: TenantId,
        filter: &Filter,
    ) -> Result<Vec<(Status, i64)>, Fault> {
        let tenant = tenant.uuid();
        let statuses: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
        let limit = MOST_COUNTED + 1;
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&tenant, &statuses, &limit];
        let filters = filters(filter, &mut params);
        let sql = Composed { filters: &filters, after: "", order: "" }
            .fill(&schema.statements.count_booking_requests);
        let rows = self.db.query(tenant, &sql, &params).await?;
        rows.iter()
            .map(|row| {
                let name: &str = column(row, "status")?;
                let status = Status::from_name(name).ok_or_else(|| unknown_word("status", name))?;
                Ok((status, column(row, "counted")?))
            })
            .collect()
    }
}

impl Deed {
    /// Locks a request. The flag tells whether the tenant wants competitors declined.
    pub async fn lock_booking_request(
        &mut self,
        id: BookingRequestId,
    ) -> Result<Option<(BookingRequest, bool)>, Fault> {
        self.lock_property(id.0).await?;
        let sql = &self.schema.statements.lock_booking_request;
        let Some(row) = self.tx.query_opt(sql, &[&self.act.tenant.uuid(), &id.0]).await? else {
            return Ok(None);
        };
        let request = booking_request(&row)?;
        self.comes_after(request.updated_at);
        Ok(Some((request, column(&row, "auto_decline")?)))
    }

    /// In the single-table layout, waits for others who change what the property's
    /// dates are taken by.
    pub async fn lock_property(&self, row: Uuid) -> Result<(), Fault> {
        if self.schema.layout == Layout::SingleTable {
            self.tx.query(&self.schema.statements.lock_property, &[&self.act.tenant.uuid(), &row]).await?;
        }
        Ok(())
    }

    /// What surrounds a locked request, locked against change too.
    pub async fn look_around(&self, request: &BookingRequest) -> Result<Surroundings, Fault> {
        look(&self.tx, &self.schema.statements.look_around, self.act.tenant, request).await
    }

    /// Ends the ranges that name a request instead of its booking. In the
    /// single-table layout the request's row is the booking.
    pub async fn release_ranges(&mut self, id: BookingRequestId) -> Result<(), Fault> {
        if self.schema.layout == Layout::Standard {
            self.wrote = true;
            self.tx.query(&self.schema.statements.release_ranges, &[&self.act.tenant.uuid(), &id.0]).await?;
        }
        Ok(())
    }

    /// Stores a request. `None` when the property is not the tenant's, or the
    /// request has to hold its dates and they are taken.
    pub async fn insert_booking_request(
        self,
        new: &NewBookingRequest,
        (hold, range): (Uuid, Uuid),
        answer: impl Fn(&BookingRequest) -> Vec<u8>,
    ) -> Result<Option<BookingRequest>, Fault> {
        let NewBookingRequest { id, property, guest, stay, guest_count, message } = new;
        let Act { tenant, actor, at, event } = self.act;
        let tenant = tenant.uuid();
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![
            &tenant,
            &id.0,
            &property.0,
            &guest.0,
            &stay.check_in,
            &stay.check_out,
            guest_count,
            message,
            &at,
            &event,
            &actor,
        ];
        if self.schema.layout == Layout::Standard {
            params.extend([&hold as &(dyn ToSql + Sync), &range]);
        }
        let schema = Arc::clone(&self.schema);
        let rows = self
            .finish_with(&schema.statements.insert_booking_request, &params, |rows| {
                rows.first().and_then(|row| booking_request(row).ok()).map(|stored| answer(&stored))
            })
            .await?;
        rows.first().map(booking_request).transpose()
    }

    /// Makes the booking of a request out of nothing, or of the request's row,
    /// with its range, the new status and the event, and commits. `None` when
    /// the dates are taken; then nothing is stored.
    pub async fn book(
        self,
        id: BookingRequestId,
        (booking, range): (BookingId, Uuid),
        evidence: Option<Evidence>,
        note: &str,
        answer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Option<BookingId>, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event } = self.act;
        let (tenant, evidence) = (tenant.uuid(), evidence.map_or("", Evidence::name));
        let rows = match schema.layout {
            Layout::Standard => {
                let params: [&(dyn ToSql + Sync); 9] =
                    [&tenant, &id.0, &booking.0, &at, &actor, &range, &note, &event, &evidence];
                self.finish(&schema.statements.book, &params, answer).await?
            }
            Layout::SingleTable => {
                let params: [&(dyn ToSql + Sync); 8] =
                    [&tenant, &id.0, &range, &at, &actor, &event, &note, &evidence];
                self.finish(&schema.statements.book, &params, answer).await?
            }
        };
        booked(&rows)
    }

    /// Makes the hold of a request its booking. `None` when it no longer stands.
    pub async fn book_hold(
        self,
        id: BookingRequestId,
        range: Uuid,
        evidence: Option<Evidence>,
        note: &str,
        answer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Option<BookingId>, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event } = self.act;
        let (tenant, evidence) = (tenant.uuid(), evidence.map_or("", Evidence::name));
        let params: [&(dyn ToSql + Sync); 8] =
            [&tenant, &id.0, &range, &at, &actor, &event, &note, &evidence];
        booked(&self.finish(&schema.statements.book_hold, &params, answer).await?)
    }

    /// Lets a booking that exists fulfil a request, and commits.
    pub async fn link(
        self,
        id: BookingRequestId,
        Linked { booking, evidence, soft }: Linked,
        range: Uuid,
        note: &str,
        answer: impl FnOnce() -> Vec<u8>,
    ) -> Result<Option<BookingId>, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event } = self.act;
        let (tenant, evidence) = (tenant.uuid(), evidence.name());
        let mut params: Vec<&(dyn ToSql + Sync)> =
            vec![&tenant, &id.0, &booking.0, &at, &actor, &range, &note, &event, &evidence];
        if schema.layout == Layout::Standard {
            params.push(&soft);
        }
        booked(&self.finish(&schema.statements.link, &params, answer).await?)
    }

    /// Declines the open requests of other guests for the same nights.
    pub async fn decline_competitors(&mut self, request: &BookingRequest) -> Result<(), Fault> {
        self.wrote = true;
        let Act { tenant, actor, at, event: _ } = self.act;
        let params: [&(dyn ToSql + Sync); 8] = [
            &tenant.uuid(),
            &request.id.0,
            &request.property.0,
            &request.guest.map(|guest| guest.0),
            &request.stay.check_in,
            &request.stay.check_out,
            &at,
            &actor,
        ];
        self.tx.query(&self.schema.statements.decline_competitors, &params).await.map(drop)
    }

    /// Declines, cancels or expires a request for which no booking was made, and
    /// commits.
    pub async fn close(
        self,
        id: BookingRequestId,
        status: Status,
        reason: Option<&str>,
        note: &str,
        answer: impl FnOnce() -> Vec<u8>,
    ) -> Result<bool, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event } = self.act;
        let (tenant, name) = (tenant.uuid(), status.name());
        let hold =
            if status == Status::Declined { BookingStatus::Declined } else { BookingStatus::Cancelled };
        let hold = hold.name();
        let rows = match schema.layout {
            Layout::Standard => {
                let params: [&(dyn ToSql + Sync); 9] =
                    [&tenant, &id.0, &name, &reason, &hold, &at, &note, &actor, &event];
                self.finish(&schema.statements.close, &params, answer).await?
            }
            Layout::SingleTable => {
                let params: [&(dyn ToSql + Sync); 8] =
                    [&tenant, &id.0, &name, &reason, &at, &note, &actor, &event];
                self.finish(&schema.statements.close, &params, answer).await?
            }
        };
        Ok(!rows.is_empty())
    }

    /// Marks a request as under review, and commits.
    pub async fn start_review(self, id: BookingRequestId, note: &str) -> Result<bool, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event } = self.act;
        let params: [&(dyn ToSql + Sync); 6] = [&tenant.uuid(), &id.0, &note, &at, &actor, &event];
        Ok(!self.finish(&schema.statements.start_review, &params, Vec::new).await?.is_empty())
    }
}

fn booked(rows: &[Row]) -> Result<Option<BookingId>, Fault> {
    rows.first().map(|row| column(row, "booking_id").map(BookingId)).transpose()
}

/// The statement of a list; the values of its filter are appended to the
/// parameters.
pub fn list_statement<'a>(
    statements: &Statements,
    filter: &'a Filter,
    order: Order,
    params: &mut Vec<&'a (dyn ToSql + Sync)>,
) -> String {
    let filters = filters(filter, params);
    let (after, order) = match order {
        Order::NewestFirst => {
            ("(r.created_at, r.id) < ($3::timestamptz, $4::uuid)", "r.created_at desc, r.id desc")
        }
        Order::OldestFirst => ("(r.created_at, r.id) > ($3::timestamptz, $4::uuid)", "r.created_at, r.id"),
        Order::CheckIn => ("(r.check_in, r.id) > ($3::date, $4::uuid)", "r.check_in, r.id"),
    };
    let template = if filter.property.is_some() || filter.guest.is_some() {
        &statements.list_of
    } else {
        &statements.list_by_status
    };
    Composed { filters: &filters, after, order }.fill(template)
}

/// The conditions of a filter, whose values are appended to the parameters.
/// Statuses are the list's own business.
fn filters<'a>(filter: &'a Filter, params: &mut Vec<&'a (dyn ToSql + Sync)>) -> String {
    let mut sql = String::new();
    let mut add = |condition: &str, value: &'a (dyn ToSql + Sync)| {
        params.push(value);
        sql.push_str(&condition.replace('?', &format!("${}", params.len())));
    };
    if let Some(property) = &filter.property {
        add(" and r.property_id = ?", &property.0);
    }
    if let Some(guest) = &filter.guest {
        add(" and r.guest_id = ?", &guest.0);
    }
    if let Some(from) = &filter.stay_from {
        // No stay is longer than 366 nights, so an order by check-in can start here.
        add(" and r.check_out > ?::date and r.check_in > ?::date - 367", from);
    }
    if let Some(to) = &filter.stay_to {
        add(" and r.check_in < ?::date", to);
    }
    if let Some(from) = &filter.created_from {
        add(" and r.created_at >= ?", from);
    }
    if let Some(to) = &filter.created_to {
        add(" and r.created_at < ?", to);
    }
    sql
}

async fn look(tx: &Tx, sql: &str, tenant: TenantId, request: &BookingRequest) -> Result<Surroundings, Fault> {
    let params: [&(dyn ToSql + Sync); 8] = [
        &tenant.uuid(),
        &request.id.0,
        &request.property.0,
        &request.stay.check_in,
        &request.stay.check_out,
        &request.approved_booking.map(|id| id.0),
        &request.held_booking.map(|id| id.0),
        &request.guest.map(|id| id.0),
    ];
    let mut around = Surroundings::default();
    for row in tx.query(sql, &params).await? {
        let word: &str = column(&row, "word")?;
        match column::<&str>(&row, "part")? {
            "linked" => around.linked = Some(rival(&row)?),
            "held" => around.hold_stands = true,
            "related" => around.related = Some(BookingId(column(&row, "id")?)),
            "rival" => around.rivals.push(rival(&row)?),
            "own_range" => around.own_range = true,
            "stray" => around.strays.push(StrayRange {
                id: column(&row, "id")?,
                block: word == "block",
                stay: stay_of(&row, "start_date", "end_date")?,
            }),
            "healed" => around.healed_as = Evidence::from_name(word),
            part => return Err(unknown_word("part", part)),
        }
    }
    Ok(around)
}

fn rival(row: &Row) -> Result<Rival, Fault> {
    let word: &str = column(row, "word")?;
    Ok(Rival {
        booking: BookingId(column(row, "id")?),
        guest: column::<Option<Uuid>>(row, "guest_id")?.map(GuestId),
        status: BookingStatus::from_name(word).ok_or_else(|| unknown_word("status", word))?,
        stay: stay_of(row, "start_date", "end_date")?,
    })
}

pub(super) fn booking_request(row: &Row) -> Result<BookingRequest, Fault> {
    let status: &str = column(row, "status")?;
    Ok(BookingRequest {
        id: BookingRequestId(column(row, "id")?),
        property: PropertyId(column(row, "property_id")?),
        guest: column::<Option<Uuid>>(row, "guest_id")?.map(GuestId),
        stay: stay_of(row, "check_in", "check_out")?,
        status: Status::from_name(status).ok_or_else(|| unknown_word("status", status))?,
        guest_count: column(row, "guest_count")?,
        message: column(row, "message")?,
        internal_note: column(row, "internal_note")?,
        decline_reason: column(row, "decline_reason")?,
        approved_booking: column::<Option<Uuid>>(row, "approved_booking_id")?.map(BookingId),
        held_booking: column::<Option<Uuid>>(row, "held_booking_id")?.map(BookingId),
        hold_expires_at: column(row, "hold_expires_at")?,
        confirmed_at: column(row, "confirmed_at")?,
        decided_by: column(row, "decided_by")?,
        row_version: column(row, "row_version")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}
