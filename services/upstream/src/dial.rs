//! How a connection to an address is made, and what keeps it going until it ends.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use boot::{ClientTls, Count};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::rt::Executor;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tonic::body::Body;

use crate::reach::Reach;

/// Bytes of an answer that may be under way in one call. A stream that nobody reads
/// keeps as many, and as many of the connection's: that has room for more such streams
/// than there may be calls, or a few of them would hold up all others.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * STREAM_WINDOW;

/// Where a connection leads.
#[derive(Debug)]
pub struct Peer {
    pub addr: SocketAddr,
    /// What its certificate must be for.
    pub host: String,
    pub tls: Option<ClientTls>,
    /// What came of connecting to it.
    pub reach: Reach,
    /// How often others began to be asked before it.
    pub passed_over: Count,
}

/// Why there is no connection.
pub type DialError = Box<dyn std::error::Error + Send + Sync>;

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

/// Connects. When `unused` is over, the connection ends with the calls that are on it; then
/// `ended` is called, as it is when the connection is lost. An address is connected to when its
/// other end has said something: a server that stops, or hangs, leaves connections that the
/// system has taken for it without a word, and calls sent on them would be lost.
pub async fn connect(
    peer: &Peer,
    unused: impl Future<Output = ()> + Send + 'static,
    ended: impl FnOnce() + Send + 'static,
) -> Result<SendRequest<Body>, DialError> {
    let stream = TcpStream::connect(peer.addr).await?;
    stream.set_nodelay(true)?;
    match &peer.tls {
        Some(tls) => begin(peer.addr, tls.connect(&peer.host, stream).await?, unused, ended).await,
        None => begin(peer.addr, stream, unused, ended).await,
    }
}

async fn begin<S>(
    addr: SocketAddr,
    stream: S,
    unused: impl Future<Output = ()> + Send + 'static,
    ended: impl FnOnce() + Send + 'static,
) -> Result<SendRequest<Body>, DialError>
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
        let mut connection = Box::pin(connection);
        let how = {
            tokio::pin!(unused);
            tokio::select! {
                how = &mut connection => how,
                // It ends when all that was sent has been answered.
                () = unused => (&mut connection).await,
            }
        };
        if let Err(error) = how {
            tracing::debug!(%addr, %error, "a connection ended");
        }
        // Only now whoever asks sees that it is closed.
        drop(connection);
        ended();
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
