//! Statements that count booking requests: per status, and those that a list cannot have.

use pg::{Columns, Days, Fault, Micros, Query, Tx};
use uuid::Uuid;

use super::database::Schema;
use super::foreign::{MOST_UNPLACED, counted};
use crate::domain::ids::{GuestId, PropertyId};
use crate::domain::listing::Filter;
use crate::domain::request::Status;

/// Counting stops here: exact counts cost as much as there are rows.
const MOST_COUNTED: i64 = 500;
/// Rows of a status that are looked at where an index has one window, and each row is
/// held against the other.
const MOST_LOOKED_AT: i64 = 1_000;
/// The same of all requests of one property or guest.
const MOST_OF_ONE: i64 = 2_000;

pg::statements! {
    /// Requests per effective status.
    CountBookingRequests<'a> = "count_booking_requests" (
        tenant: Uuid, statuses: &'a [&'a str], most: i64, stay_from: Option<Days>, stay_to: Option<Days>,
        created_from: Option<Micros>, created_to: Option<Micros>,
    );
    /// Requests that have a night of a window, per effective status, found by their stays.
    CountBookingRequestsStaying<'a> = "count_booking_requests_staying" (
        tenant: Uuid, statuses: &'a [&'a str], most: i64, stay_from: Days, stay_to: Option<Days>,
        created_from: Option<Micros>, created_to: Option<Micros>,
    );
    /// Requests of one property or guest, per effective status.
    CountBookingRequestsOf = "count_booking_requests_of" (
        tenant: Uuid, most: i64, property: Option<PropertyId>, guest: Option<GuestId>, stay_from: Option<Days>,
        stay_to: Option<Days>, created_from: Option<Micros>, created_to: Option<Micros>,
    );
    /// Requests with a status that nobody knows.
    CountUnknownRequests = "count_unknown_requests" (
        tenant: Uuid, most: i64, stay_from: Option<Days>, stay_to: Option<Days>, created_from: Option<Micros>,
        created_to: Option<Micros>,
    );
    /// Requests without what a list orders them by.
    CountUnplacedRequests<'a> = "count_unplaced_requests" (
        tenant: Uuid, most: i64, by_check_in: bool, statuses: Option<&'a [&'a str]>, unknown: bool,
        property: Option<PropertyId>, guest: Option<GuestId>, stay_from: Option<Days>, stay_to: Option<Days>,
        created_from: Option<Micros>, created_to: Option<Micros>,
    );
}

/// Requests that have a status.
#[derive(Debug, PartialEq, Eq)]
pub struct Counted {
    pub status: Status,
    pub count: i64,
    /// Whether counting stopped before the last of them.
    pub more: bool,
}

/// The filter of a count, as the statements take it.
struct Windows {
    stay_from: Option<Days>,
    stay_to: Option<Days>,
    created_from: Option<Micros>,
    created_to: Option<Micros>,
}

impl Windows {
    fn of(filter: &Filter) -> Self {
        Self {
            stay_from: filter.stay_from.map(Days::of),
            stay_to: filter.stay_to.map(Days::of),
            created_from: filter.created_from.map(Micros::of),
            created_to: filter.created_to.map(Micros::of),
        }
    }

    /// Whether fewer rows have such stays than were created then, going by the days of
    /// the two windows.
    fn is_narrow_by_stay(&self) -> bool {
        /// Of a day.
        const MICROS: i64 = 86_400_000_000;
        let stays = self.stay_from.zip(self.stay_to).map(|(from, to)| i64::from(to.0) - i64::from(from.0));
        let created = self.created_from.zip(self.created_to).map(|(from, to)| (to.0 - from.0) / MICROS);
        match (stays, created) {
            (Some(stays), Some(created)) => stays <= created,
            (None, None) => self.created_from.is_none() && self.created_to.is_none(),
            (stays, _) => stays.is_some(),
        }
    }
}

/// How many of the requests of a filter other than its statuses have each.
pub(super) async fn counts(
    tx: &Tx,
    tenant: Uuid,
    filter: &Filter,
    any_word: bool,
) -> Result<Vec<Counted>, Fault> {
    if filter.property.is_some() || filter.guest.is_some() {
        return of_one(tx, tenant, filter).await;
    }
    let statuses = &Status::ALL.map(Status::name)[..];
    let windows = Windows::of(filter);
    let by_stay = windows.is_narrow_by_stay();
    let Windows { stay_from, stay_to, created_from, created_to } = windows;
    let has_stays = stay_from.is_some() || stay_to.is_some();
    let has_both = has_stays && (created_from.is_some() || created_to.is_some());
    let most = if has_both { MOST_LOOKED_AT } else { MOST_COUNTED + 1 };
    let list: Box<dyn Query + Send> = if by_stay && has_stays {
        // Every stay ends after the first of all days.
        let stay_from = stay_from.unwrap_or(Days(i32::MIN));
        Box::new(CountBookingRequestsStaying {
            tenant,
            statuses,
            most,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    } else {
        Box::new(CountBookingRequests {
            tenant,
            statuses,
            most,
            stay_from,
            stay_to,
            created_from,
            created_to,
        })
    };
    let rows = tx.run(&*list).await?;
    let mut counts = Columns::all(&rows, |row| {
        let status = row.word("status", Status::from_name)?;
        Ok(Counted::of(status, row.next("counted")?, row.next::<i64>("looked")? >= most))
    })?;
    if any_word {
        let most = MOST_LOOKED_AT;
        let unknown = CountUnknownRequests { tenant, most, stay_from, stay_to, created_from, created_to };
        let unknown = Columns::first(&tx.run(&unknown).await?, |row| {
            Ok(Counted::of(Status::Unknown, row.next("counted")?, row.next::<i64>("looked")? >= most))
        })?;
        counts.extend(unknown);
    }
    Ok(counts)
}

/// Of one property or guest, of whom each row is read.
async fn of_one(tx: &Tx, tenant: Uuid, filter: &Filter) -> Result<Vec<Counted>, Fault> {
    let Windows { stay_from, stay_to, created_from, created_to } = Windows::of(filter);
    let (property, guest, most) = (filter.property, filter.guest, MOST_OF_ONE);
    let count = CountBookingRequestsOf {
        tenant,
        most,
        property,
        guest,
        stay_from,
        stay_to,
        created_from,
        created_to,
    };
    let found = Columns::all(&tx.run(&count).await?, |row| {
        let word: &str = row.or_empty("status")?;
        let status = Status::from_name(word).unwrap_or(Status::Unknown);
        Ok((status, row.next::<i64>("counted")?, row.next::<i64>("looked")?))
    })?;
    let more = found.iter().map(|(.., looked)| looked).sum::<i64>() >= most;
    let of_status = |status: Status| {
        let of_it = found.iter().filter(|(of, ..)| *of == status);
        Counted { status, count: of_it.map(|(_, counted, _)| counted).sum(), more }
    };
    let unknown = Some(of_status(Status::Unknown)).filter(|unknown| unknown.count > 0);
    Ok(Status::ALL.map(of_status).into_iter().chain(unknown).collect())
}

/// Requests of a filter that have no place in the order of its list.
pub(super) async fn unplaced(
    schema: &Schema,
    tenant: Uuid,
    filter: &Filter,
    by_check_in: bool,
) -> Result<usize, Fault> {
    let names: Vec<&str> = filter.known_names().collect();
    let Windows { stay_from, stay_to, created_from, created_to } = Windows::of(filter);
    let count = CountUnplacedRequests {
        tenant,
        most: MOST_UNPLACED,
        by_check_in,
        statuses: (!filter.statuses.is_empty()).then_some(&*names),
        unknown: filter.has_unknown(),
        property: filter.property,
        guest: filter.guest,
        stay_from,
        stay_to,
        created_from,
        created_to,
    };
    counted(&schema.db.run(tenant, &count).await?)
}

impl Counted {
    /// A count that may have gone further than it may; `ended`: whether no more were
    /// looked at.
    fn of(status: Status, counted: i64, ended: bool) -> Self {
        Self { status, count: counted.min(MOST_COUNTED), more: ended || counted > MOST_COUNTED }
    }
}
