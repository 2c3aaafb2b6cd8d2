//! Expires requests whose holds have run out. A turn ends in time however many have, so
//! that neither readiness nor the stop takes it for one that hangs; the next one goes on
//! after the last hold that was tried.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::call::Call;
use crate::changes::Expire;
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
        let mut ends = HashMap::new();
        for due in &page {
            // One that cannot be expired does not keep the others.
            *place.lock() = *due;
            let ends = match ends.entry(due.tenant) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let asked = store.holds_that_end(due.tenant, &page).await;
                    unknown.insert(asked.unwrap_or_else(|fault| {
                        failed = Err(fault.into());
                        Vec::new()
                    }))
                }
            };
            if ends.contains(&due.request) {
                let call = Call::of_the_system(due.tenant);
                match store.change(&call, &Expire { id: due.request }).await {
                    Ok(done) => expired += usize::from(done),
                    Err(error) => failed = Err(error),
                }
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
