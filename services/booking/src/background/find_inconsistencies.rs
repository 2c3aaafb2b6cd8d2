//! Finds rows that contradict each other or cannot be shown, in all tenants: first what
//! other programs and this process have written, then a walk through every row, over and
//! over. What is wrong with a row is judged in the domain, and what is kept in the store;
//! here is how much of it is done at a time. Each of the three goes on with the tenant
//! after the last one, so that one that is written to without a pause keeps no other
//! waiting.
//!
//! A turn walks for a twentieth of the time between two turns, so that a check costs the
//! database little however many rows there are; where other programs write very much, it
//! judges that for half of the time besides. Servers share the work: a tenant whose
//! check another one has locked is passed over.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::TenantId;
use jiff::Timestamp;
use pg::Fault;
use uuid::Uuid;

use super::round::Round;
use crate::store::Store;

/// Time between two turns.
pub const PAUSE: Duration = Duration::from_secs(2);
/// How long a turn walks.
const WALK: Duration = Duration::from_millis(100);
/// How long of that it goes from one tenant to the next.
const ROUND: Duration = Duration::from_millis(50);
/// Steps that a tenant gets when its turn comes; most need no more for all their rows.
const STEPS: usize = 8;
/// How long a turn judges what this process has written.
const OWN: Duration = Duration::from_millis(10);
/// How long a turn judges what was noted; what is left waits for the next one.
const NOTED: Duration = Duration::from_secs(1);

/// Where the next turn goes on.
#[derive(Debug, Clone, Default)]
pub struct Place(Arc<Mutex<Walked>>);

#[derive(Debug, Default)]
struct Walked {
    /// The tenant after which it goes from one to the next.
    after: Uuid,
    /// The same of what other programs have written.
    noted: Uuid,
    /// The same of what this process has written.
    own: Uuid,
    /// Tenants that need more steps than a round gives them, the next one first.
    long: VecDeque<TenantId>,
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, Walked> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub async fn run(store: Store, place: Place) -> Result<(), Fault> {
    // One tenant whose rows cannot be judged does not keep the others.
    let noted = judge_noted(&store, &place).await;
    let own = judge_own(&store, &place).await;
    let walked = walk(&store, &place).await;
    noted.and(own).and(walked)
}

/// What other programs have written, in every tenant.
async fn judge_noted(store: &Store, place: &Place) -> Result<(), Fault> {
    let (began, mut judged) = (Instant::now(), Ok(()));
    let mut round = Round::after(place.lock().noted);
    while began.elapsed() <= NOTED
        && let Some(tenant) = round.next(|after| store.next_tenant(after, true)).await?
    {
        place.lock().noted = tenant.uuid();
        judged = judged.and(judge_of(store, tenant, began, NOTED).await);
    }
    judged
}

/// What this process has written. There may be much of it on a busy day, and nobody
/// waits for it: a part is judged, and the walk finds the rest.
async fn judge_own(store: &Store, place: &Place) -> Result<(), Fault> {
    let (began, mut judged) = (Instant::now(), Ok(()));
    let after = place.lock().own;
    for tenant in store.own_writes(after) {
        if began.elapsed() > OWN {
            break;
        }
        place.lock().own = tenant.uuid();
        judged = judged.and(judge_of(store, tenant, began, OWN).await);
    }
    judged
}

/// Judges what was noted of a tenant, while there is time.
async fn judge_of(store: &Store, tenant: TenantId, began: Instant, limit: Duration) -> Result<(), Fault> {
    while began.elapsed() <= limit && store.check_suspects(tenant, Timestamp::now()).await? {}
    Ok(())
}

/// Half of a turn goes from tenant to tenant, the rest to those that have many rows: so
/// that neither one that is large nor many that are small keep the others waiting.
async fn walk(store: &Store, place: &Place) -> Result<(), Fault> {
    let began = Instant::now();
    let round = go_round(store, place, began).await;
    round.and(go_on(store, place, began).await)
}

/// Goes on where the turn before ended, and once round at most.
async fn go_round(store: &Store, place: &Place, began: Instant) -> Result<(), Fault> {
    let mut walked = Ok(());
    let mut round = Round::after(place.lock().after);
    while began.elapsed() < ROUND
        && let Some(tenant) = round.next(|after| store.next_tenant(after, false)).await?
    {
        place.lock().after = tenant.uuid();
        if place.lock().long.contains(&tenant) {
            continue;
        }
        let mut steps = 0;
        while steps < STEPS {
            match store.check_step(tenant, Timestamp::now()).await {
                Ok(true) => steps += 1,
                Ok(false) => break,
                Err(fault) => {
                    walked = Err(fault);
                    break;
                }
            }
        }
        if steps == STEPS {
            place.lock().long.push_back(tenant);
        }
    }
    walked
}

/// Goes on with those that have many rows, a step each.
async fn go_on(store: &Store, place: &Place, began: Instant) -> Result<(), Fault> {
    let mut walked = Ok(());
    while began.elapsed() < WALK {
        let Some(tenant) = place.lock().long.pop_front() else { break };
        match store.check_step(tenant, Timestamp::now()).await {
            Ok(true) => place.lock().long.push_back(tenant),
            // At its end, or another server is at it.
            Ok(false) => {}
            Err(fault) => walked = Err(fault),
        }
    }
    walked
}
