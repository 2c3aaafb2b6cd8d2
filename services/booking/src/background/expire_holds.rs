//! Expires requests whose holds have run out. A turn ends in time however many have, so
//! that neither readiness nor the stop takes it for one that hangs; the next one goes on
//! after the last hold that was tried.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use access::TenantId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::call::Call;
use crate::changes::Expire;
use crate::domain::ids::BookingRequestId;
use crate::error::Error;
use crate::store::{DueHold, Store};

/// Time between two turns.
pub const PAUSE: Duration = Duration::from_secs(2);
/// How long a turn may take; what is left waits for the next one.
const TURN: Duration = Duration::from_secs(2);

/// The hold after which the next turn goes on.
#[derive(Debug, Clone)]
pub struct Place(Arc<Mutex<DueHold>>);

impl Default for Place {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(DueHold::first())))
    }
}

impl Place {
    fn lock(&self) -> MutexGuard<'_, DueHold> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// In the single table a hold has no end.
pub async fn run(store: Store, place: Place) -> Result<(), Error> {
    if store.schema().await?.found.layout.request_is_its_booking() {
        return Ok(());
    }
    let (began, now) = (Instant::now(), Timestamp::now());
    let mut expired = 0_usize;
    let mut failed = Ok(());
    while began.elapsed() < TURN {
        let after = *place.lock();
        let page = store.list_due_holds(now, &after).await?;
        if page.is_empty() {
            *place.lock() = DueHold::first();
            break;
        }
        let (ends, read) = ends_of(&store, &page).await;
        failed = failed.and(read);
        for due in page {
            // One that cannot be expired does not keep the others.
            *place.lock() = due;
            if !ends.contains(&(due.tenant, due.request)) {
                continue;
            }
            let call = Call::of_the_system(due.tenant);
            match store.change(&call, &Expire { id: due.request }).await {
                Ok(done) => expired += usize::from(done),
                Err(error) => failed = Err(error),
            }
            if began.elapsed() >= TURN {
                break;
            }
        }
    }
    if expired > 0 {
        tracing::info!(expired, "holds ran out");
    }
    failed
}

/// Which of a page are to be ended, and whether all could be asked about.
async fn ends_of(
    store: &Store,
    page: &[DueHold],
) -> (HashSet<(TenantId, BookingRequestId)>, Result<(), Error>) {
    let mut of_tenants: HashMap<TenantId, Vec<Uuid>> = HashMap::new();
    for due in page {
        of_tenants.entry(due.tenant).or_default().push(due.request.0);
    }
    let (mut ends, mut read) = (HashSet::new(), Ok(()));
    for (tenant, ids) in of_tenants {
        match store.holds_that_end(tenant, &ids).await {
            Ok(found) => ends.extend(found.into_iter().map(|id| (tenant, id))),
            // One tenant that cannot be read does not keep the others.
            Err(fault) => read = Err(fault.into()),
        }
    }
    (ends, read)
}
