//! Putting a row right by a choice that the list of inconsistencies names for it.
//!
//! The row is locked with what surrounds it and judged as the list judges it, so that
//! exactly what the list would offer now is done. A request gets its booking as an
//! approval gives it, and is cancelled as any other; the choice is recorded after that.
//! What sells nights again is held against the rules of the property like an approval.

use pg::Fault;

use crate::domain::approval::{Evidence, Surroundings, Verdict};
use crate::domain::ids::{BookingId, BookingRequestId, RowId};
use crate::domain::inconsistency::{self, Choice, Decision, Inconsistency, InconsistencyKind, Subject};
use crate::domain::judgement;
use crate::domain::request::BookingRequest;
use crate::domain::rules::Broken;
use crate::domain::steps::{self, Step};
use crate::error::rules::RulesOf;
use crate::error::{Error, Reason, Refusal};
use crate::store::bookings::GroupOf;
use crate::store::constraints::{dates_are_taken, external_id_is_taken};
use crate::store::decisions::{Closing, NewLink, Requested, Winner};
use crate::store::judged::Judged;
use crate::store::resolutions::Resolution;
use crate::store::{Attempt, Change, Finished, Work};

use super::cancel::{CancelBooking, CancelRequest, is_whole};
use super::rules::{self, RequestedStay};

/// The scopes by which properties and customers are changed.
const MANAGE_PROPERTIES: &str = "properties:manage";
const MANAGE_CUSTOMERS: &str = "customers:manage";

/// Puts a row right.
#[derive(Debug)]
pub struct Resolve {
    pub row: RowId,
    pub choice: Choice,
    pub note: String,
    /// Whether rules of the stay are set aside.
    pub override_rules: bool,
    /// Of the caller: properties and customers are changed with scopes of their own.
    pub scopes: Vec<String>,
}

/// What came of a choice.
#[derive(Debug, Clone, Copy)]
pub struct Resolved {
    pub row: RowId,
    pub choice: Choice,
    /// What was wrong; `None` when the row was as the choice leaves it.
    pub kind: Option<InconsistencyKind>,
    pub request: Option<BookingRequestId>,
    /// As it is now.
    pub booking: Option<BookingId>,
}

impl Work for Resolve {
    type Outcome = Resolved;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Resolved>, Error> {
        let Self { row, choice, .. } = *self;
        let mut group = Vec::new();
        if choice == Choice::Cancel {
            // Whoever cancels locks in this order.
            change.lock_property_of(row).await?;
            group = change.lock_booking_group(GroupOf::Request(BookingRequestId(row.0))).await?;
            group.extend(change.lock_booking_group(GroupOf::Booking(BookingId(row.0))).await?);
        }
        let judged = change.lock_judged(row).await?.ok_or_else(|| not_found(row))?;
        let as_chosen = judged.facts.is_as_chosen(choice, change.layout());
        match inconsistency::decide(choice, &judged.wrong, as_chosen) {
            Decision::Go(wrong) => {
                change.check_version(wrong.version)?;
                change.is_expected();
                self.carry_out(change, &judged, &group, wrong).await
            }
            Decision::Done => {
                change.check_version(judged.facts.version())?;
                let request = judged.facts.request.as_ref().map(|(request, _)| request);
                let booking = judged.booking.as_ref().map(|booking| booking.id);
                let done = Resolved {
                    row,
                    choice,
                    kind: None,
                    request: request.map(|request| request.id),
                    booking: request.and_then(|request| request.approved_booking).or(booking),
                };
                Ok(Attempt::Done(change.settle(done)))
            }
            Decision::NotOffered(offered) => Err(not_offered(choice, &offered, &judged.wrong)),
        }
    }
}

impl Resolve {
    /// What is written here is otherwise written with a scope of its own.
    fn check_scope(&self, subject: Subject) -> Result<(), Error> {
        let scope = match subject {
            Subject::Property => MANAGE_PROPERTIES,
            Subject::Customer => MANAGE_CUSTOMERS,
            Subject::Request | Subject::Booking | Subject::Range => return Ok(()),
        };
        if self.scopes.iter().any(|held| held == scope) {
            return Ok(());
        }
        Err(Error::Refused(
            Refusal::new(
                Reason::ScopeMissing,
                format!("The row is unchanged: what it is about is changed with the scope {scope}, which your role does not give you. Ask somebody who has it."),
            )
            .with("required", scope)
            .with("missing", scope)
            .with("granted", self.scopes.join(" ")),
        ))
    }

    async fn carry_out(
        &self,
        mut change: Change,
        judged: &Judged,
        group: &[BookingRequestId],
        wrong: Inconsistency,
    ) -> Result<Attempt<Resolved>, Error> {
        let Self { row, choice, ref note, .. } = *self;
        let Inconsistency { kind, subject, request, booking, .. } = wrong;
        change.more_follows();
        let made = match (choice, &judged.facts.request) {
            (Choice::ClearMark | Choice::ClearLink | Choice::Reopen, _) => {
                Attempt::Done(change.clear_fulfilment(row, note, None).await?)
            }
            (Choice::Confirm | Choice::LinkBooking, Some((request, around))) => {
                Give { request, around, judged, kind, of: self }.booking(change).await?
            }
            (Choice::Confirm | Choice::LinkBooking, None) => return Err(not_found(row)),
            (Choice::RestoreRange, _) => ranged(change.restore_range(row, Some(BookingId(row.0))).await)?,
            (Choice::FitRange, _) => {
                let source = booking.ok_or_else(|| not_found(row))?;
                ranged(change.fit_range(row, source, Some(source)).await)?
            }
            (Choice::ReleaseRange, Some((request, _))) => {
                change.release_ranges(request).await?;
                Attempt::Done(change.settle(None))
            }
            (Choice::ReleaseRange, None) => Attempt::Done(change.release_range(row, booking).await?),
            (Choice::WriteDefaults, _) => {
                self.check_scope(subject)?;
                let written = change.write_defaults(row, subject, booking).await;
                Attempt::Done(written.map_err(|fault| not_by_itself(row, fault))?)
            }
            (Choice::Cancel, _) if is_unseen(kind) => {
                self.cancel_unseen(change, judged, request, group).await?
            }
            (Choice::Cancel, _) => match request {
                Some(id) => {
                    let cancel = CancelRequest { id, note: note.clone() };
                    cancel.attempt(change).await?.map(|done| done.booking)
                }
                None => {
                    let cancel = CancelBooking { id: BookingId(row.0) };
                    cancel.attempt(change).await?.map(|booking| Some(booking.id))
                }
            },
        };
        let finished = match made {
            Attempt::Done(finished) => finished,
            Attempt::NeedsLocks => return Ok(Attempt::NeedsLocks),
            Attempt::NeedsLocksOr(error) => return Ok(Attempt::NeedsLocksOr(error)),
        };
        let finished = finished.map(|booking| Resolved { row, choice, kind: Some(kind), request, booking });
        let booking = finished.outcome().booking.or(booking);
        tracing::info!(row_id = %row.0, kind = kind.name(), choice = choice.name(), "an inconsistency is resolved");
        Ok(Attempt::Done(finished.recording(Resolution { row, choice, request, booking }).await?))
    }

    /// Cancels a row that other calls do not see, as they cancel what they see: with the
    /// booking that was made for it, the requests that are confirmed by it, its hold and
    /// its ranges.
    async fn cancel_unseen(
        &self,
        mut change: Change,
        judged: &Judged,
        request: Option<BookingRequestId>,
        group: &[BookingRequestId],
    ) -> Result<Attempt<Option<BookingId>>, Error> {
        let note = &self.note;
        let (booking, of) = match request.filter(|_| !change.layout().request_is_its_booking()) {
            Some(request) => {
                let own = change.lock_own_booking(request).await?.map(|locked| locked.booking);
                let own = own.filter(|own| own.guest.is_none() || own.guest == judged.guest);
                // A booking that cannot be cancelled stays: it is a row of its own.
                let own = own.filter(|own| steps::cancel_booking(own.status, false) == Step::Go);
                let Some(own) = own else {
                    let closed = change.close(request, Closing::Cancelled, note, None).await?;
                    return closed.map(Attempt::Done).ok_or_else(|| not_found(self.row));
                };
                (own.id, Some(request))
            }
            None => (BookingId(self.row.0), None),
        };
        if !is_whole(&change, booking, group).await? {
            return Ok(Attempt::NeedsLocks);
        }
        let cancelled = change.cancel_unread(booking, of, note, Some(booking)).await?;
        let cancelled = cancelled.ok_or_else(|| not_found(self.row))?;
        if cancelled.leaves_in_the_way(self.row).await? {
            return Err(still_covered());
        }
        Ok(Attempt::Done(cancelled))
    }
}

/// Whether what is wrong keeps other calls from the row: it cannot be shown, or was
/// deleted.
fn is_unseen(kind: InconsistencyKind) -> bool {
    matches!(kind, InconsistencyKind::Unreadable | InconsistencyKind::DeletedInTheWay)
}

/// A range that has been stored; somebody may have taken its nights since the row was
/// judged, which then offers something else.
fn ranged<O>(stored: Result<Finished<O>, Fault>) -> Result<Attempt<O>, Error> {
    match stored {
        Ok(finished) => Ok(Attempt::Done(finished)),
        Err(fault) if dates_are_taken(&fault) => Ok(Attempt::NeedsLocksOr(fault.into())),
        Err(fault) => Err(fault.into()),
    }
}

/// Giving a request its booking.
struct Give<'a> {
    request: &'a BookingRequest,
    around: &'a Surroundings,
    judged: &'a Judged,
    kind: InconsistencyKind,
    of: &'a Resolve,
}

impl Give<'_> {
    async fn booking(&self, mut change: Change) -> Result<Attempt<Option<BookingId>>, Error> {
        let Self { request, around, judged, kind, of: Resolve { note, override_rules, .. } } = *self;
        let layout = change.layout();
        let evidence = match kind {
            InconsistencyKind::ConfirmedAtSet => Some(Evidence::ConfirmedAtSet),
            InconsistencyKind::InventoryActive => Some(Evidence::InventoryActive),
            _ => None,
        };
        let verdict = judgement::booking_for(request, layout, around);
        let stored = match verdict {
            Verdict::Book { hold, .. } => {
                // Nights that nothing says were sold before are sold now.
                let terms = if evidence.is_none() { judged.terms.clone()? } else { None };
                let broken = match terms {
                    Some(terms) => rules::broken(&change, &terms, RequestedStay::of(request)).await?,
                    None => Vec::new(),
                };
                let broken: Vec<Broken> = match change.too_long(request.stay) {
                    Some(limit) => vec![limit],
                    None => broken,
                };
                if !broken.is_empty() && (!override_rules || broken.iter().any(|one| one.is_limit())) {
                    return Err(Error::RulesBroken { broken, of: RulesOf::Resolution });
                }
                if around.hold_moved {
                    change.give_up_hold(request.id).await?;
                }
                if judged.auto_decline {
                    change.decline_competitors(&Winner::of_request(request));
                }
                let of_hold = hold && request.held_booking.is_some();
                let booking = layout.booking_of(request, hold).unwrap_or_else(Change::new_booking);
                let own_range = around.own_range;
                let of =
                    Requested { request, booking, of_hold, own_range, evidence, note, overridden: &broken };
                change.book(of, Some(booking)).await
            }
            Verdict::Link { booking, evidence: found, soft, .. } => {
                let evidence = evidence.unwrap_or(found);
                if around.own_range {
                    change.release_ranges(request).await?;
                }
                let link = NewLink { request: request.id, booking, evidence, soft, note };
                change.link(link, Some(booking)).await
            }
            Verdict::Refuse(_)
            | Verdict::Already { .. }
            | Verdict::Overlap(..)
            | Verdict::Inconsistent(_)
            | Verdict::NeedsSurroundings => {
                return Ok(Attempt::NeedsLocks);
            }
        };
        match stored {
            Ok(Some(finished)) => Ok(Attempt::Done(finished)),
            Ok(None) => Ok(Attempt::NeedsLocks),
            Err(fault) if dates_are_taken(&fault) => Ok(Attempt::NeedsLocksOr(fault.into())),
            Err(fault) => Err(fault.into()),
        }
    }
}

fn not_found(RowId(row): RowId) -> Error {
    Error::Refused(
        Refusal::new(
            Reason::InconsistencyNotFound,
            format!("The tenant has no booking request, booking, inventory range, property or customer {row}. GET /api/v1/diagnostics/inconsistencies lists what can be resolved."),
        )
        .with("row_id", row.to_string()),
    )
}

/// Columns that cannot get the values of a new row: a customer without a source would have
/// the external id of another one that has none.
fn not_by_itself(RowId(row): RowId, fault: Fault) -> Error {
    if !external_id_is_taken(&fault) {
        return fault.into();
    }
    Error::Refused(
        Refusal::new(
            Reason::ChoiceNotOffered,
            format!("Without a source the customer would have the external id of another customer. It is unchanged; give it a source (PATCH /api/v1/customers/{row}), or merge the two."),
        )
        .with("choices", ""),
    )
}

fn not_offered(choice: Choice, offered: &[Choice], wrong: &[Inconsistency]) -> Error {
    let names: Vec<&str> = offered.iter().map(|choice| choice.name()).collect();
    let choice = choice.name();
    let message = if !wrong.is_empty() && names.is_empty() {
        format!(
            "The row does not offer {choice}. It is unchanged: no choice puts it right, and GET /api/v1/diagnostics/inconsistencies says what does."
        )
    } else if names.is_empty() {
        format!(
            "Nothing contradicts the row any more, and it does not offer {choice}. It is unchanged; read it again, or choose for a row that GET /api/v1/diagnostics/inconsistencies lists."
        )
    } else {
        format!("The row does not offer {choice}. It is unchanged; choose one of: {}.", names.join(", "))
    };
    Error::Refused(Refusal::new(Reason::ChoiceNotOffered, message).with("choices", names.join(",")))
}

/// A deleted row that a cancel does not free.
fn still_covered() -> Error {
    Error::Refused(
        Refusal::new(
            Reason::ChoiceNotOffered,
            "The row was deleted, and cancelled it would keep its nights all the same: the constraint against double bookings covers it by more than its status. It is unchanged. The program that writes it has to take it away, or delete the row; GET /v1/booking-requests/{booking_request_id}/explain of a request for these nights shows the constraint.",
        )
        .with("choices", ""),
    )
}
