//! One connection, from its first bytes to its end. hyper has some 25 KiB of buffers for each,
//! and most do nothing most of the time: clients keep them for a next request. So one of HTTP/1.1
//! that rests is put aside, its buffers are given back, and it is taken up again when something
//! comes. One of HTTP/2 has a state that both of its ends know, and stays as it is.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use boot::{Place, Stop};
use bytes::Bytes;
use http::header::CONNECTION;
use http::{HeaderValue, Request, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;
use tonic::body::Body;

use super::life::{Life, Observed, Unread, Verdict};
use super::unsent::Unsent;
use crate::call::headers::Client;
use crate::edge::Edge;

/// What a connection of HTTP/2 begins with (RFC 9113, 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How often one that has been asked to end is looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// How often one that may be put aside is: the longer it has its buffers, the more there are
/// of those who have just come.
const LOOK_SOON: Duration = Duration::from_secs(2);

/// How long the last words to a client may take.
const GOODBYE: Duration = Duration::from_secs(1);

/// How connections are used, in both versions.
#[derive(Debug, Clone)]
pub struct Builders {
    pub http1: http1::Builder,
    pub http2: http2::Builder<TokioExecutor>,
}

/// A connection.
pub struct One {
    pub edge: Edge,
    pub stop: Stop,
    pub life: Arc<Life>,
    pub peer: SocketAddr,
}

/// What a connection has to do beside its requests.
#[derive(Debug, PartialEq, Eq)]
enum Turn {
    /// It is put aside, if it can be.
    Rests,
    /// It ends when its requests have.
    Ends,
    /// It is closed.
    Over,
}

/// The body of a request. Whoever has it keeps the connection from being put aside, even when all
/// is answered: what is left of it would be read as a request.
struct Brought {
    body: Incoming,
    _unread: Unread,
}

/// Says when it is which turn.
struct Clock {
    life: Arc<Life>,
    unsent: Arc<Unsent>,
    /// A token of its own: all connections would wait for each other to look at one.
    ending: CancellationToken,
    look: Pin<Box<Sleep>>,
    /// Whether it may be put aside, and is not yet.
    is_full: bool,
    ends: bool,
    peer: SocketAddr,
}

impl One {
    /// Answers its requests until it ends.
    pub async fn serve<S>(self, builders: Builders, stream: S, _place: Place<IpAddr>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { edge, stop, life, peer } = self;
        let mut stream = Observed::new(stream, Arc::clone(&life));
        let (connected, unsent) = (Client::at(peer.ip()), Unsent::nothing());
        let mut clock = Clock {
            life: Arc::clone(&life),
            unsent: Arc::clone(&unsent),
            ending: stop.ending().child_token(),
            look: Box::pin(tokio::time::sleep(Duration::ZERO)),
            is_full: true,
            ends: false,
            peer,
        };
        let began = tokio::select! {
            biased;
            began = begin(&mut stream) => began,
            () = clock.until_the_end() => return,
        };
        let Ok(is_http2) = began else { return };
        let of_requests = Arc::new((life, stop.leaving().clone(), unsent));
        let service = service_fn(move |request: Request<Incoming>| {
            let (version, of_requests) = (request.version(), Arc::clone(&of_requests));
            let asked = of_requests.0.asked(version);
            let answering = edge.answer(request.map(|body| brought(body, &of_requests.0)), &connected, asked);
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
        clock.is_full = !is_http2;
        if is_http2 {
            let mut connection = Box::pin(builders.http2.serve_connection(TokioIo::new(stream), service));
            loop {
                tokio::select! {
                    biased;
                    ended = &mut connection => return told(ended),
                    turn = clock.next() => match turn {
                        Turn::Rests => {}
                        Turn::Ends => connection.as_mut().graceful_shutdown(),
                        Turn::Over => return,
                    },
                }
            }
        }
        over_http1(&builders.http1, stream, service, clock).await;
    }
}

/// Answers requests of HTTP/1.1.
async fn over_http1<S, V>(builder: &http1::Builder, mut stream: Observed<S>, mut service: V, mut clock: Clock)
where
    S: AsyncRead + AsyncWrite + Unpin,
    V: HttpService<Incoming, ResBody = Body, Error = Infallible>,
{
    loop {
        let mut connection = Box::new(builder.serve_connection(TokioIo::new(stream), service));
        loop {
            tokio::select! {
                biased;
                ended = &mut *connection => return told(ended),
                turn = clock.next() => match turn {
                    Turn::Rests => break,
                    Turn::Ends => Pin::new(&mut *connection).graceful_shutdown(),
                    Turn::Over => return,
                },
            }
        }
        let http1::Parts { io, read_buf, service: taken_back, .. } = connection.into_parts();
        (stream, service) = (io.into_inner(), taken_back);
        if !read_buf.is_empty() {
            stream.unread(read_buf);
            continue;
        }
        // It is empty, and has all its room.
        drop(read_buf);
        clock.is_full = false;
        let came = tokio::select! {
            biased;
            came = stream.readable() => came,
            () = clock.until_the_end() => return let_go(stream).await,
        };
        clock.is_full = true;
        clock.look.as_mut().reset(Instant::now() + LOOK_SOON);
        if !came.unwrap_or(false) {
            return;
        }
    }
}

fn brought(body: Incoming, life: &Arc<Life>) -> Body {
    if body.is_end_stream() {
        return Body::new(body);
    }
    Body::new(Brought { body, _unread: life.unread() })
}

/// Reads as much as tells the version, and gives it back.
async fn begin<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut Observed<S>) -> io::Result<bool> {
    let (mut begun, mut length) = ([0; PREFACE.len()], 0);
    while length < PREFACE.len() && PREFACE.starts_with(&begun[..length]) {
        let count = stream.read(&mut begun[length..]).await?;
        if count == 0 {
            break;
        }
        length += count;
    }
    let begun = &begun[..length];
    stream.unread(Bytes::copy_from_slice(begun));
    Ok(begun == PREFACE)
}

/// Ends one on which nothing is under way, with the words of TLS if it has some.
async fn let_go(mut stream: impl AsyncWrite + Unpin) {
    let _gone = tokio::time::timeout(GOODBYE, stream.shutdown()).await;
}

fn told(ended: Result<(), hyper::Error>) {
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

impl HttpBody for Brought {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Clock {
    /// Waits for the next turn. It may be left and called again.
    async fn next(&mut self) -> Turn {
        loop {
            tokio::select! {
                biased;
                () = self.ending.cancelled(), if !self.ends => {
                    self.ends = true;
                    return Turn::Ends;
                }
                () = &mut self.look => {}
            }
            match self.life.verdict() {
                _ if self.unsent.is_stuck() => {
                    tracing::debug!(peer = %self.peer, "answers were not read");
                    return Turn::Over;
                }
                Verdict::Closed => {
                    tracing::debug!(peer = %self.peer, "a connection asked nothing");
                    return Turn::Over;
                }
                Verdict::Stays(until) => {
                    let may_rest = self.is_full && !self.life.is_asked();
                    let rests = may_rest && !self.ends && self.life.rests();
                    let soon = Instant::now() + LOOK_SOON;
                    self.look.as_mut().reset(if may_rest && !rests { until.min(soon) } else { until });
                    if rests {
                        return Turn::Rests;
                    }
                }
                Verdict::Ends => {
                    self.look.as_mut().reset(Instant::now() + LOOK_AGAIN);
                    if !self.ends {
                        self.ends = true;
                        return Turn::Ends;
                    }
                }
            }
        }
    }

    /// Waits until a connection on which nothing is under way has to go.
    async fn until_the_end(&mut self) {
        while self.next().await == Turn::Rests {}
    }
}
