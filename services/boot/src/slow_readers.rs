//! Gives the items of a stream to whoever reads it, one when the one before was taken. A
//! caller who reads none of them for long is let go, so that the room and whatever else
//! the stream holds are free although the connection may stay open. A stream that a defect
//! ends says so: without a last word it would look as if it were complete. What an item
//! says is not known here.
//!
//! No task carries the items: whoever sends the answer makes them, so that an event of a
//! feed wakes nobody in between. It asks only while the caller takes what is sent. That
//! nobody asks, though there is something to be had, is seen by a clock beside it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{BoxStream, Stream, StreamExt, poll_fn};
use futures::task::AtomicWaker;
use tokio::time::Instant;
use tonic::Status;

/// How long an item waits to be read.
const PATIENCE: Duration = Duration::from_secs(30);

/// The same items while somebody reads them; otherwise the last one is a refusal, with a
/// sentence that says how to go on.
pub fn while_read<T, S>(items: S, go_on: &'static str) -> impl Stream<Item = Result<T, Status>> + Send
where
    T: Send + 'static,
    S: Stream<Item = Result<T, Status>> + Send + 'static,
{
    let asked = Arc::new(Asked { since: Mutex::new(Some(Instant::now())), reader: AtomicWaker::new() });
    let left = Mutex::new(Left { items: Some(items.boxed()), last_word: None });
    let given = Arc::new(Given { left, asked, go_on });
    tokio::spawn(let_go(Arc::downgrade(&given)));
    poll_fn(move |context| given.next(context))
}

/// A stream that is given to a caller.
struct Given<T> {
    left: Mutex<Left<T>>,
    asked: Arc<Asked>,
    go_on: &'static str,
}

/// What is left of it.
struct Left<T> {
    items: Option<BoxStream<'static, Result<T, Status>>>,
    /// Comes when there are no items any more.
    last_word: Option<Refusal>,
}

/// When whoever sends it should have asked for an item.
struct Asked {
    /// Since when there is something to ask for; `None` while nothing has come.
    since: Mutex<Option<Instant>>,
    reader: AtomicWaker,
}

impl<T> Given<T> {
    fn next(&self, context: &mut Context<'_>) -> Poll<Option<Result<T, Status>>> {
        self.asked.is_done();
        self.asked.reader.register(context.waker());
        let waker = Waker::from(Arc::clone(&self.asked));
        let mut left = self.left();
        let Some(items) = &mut left.items else {
            return Poll::Ready(left.last_word.take().map(|refusal| Err(refusal.into())));
        };
        let polled = AssertUnwindSafe(|| items.poll_next_unpin(&mut Context::from_waker(&waker)));
        match catch_unwind(polled) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Some(item))) => {
                self.asked.is_wanted();
                Poll::Ready(Some(item))
            }
            Ok(Poll::Ready(None)) => {
                left.items = None;
                Poll::Ready(None)
            }
            Err(_panic) => {
                left.items = None;
                Poll::Ready(Some(Err(defect(self.go_on).into())))
            }
        }
    }

    /// Frees what it holds; a reader that goes on gets the reason.
    fn end(&self) {
        let mut left = self.left();
        if left.items.take().is_some() {
            left.last_word = Some(not_read(self.go_on));
        }
        self.asked.reader.wake();
    }

    fn left(&self) -> MutexGuard<'_, Left<T>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn is_done(&self) {
        *self.since() = None;
    }

    fn is_wanted(&self) {
        self.since().get_or_insert_with(Instant::now);
    }

    fn since(&self) -> MutexGuard<'_, Option<Instant>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an item that comes wakes.
impl Wake for Asked {
    fn wake(self: Arc<Self>) {
        self.is_wanted();
        self.reader.wake();
    }
}

/// Ends a stream for whose items nobody has asked for long.
async fn let_go<T>(given: Weak<Given<T>>) {
    let mut look_at = Instant::now() + PATIENCE;
    loop {
        tokio::time::sleep_until(look_at).await;
        // Whoever sent it is gone, or has sent it all.
        let Some(given) = given.upgrade() else { return };
        let since = *given.asked.since();
        look_at = since.unwrap_or_else(Instant::now) + PATIENCE;
        if look_at <= Instant::now() {
            return given.end();
        }
    }
}

fn defect(go_on: &str) -> Refusal {
    let sentence =
        format!("A defect of this service ended the stream. The request id finds it in the log. {go_on}");
    Refusal::new(ErrorReason::Internal, sentence)
}

fn not_read(go_on: &str) -> Refusal {
    Refusal::new(
        ErrorReason::Overloaded,
        format!(
            "The stream was not read for {} seconds and is closed, so that its room is free for others. {go_on}",
            PATIENCE.as_secs()
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::stream;

    use super::*;

    /// Numbers without an end, and how many were made.
    fn numbers() -> (impl Stream<Item = Result<usize, Status>> + Send, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let numbers = stream::repeat_with(move || Ok(count.fetch_add(1, Ordering::SeqCst)));
        (numbers, made)
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_who_reads_nothing_for_long_is_let_go_and_costs_little() {
        let (numbers, made) = numbers();
        let mut taken = Box::pin(while_read(numbers, "Begin again."));
        assert_eq!(taken.next().await.unwrap().unwrap(), 0);
        tokio::time::sleep(PATIENCE / 2).await;
        assert_eq!(taken.next().await.unwrap().unwrap(), 1, "there is time");
        tokio::time::sleep(PATIENCE + Duration::from_millis(1)).await;
        assert_eq!(made.load(Ordering::SeqCst), 2, "nobody has asked for more");
        let rest: Vec<_> = taken.collect().await;
        let [Err(last)] = &rest[..] else { panic!("{rest:?}") };
        let refusal = Refusal::from_status(last).unwrap();
        assert_eq!(refusal.reason(), ErrorReason::Overloaded);
        assert!(refusal.message().ends_with("for others. Begin again."), "{}", refusal.message());
    }

    /// Whoever has asked and waits is not one who does not read.
    #[tokio::test(start_paused = true)]
    async fn a_stream_in_which_nothing_comes_for_long_goes_on() {
        let (give, come) = tokio::sync::mpsc::channel(1);
        let come = stream::unfold(come, |mut come| async move { Some((Ok(come.recv().await?), come)) });
        let mut taken = Box::pin(while_read(come, ""));
        let later = async {
            tokio::time::sleep(PATIENCE * 3).await;
            give.send(7).await.unwrap();
        };
        let (item, ()) = tokio::join!(taken.next(), later);
        assert_eq!(item.unwrap().unwrap(), 7);
        // It comes, and nobody asks for it.
        give.send(8).await.unwrap();
        tokio::time::sleep(PATIENCE + Duration::from_millis(1)).await;
        assert!(taken.next().await.unwrap().is_err());
        assert!(give.is_closed(), "the stream is still held");
    }

    #[tokio::test]
    async fn a_stream_that_a_defect_ends_says_so() {
        let broken = stream::iter([1, 0]).map(|number| Ok(6 / number));
        let taken: Vec<_> = while_read(broken, "Begin again.").collect().await;
        let [Ok(6), Err(last)] = &taken[..] else { panic!("{taken:?}") };
        let refusal = Refusal::from_status(last).unwrap();
        assert_eq!(refusal.reason(), ErrorReason::Internal);
        assert!(refusal.message().ends_with("Begin again."), "{}", refusal.message());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_whose_caller_has_gone_is_dropped_at_once() {
        let held = Arc::new(());
        let of = Arc::clone(&held);
        let silent = stream::once(async move {
            futures::future::pending::<()>().await;
            drop(of);
            Ok(())
        });
        let taken = while_read(silent, "");
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 2);
        drop(taken);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(Arc::strong_count(&held), 1, "the stream is still held");
    }
}
