//! Connections: HTTP/1.1 and HTTP/2 on one port, bounded, drained at the end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::call::headers::Client;
use crate::edge::Edge;

/// Time for the head of an HTTP/1.1 request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for the first request of a connection, whatever its protocol: before that
/// is known, none of hyper's timers runs.
const FIRST_REQUEST_TIME: Duration = Duration::from_secs(15);
/// How long a peer may read nothing of an answer.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Most connections at once; further ones are closed without an answer, so that
/// the others stay served.
const MAX_CONNECTIONS: usize = 16_384;
/// Bytes of a request's body that may be under way over HTTP/2, and those of all
/// requests of a connection: one that is taken slowly leaves the others their room.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 32 * STREAM_WINDOW;
/// Largest head of a request in bytes.
const MAX_HEAD: u32 = 16 * 1024;

/// Accepts connections until the token is cancelled.
pub async fn serve(listener: TcpListener, edge: Edge, stop: CancellationToken) {
    let server = Server { builder: builder(), graceful: GracefulShutdown::new(), edge };
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: let some close.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => server.start(stream, peer, place),
            Err(_) => tracing::debug!(%peer, "there are too many connections"),
        }
    }
    drop(listener);
    if tokio::time::timeout(boot::DRAIN_LIMIT, server.graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still in progress were cut off");
    }
}

/// What all connections have in common.
struct Server {
    builder: Builder<TokioExecutor>,
    graceful: GracefulShutdown,
    edge: Edge,
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(MAX_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD)
        .max_concurrent_streams(200)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

impl Server {
    /// Serves a connection beside the others; `place` is free again at its end.
    fn start(&self, stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit) {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let asked = Arc::new(AtomicBool::new(false));
        let (edge, first) = (self.edge.clone(), Arc::clone(&asked));
        let connected = Client::at(peer.ip());
        let service = service_fn(move |request: http::Request<Incoming>| {
            first.store(true, Ordering::Relaxed);
            let (edge, connected) = (edge.clone(), connected.clone());
            async move {
                let client = edge.client(&connected, request.headers());
                Ok::<_, Infallible>(edge.answer(request.map(Body::new), &client).await)
            }
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let stream = TokioIo::new(Box::pin(stream));
        let connection = self.builder.serve_connection(stream, service).into_owned();
        let connection = self.graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(error, "a connection ended early");
                },
                () = nothing_asked(&asked) => tracing::debug!(%peer, "a connection asked nothing"),
            }
        });
    }
}

/// Returns when a connection should have had its first request and had none.
async fn nothing_asked(asked: &AtomicBool) {
    tokio::time::sleep(FIRST_REQUEST_TIME).await;
    if asked.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
