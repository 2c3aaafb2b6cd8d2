//! The feed of a tenant's events as streams of them. How a stream looks on the wire
//! is known in `rpc/watch.rs`, and in which order events come in `store/feed.rs`.

mod apart;
pub mod cursor;
mod hub;
mod hubs;
mod limits;
mod notices;
mod pace;
mod reader;
mod resume;
mod stream;

use std::sync::Arc;

use access::{Standing, TenantId};
use boot::{Background, Scrape};
use futures::stream::Stream;
use tokio_util::sync::CancellationToken;

use self::cursor::Cursor;
use self::hubs::Hubs;
use crate::domain::ids::PropertyId;
use crate::error::Error;
use crate::store::Store;

pub use self::limits::Holder;
pub use self::notices::tell_others;
pub use self::stream::Item;

/// The feeds of all tenants.
#[derive(Debug, Clone)]
pub struct Feed {
    store: Store,
    limits: limits::Limits,
    hubs: Arc<Hubs>,
    stop: CancellationToken,
}

/// What a stream is about.
#[derive(Debug)]
pub struct Follow {
    pub tenant: TenantId,
    pub property: Option<PropertyId>,
    pub cursor: Cursor,
    pub standing: Standing,
    pub holder: Holder,
}

impl Feed {
    /// No streams yet; all end when the server stops.
    pub fn new(store: Store, background: &Background) -> Self {
        let hubs = Arc::new(Hubs::new(store.clone()));
        notices::start(&hubs, background);
        let reads = Arc::clone(&hubs);
        background.lasting("read feeds", move || Box::pin(reader::read(Arc::clone(&reads))));
        let limits = limits::Limits::new(store.policy());
        Self { store, limits, hubs, stop: background.stop().clone() }
    }

    /// How many watch, and how late events are handed out to them.
    pub fn figures(&self, scrape: &mut Scrape) {
        let help = "Streams of events that are open.";
        scrape.how_many("frontdesk_feed_watchers", help, &[], self.limits.open());
        let help = "Tenants whose events somebody watches.";
        scrape.how_many("frontdesk_feed_tenants", help, &[], self.hubs.all().len());
        let help = "From an event to its being handed out to streams that keep up.";
        scrape.seconds("frontdesk_feed_lag_seconds", help, &[], &self.hubs.lag);
    }

    /// Starts a stream. It ends with the first error.
    pub async fn follow(
        &self,
        follow: Follow,
    ) -> Result<impl Stream<Item = Result<Item, Error>> + Send + use<>, Error> {
        let Follow { tenant, property, cursor, standing, holder } = follow;
        let room = self.limits.take(tenant.uuid(), holder)?;
        let place = resume::place(&self.store, tenant, cursor).await?;
        let hub = self.hubs.of(tenant).await?;
        let ground = stream::Ground { store: self.store.clone(), hub, stop: self.stop.clone() };
        Ok(stream::events(ground, (tenant, property), standing, place, room))
    }
}
