//! Approvals that go together: one transaction for many calls, where Postgres is busy most
//! with what it does once for a transaction or a statement, not once for a row. Those of a
//! tenant are one statement; those of several tenants have a statement each, which sees
//! its tenant's rows alone.
//!
//! Only what needs nothing but its own row goes together: an open request out of which a
//! booking is made, which breaks no rule and declines nobody. It is decided as `approve.rs`
//! decides, by the same functions, while its row is locked, and it is stored by the
//! statement that commits. Whatever leaves a doubt goes alone afterwards, through
//! `approve.rs`, as if it had never been here, with one transaction less to begin: what was
//! approved before, what is linked, held or closed, what somebody else has locked, what the
//! database refuses, and all of a batch when anything goes wrong with it. So one bad row costs
//! its neighbours a little time, and never their answer.
//!
//! Calls that say which version they mean, have an idempotency key or set rules aside are
//! not here at all. Nor is the single table, where an approve changes the row of the request,
//! for which there is no `on conflict`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use access::TenantId;
use boot::{Count, Scrape};
use pg::{Fault, Kind};
use tokio::time::Instant;

use super::approve::Approve;
use super::together::{Batches, Together, Waiting};
use crate::call::Call;
use crate::domain::approval::{self, Approved, Verdict};
use crate::domain::ids::BookingRequestId;
use crate::domain::layout::Layout;
use crate::domain::rules::Neighbours;
use crate::error::Error;
use crate::store::approvals::{BookedTogether, LockedTogether};
use crate::store::requests::LockedRequest;
use crate::store::{Before, Change, Store};

/// The approvals of a process.
#[derive(Debug, Clone, Default)]
pub struct Approvals {
    together: Together<Asked, Answer>,
    ended: Arc<Ended>,
}

/// How batches ended.
#[derive(Debug, Default)]
struct Ended {
    stored: Count,
    useless: Count,
    failed: Count,
}

/// A call that may go with others.
#[derive(Debug)]
struct Asked {
    call: Call,
    approve: Approve,
}

/// Which request a call is about; ids of different tenants may be the same.
type Which = (TenantId, BookingRequestId);

impl Asked {
    fn which(&self) -> Which {
        (self.call.tenant, self.approve.id)
    }
}

/// What became of a call that went with others.
#[derive(Debug)]
enum Answer {
    Approved(Approved),
    /// The connection broke while it was being stored.
    Unknown(Fault),
    /// It is made alone.
    Alone(Before),
}

type Batch = Vec<Waiting<Asked, Answer>>;

/// A batch that takes longer than this is slow; 64 calls take a tenth of it.
const SLOW: Duration = Duration::from_millis(500);

impl Approvals {
    /// Approves a request, with others if there are several.
    pub async fn approve(&self, store: &Store, call: &Call, approve: Approve) -> Result<Approved, Error> {
        if call.expects_version() || approve.override_rules || !store.books_together() {
            return store.change(call, &approve).await;
        }
        // Here to the end, alone or not, so that others see that somebody is.
        let present = self.together.come(call.tenant.uuid());
        if present.goes_alone() {
            return store.change(call, &approve).await;
        }
        let asked = Arc::new(Asked { call: call.clone(), approve });
        let mut joined = present.join(Arc::clone(&asked));
        if let Some(batches) = joined.batches.take() {
            tokio::spawn(run(batches, store.clone(), Arc::clone(&self.ended)));
        }
        let before = match present.answer(joined).await {
            Some(Answer::Approved(approved)) => return Ok(approved),
            Some(Answer::Unknown(fault)) => return Err(fault.into()),
            Some(Answer::Alone(before)) => before,
            None => Before::default(),
        };
        store.change_after(before, call, &asked.approve).await
    }

    /// How batches ended. That they fail is told by no answer: each call is made alone then,
    /// and costs more.
    pub fn figures(&self, scrape: &mut Scrape) {
        let Ended { stored, useless, failed } = &*self.ended;
        for (outcome, count) in [("stored", stored), ("useless", useless), ("failed", failed)] {
            let help = "Batches of approvals, by whether any call, none, or none for a failure was stored.";
            scrape.count("frontdesk_approval_batches_total", help, &[("outcome", outcome)], count.get());
        }
    }
}

/// Runs batches until nobody waits.
async fn run(mut batches: Batches<Asked, Answer>, store: Store, ended: Arc<Ended>) {
    while let Some(batch) = batches.next() {
        let began = Instant::now();
        let stored = approve_all(&store, batch).await;
        match stored {
            Some(0) => ended.useless.add_one(),
            Some(_) => ended.stored.add_one(),
            None => ended.failed.add_one(),
        }
        if stored.is_none_or(|stored| stored == 0) {
            batches.was_useless();
        }
        if stored.is_none() || began.elapsed() > SLOW {
            batches.was_trouble();
        }
    }
}

/// Answers each call of a batch. How many were approved; `None` when it failed as a whole.
async fn approve_all(store: &Store, batch: Batch) -> Option<usize> {
    let (batch, doubles) = first_of_each(batch);
    let mut plain = HashMap::new();
    let stored = approve_plain(store, &batch, &mut plain).await;
    if let Err(fault) = &stored {
        tracing::debug!(calls = batch.len(), %fault, "approvals that went together failed together");
    }
    let approved = stored.as_ref().ok().map(HashSet::len);
    for waiting in batch {
        let which = waiting.job.which();
        let answer = match (plain.remove(&which), &stored) {
            (Some(approved), Ok(stored)) if stored.contains(&which) => Answer::Approved(approved),
            // What its dates are taken by shows around it.
            (Some(_), Ok(_)) => Answer::Alone(Before { transactions: 1, needs_locks: true }),
            (Some(_), Err(fault)) if *fault.kind() == Kind::OutcomeUnknown => {
                Answer::Unknown(Fault::new(Kind::OutcomeUnknown, fault.to_string()))
            }
            (None, _) | (Some(_), Err(_)) => Answer::Alone(Before { transactions: 1, needs_locks: false }),
        };
        waiting.answer(answer);
    }
    // Whatever has become of their request by now.
    for double in doubles {
        double.answer(Answer::Alone(Before::default()));
    }
    approved
}

/// The first call for each request, and the others.
fn first_of_each(batch: Batch) -> (Batch, Batch) {
    let mut seen = HashSet::new();
    batch.into_iter().partition(|waiting| seen.insert(waiting.job.which()))
}

/// Locks the requests of a batch, and approves those that are `plain`. Gives those that are
/// stored.
async fn approve_plain(
    store: &Store,
    batch: &Batch,
    plain: &mut HashMap<Which, Approved>,
) -> Result<HashSet<Which>, Fault> {
    let mut asked: BTreeMap<TenantId, Vec<BookingRequestId>> = BTreeMap::new();
    for waiting in batch {
        asked.entry(waiting.job.call.tenant).or_default().push(waiting.job.approve.id);
    }
    let approvals = store.begin_approvals(asked.keys().copied().collect()).await?;
    let locked = approvals.lock(asked).await?;
    let mut together: BTreeMap<TenantId, Vec<_>> = BTreeMap::new();
    for waiting in batch.iter().filter(|waiting| waiting.is_there()) {
        let Asked { call, approve } = &*waiting.job;
        let Some(one) = locked.get(&waiting.job.which()) else { continue };
        let Some(approved) = granted(one, approvals.layout()) else { continue };
        let booking = Change::new_booking();
        plain.insert(waiting.job.which(), approved.by(booking));
        let LockedRequest { request, .. } = &one.locked;
        let place = (request.property, request.stay.check_in, request.id);
        let (at, actor, note) = (one.at, call.actor, &*approve.note);
        let of_tenant = together.entry(call.tenant).or_default();
        of_tenant.push((place, BookedTogether { request: approve.id, booking, at, actor, note }));
    }
    if together.is_empty() {
        return Ok(HashSet::new());
    }
    let mut in_order = Vec::with_capacity(together.len());
    for (tenant, mut all) in together {
        // Their ranges are stored in this order, as their bookings are.
        all.sort_unstable_by_key(|(place, _)| *place);
        in_order.push((tenant, all.into_iter().map(|(_, one)| one).collect()));
    }
    approvals.book(in_order).await
}

/// What the approve of a locked request answers if it needs nothing but this row.
fn granted(one: &LockedTogether, layout: Layout) -> Option<Approved> {
    let LockedRequest { request, auto_decline, terms } = &one.locked;
    // Of a property that is not there, the database refuses the booking; where nights stay
    // empty between guests, the property has to be locked.
    let terms = terms.as_ref().ok()?.as_ref().filter(|terms| terms.rules.turnover_days.is_none())?;
    let verdict = approval::approve(request, layout, None);
    let books = matches!(verdict, Verdict::Book { evidence: None, hold: false });
    if !books || *auto_decline || request.stay.is_too_long() {
        return None;
    }
    let broken = terms.broken(request.stay, request.guest_count, one.now, Neighbours::default());
    verdict.answer(request, layout, &broken).ok()
}
