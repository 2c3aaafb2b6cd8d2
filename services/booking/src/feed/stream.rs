//! A stream of one caller: events as they come, a sign of life in between, until the
//! caller may no longer have it or the server stops. It reads what it has missed for
//! itself, a page when the one before it has been taken, and then takes what the
//! tenant's reader hands out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use access::{Standing, TenantId};
use futures::stream::{self, Stream};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cursor::{self, Cursor};
use super::hub::{Events, Hub};
use super::limits::Room;
use super::resume;
use crate::domain::event::{Event, FeedPlace, PlacedEvent};
use crate::domain::ids::PropertyId;
use crate::error::{Error, shutting_down};
use crate::store::Store;

/// The longest time in which nothing is sent.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often the caller's standing is checked: a token may end, a role be taken away
/// while the stream lasts.
const STANDING: Duration = Duration::from_secs(5);
/// Events that it reads for itself at once.
const PAGE: i64 = 100;
/// How many events are sent, and for how long, before it looks again whether anything ends
/// it: to look costs more than an event.
const UNLOOKED: u32 = 64;
const UNLOOKED_FOR: Duration = Duration::from_millis(25);

/// An item of a stream.
#[derive(Debug)]
pub struct Item {
    /// `None` when nothing has happened for a while.
    pub event: Option<Event>,
    /// Where to go on after this item.
    pub place: FeedPlace,
}

/// What a stream needs of the server.
#[derive(Debug)]
pub struct Ground {
    pub store: Store,
    pub hub: Arc<Hub>,
    pub stop: CancellationToken,
}

struct State {
    ground: Ground,
    tenant: TenantId,
    property: Option<PropertyId>,
    standing: Standing,
    place: FeedPlace,
    /// What it has read for itself.
    page: VecDeque<PlacedEvent>,
    /// What is handed out; kept while it reads for itself, so that nothing falls between.
    events: Events,
    /// Whether it reads for itself.
    behind: bool,
    checked: Instant,
    unlooked: Unlooked,
    sent: Option<Instant>,
    ended: bool,
    _room: Room,
}

/// What was sent since it looked whether anything ends it.
#[derive(Debug)]
struct Unlooked {
    events: u32,
    since: Instant,
}

/// The events after a place, as a stream that ends with its first error.
pub fn events(
    ground: Ground,
    of: (TenantId, Option<PropertyId>),
    standing: Standing,
    place: FeedPlace,
    room: Room,
) -> impl Stream<Item = Result<Item, Error>> + Send + use<> {
    let (tenant, property) = of;
    let events = ground.hub.subscribe(property);
    let state = State {
        ground,
        tenant,
        property,
        standing,
        place,
        page: VecDeque::new(),
        events,
        behind: true,
        checked: Instant::now(),
        unlooked: Unlooked::none(),
        sent: None,
        ended: false,
        _room: room,
    };
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
            if let Some(event) = self.at_hand() {
                return Ok(self.item(Some(event)));
            }
            if self.ground.hub.has_lost(&self.events) {
                // On the heap, as what is read: a stream that waits has no room for either.
                Box::pin(self.begin_again()).await?;
            }
            if self.ground.stop.is_cancelled() {
                return Err(self.stopped());
            }
            if self.checked.elapsed() >= STANDING || self.standing.is_doubted() {
                self.standing.check().await.map_err(Error::Refused)?;
                self.checked = Instant::now();
            }
            if let Some(trouble) = self.ground.hub.trouble() {
                return Err(trouble);
            }
            self.unlooked = Unlooked::none();
            if self.sent.is_none_or(|sent| sent.elapsed() >= HEARTBEAT) {
                self.come_along();
                return Ok(self.item(None));
            }
            if !self.page.is_empty() {
                continue;
            }
            if self.behind {
                Box::pin(self.read()).await?;
                continue;
            }
            let due =
                self.sent.map_or_else(Instant::now, |sent| sent + HEARTBEAT).min(self.checked + STANDING);
            tokio::select! {
                // What has come is taken without a look at the clock.
                biased;
                () = self.standing.doubted() => {
                    self.standing.check().await.map_err(Error::Refused)?;
                    self.checked = Instant::now();
                }
                event = self.events.handed_out.recv() => match event {
                    Ok(event) if event.place.number > self.place.number => {
                        self.unlooked = Unlooked::none();
                        self.place = event.place;
                        return Ok(self.item(Some(event.event.clone())));
                    }
                    // It has read it for itself.
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => self.behind = true,
                    // Numbers were lost.
                    Err(RecvError::Closed) => {}
                },
                () = tokio::time::sleep_until(due) => {}
                () = self.ground.stop.cancelled() => {}
            }
        }
    }

    /// The next event that is there, unless it has to look at something else before.
    fn at_hand(&mut self) -> Option<Event> {
        if self.ground.hub.has_lost(&self.events) {
            return None;
        }
        while self.unlooked.one_more() {
            if let Some(PlacedEvent { event, place }) = self.page.pop_front() {
                self.place = place;
                if self.property.is_none() || event.property == self.property {
                    return Some(event);
                }
                continue;
            }
            if self.behind {
                return None;
            }
            match self.events.handed_out.try_recv() {
                Ok(event) if event.place.number > self.place.number => {
                    self.place = event.place;
                    return Some(event.event.clone());
                }
                // It has read it for itself.
                Ok(_) => {}
                Err(TryRecvError::Lagged(_)) => self.behind = true,
                Err(TryRecvError::Empty | TryRecvError::Closed) => return None,
            }
        }
        None
    }

    /// Why it ends with the server, and where to go on.
    fn stopped(&self) -> Error {
        let go_on = "Start the stream again from its last cursor, which is in `go_on`.";
        Error::Refused(shutting_down().followed_by(go_on).with("go_on", cursor::write(self.place)))
    }

    /// Reads a page for itself, from the event that it sent last: if that has another
    /// number, what follows has, too. A page that is not full ends in what is handed out
    /// meanwhile.
    async fn read(&mut self) -> Result<(), Error> {
        let Ground { store, .. } = &self.ground;
        let FeedPlace { number, event: last, .. } = self.place;
        let mut page = VecDeque::from(store.read_feed(self.tenant, number - 1, PAGE + 1).await?);
        let first = page.pop_front_if(|first| first.place.number == number);
        if last.is_some() && first.and_then(|first| first.place.event) != last {
            self.place = resume::place(store, self.tenant, Cursor::After(self.place)).await?;
            return Ok(());
        }
        self.behind = page.len() >= usize::try_from(PAGE).unwrap_or(usize::MAX);
        self.page = page;
        Ok(())
    }

    /// Goes on after the event that it sent last, wherever that is now, or ends with where
    /// to go on.
    async fn begin_again(&mut self) -> Result<(), Error> {
        self.events = self.ground.hub.subscribe(self.property);
        self.page.clear();
        self.behind = true;
        self.place = resume::place(&self.ground.store, self.tenant, Cursor::After(self.place)).await?;
        Ok(())
    }

    /// Goes to where the reader is, when nothing between concerned this stream.
    fn come_along(&mut self) {
        let place = self.ground.hub.place_for(&self.events);
        let further = place.filter(|place| place.number > self.place.number);
        if let Some(place) = further
            && !self.behind
            && self.page.is_empty()
            && self.events.handed_out.is_empty()
        {
            self.place = place;
        }
    }

    fn item(&mut self, event: Option<Event>) -> Item {
        self.sent = Some(Instant::now());
        Item { event, place: self.place }
    }
}

impl Unlooked {
    /// It has just looked.
    fn none() -> Self {
        Self { events: 0, since: Instant::now() }
    }

    /// Whether one more may be sent before it looks.
    fn one_more(&mut self) -> bool {
        let may = self.events < UNLOOKED && self.since.elapsed() < UNLOOKED_FOR;
        self.events += u32::from(may);
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_looks_after_so_many_events_and_after_so_long() {
        let mut unlooked = Unlooked::none();
        assert_eq!((0..1000).filter(|_| unlooked.one_more()).count(), 64);
        let mut unlooked = Unlooked::none();
        let mut sent = 0;
        while unlooked.one_more() {
            sent += 1;
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert_eq!(sent, 3, "a caller who takes one in 10 ms has three in 25 ms");
    }
}
