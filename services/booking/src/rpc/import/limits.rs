//! How many imports there may be at once, of a server and of a tenant: each keeps a
//! part of its file and takes turns with the changes of others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Policy;

/// When to ask again for an import that there was no room for.
const AGAIN: Duration = Duration::from_secs(15);

/// How many imports of each tenant are under way.
type Open = Arc<Mutex<HashMap<Uuid, usize>>>;

/// The imports under way on a server.
#[derive(Debug)]
pub struct Imports {
    open: Open,
    /// When all of them end.
    pub stop: CancellationToken,
}

/// Room for one import, until it is dropped.
#[derive(Debug)]
pub struct Room {
    open: Open,
    tenant: Uuid,
}

impl Imports {
    /// None yet; all end when the server stops.
    pub fn new(stop: CancellationToken) -> Self {
        Self { open: Open::default(), stop }
    }

    /// Takes room for an import, or says of whom there are as many as there may be.
    pub fn take(&self, policy: &Policy, tenant: Uuid) -> Result<Room, Refusal> {
        let mut open = locked(&self.open);
        let of_tenant = open.get(&tenant).copied().unwrap_or_default();
        if of_tenant >= policy.most_imports_of_tenant {
            return Err(full("The tenant", policy.most_imports_of_tenant, "IMPORT_LIMIT_TENANT"));
        }
        if open.values().sum::<usize>() >= policy.most_imports {
            return Err(full("This server", policy.most_imports, "IMPORT_LIMIT_SERVER"));
        }
        open.insert(tenant, of_tenant + 1);
        Ok(Room { open: Arc::clone(&self.open), tenant })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut open = locked(&self.open);
        if let Some(count) = open.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.tenant);
            }
        }
    }
}

fn full(whose: &str, most: usize, setting: &str) -> Refusal {
    Refusal::new(
        ErrorReason::Overloaded,
        format!(
            "{whose} has {most} imports under way here, the most that it may have ({setting}). Nothing was stored; try again when one has ended."
        ),
    )
    .with("limit", most.to_string())
    .with("setting", setting)
    .retry_after(AGAIN)
}

fn locked(open: &Open) -> MutexGuard<'_, HashMap<Uuid, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_refuses_by_itself_and_room_comes_back() {
        let policy = Policy { most_imports: 3, most_imports_of_tenant: 2, ..Policy::default() };
        let imports = Imports::new(CancellationToken::new());
        let take = |tenant| imports.take(&policy, Uuid::from_u128(tenant));
        let setting = |refused: Result<Room, Refusal>| {
            let refusal = refused.unwrap_err();
            refusal.metadata().find(|(key, _)| *key == "setting").map(|(_, name)| name.to_owned()).unwrap()
        };
        let mut held = vec![take(1).unwrap(), take(1).unwrap()];
        assert_eq!(setting(take(1)), "IMPORT_LIMIT_TENANT");
        held.push(take(2).unwrap());
        assert_eq!(setting(take(3)), "IMPORT_LIMIT_SERVER");
        held.clear();
        take(1).unwrap();
        assert!(locked(&imports.open).is_empty());
    }
}
