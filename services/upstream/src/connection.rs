//! One HTTP/2 connection, made when it is needed and again when it was lost, and how many
//! calls are on it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use boot::{ClientTls, MAX_CALLS};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use http::Response;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::body::Body;

/// Time for a connection to be made, and for its other end to say something.
pub const CONNECT_TIME: Duration = Duration::from_secs(2);
/// Bytes of an answer that may be under way in one call. A stream that nobody reads
/// keeps as many, and as many of the connection's: that has room for more such streams
/// than there may be calls, or a few of them would hold up all others.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * STREAM_WINDOW;

/// How long a connection that is there because others were full stays when nobody uses it.
pub const UNUSED: Duration = Duration::from_secs(2);

/// Calls on a connection from which on it is full: what has ended here takes its time to
/// have ended there.
const FULL: u32 = MAX_CALLS - MAX_CALLS / 10;

/// Where a connection leads.
#[derive(Debug)]
pub struct Peer {
    pub addr: SocketAddr,
    /// What its certificate must be for.
    pub host: String,
    pub tls: Option<ClientTls>,
}

/// A connection, or the place for one.
#[derive(Default)]
pub struct Connection {
    sender: RwLock<Option<SendRequest<Body>>>,
    /// What a crowd waits for, so that it makes one connection, or fails at once.
    connecting: Mutex<Option<Connecting>>,
    calls: AtomicU32,
    /// Whether it is there because others were full, and is closed when nobody uses it.
    further: bool,
}

type Connecting = Shared<BoxFuture<'static, Result<SendRequest<Body>, String>>>;

/// Room for a call on a connection, until it is dropped.
pub struct Room(Arc<Connection>);

/// The body of an answer, which ends with its call.
struct Answered {
    body: Incoming,
    _room: Room,
}

impl Connection {
    /// One that is there because others are full.
    pub fn further() -> Arc<Self> {
        Arc::new(Self { further: true, ..Self::default() })
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
    #[cfg(test)]
    pub fn is_open(&self) -> bool {
        self.open().is_some()
    }

    /// What sends over the connection to a peer, made if there is none.
    async fn sender(self: &Arc<Self>, peer: &Arc<Peer>) -> Result<SendRequest<Body>, String> {
        if let Some(sender) = self.open() {
            return Ok(sender);
        }
        let connecting = {
            let mut connecting = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
            match connecting.as_ref().filter(|one| one.peek().is_none()) {
                Some(under_way) => under_way.clone(),
                None => {
                    // It may have ended in between.
                    if let Some(sender) = self.open() {
                        return Ok(sender);
                    }
                    connecting.insert(Arc::clone(self).connected(Arc::clone(peer))).clone()
                }
            }
        };
        connecting.await
    }

    /// Connects in a task of its own: whoever asked may go away, and others wait for it.
    fn connected(self: Arc<Self>, peer: Arc<Peer>) -> Connecting {
        let made = tokio::spawn(async move {
            let made = self.make(&peer).await;
            // Whoever waits has what came of it, and nobody else: an address that did not
            // answer then may answer now.
            *self.connecting.lock().unwrap_or_else(PoisonError::into_inner) = None;
            made
        });
        made.map(|made| made.unwrap_or_else(|error| Err(error.to_string()))).boxed().shared()
    }

    async fn make(self: &Arc<Self>, peer: &Peer) -> Result<SendRequest<Body>, String> {
        let (addr, further) = (peer.addr, self.further.then(|| Arc::downgrade(self)));
        let sender = tokio::time::timeout(CONNECT_TIME, connect(peer, further))
            .await
            .map_err(|_| format!("{addr} does not answer in {} s", CONNECT_TIME.as_secs()))?
            .map_err(|error| format!("{addr}: {error}"))?;
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        Ok(sender)
    }

    /// The next call makes a new one. Calls under way go on.
    fn forget(&self) {
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn open(&self) -> Option<SendRequest<Body>> {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }
}

impl Room {
    /// What sends over the connection to a peer.
    pub async fn sender(&self, peer: &Arc<Peer>) -> Result<SendRequest<Body>, String> {
        self.0.sender(peer).await
    }

    /// The next call makes a new connection.
    pub fn forget(&self) {
        self.0.forget();
    }

    /// An answer that keeps the room until it has ended.
    pub fn until_the_end(self, answer: Response<Incoming>) -> Response<Body> {
        answer.map(|body| Body::new(Answered { body, _room: self }))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HttpBody for Answered {
    type Data = <Incoming as HttpBody>::Data;
    type Error = <Incoming as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A stream that tells when its other end has said something.
struct Listened<S> {
    stream: S,
    said: Option<oneshot::Sender<()>>,
}

/// Runs what a connection has to do for a call. Its future has room for a whole connection,
/// which hyper starts by the same type, and starting a task moves what it runs ten times: so
/// it is on the heap before.
#[derive(Clone, Copy)]
struct OnHeap;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for OnHeap {
    fn execute(&self, part: F) {
        tokio::spawn(Box::pin(part));
    }
}

/// Connects; `further` is closed when nobody uses it. An address is connected to when its
/// other end has said something: a server that stops, or hangs, leaves connections that the
/// system has taken for it without a word, and calls sent on them would be lost.
async fn connect(
    peer: &Peer,
    further: Option<Weak<Connection>>,
) -> Result<SendRequest<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(peer.addr).await?;
    stream.set_nodelay(true)?;
    match &peer.tls {
        Some(tls) => begin(peer.addr, tls.connect(&peer.host, stream).await?, further).await,
        None => begin(peer.addr, stream, further).await,
    }
}

async fn begin<S>(
    addr: SocketAddr,
    stream: S,
    further: Option<Weak<Connection>>,
) -> Result<SendRequest<Body>, Box<dyn std::error::Error + Send + Sync>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (said, has_said) = oneshot::channel();
    let stream = Listened { stream, said: Some(said) };
    let (sender, connection) = Builder::new(OnHeap)
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        let (connection, unused) = (connection, forget_unused(further));
        tokio::pin!(connection, unused);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            // It ends when all that was sent has been answered.
            () = unused => connection.await,
        };
        if let Err(error) = ended {
            tracing::debug!(%addr, %error, "a connection ended");
        }
    });
    has_said.await.map_err(|_| "it closed the connection without a word")?;
    Ok(sender)
}

impl<S: AsyncRead + Unpin> AsyncRead for Listened<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if self.said.is_some()
            && buffer.filled().len() > before
            && let Some(Err(())) = self.said.take().map(|said| said.send(()))
        {
            tracing::debug!("nobody waits for the connection any more");
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Listened<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
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
