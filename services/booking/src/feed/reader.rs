//! Reads a tenant's feed behind a place. A page is read when the one before it has
//! been taken, so a slow reader costs one page of memory.

use std::collections::VecDeque;
use std::time::Duration;

use access::TenantId;
use tokio::time::Instant;

use crate::domain::event::{Event, FeedPlace};
use crate::domain::ids::PropertyId;
use crate::error::Error;
use crate::store::Store;

/// Events that are read at once.
const PAGE: i64 = 100;
/// How often other servers' events are looked for.
const POLL: Duration = Duration::from_secs(1);
/// How often this server's own event is looked for while an older transaction is
/// under way.
const POLL_SOON: Duration = Duration::from_millis(50);

/// A reader behind a place.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    tenant: TenantId,
    property: Option<PropertyId>,
    place: FeedPlace,
    page: VecDeque<(Event, FeedPlace)>,
    /// Until when an event of this server may still come into view.
    expecting: Instant,
}

impl Reader {
    /// A reader behind this place.
    pub fn new(store: Store, tenant: TenantId, property: Option<PropertyId>, place: FeedPlace) -> Self {
        Self { store, tenant, property, place, page: VecDeque::new(), expecting: Instant::now() }
    }

    /// The place behind everything that was taken.
    pub fn place(&self) -> FeedPlace {
        self.place
    }

    /// Takes the next event of the page.
    pub fn take(&mut self) -> Option<Event> {
        let (event, place) = self.page.pop_front()?;
        self.place = place;
        Some(event)
    }

    /// Reads the next page; without one, waits until there may be one.
    pub async fn read_or_wait(&mut self) -> Result<(), Error> {
        let store = self.store.clone();
        // Taken before reading: what is stored from here on wakes it.
        let woken = store.woken();
        self.page = store.read_feed(self.tenant, self.place, self.property, PAGE).await?.into();
        if !self.page.is_empty() {
            return Ok(());
        }
        let patience = if Instant::now() < self.expecting { POLL_SOON } else { POLL };
        tokio::select! {
            () = woken => self.expecting = Instant::now() + POLL,
            () = tokio::time::sleep(patience) => {}
        }
        Ok(())
    }
}
