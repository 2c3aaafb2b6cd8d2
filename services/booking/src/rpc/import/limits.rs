//! How many imports there may be at once, of a server and of a tenant: each keeps a
//! part of its file and takes turns with the changes of others.

use std::time::Duration;

use boot::{AtOnce, Full, Place};
use frontdesk_proto::{ErrorReason, Refusal};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::Policy;

/// When to ask again for an import that there was no room for.
const AGAIN: Duration = Duration::from_secs(15);

/// The imports under way on a server.
#[derive(Debug)]
pub struct Imports {
    of_tenants: AtOnce<Uuid>,
    /// When all of them end.
    pub stop: CancellationToken,
}

/// Room for one import, until it is dropped.
pub type Room = Place<Uuid>;

impl Imports {
    /// As many as a policy says, and none yet; all end when the server stops.
    pub fn new(policy: &Policy, stop: CancellationToken) -> Self {
        Self { of_tenants: AtOnce::new(policy.most_imports, policy.most_imports_of_tenant), stop }
    }

    /// Takes room for an import, or says of whom there are as many as there may be.
    pub fn take(&self, tenant: Uuid) -> Result<Room, Refusal> {
        self.of_tenants.take(Some(tenant)).map_err(|full| match full {
            Full::All(most) => too_many("This server", most, "IMPORT_LIMIT_SERVER"),
            Full::One(most) => too_many("The tenant", most, "IMPORT_LIMIT_TENANT"),
        })
    }
}

fn too_many(whose: &str, most: usize, setting: &str) -> Refusal {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_refuses_by_itself_and_room_comes_back() {
        let policy = Policy { most_imports: 3, most_imports_of_tenant: 2, ..Policy::default() };
        let imports = Imports::new(&policy, CancellationToken::new());
        let take = |tenant| imports.take(Uuid::from_u128(tenant));
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
        assert_eq!(imports.of_tenants.taken(), 0);
    }
}
