//! Connections: HTTP/1.1 and HTTP/2 on one port, bounded, and ended in steps at the stop.
//! While the gateway leaves, it tells each connection of HTTP/1.1 with its next answer that
//! it is the last one: to close one at rest would race with a request on its way.

pub mod crowd;
mod life;
mod one;
mod unsent;

use std::net::SocketAddr;
use std::time::Duration;

use boot::{Accepted, Listener, ServerTls, Stop, TrustedProxies};
use futures::FutureExt;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;

use self::crowd::Crowd;
use self::life::Life;
use self::one::{Builders, One};
use crate::call::headers::MAX_HEAD;
use crate::config::Connections;
use crate::edge::Edge;

/// How long a peer may read nothing of what is written; of answers over HTTP/2 that is known in
/// `unsent`, too.
const WRITE_TIME: Duration = Duration::from_secs(30);
/// Bytes of a request's body that may be under way over HTTP/2, and those of all
/// requests of a connection: one that is taken slowly leaves the others their room.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 32 * STREAM_WINDOW;
/// Bytes of a head that are read. One that is too large is mostly not much larger, and with
/// room to read it its caller is told so in words; what is larger still gets the bare status.
const READ_HEAD: usize = 2 * MAX_HEAD;
/// Time for the last words to those who are cut off.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// What all connections have in common.
#[derive(Debug)]
pub struct Server {
    pub edge: Edge,
    pub crowd: Crowd,
    pub connections: Connections,
    /// Peers that others stand behind.
    pub proxies: TrustedProxies,
    pub stop: Stop,
}

impl Server {
    /// Serves whoever connects, until the stop.
    pub async fn serve(self, listener: Listener) {
        let Listener { tcp: listener, tls } = listener;
        let (builders, mut open) = (builders(), JoinSet::new());
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = open.join_next() => continue,
                () = self.stop.ending().cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => self.start(&builders, &mut open, (stream, peer), tls.as_ref()),
                Err(error) => {
                    // Out of file descriptors, most likely: let some close.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        // Those who have connected while this was decided.
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            self.start(&builders, &mut open, (stream, peer), tls.as_ref());
        }
        drop(listener);
        self.drain(open).await;
    }

    /// Waits until all connections have ended, and cuts off what is left.
    async fn drain(&self, mut open: JoinSet<()>) {
        let all_ended = async |open: &mut JoinSet<()>| while open.join_next().await.is_some() {};
        if self.stop.cut().run_until_cancelled(all_ended(&mut open)).await.is_some() {
            tracing::info!("stopped; no request was cut off");
            return;
        }
        self.edge.count_cut();
        tokio::time::timeout(LAST_WORDS, all_ended(&mut open)).await.unwrap_or_default();
        open.shutdown().await;
        let (requests, by_route) = self.edge.was_cut().await;
        if requests > 0 {
            tracing::warn!(requests, by_route, "stopped; what was still in progress was cut off");
        } else {
            tracing::info!("stopped; no request was cut off");
        }
    }

    /// Serves a connection beside the others.
    fn start(
        &self,
        builders: &Builders,
        open: &mut JoinSet<()>,
        (stream, peer): (TcpStream, SocketAddr),
        tls: Option<&ServerTls>,
    ) {
        let Some(place) = self.crowd.take(peer.ip(), self.proxies.contains(peer.ip())) else {
            tracing::debug!(%peer, "there are too many connections");
            return;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
        let mut stream = TimeoutStream::new(Accepted::new(stream, tls));
        stream.set_write_timeout(Some(WRITE_TIME));
        let Connections { idle, age, of_client: _ } = self.connections;
        let life = Life::new(idle, age, peer.port());
        let one = One { edge: self.edge.clone(), stop: self.stop.clone(), life, peer };
        open.spawn(one.serve(builders.clone(), Box::pin(stream), place));
    }
}

fn builders() -> Builders {
    let (mut http1, mut http2) = (http1::Builder::new(), http2::Builder::new(TokioExecutor::new()));
    // How long heads may take is known in `life`.
    http1.timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(READ_HEAD);
    http2
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(READ_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(200)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    Builders { http1, http2 }
}

#[cfg(test)]
mod tests;
