//! What a connection of HTTP/2 has been given to send, and has not sent: a client that opens no
//! window for its answers takes no byte, while the connection itself is written to and its
//! pings are answered, so that no timer of the socket ends it. Each answer is given in small
//! pieces, so that it is seen whether any of it goes.

use std::pin::Pin;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

/// How long an answer may wait until anything of it is taken.
const TIME: Duration = Duration::from_mins(1);
/// Most bytes of a piece; of so many parts a frame of HTTP/2 is made.
const PIECE: usize = 16 * 1024;
/// Bytes of answers that wait for longer than they may and are no reason to end a connection
/// whose other answers are taken: a reader that is slow with one of its streams.
const BEARABLE: usize = 1024 * 1024;

/// The answers of a connection.
#[derive(Debug)]
pub struct Unsent {
    began: Instant,
    answers: Mutex<Vec<Weak<Answer>>>,
    /// When anything was taken last, in milliseconds from the beginning.
    taken_at: AtomicU64,
}

/// What is left of an answer.
#[derive(Debug, Default)]
struct Answer {
    /// Bytes that were made and not taken.
    bytes: AtomicUsize,
    /// How many pieces the connection has of it, and since when none of them was taken; 0 if
    /// it has none.
    pieces: AtomicU32,
    since: AtomicU64,
}

/// The body of an answer, in pieces.
struct InPieces {
    body: Body,
    rest: Bytes,
    answer: Arc<Answer>,
    of: Arc<Unsent>,
}

/// A piece, until it was taken.
struct Piece {
    bytes: Bytes,
    answer: Arc<Answer>,
    of: Arc<Unsent>,
}

impl Unsent {
    /// Of a connection that begins now.
    pub fn nothing() -> Arc<Self> {
        Arc::new(Self { began: Instant::now(), answers: Mutex::default(), taken_at: AtomicU64::new(0) })
    }

    /// The same answer, of which is known what was taken.
    pub fn watched(self: &Arc<Self>, body: Body) -> Body {
        let answer = Arc::new(Answer::default());
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        if answers.len() == answers.capacity() {
            answers.retain(|answer| answer.strong_count() > 0);
        }
        answers.push(Arc::downgrade(&answer));
        drop(answers);
        Body::new(InPieces { body, rest: Bytes::new(), answer, of: Arc::clone(self) })
    }

    /// Whether its client does not take what it has asked for.
    pub fn is_stuck(&self) -> bool {
        let now = self.now();
        let long = |since: u64| now >= since + u64::try_from(TIME.as_millis()).unwrap_or(u64::MAX);
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let stuck = answers.iter().filter_map(Weak::upgrade).filter(|answer| {
            let since = answer.since.load(Relaxed);
            since > 0 && long(since)
        });
        let (count, bytes) =
            stuck.fold((0, 0), |(count, bytes), answer| (count + 1, bytes + answer.bytes.load(Relaxed)));
        count > 0 && (bytes > BEARABLE || long(self.taken_at.load(Relaxed)))
    }

    /// Milliseconds; 0 is no time.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX >> 1) + 1
    }
}

impl InPieces {
    /// A piece of what is there.
    fn piece(&mut self) -> Bytes {
        let bytes = self.rest.split_to(self.rest.len().min(PIECE));
        let Self { answer, of, .. } = self;
        if answer.pieces.fetch_add(1, Relaxed) == 0 {
            answer.since.store(of.now(), Relaxed);
        }
        Bytes::from_owner(Piece { bytes, answer: Arc::clone(answer), of: Arc::clone(of) })
    }
}

impl Drop for InPieces {
    fn drop(&mut self) {
        self.answer.bytes.fetch_sub(self.rest.len(), Relaxed);
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let (Self { bytes, answer, of }, now) = (&*self, self.of.now());
        answer.bytes.fetch_sub(bytes.len(), Relaxed);
        let others = answer.pieces.fetch_sub(1, Relaxed) > 1;
        answer.since.store(if others { now } else { 0 }, Relaxed);
        of.taken_at.store(now, Relaxed);
    }
}

impl HttpBody for InPieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if !self.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(self.piece()))));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => Poll::Ready(Some(Ok(match frame.into_data() {
                Ok(data) if !data.is_empty() => {
                    self.answer.bytes.fetch_add(data.len(), Relaxed);
                    self.rest = data;
                    Frame::data(self.piece())
                }
                Ok(nothing) => Frame::data(nothing),
                Err(frame) => frame,
            }))),
            polled => polled,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (left, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(left.lower() + rest);
        if let Some(upper) = left.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Full};

    use super::*;

    fn answer(of: &Arc<Unsent>, bytes: usize) -> Body {
        of.watched(Body::new(Full::new(vec![7; bytes].into())))
    }

    async fn piece(body: &mut Body) -> Bytes {
        body.frame().await.unwrap().unwrap().into_data().unwrap()
    }

    async fn later(time: Duration) {
        tokio::time::advance(time).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_whole_in_its_pieces_and_its_length_is_known() {
        let unsent = Unsent::nothing();
        for bytes in [1, PIECE, PIECE + 1, 5 * PIECE] {
            let mut body = answer(&unsent, bytes);
            assert_eq!(body.size_hint().exact(), Some(bytes as u64));
            let (mut pieces, mut left) = (0, bytes);
            while left > 0 {
                assert!(!body.is_end_stream());
                left -= piece(&mut body).await.len();
                pieces += 1;
                assert_eq!(body.size_hint().exact(), Some(left as u64));
            }
            assert!(body.is_end_stream() && pieces == bytes.div_ceil(PIECE));
        }
        later(TIME * 2).await;
        assert!(!unsent.is_stuck(), "all was taken");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_stuck_when_nothing_of_an_answer_is_taken_for_long() {
        let unsent = Unsent::nothing();
        let mut body = answer(&unsent, 4 * PIECE);
        later(TIME).await;
        assert!(!unsent.is_stuck(), "nothing was there to be taken");
        for _ in 0..3 {
            let given = piece(&mut body).await;
            later(TIME * 9 / 10).await;
            assert!(!unsent.is_stuck());
            drop(given);
        }
        let _given = piece(&mut body).await;
        // The connection has the last piece.
        drop(body);
        later(TIME).await;
        assert!(unsent.is_stuck());
    }

    #[tokio::test(start_paused = true)]
    async fn one_slow_answer_is_borne_beside_others_and_many_are_not() {
        for (bytes, stuck) in [(BEARABLE, false), (BEARABLE + 1, true)] {
            let unsent = Unsent::nothing();
            let mut slow = answer(&unsent, bytes);
            let _kept = piece(&mut slow).await;
            for _ in 0..5 {
                later(TIME / 2).await;
                drop(piece(&mut answer(&unsent, 10)).await);
            }
            assert_eq!(unsent.is_stuck(), stuck, "{bytes}");
            later(TIME).await;
            assert!(unsent.is_stuck(), "nothing else is taken");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn of_answers_that_are_over_nothing_is_kept() {
        let unsent = Unsent::nothing();
        for _ in 0..10_000 {
            drop(answer(&unsent, 1));
        }
        assert!(unsent.answers.lock().unwrap().len() <= 8);
    }
}
