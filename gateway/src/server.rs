//! Connections: HTTP/1.1 and HTTP/2 on one port, bounded, drained at the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use crate::edge::Edge;

/// Time for the head of an HTTP/1.1 request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Time for the first request of a connection, whatever its protocol.
const FIRST_REQUEST_TIME: Duration = Duration::from_secs(15);
/// How long a peer may take nothing of an answer.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Most connections at once; more are closed at once, so that those who are
/// served stay served.
const MAX_CONNECTIONS: usize = 16_384;
/// Largest head of a request in bytes.
const MAX_HEAD: u32 = 16 * 1024;

/// Accepts connections until the token is cancelled.
pub async fn serve(listener: TcpListener, edge: Edge, stop: CancellationToken) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).max_buf_size(MAX_HEAD as usize);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HEAD)
        .max_concurrent_streams(200)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    let graceful = GracefulShutdown::new();
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
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tracing::debug!(%peer, "there are too many connections");
            continue;
        };
        let begun = Arc::new(AtomicBool::new(false));
        let (edge, first) = (edge.clone(), Arc::clone(&begun));
        let service = service_fn(move |request: http::Request<Incoming>| {
            first.store(true, Ordering::Relaxed);
            let edge = edge.clone();
            async move { Ok::<_, Infallible>(edge.answer(request.map(Body::new), peer.ip()).await) }
        });
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(WRITE_TIME));
        let stream = TokioIo::new(Box::pin(stream));
        let connection = builder.serve_connection(stream, service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(error, "a connection ended early");
                },
                () = nothing_asked(&begun) => tracing::debug!(%peer, "a connection asked nothing"),
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(boot::DRAIN_LIMIT, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests still in progress were cut off");
    }
}

/// Returns when a connection should have had its first request. HTTP/1.1 has a
/// time for each head; before the protocol is known there is none.
async fn nothing_asked(begun: &AtomicBool) {
    tokio::time::sleep(FIRST_REQUEST_TIME).await;
    if begun.load(Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
}
