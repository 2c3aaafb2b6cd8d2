//! Statements that list and count booking requests.

use access::TenantId;
use jiff::Timestamp;
use jiff::civil::Date;
use pg::{Columns, Fault, Query, Shown};
use uuid::Uuid;

use super::database::Store;
use super::foreign::{DayEdge, TimeEdge};
use super::requests::linked_request;
use crate::domain::ids::{GuestId, PropertyId, RowId};
use crate::domain::listing::{Cursor, Filter, Order, Page};
use crate::domain::request::{BookingRequest, Status};

/// Counting stops here: exact counts cost as much as there are rows.
pub const MOST_COUNTED: i64 = 10_000;

/// Days of a week with the weekends around it.
const FEW_DAYS: i32 = 10;

pg::statements! {
    /// Requests per effective status.
    CountBookingRequests<'a> = "count_booking_requests" (
        tenant: Uuid, statuses: Vec<&'a str>, most: i64, property: Option<PropertyId>, guest: Option<GuestId>,
        stay_from: Option<Date>, stay_to: Option<Date>, created_from: Option<Timestamp>,
        created_to: Option<Timestamp>,
    );
    /// Requests of the tenant.
    ListBookingRequests<'a> = "list_booking_requests" (
        tenant: Uuid, statuses: &'a [&'a str], unknown: bool, created_before: Option<TimeEdge>, created_after: Option<TimeEdge>,
        check_in_after: Option<DayEdge>, after_id: RowId, most: i64, stay_from: Option<Date>,
        stay_to: Option<Date>, created_from: Option<Timestamp>, created_to: Option<Timestamp>,
    );
    /// Requests of the tenant that have a night from a date on, found by their dates.
    ListBookingRequestsStaying<'a> = "list_booking_requests_staying" (
        tenant: Uuid, statuses: &'a [&'a str], unknown: bool, created_before: Option<TimeEdge>,
        created_after: Option<TimeEdge>, check_in_after: Option<DayEdge>, after_id: RowId, most: i64, stay_from: Option<Date>,
        stay_to: Option<Date>, created_from: Option<Timestamp>, created_to: Option<Timestamp>,
    );
    /// Requests of one property or guest.
    ListBookingRequestsOf<'a> = "list_booking_requests_of" (
        tenant: Uuid, statuses: &'a [&'a str], unknown: bool, created_before: Option<TimeEdge>, created_after: Option<TimeEdge>,
        check_in_after: Option<DayEdge>, after_id: RowId, most: i64, property: Option<PropertyId>,
        guest: Option<GuestId>, stay_from: Option<Date>, stay_to: Option<Date>,
        created_from: Option<Timestamp>, created_to: Option<Timestamp>,
    );
}

/// A page of requests.
#[derive(Debug)]
pub struct RequestPage {
    pub requests: Shown<BookingRequest>,
    /// Requests per effective status, each up to one more than [`MOST_COUNTED`].
    pub counts: Vec<(Status, i64)>,
}

impl Store {
    /// A page of requests with one more than it takes, which tells whether there is
    /// another page; with counts per status when asked for.
    pub async fn list_booking_requests(
        &self,
        tenant: TenantId,
        filter: &Filter,
        page: &Page,
        with_counts: bool,
    ) -> Result<RequestPage, Fault> {
        let tenant = tenant.uuid();
        let statuses = filter.status_names();
        let list = &*list(tenant, filter, &statuses, page);
        self.read(async |schema| {
            if !with_counts {
                let rows = schema.db.run(tenant, list).await?;
                return Ok(RequestPage {
                    requests: Columns::shown(&rows, linked_request)?,
                    counts: Vec::new(),
                });
            }
            let tx = schema.db.begin(tenant).await?;
            let requests = Columns::shown(&tx.run(list).await?, linked_request)?;
            let counts = tx.run_last(&count(tenant, filter)).await?;
            let counts = Columns::all(&counts, |row| {
                Ok((row.word("status", Status::from_name)?, row.next("counted")?))
            })?;
            Ok(RequestPage { requests, counts })
        })
        .await
    }
}

/// The statement of a list. One property's or guest's requests are few, and are
/// found by an index of their own.
fn list<'a>(
    tenant: Uuid,
    filter: &Filter,
    statuses: &'a [&'a str],
    page: &Page,
) -> Box<dyn Query + Send + 'a> {
    let Filter { statuses: _, property, guest, stay_from, stay_to, created_from, created_to } = *filter;
    let unknown = filter.has_unknown();
    let Page { order, ref after, size } = *page;
    let (created, check_in_after, after_id) = match after {
        Cursor::Created(after) => (Some(TimeEdge(after.key)), None, after.id),
        Cursor::CheckIn(after) => (None, Some(DayEdge(after.key)), after.id),
    };
    let (created_before, created_after) =
        if order == Order::NewestFirst { (created, None) } else { (None, created) };
    // The row after the last one tells whether there is another page.
    let most = size + 1;
    if property.is_some() || guest.is_some() {
        Box::new(ListBookingRequestsOf {
            tenant,
            statuses,
            unknown,
            created_before,
            created_after,
            check_in_after,
            after_id,
            most,
            property,
            guest,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    } else if by_dates(filter, order) {
        Box::new(ListBookingRequestsStaying {
            tenant,
            statuses,
            unknown,
            created_before,
            created_after,
            check_in_after,
            after_id,
            most,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    } else {
        Box::new(ListBookingRequests {
            tenant,
            statuses,
            unknown,
            created_before,
            created_after,
            check_in_after,
            after_id,
            most,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    }
}

/// Whether a list is found by the dates of stays, and not in its order: those of a
/// few days are few enough to be sorted; of more days, a page is soon met in the order
/// of creation.
fn by_dates(filter: &Filter, order: Order) -> bool {
    let Some(from) = filter.stay_from else { return false };
    let days = filter.stay_to.map(|to| (to - from).get_days());
    order == Order::CheckIn || days.is_some_and(|days| days <= FEW_DAYS)
}

fn count(tenant: Uuid, filter: &Filter) -> CountBookingRequests<'static> {
    let Filter { statuses: _, property, guest, stay_from, stay_to, created_from, created_to } = *filter;
    CountBookingRequests {
        tenant,
        statuses: Status::ALL.iter().map(|status| status.name()).collect(),
        most: MOST_COUNTED + 1,
        property,
        guest,
        stay_from,
        stay_to,
        created_from,
        created_to,
    }
}
