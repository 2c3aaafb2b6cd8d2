//! What comes back of a call: an answer that keeps the call's room on its connection until it
//! has ended, whose trailers can be read whatever they are, and that shows how its address
//! behaves.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use frontdesk_proto::{ErrorReason, mend_trailers, reason_of};
use http::{HeaderMap, Response, StatusCode};
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tonic::Status;
use tonic::body::Body;

use crate::clock::now;
use crate::conduct::Conduct;
use crate::connection::Room;

/// A call that waits for the head of its answer.
pub struct Asked {
    conduct: Arc<Conduct>,
    over: bool,
}

/// The body of an answer, which ends with its call.
struct Answered {
    body: Incoming,
    /// Whose conduct it shows, until it has.
    of: Option<Arc<Conduct>>,
    _room: Room,
}

impl Asked {
    /// A call that is sent now.
    pub fn new(conduct: &Arc<Conduct>) -> Self {
        conduct.asked(now());
        Self { conduct: Arc::clone(conduct), over: false }
    }

    /// Its answer has begun.
    pub fn answered(mut self, room: Room, answer: Response<Incoming>) -> Response<Body> {
        self.heard();
        shown(room, answer, Some(Arc::clone(&self.conduct)))
    }

    /// It was not sent, and nothing was heard.
    pub fn unsent(self) {
        drop(self);
    }

    /// Its connection was lost, or the address wants nothing of it. When it was ended here,
    /// nothing was heard either.
    pub fn lost(mut self, error: &(dyn std::error::Error + 'static)) {
        if !is_ours(error) {
            self.heard();
            self.conduct.failed(now());
        }
    }

    fn heard(&mut self) {
        self.over = true;
        self.conduct.heard(now());
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.over {
            self.conduct.given_up(now());
        }
    }
}

/// The answer to a question about an address itself, which nobody is to be judged by.
pub fn of_address(room: Room, answer: Response<Incoming>) -> Response<Body> {
    shown(room, answer, None)
}

fn shown(room: Room, mut answer: Response<Incoming>, mut of: Option<Arc<Conduct>>) -> Response<Body> {
    let is_grpc = answer.status() == StatusCode::OK;
    let ends = mend_trailers(answer.headers_mut());
    if let Some(conduct) = of.take_if(|_| ends || !is_grpc) {
        show(&conduct, is_grpc && !is_failure(answer.headers()));
    }
    answer.map(|body| Body::new(Answered { body, of, _room: room }))
}

fn show(conduct: &Conduct, good: bool) {
    if good { conduct.succeeded() } else { conduct.failed(now()) }
}

/// Whether a status says that another address might have done it. What is refused for want
/// of room, or because others are at the same rows, shows an address that works; and a schema
/// is the same for all. What is behind a service may be chosen by its caller, as the issuer
/// of a token is: a stranger must not have addresses left out that answer themselves.
fn is_failure(trailers: &HeaderMap) -> bool {
    if trailers.get(Status::GRPC_STATUS).is_none_or(|status| status != "14") {
        return false;
    }
    let status = Status::from_header_map(trailers);
    !matches!(
        status.as_ref().and_then(reason_of),
        Some(
            ErrorReason::Overloaded
                | ErrorReason::DbOverloaded
                | ErrorReason::Contention
                | ErrorReason::LockTimeout
                | ErrorReason::SchemaDrift
                | ErrorReason::UpstreamUnavailable
        )
    )
}

/// Whether a call broke off because its caller, or this process, ended it.
fn is_ours(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return !error.is_remote() && !error.is_io() && !error.is_library();
        }
        cause = error.source();
    }
    false
}

impl HttpBody for Answered {
    type Data = <Incoming as HttpBody>::Data;
    type Error = <Incoming as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let Self { body, of, .. } = &mut *self;
        let mut polled = Pin::new(body).poll_frame(context);
        let good = match &mut polled {
            Poll::Pending => return polled,
            // It ended without saying how.
            Poll::Ready(None) => Some(false),
            Poll::Ready(Some(Err(error))) => (!is_ours(error)).then_some(false),
            Poll::Ready(Some(Ok(frame))) => match frame.trailers_mut() {
                None => return polled,
                Some(trailers) => Some(mend_trailers(trailers) && !is_failure(trailers)),
            },
        };
        if let (Some(conduct), Some(good)) = (of.take(), good) {
            show(&conduct, good);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use frontdesk_proto::Refusal;

    use super::*;

    #[test]
    fn a_call_that_ended_here_is_no_word_of_its_address() {
        // Of another call, which goes on waiting.
        let conduct = Arc::new(Conduct::default());
        let since = now();
        conduct.asked(since);
        // This thread runs no tasks.
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(std::time::Duration::from_millis(5));
        Asked::new(&conduct).unsent();
        Asked::new(&conduct).lost(&h2::Error::from(h2::Reason::CANCEL));
        drop(Asked::new(&conduct));
        assert!(conduct.is_silent(since + 1_000) && conduct.is_good(), "{conduct:?}");
    }

    #[test]
    fn what_failed_behind_an_address_says_nothing_against_it() {
        let trailers = |reason| {
            let mut trailers = HeaderMap::new();
            Status::from(Refusal::new(reason, "It failed.")).add_header(&mut trailers).unwrap();
            trailers
        };
        for (reason, fails) in [
            (ErrorReason::UpstreamUnavailable, false),
            (ErrorReason::Overloaded, false),
            (ErrorReason::DbUnavailable, true),
            (ErrorReason::LoginFailed, false),
        ] {
            let trailers = trailers(reason);
            assert_eq!(is_failure(&trailers), fails, "{trailers:?}");
        }
    }
}
