//! What an approve would run into in a database that lacks something, for its explanation.
//! The database explains the statements that an approve would run: so it looks up all that
//! they name and every right that they need, and runs none of them. What it finds only while
//! a row is stored, the look at the schema knows.

use pg::{Columns, Fault, Kind, Tx};
use uuid::Uuid;

use super::change::{Change, Stamp};
use super::database::{Schema, Store};
use super::decisions::{
    Book, BookHold, BookOfRange, DeclineCompetitors, HasCompetitors, LinkBooking, ReleaseHold, Winner,
};
use super::inventory::ReleaseRanges;
use super::properties::LockProperty;
use super::requests::LockBookingRequest;
use super::settings::{GetSettings, settings};
use super::surroundings;
use crate::call::Call;
use crate::domain::approval::Evidence;
use crate::domain::booking::BookingStatus;
use crate::domain::ids::{BookingId, RowId};
use crate::domain::layout::Layout;
use crate::domain::request::BookingRequest;

/// The sequence of which each event takes a number.
const TICKS: &str = "booking_event_ticks";

/// An approve that is to be rehearsed.
#[derive(Debug)]
pub struct Rehearsal<'a> {
    pub request: &'a BookingRequest,
    /// `None` if it would write nothing: the request is locked all the same.
    pub writes: Option<Writes>,
    /// Whether what surrounds the request is locked before anything is decided.
    pub locks_around: bool,
    /// Whether inventory ranges of its own are released.
    pub releases: bool,
    /// Whether a hold of other dates is given up.
    pub gives_up_hold: bool,
}

/// What it would write.
#[derive(Debug, Clone, Copy)]
pub enum Writes {
    /// A booking, which may be the request's hold.
    Booking { of_hold: bool },
    /// That a booking fulfils the request, whose stored status may stay.
    Link { booking: BookingId, evidence: Evidence, soft: bool },
}

impl Store {
    /// What the approve would be refused with. No more is asked while nothing is lacking.
    pub async fn rehearse(&self, call: &Call, of: &Rehearsal<'_>) -> Result<Option<Fault>, Fault> {
        // That it was looked at lately is enough; what a call has found since counts.
        if let Err(fault) = self.recent_schema().await {
            tracing::debug!(%fault, "the schema was not looked at for an explanation");
        }
        let schema = self.schema().await?;
        if schema.found.problems.is_empty() {
            return Ok(None);
        }
        let explained = self.read(async |schema| {
            let tx = schema.db.begin(call.tenant.uuid()).await?;
            let declines = of.explain(&tx, call, &schema).await?;
            tx.commit().await?;
            Ok(declines)
        });
        match explained.await {
            Ok(declines) => {
                let problem = of.stopped_by(&schema, declines);
                Ok(problem.map(|kind| Fault::new(kind, "found by a look at the schema")))
            }
            Err(fault) => match fault.kind() {
                Kind::SchemaDrift { .. } | Kind::NoRight { .. } | Kind::InvalidValue => Ok(Some(fault)),
                _ => Err(fault),
            },
        }
    }
}

impl Rehearsal<'_> {
    /// In the order in which an approve runs them. Whether it would decline competitors.
    async fn explain(&self, tx: &Tx, call: &Call, schema: &Schema) -> Result<bool, Fault> {
        let (tenant, request) = (call.tenant.uuid(), self.request);
        if schema.found.layout.request_is_its_booking() {
            tx.explain(&LockProperty { tenant, row: RowId(request.id.0) }).await?;
        }
        tx.explain(&LockBookingRequest { tenant, id: request.id }).await?;
        if self.locks_around {
            tx.explain(&surroundings::lock(tenant, request)).await?;
        }
        if self.releases && !self.books_of_range() {
            tx.explain(&ReleaseRanges::of(tenant, request)).await?;
        }
        let Some(writes) = self.writes else { return Ok(false) };
        let with = Stamp::of(call.actor, request.updated_at, Change::new_event());
        if self.gives_up_hold {
            tx.explain(&ReleaseHold { tenant, id: request.id, with: with.clone() }).await?;
        }
        self.explain_last(tx, tenant, writes, &with).await?;
        if !matches!(writes, Writes::Booking { .. }) {
            return Ok(false);
        }
        let wanted = Columns::first(&tx.run(&GetSettings { tenant }).await?, settings)?;
        if !wanted.is_some_and(|settings| settings.auto_decline) {
            return Ok(false);
        }
        let Winner { row: id, property, guest, stay } = Winner::of_request(request);
        let (check_in, check_out) = (stay.check_in, stay.check_out);
        tx.explain(&DeclineCompetitors { tenant, id, property, guest, check_in, check_out, with }).await?;
        let competitors =
            tx.run(&HasCompetitors { tenant, id, property, guest, check_in, check_out }).await?;
        Ok(Columns::first(&competitors, |row| row.next("found"))?.unwrap_or_default())
    }

    /// Whether the statement that makes the booking ends the request's own ranges.
    fn books_of_range(&self) -> bool {
        self.releases && matches!(self.writes, Some(Writes::Booking { of_hold: false }))
    }

    /// The statement that writes.
    async fn explain_last(&self, tx: &Tx, tenant: Uuid, writes: Writes, with: &Stamp) -> Result<(), Fault> {
        let (id, range, note, with) = (self.request.id, Change::new_range(), "", with.clone());
        match writes {
            Writes::Booking { of_hold } => {
                let (kind, evidence, overridden) = ("", "", None);
                if of_hold {
                    tx.explain(&BookHold { tenant, id, range, note, kind, evidence, overridden, with }).await
                } else {
                    let booking = Change::new_booking();
                    if self.books_of_range() {
                        let book = BookOfRange {
                            tenant,
                            id,
                            booking,
                            range,
                            note,
                            kind,
                            evidence,
                            overridden,
                            with,
                        };
                        return tx.explain(&book).await;
                    }
                    let book = Book { tenant, id, booking, range, note, kind, evidence, overridden, with };
                    tx.explain(&book).await
                }
            }
            Writes::Link { booking, evidence, soft } => {
                let evidence = evidence.name();
                tx.explain(&LinkBooking { tenant, id, booking, range, note, evidence, soft, with }).await
            }
        }
    }

    /// What refuses a row that the statements would store.
    fn stopped_by(&self, schema: &Schema, declines: bool) -> Option<Kind> {
        let stored = self.stored(schema.found.layout, declines);
        let problems = &schema.found.problems;
        let refused =
            |of: &(&str, BookingStatus)| problems.iter().find(|problem| problem.refuses(of.0, of.1));
        let problem = stored.iter().find_map(refused);
        // Whatever is stored has its event.
        let counts = !stored.is_empty();
        let uncounted = || problems.iter().find(|problem| counts && problem.keeps_from_counting(TICKS));
        problem.or_else(uncounted).map(crate::layout::problem::Problem::kind)
    }

    /// The rows that it stores, by what status they have then; a check looks at the whole row,
    /// whatever of it changes.
    fn stored(&self, layout: Layout, declines: bool) -> Vec<(&'static str, BookingStatus)> {
        let requests = if layout.request_is_its_booking() { "bookings" } else { "booking_requests" };
        let mut stored = match self.writes {
            None => return Vec::new(),
            Some(Writes::Booking { .. }) => {
                vec![("bookings", BookingStatus::Confirmed), (requests, BookingStatus::Confirmed)]
            }
            Some(Writes::Link { booking, soft, .. }) => {
                let status = if soft {
                    BookingStatus::from_name(self.request.status.name())
                } else {
                    Some(BookingStatus::Confirmed)
                };
                let freed = self.request.held_booking.filter(|hold| *hold != booking);
                let freed = freed.map(|_| ("bookings", BookingStatus::Cancelled));
                freed.into_iter().chain(status.map(|status| (requests, status))).collect()
            }
        };
        stored.extend(self.gives_up_hold.then_some(("bookings", BookingStatus::Cancelled)));
        stored.extend(declines.then_some((requests, BookingStatus::Declined)));
        stored
    }
}
