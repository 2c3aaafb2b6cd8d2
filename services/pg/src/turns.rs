//! Turns for changes, which wait for each other's rows, so that those who wait do not
//! have every connection: reads always have some left, and so have the changes of other
//! tenants. Whoever waits for a turn has no connection. How many wait is bounded, and
//! so is how long.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use crate::{Fault, Kind};

/// How long a change waits for its turn; as long as for a lock.
const PATIENCE: Duration = Duration::from_secs(2);
/// Tenants that are remembered before those without changes are forgotten.
const MOST_REMEMBERED: usize = 1024;

/// Who may change something now.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Turns of all tenants.
    all: Arc<Semaphore>,
    /// How many they are.
    most: usize,
    /// How many turns one tenant has.
    of_one: usize,
    /// How many changes of one tenant may wait.
    most_waiting: usize,
    tenants: Mutex<HashMap<Uuid, Arc<TenantTurns>>>,
}

/// The changes of a tenant.
#[derive(Debug)]
struct TenantTurns {
    turns: Arc<Semaphore>,
    waiting: AtomicUsize,
}

/// The right to a connection for a change, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _of_tenant: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

/// Somebody who waits.
struct Waits<'tenant>(&'tenant TenantTurns);

impl Turns {
    /// Turns for a pool of this size: three quarters of it for changes, five eighths
    /// for those of one tenant.
    pub(crate) fn new(pool_size: usize) -> Self {
        let all = pool_size - (pool_size / 4).max(usize::from(pool_size > 1));
        Self {
            all: Arc::new(Semaphore::new(all)),
            most: all,
            of_one: (pool_size * 5 / 8).clamp(1, all),
            most_waiting: pool_size * 8,
            tenants: Mutex::default(),
        }
    }

    /// Waits for a turn of a tenant.
    pub(crate) async fn turn(&self, tenant: Uuid) -> Result<Turn, Fault> {
        let tenant_turns = self.tenant_turns(tenant);
        let waits = Waits::of(&tenant_turns);
        let others = waits.others();
        if others >= self.most_waiting {
            return Err(crowded(others));
        }
        let turn = async {
            let of_tenant = Arc::clone(&tenant_turns.turns).acquire_owned().await.ok()?;
            let of_all = Arc::clone(&self.all).acquire_owned().await.ok()?;
            Some(Turn { _of_tenant: of_tenant, _of_all: of_all })
        };
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(turn) => turn.ok_or_else(|| Fault::new(Kind::Unavailable, "the pool is closed")),
            Err(_) => Err(crowded(waits.others())),
        }
    }

    /// Changes that have a turn, and those that wait for one.
    pub(crate) fn in_use(&self) -> (usize, usize) {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = tenants.values().map(|tenant| tenant.waiting.load(Ordering::Relaxed)).sum();
        (self.most - self.all.available_permits().min(self.most), waiting)
    }

    fn tenant_turns(&self, tenant: Uuid) -> Arc<TenantTurns> {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if tenants.len() >= MOST_REMEMBERED {
            tenants.retain(|_, tenant_turns| {
                Arc::strong_count(tenant_turns) > 1 || tenant_turns.has_turns(self.of_one)
            });
        }
        let tenant_turns = tenants.entry(tenant).or_insert_with(|| {
            Arc::new(TenantTurns {
                turns: Arc::new(Semaphore::new(self.of_one)),
                waiting: AtomicUsize::new(0),
            })
        });
        Arc::clone(tenant_turns)
    }
}

fn crowded(waiting: usize) -> Fault {
    Fault::new(Kind::Crowded { waiting }, format!("{waiting} changes of the tenant wait"))
}

impl TenantTurns {
    fn has_turns(&self, of_one: usize) -> bool {
        self.turns.available_permits() < of_one
    }
}

impl<'tenant> Waits<'tenant> {
    fn of(tenant_turns: &'tenant TenantTurns) -> Self {
        tenant_turns.waiting.fetch_add(1, Ordering::Relaxed);
        Self(tenant_turns)
    }

    /// How many others of the tenant wait.
    fn others(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed).saturating_sub(1)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::future::join_all;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[tokio::test(start_paused = true)]
    async fn one_tenant_leaves_turns_for_others() {
        let changes = Turns::new(16);
        let turns = join_all((0..10).map(|_| changes.turn(ONE))).await;
        assert!(turns.iter().all(Result::is_ok));
        let refused = changes.turn(ONE).await.unwrap_err();
        assert_eq!(*refused.kind(), Kind::Crowded { waiting: 0 });
        let [first, second] = [changes.turn(OTHER).await.unwrap(), changes.turn(OTHER).await.unwrap()];
        // The rest of the pool is for reads.
        assert!(changes.turn(OTHER).await.is_err());
        drop((first, second));
        drop(turns);
        assert!(changes.turn(ONE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_refused_at_once() {
        let changes = Arc::new(Turns::new(1));
        let _turn = changes.turn(ONE).await.unwrap();
        let waiting: Vec<_> = (0..8)
            .map(|_| {
                let changes = Arc::clone(&changes);
                tokio::spawn(async move { changes.turn(ONE).await })
            })
            .collect();
        tokio::task::yield_now().await;
        let began = tokio::time::Instant::now();
        let refused = changes.turn(ONE).await.unwrap_err();
        assert_eq!(*refused.kind(), Kind::Crowded { waiting: 8 });
        assert!(began.elapsed() < PATIENCE);
        let refusal = refused.refusal();
        assert_eq!(refusal.reason(), frontdesk_proto::ErrorReason::Overloaded);
        assert!(refusal.metadata().any(|pair| pair == ("waiting", "8")));
        drop(waiting);
    }

    #[tokio::test]
    async fn tenants_without_changes_are_forgotten() {
        let changes = Turns::new(4);
        let held = changes.turn(ONE).await.unwrap();
        for tenant in 10..10 + MOST_REMEMBERED as u128 {
            changes.turn(Uuid::from_u128(tenant)).await.unwrap();
        }
        let tenants = changes.tenants.lock().unwrap();
        assert!(tenants.len() < MOST_REMEMBERED && tenants.contains_key(&ONE));
        drop(held);
    }
}
