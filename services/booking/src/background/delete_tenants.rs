//! Deletes what is here of tenants that identity has deleted. Nothing is stored of that: each
//! turn asks identity about all tenants that have something here, and deletes of those that it
//! says are deleted for good, which it says of none that can be restored. So it does not matter
//! how long either was away, what interrupted a turn, how many servers are at it, or that a
//! backup has brought something back. Nobody works in such a tenant: it was closed days before.
//!
//! What is deleted here comes back from nowhere, so one answer is not enough: it must be of the
//! identity that was asked before and that issues the tokens which this service takes, and two
//! turns must be told the same, one after the other.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::{Authority, DeletedTenants, TenantId};
use uuid::Uuid;

use crate::error::{Error, Reason, Refusal};
use crate::store::Store;

/// How long a turn begins to delete pieces.
const TURN: Duration = Duration::from_secs(20);

/// The tenants that are deleted, as identity answered in the turn before.
#[derive(Debug, Clone, Default)]
pub struct LastAnswer(Arc<Mutex<BTreeSet<Uuid>>>);

impl LastAnswer {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `issuer` is whose tokens are taken here.
pub async fn run<A: Authority>(
    store: Store,
    identity: A,
    issuer: Arc<str>,
    last_answer: LastAnswer,
) -> Result<(), Error> {
    // A turn that fails says nothing, so the next one is the first again.
    let before = std::mem::take(&mut *last_answer.lock());
    let deleted = ask(&store, &identity, &issuer).await?;
    let twice = deleted.intersection(&before).copied().collect();
    *last_answer.lock() = deleted;
    delete(&store, twice).await
}

/// Which tenants that have something here are deleted.
async fn ask<A: Authority>(store: &Store, identity: &A, issuer: &str) -> Result<BTreeSet<Uuid>, Error> {
    let (mut after, mut deleted) = (Uuid::nil(), BTreeSet::new());
    loop {
        let here: Vec<Uuid> = store.list_tenants_here(after).await?.into_iter().map(TenantId::uuid).collect();
        let Some(last) = here.last() else { return Ok(deleted) };
        after = *last;
        let answer = identity.deleted_tenants(&here).await?;
        check_is_ours(store, &answer, issuer).await?;
        deleted.extend(answer.tenants);
    }
}

/// Refuses an answer that is not of the identity that this database belongs to. The first one that
/// answers is.
async fn check_is_ours(store: &Store, answer: &DeletedTenants, issuer: &str) -> Result<(), Error> {
    if answer.issuer != issuer {
        return Err(another(&format!("issues tokens as {}, expected {issuer}", answer.issuer)));
    }
    let known = store.know_identity(answer.database).await?;
    if known != answer.database {
        return Err(another(&format!("has the database {}, expected {known}", answer.database)));
    }
    Ok(())
}

fn another(how: &str) -> Error {
    let said = format!(
        "Another identity says which tenants are deleted: it {how}. Nothing is deleted. Correct IDENTITY_ADDR, \
         or see \"Back from a backup\" in the runbook's page TENANT_DELETED."
    );
    Refusal::new(Reason::UpstreamUnavailable, said).into()
}

/// A piece of each in turn, so that a large one keeps no other one waiting.
async fn delete(store: &Store, tenants: BTreeSet<Uuid>) -> Result<(), Error> {
    let (began, mut done) = (Instant::now(), Ok(()));
    let mut left: VecDeque<(Uuid, i64)> = tenants.into_iter().map(|tenant| (tenant, 0)).collect();
    while began.elapsed() <= TURN
        && let Some((tenant, rows)) = left.pop_front()
    {
        match store.delete_of_tenant(TenantId::of_stored_row(tenant)).await {
            Ok(Some(more @ 1..)) => left.push_back((tenant, rows + more)),
            // It is done, or another server is at it.
            Ok(_) => tell(tenant, rows),
            // One that cannot be deleted keeps no other one.
            Err(fault) => {
                tracing::warn!(%fault, tenant_id = %tenant, "a tenant cannot be deleted yet");
                tell(tenant, rows);
                done = Err(fault.into());
            }
        }
    }
    for (tenant, rows) in left {
        tell(tenant, rows);
    }
    done
}

fn tell(tenant: Uuid, rows: i64) {
    if rows > 0 {
        tracing::info!(rows, tenant_id = %tenant, "rows of a deleted tenant were deleted");
    }
}
