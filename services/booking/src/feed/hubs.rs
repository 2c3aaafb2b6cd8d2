//! The hubs of this process, one for each tenant that somebody watches, and which of
//! them wait to be looked for. A hub ends with its last stream, so none is kept here.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use access::TenantId;
use boot::Seconds;
use tokio::sync::Notify;
use uuid::Uuid;

use super::hub::Hub;
use super::pace::Pace;
use super::resume;
use crate::domain::event::PlacedEvent;
use crate::error::Error;
use crate::store::Store;

/// The hubs.
#[derive(Debug)]
pub struct Hubs {
    pub store: Store,
    /// The hub of each tenant that somebody watches.
    open: Mutex<HashMap<Uuid, Weak<Hub>>>,
    /// Tenants of which something may be new, and who waits for one.
    woken: Mutex<HashSet<Uuid>>,
    wake: Notify,
    /// Told when somebody begins to watch.
    begun: Notify,
    /// Whether this process hears of what others store.
    heard: AtomicBool,
    /// From an event to its being handed out.
    pub lag: Seconds,
    pace: Mutex<Pace>,
}

impl Hubs {
    /// None yet.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            open: Mutex::default(),
            woken: Mutex::default(),
            wake: Notify::default(),
            begun: Notify::default(),
            heard: AtomicBool::default(),
            lag: Seconds::default(),
            pace: Mutex::default(),
        }
    }

    /// The hub of a tenant, which is looked for at once: what was numbered on the way
    /// here is missing in it.
    pub async fn of(&self, tenant: TenantId) -> Result<Arc<Hub>, Error> {
        let hub = match self.find(&tenant.uuid()) {
            Some(hub) => hub,
            None => self.start(tenant).await?,
        };
        self.wake(&HashSet::from([tenant.uuid()]));
        Ok(hub)
    }

    async fn start(&self, tenant: TenantId) -> Result<Arc<Hub>, Error> {
        let head = resume::head(&self.store, tenant).await?;
        let mut open = self.open();
        // Somebody else may have started it meanwhile.
        if let Some(hub) = open.get(&tenant.uuid()).and_then(Weak::upgrade) {
            return Ok(hub);
        }
        let hub = Arc::new(Hub::new(tenant, head));
        open.retain(|_, hub| hub.strong_count() > 0);
        open.insert(tenant.uuid(), Arc::downgrade(&hub));
        self.begun.notify_waiters();
        Ok(hub)
    }

    /// The hub of a tenant that somebody watches.
    pub fn find(&self, tenant: &Uuid) -> Option<Arc<Hub>> {
        self.open().get(tenant).and_then(Weak::upgrade)
    }

    /// Every hub.
    pub fn all(&self) -> Vec<Arc<Hub>> {
        self.open().values().filter_map(Weak::upgrade).collect()
    }

    /// Something may be new of these tenants, as far as somebody watches them.
    pub fn wake(&self, tenants: &HashSet<Uuid>) {
        let open = self.open();
        let watched = |tenant: &&Uuid| open.get(*tenant).is_some_and(|hub| hub.strong_count() > 0);
        self.woken().extend(tenants.iter().filter(watched));
        drop(open);
        self.wake.notify_one();
    }

    /// Something may be new of every tenant.
    pub fn wake_all(&self) {
        let all: HashSet<Uuid> = self.open().keys().copied().collect();
        self.wake(&all);
    }

    /// Waits until something may be new, and takes the tenants of which it may.
    pub async fn awake(&self) -> Vec<Uuid> {
        loop {
            let tenants = std::mem::take(&mut *self.woken());
            if !tenants.is_empty() {
                return tenants.into_iter().collect();
            }
            self.wake.notified().await;
        }
    }

    /// Whether somebody watches.
    pub fn are_watched(&self) -> bool {
        self.open().values().any(|hub| hub.strong_count() > 0)
    }

    /// Waits until somebody watches.
    pub async fn watched(&self) {
        loop {
            let begun = self.begun.notified();
            if self.are_watched() {
                return;
            }
            begun.await;
        }
    }

    /// From now on this process hears of what others store, or does not.
    pub fn set_heard(&self, heard: bool) {
        self.heard.store(heard, Ordering::Relaxed);
    }

    /// Whether it does.
    pub fn is_heard(&self) -> bool {
        self.heard.load(Ordering::Relaxed)
    }

    /// Events are handed out now.
    pub fn handed_out(&self, events: &[PlacedEvent]) {
        let mut pace = self.pace();
        for event in events {
            pace.handed_out(self.lag.add_since(event.event.at));
        }
    }

    /// How long to wait from one look to the next one.
    pub fn wait(&self) -> Duration {
        self.pace().wait()
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Uuid, Weak<Hub>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn woken(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
