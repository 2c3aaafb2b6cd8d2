//! Which tenants have something new to read since somebody last asked. Changes add
//! theirs once they are committed, which costs them a lock of this process; who reads, and
//! how other processes hear of it, is known in the feed.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::TenantId;
use tokio::sync::Notify;
use uuid::Uuid;

/// The tenants with something new to read.
#[derive(Debug, Default)]
pub struct NewEvents {
    tenants: Mutex<HashSet<Uuid>>,
    came: Notify,
}

impl NewEvents {
    /// Something of a tenant is committed.
    pub fn add(&self, tenant: TenantId) {
        if self.tenants().insert(tenant.uuid()) {
            self.came.notify_one();
        }
    }

    /// The same of several.
    pub fn add_all(&self, tenants: &HashSet<Uuid>) {
        self.tenants().extend(tenants);
        self.came.notify_one();
    }

    /// Waits until something is new, and takes the tenants that have it.
    pub async fn come(&self) -> HashSet<Uuid> {
        loop {
            let tenants = self.take();
            if !tenants.is_empty() {
                return tenants;
            }
            self.came.notified().await;
        }
    }

    /// Takes the tenants that have something new, if there are any.
    pub fn take(&self) -> HashSet<Uuid> {
        std::mem::take(&mut *self.tenants())
    }

    fn tenants(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_comes_while_nobody_asks_is_heard_once() {
        let (events, tenant) = (NewEvents::default(), Uuid::from_u128(7));
        for _ in 0..3 {
            events.add(TenantId::of_stored_row(tenant));
        }
        assert_eq!(events.come().await, HashSet::from([tenant]));
        let waits = tokio::time::timeout(std::time::Duration::from_millis(20), events.come()).await;
        assert!(waits.is_err(), "{waits:?}");
    }
}
