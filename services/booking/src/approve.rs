//! Approving a booking request.
//!
//! The request's row is locked, the decision is made on what the lock shows,
//! and the booking is stored in the statement that commits. Whether the dates
//! are free is for the constraint `no_double_bookings` to say; when it says no,
//! the transaction is over, and the next one looks at everything around the
//! request before it decides.

use std::sync::Arc;

use prost::Message;
use uuid::Uuid;

use crate::call::Call;
use crate::domain::approval::{self, Evidence, Layout, Verdict};
use crate::domain::ids::{BookingId, BookingRequestId};
use crate::domain::request::BookingRequest;
use crate::domain::stay::Coverage;
use crate::error::{Error, OverlapOf};
use crate::store::{Begun, Deed, Linked, Schema, Store};

/// How often a conflict may vanish before it is given up.
const VANISHING_CONFLICTS: u32 = 3;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approved {
    pub request: BookingRequestId,
    /// Unknown only for a confirmed request whose booking was lost.
    pub booking: Option<BookingId>,
    pub outcome: Outcome,
    pub evidence: Option<Evidence>,
    pub coverage: Option<Coverage>,
    pub layout: Layout,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The booking.
    Approved,
    /// Nothing.
    AlreadyApproved,
    /// What an earlier approval had left out.
    Healed,
}

enum Attempt<M> {
    Done(M),
    /// The dates are taken, or the row alone did not tell; nothing was stored.
    LookCloser,
}

/// Approves a request.
pub async fn approve<M: Message + Default>(
    store: &Store,
    call: &Call,
    id: BookingRequestId,
    note: &str,
    answer: impl Fn(Approved) -> M,
) -> Result<M, Error> {
    let answer = &answer;
    for round in 0..=VANISHING_CONFLICTS {
        let attempt =
            store.run(async |schema| attempt(store, &schema, call, id, note, round > 0, answer).await);
        match attempt.await? {
            Attempt::Done(answer) => return Ok(answer),
            Attempt::LookCloser => tracing::debug!(round, "looking closer"),
        }
    }
    Err(pg::Fault::new(pg::Kind::Contention, "conflicting bookings kept coming and going").into())
}

async fn attempt<M: Message + Default>(
    store: &Store,
    schema: &Arc<Schema>,
    call: &Call,
    id: BookingRequestId,
    note: &str,
    closely: bool,
    answer: &impl Fn(Approved) -> M,
) -> Result<Attempt<M>, Error> {
    let mut deed = match call.begin(store, schema).await? {
        Begun::Fresh(deed) => deed,
        Begun::Answered(answer) => return Ok(Attempt::Done(answer)),
    };
    let (request, auto_decline) = deed.lock_booking_request(id).await?.ok_or(Error::RequestNotFound(id))?;
    call.check_version(request.row_version)?;
    let mut verdict = approval::approve(&request, schema.layout, None);
    let mut own_range = false;
    if closely || verdict == Verdict::LookCloser {
        let around = deed.look_around(&request).await?;
        own_range = around.own_range;
        verdict = approval::approve(&request, schema.layout, Some(&around));
    }
    let told = |outcome, booking, evidence, coverage| Approved {
        request: id,
        booking,
        outcome,
        evidence,
        coverage,
        layout: schema.layout,
    };
    match verdict {
        Verdict::Refuse(state) => {
            Err(Error::InvalidTransition { subject: "booking request", step: "approved", state })
        }
        Verdict::Overlap(kind) => Err(real_conflict(&request, OverlapOf::Request(kind))),
        Verdict::LookCloser => Ok(Attempt::LookCloser),
        Verdict::Already { booking, evidence, coverage } => {
            let reply = answer(told(Outcome::AlreadyApproved, booking, Some(evidence), coverage));
            deed.settle(|| reply.encode_to_vec()).await?;
            Ok(Attempt::Done(reply))
        }
        Verdict::Book { evidence, hold } => {
            let outcome = if evidence.is_some() { Outcome::Healed } else { Outcome::Approved };
            let reply = |booking| answer(told(outcome, Some(booking), evidence, None));
            let wanted = Wanted { request: &request, note, evidence, hold, own_range, auto_decline };
            book(deed, wanted, reply).await
        }
        Verdict::Link { booking, evidence, coverage, soft } => {
            if soft {
                tracing::info!(booking_request_id = %id.0, evidence = evidence.name(), "Soft-healing booking request");
            }
            let reply = answer(told(Outcome::Healed, Some(booking), Some(evidence), Some(coverage)));
            link(deed, &request, Linked { booking, evidence, soft }, note, own_range, reply).await
        }
    }
}

/// A booking to make.
struct Wanted<'a> {
    request: &'a BookingRequest,
    note: &'a str,
    evidence: Option<Evidence>,
    hold: bool,
    own_range: bool,
    auto_decline: bool,
}

async fn book<M: Message>(
    mut deed: Deed,
    wanted: Wanted<'_>,
    reply: impl Fn(BookingId) -> M,
) -> Result<Attempt<M>, Error> {
    let Wanted { request, note, evidence, hold, own_range, auto_decline } = wanted;
    if own_range {
        deed.release_ranges(request.id).await?;
    }
    if auto_decline {
        deed.decline_competitors(request).await?;
    }
    let range = Uuid::now_v7();
    let booking = match (deed.schema.layout, hold, request.held_booking) {
        (Layout::SingleTable, _, _) => BookingId(request.id.0),
        (Layout::Standard, true, Some(held)) => held,
        (Layout::Standard, _, _) => BookingId(Uuid::now_v7()),
    };
    let encoded = || reply(booking).encode_to_vec();
    let stored = if hold && request.held_booking.is_some() {
        deed.book_hold(request.id, range, evidence, note, encoded).await
    } else {
        deed.book(request.id, (booking, range), evidence, note, encoded).await
    };
    match stored {
        Ok(Some(booking)) => Ok(Attempt::Done(reply(booking))),
        Ok(None) => Ok(Attempt::LookCloser),
        Err(fault) if is_taken(&fault) => Ok(Attempt::LookCloser),
        Err(fault) => Err(fault.into()),
    }
}

async fn link<M: Message>(
    mut deed: Deed,
    request: &BookingRequest,
    linked: Linked,
    note: &str,
    own_range: bool,
    reply: M,
) -> Result<Attempt<M>, Error> {
    if own_range {
        deed.release_ranges(request.id).await?;
    }
    match deed.link(request.id, linked, Uuid::now_v7(), note, || reply.encode_to_vec()).await {
        Ok(Some(_)) => Ok(Attempt::Done(reply)),
        Ok(None) => Ok(Attempt::LookCloser),
        // The fulfilling booking has no range and cannot get one: nothing was healed.
        Err(fault) if is_taken(&fault) => {
            Err(real_conflict(request, OverlapOf::Request(approval::ConflictKind::Inventory)))
        }
        Err(fault) => Err(fault.into()),
    }
}

fn is_taken(fault: &pg::Fault) -> bool {
    fault.on_constraint("no_double_bookings") || fault.on_constraint("inventory_ranges_no_overlap")
}

fn real_conflict(request: &BookingRequest, of: OverlapOf) -> Error {
    tracing::info!(booking_request_id = %request.id.0, "Real booking conflict on approve");
    Error::Overlap { stay: request.stay, of }
}
