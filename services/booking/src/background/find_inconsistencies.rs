//! Finds rows that contradict each other or cannot be shown, in all tenants: first
//! what other programs have written, then a walk through every row, over and over. What
//! is wrong with a row is judged in the domain, and what is kept in the store; here is
//! how much of it is done at a time.
//!
//! A turn works for a twentieth of the time between two turns, so that a check costs the
//! database little however many rows there are. Servers share the work: a tenant whose
//! check another one has locked is passed over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pg::Fault;
use uuid::Uuid;

use crate::store::Store;

/// Time between two turns.
pub const PAUSE: Duration = Duration::from_secs(2);
/// How long a turn walks.
const WALK: Duration = Duration::from_millis(100);
/// How long a turn judges what was noted; what is left waits for the next one.
const NOTED: Duration = Duration::from_secs(1);

/// The tenant behind which the next turn goes on.
#[derive(Debug, Clone, Default)]
pub struct Place(Arc<Mutex<Uuid>>);

impl Place {
    fn get(&self) -> Uuid {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, tenant: Uuid) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = tenant;
    }
}

pub async fn run(store: Store, place: Place) -> Result<(), Fault> {
    // One tenant whose rows cannot be judged does not keep the others.
    let noted = judge_noted(&store).await;
    let walked = walk(&store, &place).await;
    noted.and(walked)
}

async fn judge_noted(store: &Store) -> Result<(), Fault> {
    let (began, mut after, mut failed) = (Instant::now(), Uuid::nil(), Ok(()));
    while let Some(tenant) = store.next_tenant(after, true).await? {
        after = tenant.uuid();
        loop {
            if began.elapsed() > NOTED {
                return failed;
            }
            match store.check_suspects(tenant, Timestamp::now()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    failed = Err(fault);
                    break;
                }
            }
        }
    }
    failed
}

/// Goes on where the turn before ended, and once round at most.
async fn walk(store: &Store, place: &Place) -> Result<(), Fault> {
    let (began, first, mut failed) = (Instant::now(), place.get(), Ok(()));
    let (mut after, mut round) = (first, false);
    loop {
        let Some(tenant) = store.next_tenant(after, false).await? else {
            if round {
                return failed;
            }
            (after, round) = (Uuid::nil(), true);
            continue;
        };
        if round && tenant.uuid() > first {
            return failed;
        }
        loop {
            if began.elapsed() > WALK {
                return failed;
            }
            match store.check_step(tenant, Timestamp::now()).await {
                Ok(true) => {}
                Ok(false) => break,
                Err(fault) => {
                    failed = Err(fault);
                    break;
                }
            }
        }
        after = tenant.uuid();
        place.set(after);
    }
}
