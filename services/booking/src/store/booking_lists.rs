//! Statements that list bookings, by check-in.

use access::TenantId;
use pg::{Columns, Days, Fault, Query, Shown};
use tokio_postgres::Row;
use uuid::Uuid;

use super::bookings::booking;
use super::database::{Schema, Store};
use super::foreign::{MOST_UNPLACED, counted};
use super::looked;
use crate::domain::booking::Booking;
use crate::domain::ids::{GuestId, PropertyId, RowId};
use crate::domain::listing::{After, BookingFilter, Day};
use crate::layout::columns;

/// Rows of one property or guest that are looked at for a page.
const MOST_OF_ONE: i64 = 1_000;

pg::statements! {
    /// Bookings of the tenant.
    ListBookings = "list_bookings" (
        tenant: Uuid, unknown: Option<bool>, after_check_in: Days, after_id: RowId,
        most: i64, stay_from: Option<Days>, stay_to: Option<Days>,
    );
    /// Bookings of the tenant with one of these statuses.
    ListBookingsByStatus<'a> = "list_bookings_by_status" (
        tenant: Uuid, statuses: &'a [&'a str], after_check_in: Days, after_id: RowId, most: i64,
        stay_from: Option<Days>, stay_to: Option<Days>,
    );
    /// Of a number of bookings of one property or guest, those of a page; `of_property`:
    /// what the guest's are held against.
    ListBookingsOf<'a> = "list_bookings_of" (
        tenant: Uuid, after_check_in: Days, after_id: RowId, most: i64, looked: i64, statuses: Option<&'a [&'a str]>,
        unknown: bool, property: Option<PropertyId>, guest: Option<GuestId>, of_property: Option<PropertyId>,
        stay_from: Option<Days>, stay_to: Option<Days>,
    );
    /// Bookings without a day of arrival.
    CountUnplacedBookings<'a> = "count_unplaced_bookings" (
        tenant: Uuid, most: i64, statuses: Option<&'a [&'a str]>, unknown: bool, property: Option<PropertyId>,
        guest: Option<GuestId>, stay_from: Option<Days>, stay_to: Option<Days>,
    );
}

/// A page of bookings.
#[derive(Debug)]
pub struct BookingPage {
    /// Each with its place.
    pub bookings: Shown<(After<Day>, Booking)>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<After<Day>>,
}

impl Store {
    /// A page of bookings by check-in.
    pub async fn list_bookings(
        &self,
        tenant: TenantId,
        filter: &BookingFilter,
        after: After<Day>,
        size: i64,
    ) -> Result<BookingPage, Fault> {
        let tenant = tenant.uuid();
        let names: Vec<&str> = filter.known_names().collect();
        self.read(async |schema| {
            let list = list(&schema, tenant, filter, &names, after, size + 1);
            let (mut rows, size) = schema.db.run_page(tenant, &*list, size).await?;
            let unknown = filter.has_unknown() && schema.found.statuses.any_booking_word;
            let mut next = None;
            if is_looked_through(filter, unknown) {
                next = looked::end(&mut rows, size, place)?;
            }
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            if rows.len() > size {
                rows.truncate(size);
                next = rows.last().map(place).transpose()?;
            }
            let mut bookings =
                Columns::shown_rows(&rows, |row| Ok((place(row)?, booking(&mut Columns::of(row))?)))?;
            if next.is_none() && schema.found.may_be_null("bookings", "check_in") {
                bookings.leave_out_more(unplaced(&schema, tenant, filter, &names).await?);
            }
            Ok(BookingPage { bookings, next })
        })
        .await
    }
}

/// Whether a list looks at a bounded number of rows: of one property or guest, or where
/// known statuses and unknown ones are asked for at once, which no index has together.
fn is_looked_through(filter: &BookingFilter, unknown: bool) -> bool {
    let both = unknown && filter.known_names().next().is_some();
    filter.property.is_some() || filter.guest.is_some() || both
}

/// The statement of a list. One property's or guest's bookings are looked through; of the
/// tenant's, those of a status have an index of their own.
fn list<'a>(
    schema: &Schema,
    tenant: Uuid,
    filter: &BookingFilter,
    names: &'a [&'a str],
    after: After<Day>,
    most: i64,
) -> Box<dyn Query + Send + 'a> {
    let BookingFilter { statuses, property, guest, stay_from, stay_to } = filter;
    let (after_check_in, after_id) = (Days(after.key), after.id);
    let (stay_from, stay_to) = (stay_from.map(Days::of), stay_to.map(Days::of));
    let unknown = filter.has_unknown() && schema.found.statuses.any_booking_word;
    if is_looked_through(filter, unknown) {
        return Box::new(ListBookingsOf {
            tenant,
            after_check_in,
            after_id,
            most,
            looked: MOST_OF_ONE,
            statuses: (!statuses.is_empty()).then_some(names),
            unknown,
            property: property.filter(|_| guest.is_none()),
            guest: *guest,
            of_property: property.filter(|_| guest.is_some()),
            stay_from,
            stay_to,
        });
    }
    if statuses.is_empty() || unknown {
        return Box::new(ListBookings {
            tenant,
            unknown: unknown.then_some(true),
            after_check_in,
            after_id,
            most,
            stay_from,
            stay_to,
        });
    }
    Box::new(ListBookingsByStatus {
        tenant,
        statuses: names,
        after_check_in,
        after_id,
        most,
        stay_from,
        stay_to,
    })
}

/// Bookings of a filter that have no place in the order of the list.
async fn unplaced(
    schema: &Schema,
    tenant: Uuid,
    filter: &BookingFilter,
    names: &[&str],
) -> Result<usize, Fault> {
    let BookingFilter { statuses, property, guest, stay_from, stay_to } = filter;
    let count = CountUnplacedBookings {
        tenant,
        most: MOST_UNPLACED,
        statuses: (!statuses.is_empty()).then_some(names),
        unknown: filter.has_unknown(),
        property: *property,
        guest: *guest,
        stay_from: stay_from.map(Days::of),
        stay_to: stay_to.map(Days::of),
    };
    counted(&schema.db.run(tenant, &count).await?)
}

/// The place of a row, whatever else it holds.
fn place(row: &Row) -> Result<After<Day>, Fault> {
    let column = |name| looked::column(row, &columns::BOOKING, name);
    let Days(key) = column("check_in").next("check_in")?;
    Ok(After { key, id: column("id").next("id")? })
}
