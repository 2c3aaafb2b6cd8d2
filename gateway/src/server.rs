//! Connections: HTTP/1.1 and HTTP/2 on one port, bounded, and ended in steps at the stop.
//! While the gateway leaves, it tells each connection of HTTP/1.1 with its next answer that
//! it is the last one: to close one at rest would race with a request on its way.

pub mod crowd;
mod life;
mod unsent;

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use boot::{Accepted, Listener, Place, ServerTls, Stop, TrustedProxies};
use futures::FutureExt;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_io_timeout::TimeoutStream;
use tonic::body::Body;

use self::crowd::Crowd;
use self::life::{Life, Observed, Verdict};
use self::unsent::Unsent;
use crate::call::headers::{Client, MAX_HEAD};
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
/// How often one that has been asked to end is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
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
        let (builder, mut open) = (builder(), JoinSet::new());
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = open.join_next() => continue,
                () = self.stop.ending().cancelled() => break,
            };
            match accepted {
                Ok((stream, peer)) => self.start(&builder, &mut open, (stream, peer), tls.as_ref()),
                Err(error) => {
                    // Out of file descriptors, most likely: let some close.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        // Those who have connected while this was decided.
        while let Some(Ok((stream, peer))) = listener.accept().now_or_never() {
            self.start(&builder, &mut open, (stream, peer), tls.as_ref());
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
        builder: &Builder<TokioExecutor>,
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
        open.spawn(one.serve(builder.clone(), Box::pin(stream), place));
    }
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // How long heads may take is known in `life`.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(READ_HEAD);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(READ_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(200)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

/// A connection.
struct One {
    edge: Edge,
    stop: Stop,
    life: Arc<Life>,
    peer: SocketAddr,
}

impl One {
    /// Answers its requests until it ends.
    async fn serve<S>(self, builder: Builder<TokioExecutor>, stream: S, _place: Place<IpAddr>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { edge, stop, life, peer } = self;
        let stream = TokioIo::new(Observed::new(stream, Arc::clone(&life)));
        let (connected, unsent) = (Client::at(peer.ip()), Unsent::nothing());
        let of_requests = Arc::new((Arc::clone(&life), stop.leaving().clone(), Arc::clone(&unsent)));
        let service = service_fn(move |request: Request<Incoming>| {
            let (version, of_requests) = (request.version(), Arc::clone(&of_requests));
            let asked = of_requests.0.asked(version);
            let answering = edge.answer(request.map(Body::new), &connected, asked);
            async move {
                let mut response = answering.await;
                let (life, leaving, unsent) = &*of_requests;
                if version >= Version::HTTP_2 {
                    if !response.body().is_end_stream() {
                        response = response.map(|body| unsent.watched(body));
                    }
                } else if leaving.is_cancelled() || life.is_old() {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        });
        let mut connection = pin!(builder.serve_connection(stream, service));
        // A token of its own: all connections would wait for each other to look at one.
        let ending = stop.ending().child_token();
        let mut ends = false;
        let mut look = pin!(tokio::time::sleep(Duration::ZERO));
        loop {
            tokio::select! {
                biased;
                ended = &mut connection => {
                    if let Err(error) = ended {
                        tracing::debug!(error, "a connection ended early");
                    }
                    return;
                }
                () = ending.cancelled(), if !ends => {
                    ends = true;
                    connection.as_mut().graceful_shutdown();
                }
                () = &mut look => match life.verdict() {
                    _ if unsent.is_stuck() => return tracing::debug!(%peer, "answers were not read"),
                    Verdict::Closed => return tracing::debug!(%peer, "a connection asked nothing"),
                    Verdict::Stays(until) => look.as_mut().reset(until),
                    Verdict::Ends => {
                        look.as_mut().reset(tokio::time::Instant::now() + LOOK_AGAIN);
                        if !ends {
                            ends = true;
                            connection.as_mut().graceful_shutdown();
                        }
                    }
                },
            }
        }
    }
}

#[cfg(test)]
mod tests;
