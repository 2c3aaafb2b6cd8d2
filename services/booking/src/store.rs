//! Booking's statements, one method each. What they mean together is decided by
//! the use cases.

use access::TenantId;
use jiff::Timestamp;
use jiff::civil::Date;
use pg::{Database, Fault, Kind, Tx, column};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::decision::Conflict;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId};
use crate::domain::request::{BookingRequest, Status};
use crate::domain::stay::Stay;
use crate::paging::{Cursor, Filter, Order, Page};

const INSERT_BOOKING_REQUEST: &str = include_str!("store/sql/insert_booking_request.sql");
const GET_BOOKING_REQUEST: &str = include_str!("store/sql/get_booking_request.sql");
const LOCK_BOOKING_REQUEST: &str = include_str!("store/sql/lock_booking_request.sql");
const LIST_NEWEST_FIRST: &str = concat!(
    include_str!("store/sql/list_booking_requests.sql"),
    include_str!("store/sql/list_booking_requests_newest_first.sql")
);
const LIST_OLDEST_FIRST: &str = concat!(
    include_str!("store/sql/list_booking_requests.sql"),
    include_str!("store/sql/list_booking_requests_oldest_first.sql")
);
const LIST_CHECK_IN: &str = concat!(
    include_str!("store/sql/list_booking_requests.sql"),
    include_str!("store/sql/list_booking_requests_check_in.sql")
);
const APPROVE_BOOKING_REQUEST: &str = include_str!("store/sql/approve_booking_request.sql");
const LIST_CONFLICTS: &str = include_str!("store/sql/list_conflicts.sql");
const DECLINE_BOOKING_REQUEST: &str = include_str!("store/sql/decline_booking_request.sql");
const LIST_PROPERTIES: &str = include_str!("store/sql/list_properties.sql");
const LIST_CUSTOMERS: &str = include_str!("store/sql/list_customers.sql");

/// Every statement, for the test that prepares them all.
pub const STATEMENTS: &[&str] = &[
    INSERT_BOOKING_REQUEST,
    GET_BOOKING_REQUEST,
    LOCK_BOOKING_REQUEST,
    LIST_NEWEST_FIRST,
    LIST_OLDEST_FIRST,
    LIST_CHECK_IN,
    APPROVE_BOOKING_REQUEST,
    LIST_CONFLICTS,
    DECLINE_BOOKING_REQUEST,
    LIST_PROPERTIES,
    LIST_CUSTOMERS,
];

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    pub db: Database,
}

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

/// Who does something, when, and the ids for what it leaves behind.
#[derive(Debug, Clone, Copy)]
pub struct Act {
    pub tenant: TenantId,
    /// Nobody when an API key acts.
    pub actor: Option<Uuid>,
    pub at: Timestamp,
    pub event: Uuid,
}

/// A property.
#[derive(Debug)]
pub struct Property {
    pub id: PropertyId,
    pub name: String,
    pub time_zone: String,
    pub max_guests: i32,
    pub created_at: Timestamp,
}

/// A customer.
#[derive(Debug)]
pub struct Customer {
    pub id: GuestId,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub created_at: Timestamp,
}

impl Store {
    pub async fn insert_booking_request(
        &self,
        new: &NewBookingRequest,
        act: Act,
    ) -> Result<BookingRequest, Fault> {
        let NewBookingRequest { id, property, guest, stay, guest_count, message } = new;
        let tenant = act.tenant.uuid();
        let rows = self
            .db
            .query(
                tenant,
                INSERT_BOOKING_REQUEST,
                &[
                    &tenant,
                    &id.0,
                    &property.0,
                    &guest.0,
                    &stay.check_in,
                    &stay.check_out,
                    guest_count,
                    message,
                    &act.at,
                    &act.event,
                    &act.actor,
                ],
            )
            .await?;
        let row =
            rows.first().ok_or_else(|| Fault::new(Kind::Other, "the inserted request came back empty"))?;
        booking_request(row)
    }

    pub async fn get_booking_request(
        &self,
        tenant: TenantId,
        id: BookingRequestId,
    ) -> Result<Option<BookingRequest>, Fault> {
        let rows = self.db.query(tenant.uuid(), GET_BOOKING_REQUEST, &[&tenant.uuid(), &id.0]).await?;
        rows.first().map(booking_request).transpose()
    }

    pub async fn lock_booking_request(
        &self,
        tx: &Tx,
        tenant: TenantId,
        id: BookingRequestId,
    ) -> Result<Option<BookingRequest>, Fault> {
        let row = tx.query_opt(LOCK_BOOKING_REQUEST, &[&tenant.uuid(), &id.0]).await?;
        row.as_ref().map(booking_request).transpose()
    }

    pub async fn list_booking_requests(
        &self,
        tenant: TenantId,
        filter: &Filter,
        page: &Page,
    ) -> Result<Vec<BookingRequest>, Fault> {
        let Filter { statuses, property, guest, stay_from, stay_to, created_from, created_to } = filter;
        let statuses: Option<Vec<&str>> =
            (!statuses.is_empty()).then(|| statuses.iter().map(|status| status.name()).collect());
        let (tenant, property, guest) = (tenant.uuid(), property.map(|id| id.0), guest.map(|id| id.0));
        // The row after the last one tells whether there is another page.
        let limit = page.size + 1;
        let (sql, key): (_, &(dyn tokio_postgres::types::ToSql + Sync)) = match (page.order, &page.after) {
            (Order::NewestFirst, Cursor::Created(at, _)) => (LIST_NEWEST_FIRST, at),
            (Order::OldestFirst, Cursor::Created(at, _)) => (LIST_OLDEST_FIRST, at),
            (Order::CheckIn, Cursor::CheckIn(date, _)) => (LIST_CHECK_IN, date),
            (Order::NewestFirst | Order::OldestFirst, Cursor::CheckIn(..))
            | (Order::CheckIn, Cursor::Created(..)) => {
                return Err(Fault::new(Kind::Other, "a cursor of another order"));
            }
        };
        let rows = self
            .db
            .query(
                tenant,
                sql,
                &[
                    &tenant,
                    &statuses,
                    &property,
                    &guest,
                    stay_from,
                    stay_to,
                    created_from,
                    created_to,
                    key,
                    page.after.id(),
                    &limit,
                ],
            )
            .await?;
        rows.iter().map(booking_request).collect()
    }

    /// Stores the booking, its range, the request's new status and the event,
    /// and commits. `None` when the dates are taken; then nothing is stored.
    pub async fn approve_booking_request(
        &self,
        tx: Tx,
        id: BookingRequestId,
        booking: BookingId,
        range: Uuid,
        note: &str,
        act: Act,
    ) -> Result<Option<BookingId>, Fault> {
        let Act { tenant, actor, at, event } = act;
        let rows = tx
            .commit_with(
                APPROVE_BOOKING_REQUEST,
                &[&tenant.uuid(), &id.0, &booking.0, &at, &actor, &range, &note, &event],
            )
            .await?;
        rows.first().map(|row| column(row, "booking_id").map(BookingId)).transpose()
    }

    /// Bookings with nights of the stay, locked against change.
    pub async fn list_conflicts(
        &self,
        tx: &Tx,
        tenant: TenantId,
        property: PropertyId,
        stay: Stay,
    ) -> Result<Vec<Conflict>, Fault> {
        let rows =
            tx.query(LIST_CONFLICTS, &[&tenant.uuid(), &property.0, &stay.check_in, &stay.check_out]).await?;
        rows.iter()
            .map(|row| {
                Ok(Conflict {
                    booking: BookingId(column(row, "id")?),
                    guest: column::<Option<Uuid>>(row, "guest_id")?.map(GuestId),
                    status: column(row, "status")?,
                    stay: stay_of(row)?,
                })
            })
            .collect()
    }

    /// Stores the decline and commits.
    pub async fn decline_booking_request(
        &self,
        tx: Tx,
        id: BookingRequestId,
        reason: &str,
        note: &str,
        act: Act,
    ) -> Result<bool, Fault> {
        let Act { tenant, actor, at, event } = act;
        let rows = tx
            .commit_with(
                DECLINE_BOOKING_REQUEST,
                &[&tenant.uuid(), &id.0, &reason, &actor, &note, &at, &event],
            )
            .await?;
        Ok(!rows.is_empty())
    }

    /// Properties after a name and id, by name.
    pub async fn list_properties(
        &self,
        tenant: TenantId,
        after: (&str, Uuid),
        limit: i64,
    ) -> Result<Vec<Property>, Fault> {
        let tenant = tenant.uuid();
        let rows = self.db.query(tenant, LIST_PROPERTIES, &[&tenant, &after.0, &after.1, &limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Property {
                    id: PropertyId(column(row, "id")?),
                    name: column(row, "name")?,
                    time_zone: column(row, "time_zone")?,
                    max_guests: column(row, "max_guests")?,
                    created_at: column(row, "created_at")?,
                })
            })
            .collect()
    }

    /// Customers after a name and id, by name.
    pub async fn list_customers(
        &self,
        tenant: TenantId,
        after: (&str, Uuid),
        limit: i64,
    ) -> Result<Vec<Customer>, Fault> {
        let tenant = tenant.uuid();
        let rows = self.db.query(tenant, LIST_CUSTOMERS, &[&tenant, &after.0, &after.1, &limit]).await?;
        rows.iter()
            .map(|row| {
                Ok(Customer {
                    id: GuestId(column(row, "id")?),
                    name: column(row, "name")?,
                    email: column(row, "email")?,
                    phone: column(row, "phone")?,
                    created_at: column(row, "created_at")?,
                })
            })
            .collect()
    }
}

fn booking_request(row: &Row) -> Result<BookingRequest, Fault> {
    let status: &str = column(row, "status")?;
    Ok(BookingRequest {
        id: BookingRequestId(column(row, "id")?),
        property: PropertyId(column(row, "property_id")?),
        guest: GuestId(column(row, "guest_id")?),
        stay: stay_of(row)?,
        status: Status::from_name(status).ok_or_else(|| {
            let object = format!("status {status} of a booking request, which this version does not know");
            Fault::new(Kind::SchemaDrift { object }, "unknown status")
        })?,
        guest_count: column(row, "guest_count")?,
        message: column(row, "message")?,
        internal_note: column(row, "internal_note")?,
        decline_reason: column(row, "decline_reason")?,
        approved_booking: column::<Option<Uuid>>(row, "approved_booking_id")?.map(BookingId),
        confirmed_at: column(row, "confirmed_at")?,
        decided_by: column(row, "decided_by")?,
        row_version: column(row, "row_version")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}

fn stay_of(row: &Row) -> Result<Stay, Fault> {
    let (check_in, check_out): (Date, Date) = (column(row, "check_in")?, column(row, "check_out")?);
    Ok(Stay { check_in, check_out })
}
