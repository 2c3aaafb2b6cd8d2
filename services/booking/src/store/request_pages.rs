//! Pages of booking requests: which statement finds one, and where the next begins.
//!
//! An index has rows in one order, and a list may be asked for in one order through a
//! window of another. What is done then:
//! - By check-in, the stays of a window lie together.
//! - By creation, the index by check-in has the order within each day of arrival, so the
//!   first row of each day is looked up, and the page is in the days that come first.
//!   There are [`MOST_LOOK_UPS`] at most, one for each day and status. What is longer is
//!   looked through in the order of creation, a bounded number of rows at a time: such a
//!   page may hold fewer rows than it takes, even none, and a place to go on from.
//! - By check-in with a window of creation, the days of arrival are gone through until
//!   the page is full, as many as there are look-ups; then likewise.
//! - One property's or guest's are looked through in either order, whatever else is asked
//!   of them: an index has each order, and most have fewer than are looked at for a page.
//!
//! So a page costs what its rows cost and [`MOST_LOOK_UPS`] at most, whatever it is asked
//! for. Of stays that began in the month before a window, those that are over are passed
//! over in the index; longer ones are few.
//!
//! Two of the indexes have no status, by day and by creation. Each is one of 23 entries
//! that an approve makes in indexes, 110 of 4,000 bytes of its log and a fiftieth of its time in
//! Postgres. Without that by day, such a look-up would be one for each status. Without
//! that by creation, the most usual page of all would read a page for each status, and
//! what is looked through would be the rows themselves.

use access::TenantId;
use pg::{Columns, Days, Fault, Micros, Query, Shown, Tx};
use tokio_postgres::Row;
use uuid::Uuid;

use super::database::Store;
use super::looked;
use super::request_counts::{self, Counted};
use super::request_lists::{Asked, ReadArrivals, Statuses};
use super::requests::linked_request;
use crate::domain::ids::RowId;
use crate::domain::listing::{After, Cursor, Filter, Order, Page, Time};
use crate::domain::request::BookingRequest;
use crate::layout::columns;
use crate::layout::overlaps::SHORT_STAY;

/// Most days of arrival times statuses that are looked up for a page: a window of a year,
/// and the month before it.
const MOST_LOOK_UPS: i64 = 400;
/// Rows that are looked through for a page, in an index without their rows.
const MOST_LOOKED_THROUGH: i64 = 4_000;
/// The same of each status, where the rows are read.
const MOST_OF_STATUS: i64 = 500;
/// The same of one property or guest.
const MOST_OF_ONE: i64 = 1_000;

/// A page of requests.
#[derive(Debug)]
pub struct RequestPage {
    /// Each with its place.
    pub requests: Shown<(Cursor, BookingRequest)>,
    /// Where the next page begins; `None` after the last one.
    pub next: Option<Cursor>,
    /// Requests per effective status.
    pub counts: Vec<Counted>,
}

/// The rows of a page, one more if there are, and where it goes on although they are
/// fewer.
#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    /// Rows that the page has, of those.
    size: i64,
    beyond: Option<Cursor>,
}

impl Found {
    /// By the last statement of a transaction.
    async fn of(tx: Tx, list: &dyn Query, asked: &Asked<'_>, beyond: Option<Cursor>) -> Result<Self, Fault> {
        let (rows, size) = tx.run_page(list, asked.most - 1).await?;
        Ok(Self { rows, size, beyond })
    }

    /// By one that looks at a bounded number of rows.
    async fn looked(tx: Tx, list: &dyn Query, asked: &Asked<'_>, order: Order) -> Result<Self, Fault> {
        let (mut rows, size) = tx.run_page(list, asked.most - 1).await?;
        let beyond = looked::end(&mut rows, size, |row| place(row, order))?;
        Ok(Self { rows, size, beyond })
    }
}

/// Days of arrival that a list is about.
struct Arrivals {
    first: i32,
    last: i32,
}

impl Store {
    /// A page of requests; with counts per status when asked for.
    pub async fn list_booking_requests(
        &self,
        tenant: TenantId,
        filter: &Filter,
        page: &Page,
        with_counts: bool,
    ) -> Result<RequestPage, Fault> {
        let tenant = tenant.uuid();
        let names: Vec<&str> = filter.known_names().collect();
        self.read(async |schema| {
            let any_word = schema.found.statuses.any_word;
            let statuses = Statuses::of(filter, &names, any_word);
            let asked = Asked::of(tenant, filter, statuses, (page.order, page.after), page.size + 1);
            let tx = schema.db.begin(tenant).await?;
            let counts = if with_counts {
                request_counts::counts(&tx, tenant, filter, any_word).await?
            } else {
                Vec::new()
            };
            let Found { mut rows, size, beyond } = find(tx, asked, page.order).await?;
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let more = rows.len() > size;
            rows.truncate(size);
            let next = match rows.last() {
                Some(last) if more => Some(place(last, page.order)?),
                _ => beyond,
            };
            let mut requests = Columns::shown_rows(&rows, |row| {
                Ok((place(row, page.order)?, linked_request(&mut Columns::of(row))?))
            })?;
            if next.is_none() && schema.found.has_unplaced_requests() {
                let by_check_in = page.order == Order::CheckIn;
                let unplaced = request_counts::unplaced(&schema, tenant, filter, by_check_in).await?;
                requests.leave_out_more(unplaced);
            }
            Ok(RequestPage { requests, next, counts })
        })
        .await
    }
}

/// Finds the rows of a page by the statement that has the least to read.
async fn find(tx: Tx, asked: Asked<'_>, order: Order) -> Result<Found, Fault> {
    let has_stays = asked.stay_from.is_some() || asked.stay_to.is_some();
    let has_creation = asked.created_from.is_some() || asked.created_to.is_some();
    let list = match (asked.of_one(MOST_OF_ONE), order) {
        (Some(of_one), _) => return Found::looked(tx, &*of_one, &asked, order).await,
        (None, Order::CheckIn) if has_creation => return each_day(tx, asked).await,
        // Every stay ends after the first of all days.
        (None, Order::CheckIn) if has_stays => asked.arriving(asked.stay_from.unwrap_or(Days(i32::MIN))),
        (None, Order::NewestFirst | Order::OldestFirst) if has_stays => {
            return by_day(tx, asked, order).await;
        }
        (None, _) => asked.in_order(),
    };
    Found::of(tx, &*list, &asked, None).await
}

/// By creation, through a window of stays; where it has more days than are looked up, a
/// bounded number of rows is looked through.
async fn by_day(tx: Tx, asked: Asked<'_>, order: Order) -> Result<Found, Fault> {
    let Some(arrivals) = Arrivals::of(&tx, &asked).await? else { return Ok(Found::default()) };
    if arrivals.look_ups(&asked) > MOST_LOOK_UPS {
        let looked = if asked.statuses.walked.is_none() { MOST_LOOKED_THROUGH } else { MOST_OF_STATUS };
        return Found::looked(tx, &*asked.look_through(looked), &asked, order).await;
    }
    // Every stay of these days has a night after the first of them.
    let from = asked.stay_from.unwrap_or(Days(arrivals.first));
    Found::of(tx, &*asked.by_day(arrivals.days(), from), &asked, None).await
}

/// By check-in, through a window of creation.
async fn each_day(tx: Tx, asked: Asked<'_>) -> Result<Found, Fault> {
    let Some(arrivals) = Arrivals::of(&tx, &asked).await? else { return Ok(Found::default()) };
    let from = asked.stay_from.unwrap_or(Days(arrivals.first));
    let (arrivals, beyond) = arrivals.within(MOST_LOOK_UPS / asked.walks());
    Found::of(tx, &*asked.each_day(arrivals.days(), from), &asked, beyond).await
}

impl Arrivals {
    /// Of the stays that a page is about, but for long ones that began before: by the
    /// window and the place where it begins, and where that is open or long, by the days
    /// on which somebody arrives at all. `None` when nobody does.
    async fn of(tx: &Tx, asked: &Asked<'_>) -> Result<Option<Self>, Fault> {
        let first = asked.stay_from.map_or(i32::MIN, |Days(from)| from.saturating_sub(SHORT_STAY - 1));
        let last = asked.stay_to.map_or(i32::MAX, |Days(to)| to.saturating_sub(1));
        let Some(after) = asked.arrives_from() else { return Ok(None) };
        let asked_for = Self { first: first.max(after), last };
        if asked_for.look_ups(asked) <= MOST_LOOK_UPS {
            return Ok(Some(asked_for));
        }
        let (tenant, from_day) = (asked.tenant, Days(asked_for.first));
        let there = Columns::first(&tx.run(&ReadArrivals { tenant, from_day }).await?, |row| {
            let first: Option<Days> = row.or_empty("first_day")?;
            let last: Option<Days> = row.or_empty("last_day")?;
            Ok(first.zip(last))
        })?;
        Ok(there.flatten().map(|(Days(first), Days(last))| Self { first, last: asked_for.last.min(last) }))
    }

    fn look_ups(&self, asked: &Asked<'_>) -> i64 {
        let days = i64::from(self.last) - i64::from(self.first) + 1;
        days.saturating_mul(asked.walks())
    }

    /// So many of these days, and where it goes on after them. Infinity, which other
    /// programs store, is a day of its own.
    fn within(self, most: i64) -> (Self, Option<Cursor>) {
        let Self { first, last } = self;
        let most = if [i32::MIN, i32::MAX].contains(&first) { 1 } else { most };
        let within = first.saturating_add(i32::try_from(most).unwrap_or(i32::MAX) - 1);
        if within >= last {
            return (self, None);
        }
        let beyond = After { key: (within, Time::MAX), id: RowId(Uuid::max()) };
        (Self { first, last: within }, Some(Cursor::CheckIn(beyond)))
    }

    fn days(&self) -> Vec<Days> {
        (self.first..=self.last).map(Days).collect()
    }
}

/// The place of a row, whatever else it holds.
fn place(row: &Row, order: Order) -> Result<Cursor, Fault> {
    let column = |name| looked::column(row, &columns::BOOKING_REQUEST, name);
    let id = column("id").next("id")?;
    let Micros(created_at) = column("created_at").next("created_at")?;
    Ok(match order {
        Order::NewestFirst | Order::OldestFirst => Cursor::Created(After { key: created_at, id }),
        Order::CheckIn => {
            let Days(check_in) = column("check_in").next("check_in")?;
            Cursor::CheckIn(After { key: (check_in, created_at), id })
        }
    })
}
