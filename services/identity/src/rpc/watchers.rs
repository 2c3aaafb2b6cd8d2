//! What was revoked, told to the services that keep what they know of callers. It is
//! found by `trust/revocations.rs`.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use access::Revoked;
use boot::{AtOnce, Place as Room};
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, BoxStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::trust::revocations::{Place, Revocations, TellAfter};

/// Time from one item to the next when nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How often it is looked whether the database can be read again.
const LOOK: Duration = Duration::from_millis(100);
/// Most streams of a process, and of one address: a service has one in each process.
const MOST: usize = 1_024;
const MOST_OF_ONE: usize = 64;

/// The streams of this process.
#[derive(Debug, Clone)]
pub struct Watchers {
    revocations: Revocations,
    stop: CancellationToken,
    rooms: AtOnce<Option<IpAddr>>,
}

struct State {
    among: Watchers,
    _room: Room<Option<IpAddr>>,
    news: watch::Receiver<u64>,
    after: Option<Place>,
    sent: Option<Instant>,
}

impl Watchers {
    /// None yet.
    pub fn new(revocations: Revocations, stop: CancellationToken) -> Self {
        Self { revocations, stop, rooms: AtOnce::new(MOST, MOST_OF_ONE) }
    }

    /// What was revoked lately.
    pub(super) fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// What is revoked after a position, as a stream that lasts until either side ends it.
    pub(super) fn watch(
        &self,
        of: Option<IpAddr>,
        after: Option<Place>,
    ) -> Result<BoxStream<'static, Result<wire::WatchResponse, Status>>, Refusal> {
        let room = self.enter(of)?;
        let state =
            State { among: self.clone(), _room: room, news: self.revocations.news(), after, sent: None };
        let items =
            stream::unfold(
                state,
                |mut state| async move { state.next().await.map(|item| (Ok(item), state)) },
            );
        Ok(Box::pin(items))
    }

    fn enter(&self, of: Option<IpAddr>) -> Result<Room<Option<IpAddr>>, Refusal> {
        self.rooms.take(Some(of)).map_err(|_| {
            Refusal::new(
                ErrorReason::Overloaded,
                "Too many watch here already. Watch another replica of identity, or ask about each caller.",
            )
            .retry_after(Duration::from_secs(5))
        })
    }
}

impl State {
    /// The next item; `None` at the stop.
    async fn next(&mut self) -> Option<wire::WatchResponse> {
        let Watchers { revocations, stop, .. } = &self.among;
        loop {
            self.news.mark_unchanged();
            let tell = revocations.tell(self.after.as_ref());
            let wait = match (tell, self.sent) {
                (None, _) => LOOK,
                (Some(TellAfter { place, told, as_of: _ }), sent) => {
                    let due = sent.map_or(Duration::ZERO, |at| HEARTBEAT.saturating_sub(at.elapsed()));
                    if Some(&place) != self.after.as_ref() || told.anew || due.is_zero() {
                        self.after = Some(place.clone());
                        self.sent = Some(Instant::now());
                        return Some(item(&place, told));
                    }
                    due
                }
            };
            tokio::select! {
                () = stop.cancelled() => return None,
                changed = self.news.changed() => changed.ok()?,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}

fn item(place: &Place, told: Revoked) -> wire::WatchResponse {
    let Revoked { anew, marks, revoked_keys } = told;
    wire::WatchResponse {
        position: place.position,
        epoch: place.epoch.to_string(),
        anew,
        marks: marks.iter().map(|mark| mark.to_vec()).collect(),
        revoked_keys,
    }
}
