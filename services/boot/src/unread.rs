//! Answers over HTTP/2 that their reader opens no window for. The connection is written to all
//! the while and its pings are answered, so that no timer of it ends them; and it may be that of
//! a gateway, whose other callers have done nothing. So they alone are let go, with all that
//! they hold. Each is given in small pieces, so that little of it waits in the connection.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use frontdesk_proto::{ErrorReason, Refusal};
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

/// How long an answer waits until anything more of it is asked for.
const TIME: Duration = Duration::from_mins(1);
/// Most bytes of a piece; of so many parts a frame of HTTP/2 is made.
const PIECE: usize = 16 * 1024;

/// The answers of a connection that have not come to their end.
#[derive(Debug, Default)]
pub(crate) struct Unread {
    answers: Mutex<Vec<Weak<Mutex<Left>>>>,
}

/// What is left of an answer.
#[derive(Debug)]
struct Left {
    /// `None` once it has been let go.
    body: Option<Body>,
    /// What has been made and not been given.
    rest: Bytes,
    /// Since when there may be something to ask for; `None` while nothing has come.
    since: Option<Instant>,
}

/// The body of an answer.
struct Given(Arc<Mutex<Left>>);

impl Unread {
    /// The same answer, which is let go if nobody reads it.
    pub(crate) fn while_read(&self, body: Body) -> Body {
        let left = Left { body: Some(body), rest: Bytes::new(), since: Some(Instant::now()) };
        let left = Arc::new(Mutex::new(left));
        let mut answers = lock(&self.answers);
        if answers.len() == answers.capacity() {
            answers.retain(|answer| answer.strong_count() > 0);
        }
        answers.push(Arc::downgrade(&left));
        drop(answers);
        Body::new(Given(left))
    }

    /// Frees what has waited for too long; how many answers that are.
    pub(crate) fn let_go(&self) -> u64 {
        let answers: Vec<_> = lock(&self.answers).iter().filter_map(Weak::upgrade).collect();
        let late = answers.into_iter().filter(|answer| {
            let mut left = lock(answer);
            let is_late = left.since.is_some_and(|since| since.elapsed() >= TIME);
            if is_late {
                *left = Left { body: None, rest: Bytes::new(), since: None };
            }
            is_late
        });
        late.count() as u64
    }
}

impl Left {
    fn piece(&mut self) -> Frame<Bytes> {
        self.since = Some(Instant::now());
        Frame::data(self.rest.split_to(self.rest.len().min(PIECE)))
    }
}

impl HttpBody for Given {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut left = lock(&self.0);
        if !left.rest.is_empty() {
            return Poll::Ready(Some(Ok(left.piece())));
        }
        let Some(body) = &mut left.body else { return Poll::Ready(Some(Err(not_read().into()))) };
        let polled = Pin::new(body).poll_frame(context);
        let Poll::Ready(Some(Ok(frame))) = polled else {
            left.since = None;
            return polled;
        };
        Poll::Ready(Some(Ok(match frame.into_data() {
            Ok(data) if data.len() > PIECE => {
                left.rest = data;
                left.piece()
            }
            Ok(data) => {
                left.since = Some(Instant::now());
                Frame::data(data)
            }
            Err(trailers) => trailers,
        })))
    }

    fn is_end_stream(&self) -> bool {
        let left = lock(&self.0);
        left.rest.is_empty() && left.body.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let left = lock(&self.0);
        let mut hint = left.body.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint);
        let rest = left.rest.len() as u64;
        if let Some(upper) = hint.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(hint.lower() + rest);
        hint
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_read() -> Refusal {
    let sentence = format!("The answer was not read for {} s, and is let go.", TIME.as_secs());
    Refusal::new(ErrorReason::DeadlineExceeded, crate::maybe_stored(&sentence))
}

#[cfg(test)]
mod tests {
    use futures::stream::{self, StreamExt};
    use http_body_util::{BodyExt, Full, StreamBody};

    use super::*;

    fn answer(of: &Unread, bytes: usize) -> Body {
        of.while_read(Body::new(Full::new(vec![7; bytes].into())))
    }

    async fn late() {
        tokio::time::advance(TIME).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_whole_in_its_pieces_and_its_length_is_known() {
        let unread = Unread::default();
        for bytes in [0, 1, PIECE, PIECE + 1, 5 * PIECE] {
            let mut body = answer(&unread, bytes);
            let mut read = 0;
            assert_eq!(body.size_hint().exact(), Some(bytes as u64));
            while let Some(frame) = body.frame().await {
                let data = frame.unwrap().into_data().unwrap();
                assert!(data.len() <= PIECE);
                read += data.len();
                assert_eq!(body.size_hint().exact(), Some((bytes - read) as u64));
            }
            assert_eq!((read, body.is_end_stream()), (bytes, true));
            late().await;
            assert_eq!(unread.let_go(), 0, "all of it was read");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_nobody_asks_for_is_freed_and_says_so_to_who_asks_late() {
        let unread = Unread::default();
        let held = Arc::new(());
        let of = Arc::clone(&held);
        let parts = stream::once(async move {
            drop(of);
            Ok::<_, Status>(Frame::data(Bytes::from(vec![7; 3 * PIECE])))
        });
        let mut never = unread.while_read(Body::new(StreamBody::new(parts)));
        let mut begun = answer(&unread, 3 * PIECE);
        late().await;
        begun.frame().await.unwrap().unwrap();
        assert_eq!(unread.let_go(), 1);
        assert_eq!(Arc::strong_count(&held), 1, "what it is made of is still there");
        late().await;
        assert_eq!(unread.let_go(), 1);
        for body in [&mut never, &mut begun] {
            let refused = body.frame().await.unwrap().unwrap_err();
            let refusal = Refusal::from_status(&refused).unwrap();
            assert_eq!(refusal.reason(), ErrorReason::DeadlineExceeded);
            assert!(refusal.message().contains("not read for 60 s"), "{}", refusal.message());
        }
        assert_eq!(unread.let_go(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_in_which_nothing_comes_is_read() {
        let unread = Unread::default();
        let one = stream::once(async { Ok::<_, Status>(Frame::data(Bytes::from_static(b"x"))) });
        let mut body = unread.while_read(Body::new(StreamBody::new(one.chain(stream::pending()).boxed())));
        body.frame().await.unwrap().unwrap();
        assert!(futures::poll!(std::pin::pin!(body.frame())).is_pending());
        late().await;
        assert_eq!(unread.let_go(), 0);
    }
}
