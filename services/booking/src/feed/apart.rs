//! Feeds that are looked for one by one, beside those that are looked for together: those
//! that were in a look that failed, until each has been looked for, and those that failed by
//! themselves, each after a while. How a look is made is known in `reader.rs`.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// How many are looked for at the same time: one that takes long keeps the others
/// waiting only together with as many of its kind.
const AT_ONCE: usize = 4;

/// The tenants, and when each is looked for; `None` while it is.
#[derive(Debug, Default)]
pub struct Apart {
    tenants: Mutex<HashMap<Uuid, Option<Instant>>>,
    added: Notify,
}

impl Apart {
    /// From now on a tenant is looked for by itself, from then on.
    pub fn add(&self, tenant: Uuid, from: Instant) {
        self.tenants().insert(tenant, Some(from));
        self.added.notify_one();
    }

    /// It is looked for together with others again.
    pub fn leave(&self, tenant: Uuid) {
        self.tenants().remove(&tenant);
    }

    /// Whether it is looked for by itself.
    pub fn has(&self, tenant: &Uuid) -> bool {
        self.tenants().contains_key(tenant)
    }

    /// The tenant that is to be looked for now, beside so many, and longest.
    pub fn begin(&self, now: Instant, under_way: usize) -> Option<Uuid> {
        let mut tenants = self.tenants();
        let (tenant, from) = waiting(&tenants).filter(|_| under_way < AT_ONCE)?;
        if from > now {
            return None;
        }
        tenants.insert(tenant, None);
        Some(tenant)
    }

    /// Waits until one may have to be looked for.
    pub async fn due(&self, under_way: usize) {
        let next = waiting(&self.tenants()).filter(|_| under_way < AT_ONCE);
        let due = async {
            match next {
                Some((_, from)) => tokio::time::sleep_until(from).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = due => {}
            () = self.added.notified() => {}
        }
    }

    fn tenants(&self) -> MutexGuard<'_, HashMap<Uuid, Option<Instant>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The one that waits to be looked for first.
fn waiting(tenants: &HashMap<Uuid, Option<Instant>>) -> Option<(Uuid, Instant)> {
    tenants.iter().filter_map(|(tenant, from)| Some((*tenant, (*from)?))).min_by_key(|(_, from)| *from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_few_are_looked_for_at_once_the_longest_waiting_first() {
        let (apart, now) = (Apart::default(), Instant::now());
        let tenant = |number: u64| Uuid::from_u128(u128::from(number));
        for number in 0..6 {
            apart.add(tenant(number), now + Duration::from_secs(number));
        }
        assert_eq!(apart.begin(now, 0), Some(tenant(0)));
        assert_eq!(apart.begin(now, 1), None, "the next one is to be looked for in a second");
        // Somebody was added, and then the next one is due.
        apart.due(1).await;
        apart.due(1).await;
        assert_eq!(now.elapsed(), Duration::from_secs(1));
        assert_eq!(apart.begin(Instant::now(), 1), Some(tenant(1)));
        assert_eq!(apart.begin(now + Duration::from_secs(9), AT_ONCE), None);
        apart.leave(tenant(1));
        assert!(apart.has(&tenant(0)) && !apart.has(&tenant(1)));
    }
}
