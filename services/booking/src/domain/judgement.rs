//! Which rows contradict each other, and what may be chosen for them: facts in,
//! inconsistency out. The list, the choice that is made and the refusals that name
//! choices judge by these functions alone, so that none offers what another refuses.
//!
//! A choice that gives a request its booking is decided by the approval of the same
//! request *as if nobody had decided it*: without its status, its mark and its link.
//! So a mark or a link is never evidence for itself here.
//!
//! A request has one inconsistency at most, the first that holds; what is left after it
//! is put right shows next. A request whose booking was a no-show has had its stay.

pub use self::facts::{BookingFacts, Deleted, Place, RangeFacts, UnreadableFacts};
use super::approval::{self, Rival, Surroundings, Verdict};
use super::booking::BookingStatus;
use super::fulfilment::{Fulfilment, Unfit};
use super::ids::{BookingId, BookingRequestId, RowId};
use super::inconsistency::{Choice, Inconsistency, InconsistencyKind, Subject, has_default};
use super::layout::Layout;
use super::request::{BookingRequest, Status};
use super::stay::Stay;
use super::steps::{self, Step};
use super::version::Version;

mod facts;

/// All that is known of a row, of whatever table. A row of the single table is a
/// request and a booking.
#[derive(Debug, Clone)]
pub struct RowFacts {
    pub request: Option<(BookingRequest, Surroundings)>,
    pub booking: Option<BookingFacts>,
    pub range: Option<RangeFacts>,
    /// Present when the row cannot be shown; then alone, unless all that it lacks are
    /// values that a new row has.
    pub unreadable: Option<UnreadableFacts>,
    /// The version of the row as it is shown, when it is a property or a customer.
    pub shown: Option<Version>,
}

/// The booking that a request is linked to, as far as it may be followed.
enum LinkState {
    None,
    /// It has these nights of the request.
    Fulfils(BookingId, Stay),
    /// Its guest did not come: the stay is over.
    Past,
    Lost(InconsistencyKind),
}

/// Judges a request.
pub fn of_request(request: &BookingRequest, layout: Layout, around: &Surroundings) -> Option<Inconsistency> {
    // A confirmed row of the single table is its own booking.
    let judged =
        request.status.is_open() || request.status == Status::Confirmed && !layout.request_is_its_booking();
    if !judged || !request.stay.is_known() {
        return None;
    }
    let of = Judged { request, layout, around };
    match link(request, around) {
        LinkState::Lost(kind) => Some(of.with_booking(kind, request.approved_booking, &of.away())),
        LinkState::Past => None,
        LinkState::Fulfils(booking, nights) if others_have_the_rest(request, around, booking, nights) => {
            Some(of.with(InconsistencyKind::PartlyCovered, Some(booking), of.away()))
        }
        LinkState::Fulfils(booking, _) => {
            let healed = request.status == Status::Confirmed
                || matches!(approval::approve(request, layout, Some(around)), Verdict::Already { .. });
            let kind = InconsistencyKind::ApprovedBookingConfirmed;
            (!healed).then(|| of.with_booking(kind, Some(booking), &of.away()))
        }
        LinkState::None => of.without_link(),
    }
}

/// A request that is judged.
struct Judged<'a> {
    request: &'a BookingRequest,
    layout: Layout,
    around: &'a Surroundings,
}

impl Judged<'_> {
    fn without_link(&self) -> Option<Inconsistency> {
        let Self { request, around, .. } = *self;
        if request.status == Status::Confirmed {
            Some(self.with_booking(InconsistencyKind::ConfirmedWithoutBooking, None, &self.away()))
        } else if request.confirmed_at.is_some() {
            let found = self.with_booking(InconsistencyKind::ConfirmedAtSet, None, &self.away());
            let can_be_booked = matches!(found.choices.first(), Some(Choice::Confirm | Choice::LinkBooking));
            let kind = if can_be_booked { found.kind } else { InconsistencyKind::ConfirmedAtTaken };
            Some(Inconsistency { kind, ..found })
        } else if around.own_range {
            let choices = [Choice::ReleaseRange, Choice::Cancel];
            Some(self.with_booking(InconsistencyKind::InventoryActive, None, &choices))
        } else if around.related.is_some() {
            let kind = InconsistencyKind::RelatedBookingConfirmed;
            Some(self.with_booking(kind, around.related, &[Choice::Cancel]))
        } else {
            None
        }
    }

    /// What takes from the request that it reads as confirmed.
    fn away(&self) -> Vec<Choice> {
        let has_link = self.request.approved_booking.is_some();
        let clear = if has_link { Choice::ClearLink } else { Choice::ClearMark };
        let cancel = can_be_cancelled(self.request, self.around).then_some(Choice::Cancel);
        [clear].into_iter().chain(cancel).collect()
    }

    /// With the choice that gives the request its booking first, if there is one.
    fn with_booking(
        &self,
        kind: InconsistencyKind,
        booking: Option<BookingId>,
        way_out: &[Choice],
    ) -> Inconsistency {
        let (first, target) = booked_by(self.request, self.layout, self.around);
        let booking = if first == Some(Choice::LinkBooking) { target } else { booking };
        self.with(kind, booking, first.into_iter().chain(way_out.iter().copied()).collect())
    }

    fn with(
        &self,
        kind: InconsistencyKind,
        booking: Option<BookingId>,
        choices: Vec<Choice>,
    ) -> Inconsistency {
        Inconsistency {
            kind,
            subject: Subject::Request,
            request: Some(self.request.id),
            booking,
            row: RowId(self.request.id.0),
            choices,
            version: Version::of(self.request),
            columns: Vec::new(),
        }
    }
}

/// Whether a cancel of the request would be granted: a guest who has arrived in the
/// booking that was made for it is not sent away.
fn can_be_cancelled(request: &BookingRequest, around: &Surroundings) -> bool {
    !matches!(steps::cancel_request(request, around.own_status(request)), Step::Refused(_))
}

/// What puts a request right, if anything is wrong with it.
pub fn choices(request: &BookingRequest, layout: Layout, around: &Surroundings) -> Vec<Choice> {
    of_request(request, layout, around).map(|found| found.choices).unwrap_or_default()
}

/// Judges a booking.
pub fn of_booking(facts: &BookingFacts) -> Option<Inconsistency> {
    let BookingFacts { id, status, deleted, freed_in_the_way, has_range, range_free, row_version: _ } =
        *facts;
    let found = |kind, choices| {
        Some(Inconsistency {
            kind,
            subject: Subject::Booking,
            request: None,
            booking: Some(id),
            row: RowId(id.0),
            choices,
            version: Version::of(facts),
            columns: Vec::new(),
        })
    };
    match deleted {
        // It is over already, and a choice changes nothing else that the constraint goes by.
        Deleted::No if freed_in_the_way => return found(InconsistencyKind::FreedInTheWay, Vec::new()),
        Deleted::No => {}
        Deleted::Yes => return None,
        // Whatever it was: no other call knows it any more. A constraint that covers what
        // is cancelled goes by something that no choice changes.
        Deleted::InTheWay => {
            let cancel = (status != BookingStatus::Cancelled).then_some(Choice::Cancel);
            return found(InconsistencyKind::DeletedInTheWay, cancel.into_iter().collect());
        }
    }
    let mut choices = Vec::new();
    if range_free {
        choices.push(Choice::RestoreRange);
    }
    if status == BookingStatus::Confirmed {
        choices.push(Choice::Cancel);
    }
    // A guest who has arrived leaves by check-out: while others have a night, no choice is
    // left, and who has it is to be put right.
    if is_current(status) && !has_range {
        found(InconsistencyKind::BookingWithoutRange, choices)
    } else {
        None
    }
}

/// Whether a booking has to have its range.
fn is_current(status: BookingStatus) -> bool {
    matches!(status, BookingStatus::Confirmed | BookingStatus::CheckedIn)
}

/// Judges an inventory range.
pub fn of_range(facts: &RangeFacts) -> Option<Inconsistency> {
    let RangeFacts { id, source, active, place } = *facts;
    let (kind, fit) = match place {
        Place::Right => return None,
        Place::OfNothing => (InconsistencyKind::RangeWithoutBooking, None),
        Place::Elsewhere { can_be_fitted } => {
            (InconsistencyKind::RangeMisplaced, can_be_fitted.then_some(Choice::FitRange))
        }
        // Its request is booked with a range of its own.
        Place::BesideRequest => (InconsistencyKind::RangeMisplaced, None),
    };
    let of_request = place == Place::BesideRequest;
    active.then(|| Inconsistency {
        kind,
        subject: Subject::Range,
        request: source.filter(|_| of_request).map(|source| BookingRequestId(source.0)),
        booking: source.filter(|_| !of_request),
        row: RowId(id.0),
        choices: fit.into_iter().chain([Choice::ReleaseRange]).collect(),
        version: Version::of(facts),
        columns: Vec::new(),
    })
}

/// Judges a row that may hold what cannot be shown.
pub fn of_unreadable(facts: &UnreadableFacts) -> Option<Inconsistency> {
    let UnreadableFacts { row, subject, ref columns, row_version: _ } = *facts;
    let mut choices = Vec::new();
    if columns.iter().any(|column| has_default(column)) {
        choices.push(Choice::WriteDefaults);
    }
    if !facts.is_judged() {
        if subject == Subject::Request && columns.iter().any(|column| column == "status") {
            choices.push(Choice::Reopen);
        }
        match subject {
            Subject::Request | Subject::Booking => choices.push(Choice::Cancel),
            Subject::Range => choices.push(Choice::ReleaseRange),
            // What they lack, only who knows them can say.
            Subject::Property | Subject::Customer => {}
        }
    }
    (!columns.is_empty()).then(|| Inconsistency {
        kind: InconsistencyKind::Unreadable,
        subject,
        request: (subject == Subject::Request).then_some(BookingRequestId(row.0)),
        booking: (subject == Subject::Booking).then_some(BookingId(row.0)),
        row,
        choices,
        version: Version::of(facts),
        columns: columns.clone(),
    })
}

impl RowFacts {
    /// Whether there is no such row.
    pub fn is_nothing(&self) -> bool {
        let Self { request, booking, range, unreadable, shown } = self;
        request.is_none() && booking.is_none() && range.is_none() && unreadable.is_none() && shown.is_none()
    }

    /// The version of the row as it is judged.
    pub fn version(&self) -> Version {
        let Self { request, booking, range, unreadable, shown } = self;
        match (request, unreadable, shown) {
            (Some((request, _)), ..) => Version::of(request),
            (None, Some(unreadable), _) => Version::of(unreadable),
            (None, None, Some(shown)) => *shown,
            (None, None, None) => Version::of(&(booking, range)),
        }
    }

    /// Everything that is wrong with it.
    pub fn wrong(&self, layout: Layout) -> Vec<Inconsistency> {
        let Self { request, booking, range, unreadable, shown: _ } = self;
        let of_request = request.as_ref().and_then(|(request, around)| of_request(request, layout, around));
        let of_booking = booking.as_ref().and_then(of_booking);
        let of_range = range.as_ref().and_then(of_range);
        let of_unreadable = unreadable.as_ref().and_then(of_unreadable);
        [of_request, of_booking, of_range, of_unreadable].into_iter().flatten().collect()
    }

    /// Whether the row is as a choice would leave it.
    pub fn is_as_chosen(&self, choice: Choice, layout: Layout) -> bool {
        let request = self.request.as_ref();
        let waits = request.is_some_and(|(request, _)| {
            request.status.is_open() && request.confirmed_at.is_none() && request.approved_booking.is_none()
        });
        let fulfilled = request.is_some_and(|(request, _)| {
            request.effective_status() == Status::Confirmed && request.approved_booking.is_some()
        }) && self.wrong(layout).is_empty();
        match choice {
            Choice::ClearMark | Choice::ClearLink | Choice::Reopen => waits,
            Choice::LinkBooking | Choice::Confirm => fulfilled,
            Choice::RestoreRange => {
                self.booking.is_some_and(|booking| booking.has_range && is_current(booking.status))
            }
            Choice::ReleaseRange => {
                self.range.is_some_and(|range| !range.active)
                    || request.is_some_and(|(request, around)| request.status.is_open() && !around.own_range)
            }
            Choice::FitRange => self.range.is_some_and(|range| range.active && range.place == Place::Right),
            Choice::WriteDefaults => self.unreadable.is_none() && self.range.is_none(),
            Choice::Cancel => {
                request.is_some_and(|(request, _)| request.status == Status::Cancelled)
                    || self.booking.is_some_and(|booking| booking.status == BookingStatus::Cancelled)
            }
        }
    }
}

/// What gives the request its booking: its approval, if it is linked to a booking that
/// fulfils it, and else the approval of the same request if nobody had decided it.
pub fn booking_for(request: &BookingRequest, layout: Layout, around: &Surroundings) -> Verdict {
    if request.status.is_open() && matches!(link(request, around), LinkState::Fulfils(..)) {
        return approval::approve(request, layout, Some(around));
    }
    let request = BookingRequest {
        status: Status::Requested,
        confirmed_at: None,
        approved_booking: None,
        linked: None,
        ..request.clone()
    };
    let around = Surroundings { linked: None, own_range: false, healed_as: None, ..around.clone() };
    approval::approve(&request, layout, Some(&around))
}

/// The choice that gives the request its booking, if there can be one, and the
/// booking if it exists.
fn booked_by(
    request: &BookingRequest,
    layout: Layout,
    around: &Surroundings,
) -> (Option<Choice>, Option<BookingId>) {
    match booking_for(request, layout, around) {
        Verdict::Book { .. } => (Some(Choice::Confirm), None),
        Verdict::Link { booking, .. } => (Some(Choice::LinkBooking), Some(booking)),
        Verdict::Refuse(_)
        | Verdict::Already { .. }
        | Verdict::Overlap(..)
        | Verdict::Inconsistent(_)
        | Verdict::NeedsSurroundings => (None, None),
    }
}

fn link(request: &BookingRequest, around: &Surroundings) -> LinkState {
    let Some(booking) = request.approved_booking else { return LinkState::None };
    match request.follow(around.linked.as_ref()) {
        Ok(nights) => LinkState::Fulfils(booking, nights),
        Err(Unfit::NoShow) if request.status == Status::Confirmed => LinkState::Past,
        Err(unfit) if unfit.is_strangers() => LinkState::Lost(InconsistencyKind::LinkNotFollowed),
        Err(_) => LinkState::Lost(InconsistencyKind::ConfirmedWithoutBooking),
    }
}

/// Whether nights that the booking never covered are sold to others, or are taken by
/// a range that no booking accounts for.
fn others_have_the_rest(
    request: &BookingRequest,
    around: &Surroundings,
    booking: BookingId,
    nights: Stay,
) -> bool {
    // A guest who left early had the nights that were left.
    let nights = match around.booked {
        Some(booked) => Stay { check_out: booked.check_out.max(nights.check_out), ..nights },
        None => nights,
    };
    let fulfilment = Fulfilment { asked: request.stay, booking: Some(booking), nights: Some(nights) };
    let uncovered = fulfilment.uncovered();
    let rest = |stay: Stay| uncovered.iter().any(|part| part.shared_nights(stay) > 0);
    let sold = |rival: &&Rival| {
        rival.booking != booking
            && rival.status.is_sold()
            && (rival.guest.is_none() || rival.guest != request.guest)
    };
    around.rivals.iter().filter(sold).any(|rival| rest(rival.stay))
        || around.strays(request).any(|stray| stray.source != Some(booking) && rest(stray.stay))
}

#[cfg(test)]
mod tests;
