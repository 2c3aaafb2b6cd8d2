//! What the streams of a tenant share: how far its feed was handed out in this process,
//! and the channels in which it is. Each event goes to the streams that it concerns:
//! those of everything, and those of the event's property. A stream of another property
//! sleeps on, however much happens, and its heartbeats carry how far the hub is. A
//! stream that cannot keep up reads for itself (`stream.rs`). Who reads is in
//! `reader.rs`.
//!
//! A failover may lose numbers or events, and other events have those numbers then. So a
//! place names its event, and when that has another number, what streams know by numbers
//! is no longer so: each begins again at the event that it sent last.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::TenantId;
use pg::{Fault, Kind};
use tokio::sync::broadcast;
use tokio::time::Instant;

use crate::domain::event::{FeedPlace, PlacedEvent};
use crate::domain::ids::PropertyId;
use crate::error::Error;

/// Events that wait for a stream before it has to read for itself.
const KEPT: usize = 512;
/// How long a feed may not be readable before its streams end.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may be locked before that is logged.
const WORTH_TELLING: Duration = Duration::from_secs(1);

/// Events as a stream gets them.
#[derive(Debug)]
pub struct Events {
    pub handed_out: broadcast::Receiver<Arc<PlacedEvent>>,
    /// How often numbers had been lost when it began.
    losses: u64,
}

/// The streams of a tenant. They hold it; it ends with the last of them.
#[derive(Debug)]
pub struct Hub {
    pub tenant: TenantId,
    /// How often numbers were lost; it changes together with the state.
    losses: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// By what the streams are about; `None` is everything.
    channels: HashMap<Option<PropertyId>, broadcast::Sender<Arc<PlacedEvent>>>,
    /// After everything that was handed out.
    place: FeedPlace,
    trouble: Option<Trouble>,
}

/// Why a feed cannot be read.
#[derive(Debug)]
struct Trouble {
    since: Instant,
    fault: Arc<Fault>,
    /// What was logged.
    logged: Option<Kind>,
}

impl Hub {
    /// A hub that goes on after a place.
    pub fn new(tenant: TenantId, place: FeedPlace) -> Self {
        Self {
            tenant,
            losses: AtomicU64::default(),
            state: Mutex::new(State { channels: HashMap::new(), place, trouble: None }),
        }
    }

    /// What is handed out from now on, of one property or all.
    pub fn subscribe(&self, property: Option<PropertyId>) -> Events {
        let mut state = self.state();
        state.channels.retain(|_, channel| channel.receiver_count() > 0);
        let channel = state.channels.entry(property).or_insert_with(|| broadcast::channel(KEPT).0);
        let handed_out = channel.subscribe();
        Events { handed_out, losses: self.losses.load(Ordering::Relaxed) }
    }

    /// After everything that was handed out.
    pub fn place(&self) -> FeedPlace {
        self.state().place
    }

    /// The same for a stream, which has had everything up to it when it finds nothing to
    /// take after it asked; `None` when numbers were lost since it began.
    pub fn place_for(&self, events: &Events) -> Option<FeedPlace> {
        let state = self.state();
        (!self.has_lost(events)).then_some(state.place)
    }

    /// Whether numbers were lost since a stream began.
    pub fn has_lost(&self, events: &Events) -> bool {
        self.losses.load(Ordering::Relaxed) != events.losses
    }

    /// Numbers were lost: goes on after another place. What is before it, streams read for
    /// themselves.
    pub fn begin_again(&self, place: FeedPlace) {
        let mut state = self.state();
        state.place = place;
        self.losses.fetch_add(1, Ordering::Relaxed);
        // Whoever waits is awake by that.
        state.channels.clear();
    }

    /// The error in which streams end when the feed cannot be read for long.
    pub fn trouble(&self) -> Option<Error> {
        let state = self.state();
        let Trouble { since, fault, .. } = state.trouble.as_ref()?;
        (since.elapsed() > PATIENCE).then(|| Fault::new(fault.kind().clone(), fault.to_string()).into())
    }

    /// Hands out events after the place, in their order.
    pub fn hand_out(&self, events: Vec<PlacedEvent>) {
        let mut state = self.state();
        for event in events {
            if event.place.number <= state.place.number {
                continue;
            }
            let place = event.place;
            let event = Arc::new(event);
            let concerned = [None, event.event.property];
            let all = if concerned[1].is_some() { &concerned[..] } else { &concerned[..1] };
            for of in all {
                if let Some(channel) = state.channels.get(of) {
                    // Without a receiver there is nobody to tell.
                    let _nobody = channel.send(Arc::clone(&event));
                }
            }
            state.place = place;
        }
    }

    /// Everything was read.
    pub fn is_well(&self) {
        self.state().trouble = None;
    }

    /// The feed could not be read.
    pub fn is_in_trouble(&self, fault: &Arc<Fault>) {
        let mut state = self.state();
        let trouble = state.trouble.get_or_insert_with(|| Trouble {
            since: Instant::now(),
            fault: Arc::clone(fault),
            logged: None,
        });
        trouble.fault = Arc::clone(fault);
        if trouble.is_news() {
            tracing::warn!(%fault, tenant_id = %self.tenant.uuid(), "a feed cannot be read; it is tried again");
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trouble {
    /// Whether it is to be logged, once for each kind. That somebody else numbers, or
    /// has locked a row, is a matter of milliseconds, mostly.
    fn is_news(&mut self) -> bool {
        let kind = self.fault.kind();
        if self.logged.as_ref() == Some(kind)
            || *kind == Kind::LockTimeout && self.since.elapsed() < WORTH_TELLING
        {
            return false;
        }
        self.logged = Some(kind.clone());
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_log_is_told_once_of_each_trouble_that_lasts() {
        let mut news = Vec::new();
        let fault = |kind: Kind| Arc::new(Fault::new(kind, "x"));
        let mut trouble = Trouble { since: Instant::now(), fault: fault(Kind::LockTimeout), logged: None };
        for second in 0..4 {
            news.push(trouble.is_news());
            news.push(trouble.is_news());
            if second == 2 {
                trouble.fault = fault(Kind::Refused);
            }
            tokio::time::advance(WORTH_TELLING).await;
        }
        assert_eq!(news, [false, false, true, false, false, false, true, false]);
    }
}
