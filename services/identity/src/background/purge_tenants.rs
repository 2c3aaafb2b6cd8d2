//! Deletes tenants whose time is over, piece by piece, so that no row is locked for long. A
//! turn goes on where whatever ended the one before left off; servers share the work. The first
//! turn that finds a tenant says so, and no more for a day.

use std::collections::VecDeque;
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
        let ids = page.into_iter().map(|Overdue { id, .. }| id).collect();
        done = done.and(purge_page(store, ids, began).await);
        if is_over(began) {
            return done;
        }
    }
}

/// A piece of each in turn, so that a large one keeps no other one waiting, nor one that cannot
/// be deleted.
async fn purge_page(store: &Store, mut left: VecDeque<TenantId>, began: Timestamp) -> Result<(), Error> {
    let mut done = Ok(());
    while let Some(id) = left.pop_front() {
        match purge(store, id).await {
            Ok(true) => left.push_back(id),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, tenant_id = %id, "a tenant cannot be deleted yet");
                done = Err(error);
            }
        }
        if is_over(began) {
            break;
        }
    }
    done
}

/// Whether the next turn goes on.
fn is_over(began: Timestamp) -> bool {
    Timestamp::now().duration_since(began).unsigned_abs() > LONGEST
}

/// Deletes a piece of a tenant, and the tenant when nothing is left of it; whether there is more.
async fn purge(store: &Store, id: TenantId) -> Result<bool, Error> {
    match begin(store, id, &Actor::operator()).await? {
        Purge::Due => {
            tracing::warn!(tenant_id = %id, "a tenant will be deleted in a day: its time is over");
            return Ok(false);
        }
        Purge::Waits => return Ok(false),
        Purge::Started => {}
    }
    if store.purge_tenant(id).await? > 0 {
        return Ok(true);
    }
    end(store, id, &Actor::operator()).await?;
    tracing::info!(tenant_id = %id, "a tenant was deleted");
    Ok(false)
}
