//! One HTTP/2 connection, made when it is needed and again when it was lost.

use std::net::SocketAddr;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tonic::body::Body;

/// Time for a connection to be made.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// Bytes of an answer that may be under way in one call. A stream that nobody reads
/// keeps as many, and as many of the connection's: that has room for more such streams
/// than there may be calls, or a few of them would hold up all others.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * STREAM_WINDOW;

/// A connection, or the place for one.
#[derive(Default)]
pub struct Connection {
    sender: RwLock<Option<SendRequest<Body>>>,
    /// Held while connecting, so that a crowd makes one connection.
    connecting: tokio::sync::Mutex<()>,
}

impl Connection {
    /// What sends over the connection to an address, made if there is none.
    pub async fn sender(&self, addr: SocketAddr) -> Result<SendRequest<Body>, String> {
        if let Some(sender) = self.open() {
            return Ok(sender);
        }
        let _connecting = self.connecting.lock().await;
        if let Some(sender) = self.open() {
            return Ok(sender);
        }
        // On the heap: every call's future has room for it, and hardly one connects.
        let sender = tokio::time::timeout(CONNECT_TIME, Box::pin(connect(addr)))
            .await
            .map_err(|_| format!("{addr} does not answer in {} s", CONNECT_TIME.as_secs()))?
            .map_err(|error| format!("{addr}: {error}"))?;
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        Ok(sender)
    }

    /// The next call makes a new one. Calls under way go on.
    pub fn forget(&self) {
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn open(&self) -> Option<SendRequest<Body>> {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }
}

async fn connect(addr: SocketAddr) -> Result<SendRequest<Body>, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(addr).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(20))
        .keep_alive_timeout(Duration::from_secs(10))
        .keep_alive_while_idle(true)
        .handshake(TokioIo::new(stream))
        .await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(%addr, %error, "a connection ended");
        }
    });
    Ok(sender)
}
