//! A server as the other parts of its process call it: through the layers that a call over its
//! port goes through, without sockets, HTTP/2 or tasks in between. What a connection keeps apart
//! stays apart: nothing crosses but what would cross there, a call ends when whoever made it
//! leaves or cannot send on, and a defect ends a call and nothing else.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use futures::task::AtomicWaker;
use http::{Extensions, Request, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::{Layer, Service};

use crate::Observe;
use crate::observe::Observed;

/// A server without its port. Clones are the same server.
#[derive(Debug, Clone)]
pub struct InProcess {
    service: Observed<Routes>,
    under_way: TaskTracker,
    /// Set when it takes no call any more.
    stopped: CancellationToken,
}

/// Why a call has no answer, or has lost it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// It was not begun.
    #[error("it has stopped")]
    Stopped,
    /// Whoever made it could not send all of it.
    #[error("the request broke off")]
    BrokenOff,
    /// Something panicked where nothing should.
    #[error("a defect ended the call")]
    Defect,
}

/// Both directions of a call: what one has to know of the other.
#[derive(Debug)]
struct Line {
    broken: AtomicBool,
    /// Whoever waits for the answer.
    reader: AtomicWaker,
    _under_way: TaskTrackerToken,
}

/// The body of a request.
struct Sent {
    body: Body,
    line: Arc<Line>,
}

/// The body of an answer, until it is lost.
struct Answer {
    body: Option<Body>,
    line: Arc<Line>,
}

impl InProcess {
    /// A server of these routes, whose calls are observed.
    pub(crate) fn new(routes: Routes, observe: Observe) -> Self {
        let service = observe.within().layer(routes.prepare());
        Self { service, under_way: TaskTracker::new(), stopped: CancellationToken::new() }
    }

    /// Answers a call; it ends when what is returned, or the body of the answer, is dropped.
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Body>, Lost> {
        let under_way = self.under_way.token();
        if self.stopped.is_cancelled() {
            return Err(Lost::Stopped);
        }
        let line = Line { broken: AtomicBool::new(false), reader: AtomicWaker::new(), _under_way: under_way };
        let line = Arc::new(line);
        let sent_over = Arc::clone(&line);
        let mut request = request.map(|body| Body::new(Sent { body, line: sent_over }));
        // What its caller has noted beside it is no part of it.
        *request.extensions_mut() = Extensions::new();
        let mut answering = self.service.clone().call(request);
        let answered = poll_fn(|context| line.poll(context, |context| answering.as_mut().poll(context)));
        let Ok(mut response) = answered.await?;
        *response.extensions_mut() = Extensions::new();
        Ok(response.map(|body| Body::new(Answer { body: Some(body), line })))
    }

    /// How many calls have not ended.
    #[cfg(test)]
    fn calls(&self) -> usize {
        self.under_way.len()
    }

    /// Whether it takes no call any more.
    pub fn has_stopped(&self) -> bool {
        self.stopped.is_cancelled()
    }

    /// Returns when no call is under way. More may come until it has stopped.
    pub(crate) async fn drained(&self) {
        self.under_way.close();
        self.under_way.wait().await;
    }

    /// Takes no call any more when the guard is dropped.
    pub(crate) fn until_dropped(&self) -> DropGuard {
        self.stopped.clone().drop_guard()
    }
}

impl Line {
    /// Asks the server for more, unless the call is lost.
    fn poll<T>(
        &self,
        context: &mut Context<'_>,
        ask: impl FnOnce(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<Result<T, Lost>> {
        self.reader.register(context.waker());
        // Over a connection a panic ends the task of a call; here the task is its caller's.
        let asked = catch_unwind(AssertUnwindSafe(|| ask(context)));
        if self.broken.load(Ordering::Acquire) {
            return Poll::Ready(Err(Lost::BrokenOff));
        }
        match asked {
            Ok(answered) => answered.map(Ok),
            Err(_panic) => Poll::Ready(Err(Lost::Defect)),
        }
    }
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = Status;

    /// A request that breaks off takes its call along, as a connection does: whoever reads it
    /// must not take a part for the whole, whatever the error looks like.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let polled = ready!(Pin::new(&mut self.body).poll_frame(context));
        Poll::Ready(polled.map(|frame| {
            frame.map_err(|_| {
                self.line.broken.store(true, Ordering::Release);
                self.line.reader.wake();
                let sentence = "The request broke off before its end.";
                Refusal::new(ErrorReason::MalformedRequest, sentence).into()
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Self { body, line } = &mut *self;
        let Some(of_server) = body else { return Poll::Ready(None) };
        match ready!(line.poll(context, |context| Pin::new(of_server).poll_frame(context))) {
            Ok(frame) => Poll::Ready(frame),
            Err(lost) => {
                *body = None;
                Poll::Ready(Some(Err(lost.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

/// For whoever reads the answer.
impl From<Lost> for Status {
    fn from(lost: Lost) -> Self {
        Refusal::new(ErrorReason::UpstreamUnavailable, format!("The call was lost: {lost}.")).into()
    }
}

#[cfg(test)]
mod tests;
