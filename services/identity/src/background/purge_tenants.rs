//! Deletes tenants whose time is over, piece by piece, so that no row is locked for long. A
//! turn goes on where whatever ended the one before left off; servers share the work. The first
//! turn that finds a tenant says so, and no more for a day.

use std::time::Duration;

use boot::Background;
use jiff::Timestamp;

use crate::actor::Actor;
use crate::changes::tenant_deletion::{Purge, begin, end};
use crate::domain::ids::TenantId;
use crate::error::Error;
use crate::store::{Overdue, Store};

/// Tenants of a page.
const TENANTS: i64 = 20;
/// How long a turn begins to delete pieces.
const LONGEST: Duration = Duration::from_secs(20);

/// Starts the task.
pub fn start(room: &Background, store: &Store) {
    let (store, every) = (store.clone(), store.policy().purge_every);
    room.every(every, "delete tenants", move || {
        let store = store.clone();
        async move { run(&store).await }
    });
}

async fn run(store: &Store) -> Result<(), Error> {
    let (began, mut after, mut done) = (Timestamp::now(), Overdue::first(), Ok(()));
    loop {
        let page = store.list_tenants_to_purge(began, after, TENANTS).await?;
        let Some(last) = page.last() else { return done };
        after = *last;
        for Overdue { id, .. } in page {
            // One that cannot be deleted keeps no other one.
            let purged = purge(store, id, began).await;
            if let Err(error) = &purged {
                tracing::warn!(%error, tenant_id = %id, "a tenant cannot be deleted yet");
            }
            done = done.and(purged);
            if is_over(began) {
                return done;
            }
        }
    }
}

/// Whether the next turn goes on.
fn is_over(began: Timestamp) -> bool {
    Timestamp::now().duration_since(began).unsigned_abs() > LONGEST
}

async fn purge(store: &Store, id: TenantId, began: Timestamp) -> Result<(), Error> {
    match begin(store, id, &Actor::operator()).await? {
        Purge::Due => {
            tracing::warn!(tenant_id = %id, "a tenant will be deleted in a day: its time is over");
            return Ok(());
        }
        Purge::Waits => return Ok(()),
        Purge::Begun => {}
    }
    while store.purge_tenant(id).await? > 0 {
        if is_over(began) {
            return Ok(());
        }
    }
    end(store, id, &Actor::operator()).await?;
    tracing::info!(tenant_id = %id, "a tenant was deleted");
    Ok(())
}
