//! The feed of a tenant's events as a stream. A page is read when the one before
//! it has been taken, so a slow reader costs one page of memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use access::{Standing, TenantId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_proto::booking::v1::WatchBookingRequestsResponse;
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, Stream};
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use crate::convert;
use crate::domain::ids::PropertyId;
use crate::error::Error;
use crate::store::{Event, FeedCursor, Store};

/// Most streams of one server.
const MOST_WATCHERS: usize = 1000;
/// Events that are read at once.
const PAGE: i64 = 100;
/// How long nothing is sent at most.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the caller's standing is checked.
const STANDING: Duration = Duration::from_secs(5);
/// How often other servers' events are looked for.
const POLL: Duration = Duration::from_secs(1);
/// How often this server's own event is looked for while an older transaction is
/// under way.
const POLL_SOON: Duration = Duration::from_millis(50);

/// Room for streams.
#[derive(Debug, Clone)]
pub struct Watchers {
    room: Arc<Semaphore>,
    stop: CancellationToken,
}

/// What a stream is about.
#[derive(Debug)]
pub struct Watch {
    pub tenant: TenantId,
    pub property: Option<PropertyId>,
    /// Where to go on; `None` is now.
    pub after: Option<FeedCursor>,
    pub standing: Standing,
}

struct State {
    store: Store,
    watch: Watch,
    cursor: FeedCursor,
    page: VecDeque<(Event, FeedCursor)>,
    checked: Instant,
    sent: Option<Instant>,
    /// Until when an event of this server may still come into view.
    expecting: Instant,
    stop: CancellationToken,
    ended: bool,
    _room: OwnedSemaphorePermit,
}

impl Watchers {
    /// No streams yet; all end when the server stops.
    pub fn new(stop: CancellationToken) -> Self {
        Self { room: Arc::new(Semaphore::new(MOST_WATCHERS)), stop }
    }

    /// Starts a stream.
    pub async fn watch(
        &self,
        store: Store,
        watch: Watch,
    ) -> Result<impl Stream<Item = Result<WatchBookingRequestsResponse, Status>> + Send + use<>, Error> {
        let room = Arc::clone(&self.room).try_acquire_owned().map_err(|_| {
            Refusal::new(
                ErrorReason::Overloaded,
                format!(
                    "{MOST_WATCHERS} streams are open, the most this server has room for. Try again later."
                ),
            )
            .retry_after(HEARTBEAT)
        })?;
        let cursor = match watch.after {
            Some(cursor) => cursor,
            None => store.run(async |schema| store.feed_end(&schema, watch.tenant).await).await?,
        };
        let now = Instant::now();
        let state = State {
            store,
            watch,
            cursor,
            page: VecDeque::new(),
            checked: now,
            sent: None,
            expecting: now,
            stop: self.stop.clone(),
            ended: false,
            _room: room,
        };
        Ok(stream::unfold(state, |mut state| async move {
            if state.ended {
                return None;
            }
            let next = state.next().await.map_err(Status::from);
            state.ended = next.is_err();
            Some((next, state))
        }))
    }
}

impl State {
    async fn next(&mut self) -> Result<WatchBookingRequestsResponse, Error> {
        loop {
            if let Some((event, cursor)) = self.page.pop_front() {
                self.cursor = cursor;
                return Ok(self.message(Some(convert::event(event))));
            }
            if self.stop.is_cancelled() {
                return Err(Refusal::new(
                    ErrorReason::UpstreamUnavailable,
                    "The server stops. Start the stream again from its last cursor.",
                )
                .into());
            }
            if self.checked.elapsed() >= STANDING {
                self.watch.standing.check().await?;
                self.checked = Instant::now();
            }
            if self.sent.is_none_or(|sent| sent.elapsed() >= HEARTBEAT) {
                return Ok(self.message(None));
            }
            let store = self.store.clone();
            // Taken before reading: what is stored from here on wakes it.
            let woken = store.woken();
            self.read().await?;
            if !self.page.is_empty() {
                continue;
            }
            let patience = if Instant::now() < self.expecting { POLL_SOON } else { POLL };
            tokio::select! {
                () = woken => self.expecting = Instant::now() + POLL,
                () = tokio::time::sleep(patience) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    async fn read(&mut self) -> Result<(), Error> {
        let (store, watch, cursor) = (&self.store, &self.watch, self.cursor);
        let read = store
            .run(async |schema| store.read_feed(&schema, watch.tenant, cursor, watch.property, PAGE).await);
        self.page = read.await?.into();
        Ok(())
    }

    fn message(
        &mut self,
        event: Option<frontdesk_proto::booking::v1::BookingRequestEvent>,
    ) -> WatchBookingRequestsResponse {
        self.sent = Some(Instant::now());
        WatchBookingRequestsResponse { event, cursor: write_cursor(self.cursor) }
    }
}

/// Reads where to go on; `None` is now.
pub fn read_cursor(text: &str) -> Result<Option<FeedCursor>, Refusal> {
    match text {
        "" => return Ok(None),
        "start" => return Ok(Some(FeedCursor::before(0))),
        _ => {}
    }
    let read = || {
        let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let (numbers, id) = bytes.split_at(16);
        let (position, at) = numbers.split_at(8);
        Some(FeedCursor {
            position: i64::from_be_bytes(position.try_into().ok()?),
            at: Timestamp::from_microsecond(i64::from_be_bytes(at.try_into().ok()?)).ok()?,
            id: Uuid::from_slice(id).ok()?,
        })
    };
    read().map(Some).ok_or_else(|| {
        Refusal::field("cursor", "takes the cursor of a message of this stream, `start`, or nothing")
    })
}

fn write_cursor(cursor: FeedCursor) -> String {
    let FeedCursor { position, at, id } = cursor;
    let numbers = [position.to_be_bytes(), at.as_microsecond().to_be_bytes()].concat();
    URL_SAFE_NO_PAD.encode([&numbers, &id.as_bytes()[..]].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_from_its_text() {
        let cursor = FeedCursor {
            position: 7_000_000_000,
            at: "2026-07-01T10:00:00.123456Z".parse().unwrap(),
            id: Uuid::from_u128(5),
        };
        assert_eq!(read_cursor(&write_cursor(cursor)).unwrap(), Some(cursor));
        assert_eq!(read_cursor("").unwrap(), None);
        assert!(read_cursor("start").unwrap().is_some());
        for foreign in ["x", "AAAA", "….", " start"] {
            assert!(read_cursor(foreign).is_err(), "{foreign}");
        }
    }
}
