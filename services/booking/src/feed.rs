//! The feed of a tenant's events as streams of them. How a stream looks on the wire
//! is known in `rpc/watch.rs`, and in which order events come in `store/feed.rs`.

pub mod cursor;
mod reader;
mod stream;

use std::sync::Arc;

use access::{Standing, TenantId};
use futures::stream::Stream;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::domain::event::FeedPlace;
use crate::domain::ids::PropertyId;
use crate::error::Error;
use crate::store::Store;

pub use self::stream::Item;

/// The feeds of all tenants.
#[derive(Debug, Clone)]
pub struct Feed {
    store: Store,
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

/// What a stream is about.
#[derive(Debug)]
pub struct Follow {
    pub tenant: TenantId,
    pub property: Option<PropertyId>,
    /// Where to go on; `None` is now.
    pub after: Option<FeedPlace>,
    pub standing: Standing,
}

impl Feed {
    /// No streams yet; all end when the server stops.
    pub fn new(store: Store, stop: CancellationToken) -> Self {
        let room = Arc::new(Semaphore::new(store.policy().most_streams));
        Self { store, room, stop }
    }

    /// Starts a stream. It ends with the first error.
    pub async fn follow(
        &self,
        follow: Follow,
    ) -> Result<impl Stream<Item = Result<Item, Error>> + Send + use<>, Error> {
        let most = self.store.policy().most_streams;
        let room = Arc::clone(&self.room)
            .try_acquire_owned()
            .map_err(|_| Error::NoRoomForStream { most, retry_after: stream::HEARTBEAT })?;
        let place = match follow.after {
            Some(place) => place,
            None => self.store.feed_end(follow.tenant).await?,
        };
        let reader = reader::Reader::new(self.store.clone(), follow.tenant, follow.property, place);
        Ok(stream::events(reader, follow.standing, self.stop.clone(), room))
    }
}
