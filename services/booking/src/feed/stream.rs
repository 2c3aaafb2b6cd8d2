//! A stream of one caller: events as they come, a sign of life in between, until the
//! caller may no longer have it or the server stops.

use std::time::Duration;

use access::Standing;
use futures::stream::{self, Stream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::reader::Reader;
use crate::domain::event::{Event, FeedPlace};
use crate::error::Error;

/// The longest time in which nothing is sent.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the caller's standing is checked: a token may end, a role be taken away
/// while the stream lasts.
const STANDING: Duration = Duration::from_secs(5);

/// An item of a stream.
#[derive(Debug)]
pub struct Item {
    /// `None` when nothing has happened for a while.
    pub event: Option<Event>,
    /// Where to go on behind this item.
    pub place: FeedPlace,
}

struct State {
    reader: Reader,
    standing: Standing,
    checked: Instant,
    sent: Option<Instant>,
    stop: CancellationToken,
    ended: bool,
    _room: OwnedSemaphorePermit,
}

/// What a reader finds, as a stream that ends with its first error.
pub fn events(
    reader: Reader,
    standing: Standing,
    stop: CancellationToken,
    room: OwnedSemaphorePermit,
) -> impl Stream<Item = Result<Item, Error>> + Send + use<> {
    let checked = Instant::now();
    let state = State { reader, standing, checked, sent: None, stop, ended: false, _room: room };
    stream::unfold(state, |mut state| async move {
        if state.ended {
            return None;
        }
        let next = state.next().await;
        state.ended = next.is_err();
        Some((next, state))
    })
}

impl State {
    async fn next(&mut self) -> Result<Item, Error> {
        loop {
            let event = self.reader.take();
            if event.is_some() {
                return Ok(self.item(event));
            }
            if self.stop.is_cancelled() {
                return Err(Error::Stopping);
            }
            if self.checked.elapsed() >= STANDING {
                self.standing.check().await.map_err(Error::Refused)?;
                self.checked = Instant::now();
            }
            if self.sent.is_none_or(|sent| sent.elapsed() >= HEARTBEAT) {
                return Ok(self.item(None));
            }
            tokio::select! {
                read = self.reader.read_or_wait() => read?,
                () = self.stop.cancelled() => {}
            }
        }
    }

    fn item(&mut self, event: Option<Event>) -> Item {
        self.sent = Some(Instant::now());
        Item { event, place: self.reader.place() }
    }
}
