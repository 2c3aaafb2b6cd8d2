//! Statements about bookings.

use std::sync::Arc;

use access::TenantId;
use pg::{Fault, column};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::statements::Composed;
use super::{Act, Deed, Schema, Store, lost_row, stay_of, unknown_word};
use crate::domain::approval::Layout;
use crate::domain::booking::{Booking, BookingStatus};
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId};
use crate::domain::steps::StayStep;
use crate::paging::{BookingFilter, Cursor, Page};

impl Store {
    pub async fn get_booking(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: BookingId,
    ) -> Result<Option<Booking>, Fault> {
        let row = self.first(tenant, &schema.statements.get_booking, &[&tenant.uuid(), &id.0]).await?;
        row.as_ref().map(booking).transpose()
    }

    /// Bookings by check-in.
    pub async fn list_bookings(
        &self,
        schema: &Schema,
        tenant: TenantId,
        filter: &BookingFilter,
        page: &Page,
    ) -> Result<Vec<Booking>, Fault> {
        let tenant = tenant.uuid();
        let limit = page.size + 1;
        let key: &(dyn ToSql + Sync) = match &page.after {
            Cursor::Created(at, _) => at,
            Cursor::CheckIn(date, _) => date,
        };
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&tenant, key, page.after.id(), &limit];
        let statuses: Vec<&str> = filter.statuses.iter().map(|status| status.name()).collect();
        let mut filters = String::new();
        if !statuses.is_empty() {
            params.push(&statuses);
            filters.push_str(" and b.status = any ($5::text[])");
        }
        add_filters(filter, &mut params, &mut filters);
        let sql = Composed { filters: &filters, after: "", order: "" }.fill(&schema.statements.list_bookings);
        let rows = self.db.query(tenant, &sql, &params).await?;
        rows.iter().map(booking).collect()
    }
}

impl Deed {
    /// Locks the requests that a booking is about: its own and those that it
    /// fulfils. The booking is given itself, or as the one of a request.
    pub async fn lock_booking_group(
        &self,
        booking: Option<BookingId>,
        request: Option<BookingRequestId>,
    ) -> Result<Vec<Uuid>, Fault> {
        let params: [&(dyn ToSql + Sync); 3] =
            [&self.act.tenant.uuid(), &booking.map(|id| id.0), &request.map(|id| id.0)];
        let rows = self.tx.query(&self.schema.statements.lock_booking_group, &params).await?;
        rows.iter().map(|row| column(row, "id")).collect()
    }

    /// Locks a booking; with the time zone of its property.
    pub async fn lock_booking(&mut self, id: BookingId) -> Result<Option<(Booking, String)>, Fault> {
        let schema = Arc::clone(&self.schema);
        self.lock_one(&schema.statements.lock_booking, id.0).await
    }

    /// Locks the booking that was made for a request.
    pub async fn lock_own_booking(
        &mut self,
        id: BookingRequestId,
    ) -> Result<Option<(Booking, String)>, Fault> {
        let schema = Arc::clone(&self.schema);
        self.lock_one(&schema.statements.lock_own_booking, id.0).await
    }

    async fn lock_one(&mut self, sql: &str, id: Uuid) -> Result<Option<(Booking, String)>, Fault> {
        let Some(row) = self.tx.query_opt(sql, &[&self.act.tenant.uuid(), &id]).await? else {
            return Ok(None);
        };
        let found = booking(&row)?;
        self.comes_after(found.updated_at);
        Ok(Some((found, column(&row, "time_zone")?)))
    }

    /// Cancels a booking with what hangs on it, and commits. The note goes to the
    /// request.
    pub async fn cancel_booking(
        self,
        id: BookingId,
        request: Option<BookingRequestId>,
        note: &str,
        answer: impl FnOnce() -> Vec<u8>,
    ) -> Result<bool, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event: _ } = self.act;
        let (tenant, request) = (tenant.uuid(), request.map(|id| id.0));
        let mut params: Vec<&(dyn ToSql + Sync)> = vec![&tenant, &id.0, &at, &actor, &note];
        if schema.layout == Layout::Standard {
            params.push(&request);
        }
        Ok(!self.finish(&schema.statements.cancel_booking, &params, answer).await?.is_empty())
    }

    /// Stores a step of a stay, and commits.
    pub async fn step_booking(self, id: BookingId, step: StayStep) -> Result<Booking, Fault> {
        let schema = Arc::clone(&self.schema);
        let Act { tenant, actor, at, event } = self.act;
        let params: [&(dyn ToSql + Sync); 6] =
            [&tenant.uuid(), &id.0, &step.status().name(), &at, &actor, &event];
        let rows = self.finish(&schema.statements.step_booking, &params, Vec::new).await?;
        booking(rows.first().ok_or_else(|| lost_row("the booking"))?)
    }
}

/// Adds the conditions of a filter but the statuses, and their values.
fn add_filters<'a>(filter: &'a BookingFilter, params: &mut Vec<&'a (dyn ToSql + Sync)>, sql: &mut String) {
    let mut add = |condition: &str, value: &'a (dyn ToSql + Sync)| {
        params.push(value);
        sql.push_str(&condition.replace('?', &format!("${}", params.len())));
    };
    if let Some(property) = &filter.property {
        add(" and b.property_id = ?", &property.0);
    }
    if let Some(guest) = &filter.guest {
        add(" and b.guest_id = ?", &guest.0);
    }
    if let Some(from) = &filter.stay_from {
        add(" and b.check_out > ?::date and b.check_in > ?::date - 367", from);
    }
    if let Some(to) = &filter.stay_to {
        add(" and b.check_in < ?::date", to);
    }
}

fn booking(row: &Row) -> Result<Booking, Fault> {
    let status: &str = column(row, "status")?;
    Ok(Booking {
        id: BookingId(column(row, "id")?),
        request: column::<Option<Uuid>>(row, "booking_request_id")?.map(BookingRequestId),
        property: PropertyId(column(row, "property_id")?),
        guest: column::<Option<Uuid>>(row, "guest_id")?.map(GuestId),
        stay: stay_of(row, "check_in", "check_out")?,
        status: BookingStatus::from_name(status).ok_or_else(|| unknown_word("status", status))?,
        confirmed_at: column(row, "confirmed_at")?,
        approved_by: column(row, "approved_by")?,
        row_version: column(row, "row_version")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}
