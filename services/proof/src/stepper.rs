//! A socket before that of Postgres. While it is armed, whatever a client wants to run is held
//! until it is let go, group by group; what begins a transaction or prepares a statement touches
//! no row and passes. So whoever steps decides in which order statements of several clients come,
//! and nothing depends on time.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::forged::Forgery;
use crate::wire::{Answered, COMMITTED, Group, Said, Sent, query};

/// The socket of one client.
#[derive(Debug)]
pub struct Stepper {
    shared: Arc<Shared>,
    /// Who lets clients in.
    accepts: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    armed: AtomicBool,
    connections: Mutex<Vec<Arc<Connection>>>,
    /// How often something has come.
    came: AtomicU64,
    /// Whether Postgres has ended a circle of waits.
    had_circle: AtomicBool,
    /// Whether the server takes connections. Until it does, a client does not hear that one ended.
    is_up: watch::Sender<bool>,
    /// Whoever steps waits for it.
    changed: Arc<Notify>,
    names: Arc<HashMap<String, String>>,
    forged: Option<&'static Forgery>,
}

/// A connection of the client.
#[derive(Debug)]
pub struct Connection {
    state: Mutex<State>,
    /// Something may be sent on.
    go: Notify,
}

#[derive(Debug, Default)]
struct State {
    process: i32,
    held: VecDeque<Group>,
    /// When the last of them came, counted over all connections.
    held_since: u64,
    /// How many of them may be sent on.
    released: usize,
    /// Answers that have not ended.
    waits: usize,
    /// Of the last one.
    status: u8,
    fault: Option<Fault>,
    closed: bool,
    /// Whether the commit that is held has been answered, and its answer is not passed on.
    is_forged: bool,
}

impl State {
    /// Whether it undoes nothing: a commit that failed has ended the transaction. When the client
    /// says so is no matter of any order.
    fn is_idle_rollback(&self, group: &Group) -> bool {
        self.status == b'I' && self.waits == 0 && group.step.as_deref() == Some("rollback")
    }
}

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The server never sees the statement.
    Unsent,
    /// The server runs it, and nobody hears of it.
    Unheard,
    /// The server ends the session instead of running it, as when it is restarted.
    Ended,
    /// It takes longer than a statement may.
    TimedOut,
    /// The server stops before it has the statement, and starts again: all sessions end.
    Stopped,
    /// The same after it has run it, and nobody hears of it.
    StoppedAfter,
}

impl Fault {
    /// Those of one session.
    pub const OF_SESSION: [Self; 4] = [Self::Unsent, Self::Unheard, Self::Ended, Self::TimedOut];
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Unsent, Self::Unheard, Self::Ended, Self::TimedOut, Self::Stopped, Self::StoppedAfter];

    /// Whether the server stops.
    pub fn is_stop(self) -> bool {
        matches!(self, Self::Stopped | Self::StoppedAfter)
    }

    /// What the server is sent in place of the statement.
    fn instead(self) -> Option<&'static str> {
        match self {
            Self::Unsent | Self::Unheard | Self::Stopped | Self::StoppedAfter => None,
            // The role of the service may not; who has connected may.
            Self::Ended => Some(
                "do $$ begin set role none; perform pg_terminate_backend(pg_backend_pid()); \
                 perform pg_sleep(5); end $$",
            ),
            Self::TimedOut => Some(
                "do $$ begin raise exception 'canceling statement due to statement timeout' \
                 using errcode = 'query_canceled'; end $$",
            ),
        }
    }
}

/// What a connection is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Doing {
    /// Nothing, outside a transaction.
    Rests,
    /// The client wants to run this.
    Holds(String),
    /// The server of this process works.
    Runs(i32),
    /// In a transaction, and the client has said nothing yet.
    Open,
}

impl Stepper {
    /// Listens at a path, for the server that listens at another one.
    pub fn listen(
        at: &Path,
        server: PathBuf,
        changed: Arc<Notify>,
        names: Arc<HashMap<String, String>>,
        forged: Option<&'static Forgery>,
    ) -> std::io::Result<Self> {
        let listener = UnixListener::bind(at)?;
        let (armed, connections) = (AtomicBool::new(false), Mutex::default());
        let (came, had_circle, is_up) = (AtomicU64::new(0), AtomicBool::new(false), watch::Sender::new(true));
        let shared = Arc::new(Shared { armed, connections, came, had_circle, is_up, changed, names, forged });
        let lets_in = Arc::clone(&shared);
        let accepts = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                lets_in.until_up().await;
                let Ok(server) = UnixStream::connect(&server).await else { continue };
                let connection = Arc::new(Connection { state: Mutex::default(), go: Notify::new() });
                lock(&lets_in.connections).push(Arc::clone(&connection));
                tokio::spawn(carry(Arc::clone(&lets_in), connection, client, server));
            }
        });
        Ok(Self { shared, accepts: accepts.abort_handle() })
    }

    /// Holds what comes from now on, or lets everything pass.
    pub fn arm(&self, armed: bool) {
        self.shared.armed.store(armed, Ordering::SeqCst);
        for connection in &*lock(&self.shared.connections) {
            connection.go.notify_one();
        }
    }

    /// Says whether the server takes connections.
    pub fn set_up(&self, is_up: bool) {
        self.shared.is_up.send_replace(is_up);
    }

    /// Whether Postgres has ended a circle of waits since this was asked before: it may be quicker
    /// than whoever looks for one.
    pub fn takes_circle(&self) -> bool {
        self.shared.had_circle.swap(false, Ordering::SeqCst)
    }

    /// The connections that there are.
    pub fn connections(&self) -> Vec<Arc<Connection>> {
        let mut all = lock(&self.shared.connections);
        all.retain(|one| !lock(&one.state).closed);
        all.clone()
    }
}

impl Shared {
    async fn until_up(&self) {
        let mut is_up = self.is_up.subscribe();
        let _gone = is_up.wait_for(|is_up| *is_up).await;
    }
}

impl Drop for Stepper {
    fn drop(&mut self) {
        self.accepts.abort();
    }
}

impl Connection {
    /// What it is doing now.
    pub fn doing(&self) -> Doing {
        let state = lock(&self.state);
        match state.held.front() {
            _ if state.waits > 0 || state.released > 0 => Doing::Runs(state.process),
            Some(group) if state.is_idle_rollback(group) => Doing::Open,
            Some(Group { step: Some(step), .. }) => Doing::Holds(step.clone()),
            Some(_) => Doing::Open,
            None if state.status == b'I' || state.closed => Doing::Rests,
            None => Doing::Open,
        }
    }

    /// Sends on what it holds.
    pub fn release(&self) {
        lock(&self.state).released = 1;
        self.go.notify_one();
    }

    /// Ends at what it holds.
    pub fn break_off(&self, fault: Fault) {
        let mut state = lock(&self.state);
        (state.fault, state.released) = (Some(fault), 1);
        drop(state);
        self.go.notify_one();
    }

    /// Whether it has ended.
    pub fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// The process that serves it.
    pub fn process(&self) -> i32 {
        lock(&self.state).process
    }

    /// When what it holds came, by what came before it.
    pub fn held_since(&self) -> u64 {
        lock(&self.state).held_since
    }

    fn hold(&self, groups: Vec<Group>, came: &AtomicU64) {
        let mut state = lock(&self.state);
        state.held_since = came.fetch_add(1, Ordering::SeqCst);
        state.held.extend(groups);
    }

    /// Takes out what may be sent on now. `None` when the connection ends.
    fn to_send(&self, armed: bool) -> Option<Vec<u8>> {
        let mut state = lock(&self.state);
        let mut bytes = Vec::new();
        while let Some(group) = state.held.front() {
            if state.is_forged && state.waits > 0 {
                break;
            }
            if group.step.is_some() && !state.is_idle_rollback(group) {
                if armed && (state.released == 0 || state.waits > 0) {
                    break;
                }
                state.released = 0;
                if matches!(state.fault, Some(Fault::Unsent | Fault::Stopped)) {
                    return None;
                }
            }
            let Some(mut group) = state.held.pop_front() else { break };
            if let Some(instead) = state.fault.filter(|_| group.step.is_some()).and_then(Fault::instead) {
                (group.bytes, state.fault) = (query(instead), None);
            }
            state.waits += usize::from(group.is_answered);
            bytes.extend(group.bytes);
        }
        Some(bytes)
    }

    /// Notes what the server said. Whether the connection goes on.
    fn note(&self, said: &[Said]) -> bool {
        let mut state = lock(&self.state);
        for said in said {
            match *said {
                Said::Process(process) => state.process = process,
                Said::Ready(status) => {
                    state.status = status;
                    state.waits = state.waits.saturating_sub(1);
                }
                Said::Circle => {}
            }
        }
        state.fault.is_none() || state.waits > 0
    }

    /// Whether what the server says is passed on.
    fn is_heard(&self) -> bool {
        let mut state = lock(&self.state);
        let was_forged = state.waits == 0 && std::mem::take(&mut state.is_forged);
        state.fault.is_none() && !was_forged && !state.is_forged
    }

    /// Whether a commit is to be answered before the server has it.
    fn forges_commit(&self) -> bool {
        let mut state = lock(&self.state);
        let is_commit = state.held.front().is_some_and(|group| group.step.as_deref() == Some("commit"));
        let forges = is_commit && state.waits == 0 && !state.is_forged;
        state.is_forged |= forges;
        forges
    }
}

async fn carry(shared: Arc<Shared>, connection: Arc<Connection>, client: UnixStream, server: UnixStream) {
    let (from_client, mut to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let both = (from_client, from_server);
    carry_on(&shared, &connection, both, (&mut to_client, &mut to_server)).await;
    shared.until_up().await;
    lock(&connection.state).closed = true;
    shared.changed.notify_one();
}

async fn carry_on(
    shared: &Shared,
    connection: &Connection,
    (mut from_client, mut from_server): (OwnedReadHalf, OwnedReadHalf),
    (to_client, to_server): (&mut OwnedWriteHalf, &mut OwnedWriteHalf),
) {
    let (mut sent, mut answered) = (Sent::new(Arc::clone(&shared.names), shared.forged), Answered::default());
    let (mut of_client, mut of_server) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
    loop {
        tokio::select! {
            read = from_client.read(&mut of_client) => match read {
                Ok(read @ 1..) => connection.hold(sent.read(&of_client[..read]), &shared.came),
                _ => return,
            },
            read = from_server.read(&mut of_server) => {
                let Ok(read @ 1..) = read else { return };
                let said = answered.read(&of_server[..read]);
                if said.contains(&Said::Circle) {
                    shared.had_circle.store(true, Ordering::SeqCst);
                }
                // Whoever steps knows of it before the client does.
                if !connection.note(&said) {
                    return;
                }
                if connection.is_heard() && to_client.write_all(&of_server[..read]).await.is_err() {
                    return;
                }
            }
            () = connection.go.notified() => {}
        }
        let armed = shared.armed.load(Ordering::SeqCst);
        let Some(bytes) = connection.to_send(armed) else { return };
        let is_early = armed && shared.forged.is_some_and(|forged| forged.commits_early);
        if is_early && connection.forges_commit() && to_client.write_all(COMMITTED).await.is_err() {
            return;
        }
        if !bytes.is_empty() && to_server.write_all(&bytes).await.is_err() {
            return;
        }
        shared.changed.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
