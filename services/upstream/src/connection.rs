//! One HTTP/2 connection, made in the background and again when it was lost, and how many
//! calls are on it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockWriteGuard, Weak};
use std::time::Duration;

use boot::MAX_CALLS;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use hyper::client::conn::http2::SendRequest;
use tonic::body::Body;

use crate::clock::now;
use crate::dial::{Peer, connect};
use crate::reach::Reach;

/// Time for a connection to be made, and for its other end to say something.
pub const CONNECT_TIME: Duration = Duration::from_secs(2);

/// How long a connection that is there because others were full stays when nobody uses it.
pub const UNUSED: Duration = Duration::from_secs(2);

/// Calls on a connection from which on it is full: what has ended here takes its time to
/// have ended there.
const FULL: u32 = MAX_CALLS - MAX_CALLS / 10;

/// A connection, or the place for one.
#[derive(Default)]
pub struct Connection {
    sender: RwLock<Option<SendRequest<Body>>>,
    /// Whether calls can be sent over it, as far as is known without a lock.
    is_open: AtomicBool,
    /// What a crowd waits for, so that it makes one connection, or fails at once.
    connecting: Mutex<Option<Connecting>>,
    calls: AtomicU32,
    /// Set if it is there because others were full, and is closed when nobody uses it: what
    /// came of its own attempts, since the address is reached over those others.
    further: Option<Reach>,
}

/// An attempt to connect, which all wait for who need it. It goes on without them.
pub type Connecting = Shared<BoxFuture<'static, Result<(), String>>>;

/// Room for a call on a connection, until it is dropped.
pub struct Room(Arc<Connection>);

impl Connection {
    /// One that is there because others are full.
    pub fn further() -> Arc<Self> {
        Arc::new(Self { further: Some(Reach::default()), ..Self::default() })
    }

    /// Room for a call, unless it is full.
    pub fn room(this: &Arc<Self>) -> Option<Room> {
        (this.calls.load(Ordering::Relaxed) < FULL).then(|| Self::take(this))
    }

    /// Room for a call.
    pub fn take(this: &Arc<Self>) -> Room {
        this.calls.fetch_add(1, Ordering::Relaxed);
        Room(Arc::clone(this))
    }

    /// Calls that are on it.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Whether no call is on it.
    pub fn is_unused(&self) -> bool {
        self.calls() == 0
    }

    /// Whether calls can be sent over it as it is.
    pub fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    /// The attempt to connect that is under way, or a new one if one is due; none if it is
    /// open meanwhile.
    pub fn connecting(this: &Arc<Self>, peer: &Arc<Peer>, is_due: bool) -> Option<Connecting> {
        let mut connecting = this.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(under_way) = connecting.as_ref().filter(|one| one.peek().is_none()) {
            return Some(under_way.clone());
        }
        // It may have ended in between.
        if !is_due || this.is_open() {
            return None;
        }
        Some(connecting.insert(Self::connect(Arc::clone(this), Arc::clone(peer))).clone())
    }

    /// Connects in a task of its own: whoever asked may go away, and others wait for it.
    fn connect(this: Arc<Self>, peer: Arc<Peer>) -> Connecting {
        let made = tokio::spawn(async move {
            let began = now();
            let made = this.make(&peer).await;
            this.note(&peer, began, &made);
            // What came of it is known by now to whoever asks for another attempt.
            *this.connecting.lock().unwrap_or_else(PoisonError::into_inner) = None;
            made
        });
        made.map(|made| made.unwrap_or_else(|error| Err(error.to_string()))).boxed().shared()
    }

    /// Tells all who would try it what came of an attempt that began then.
    fn note(&self, peer: &Peer, began: u64, made: &Result<(), String>) {
        let addr = peer.addr;
        match (made, &self.further) {
            (Ok(()), further) => {
                if let Some(reach) = further {
                    reach.is_reached();
                }
                if peer.reach.is_reached() {
                    tracing::info!(%addr, "an address is reached again");
                }
            }
            (Err(cause), Some(reach)) => {
                if reach.has_failed(began, now(), cause) {
                    tracing::warn!(%addr, cause, "an address takes no further connection");
                }
            }
            (Err(cause), None) => {
                if peer.reach.has_failed(began, now(), cause) {
                    peer.passed_over.add_one();
                    tracing::warn!(%addr, cause, "an address cannot be reached");
                }
            }
        }
    }

    async fn make(self: &Arc<Self>, peer: &Peer) -> Result<(), String> {
        let (addr, this) = (peer.addr, Arc::downgrade(self));
        let unused = forget_unused(self.further.is_some().then(|| Weak::clone(&this)));
        let ended = move || {
            if let Some(this) = this.upgrade() {
                this.forget_closed();
            }
        };
        let sender = tokio::time::timeout(CONNECT_TIME, connect(peer, unused, ended))
            .await
            .map_err(|_| format!("{addr} does not answer in {} s", CONNECT_TIME.as_secs()))?
            .map_err(|error| format!("{addr}: {error}"))?;
        let mut place = self.place();
        *place = Some(sender);
        self.is_open.store(true, Ordering::Relaxed);
        drop(place);
        // It may have ended before it was here.
        self.forget_closed();
        Ok(())
    }

    /// The next call makes a new one. Calls under way go on.
    fn forget(&self) {
        let mut place = self.place();
        *place = None;
        self.is_open.store(false, Ordering::Relaxed);
    }

    /// The same if nothing can be sent over it any more.
    fn forget_closed(&self) {
        let mut place = self.place();
        if place.as_ref().is_none_or(SendRequest::is_closed) {
            *place = None;
            self.is_open.store(false, Ordering::Relaxed);
        }
    }

    fn place(&self) -> RwLockWriteGuard<'_, Option<SendRequest<Body>>> {
        self.sender.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self) -> Option<SendRequest<Body>> {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }
}

impl Room {
    /// What sends over the connection. One that is there because others are full is made if
    /// it is not there yet; any other is gone meanwhile if it is not open.
    pub async fn sender(&self, peer: &Arc<Peer>) -> Result<SendRequest<Body>, String> {
        if let Some(sender) = self.0.open() {
            return Ok(sender);
        }
        self.0.forget_closed();
        let reach = self.0.further.as_ref();
        if let Some(reach) = reach
            && let Some(connecting) = Connection::connecting(&self.0, peer, reach.is_due_in_need(now()))
        {
            connecting.await?;
            return self.0.open().ok_or_else(|| format!("{} closed the connection at once", peer.addr));
        }
        let cause = reach.unwrap_or(&peer.reach).cause();
        Err(cause.unwrap_or_else(|| format!("{} has closed the connection", peer.addr)))
    }

    /// The next call makes a new connection, if this one is closed.
    pub fn forget(&self) {
        self.0.forget_closed();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns when nobody can send over a further connection any more. A call now and then
/// keeps it or not: it costs one that is made again.
async fn forget_unused(further: Option<Weak<Connection>>) {
    let Some(further) = further else { return std::future::pending().await };
    loop {
        tokio::time::sleep(UNUSED).await;
        match further.upgrade() {
            Some(connection) if !connection.is_unused() => {}
            Some(connection) => return connection.forget(),
            None => return,
        }
    }
}
