//! Carries the items of a stream to whoever reads it. Few wait, whatever happens. A
//! caller who reads none of them for long is let go, so that the room and whatever else
//! the stream holds are free although the connection may stay open. A stream that a defect
//! ends says so: without a last word it would look as if it were complete. What an item
//! says is not known here.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal};
use futures::FutureExt;
use futures::stream::{Stream, StreamExt, poll_fn};
use tokio::sync::mpsc;
use tonic::Status;

/// How long an item waits to be read.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many wait. What is under way in the connection comes on top.
const WAITING: usize = 16;

/// The same items while somebody reads them; otherwise the last one is a refusal, with a
/// sentence that says how to go on.
pub fn while_read<T, S>(items: S, go_on: &'static str) -> impl Stream<Item = Result<T, Status>> + Send
where
    T: Send + 'static,
    S: Stream<Item = Result<T, Status>> + Send + 'static,
{
    // With a place for the refusal, so that it need not wait.
    let (give, mut take) = mpsc::channel(WAITING + 1);
    if let Ok(last) = give.clone().try_reserve_owned() {
        let carried = async move {
            let last_word = match AssertUnwindSafe(carry(items, give, go_on)).catch_unwind().await {
                Ok(last_word) => last_word,
                Err(_panic) => Some(defect(go_on)),
            };
            if let Some(refusal) = last_word {
                last.send(Err(refusal.into()));
            }
        };
        tokio::spawn(boot::part_of_this_call(carried));
    }
    poll_fn(move |context| take.poll_recv(context))
}

/// Carries items until there are none; the last word, where it is not an item.
async fn carry<T: Send>(
    items: impl Stream<Item = Result<T, Status>> + Send,
    give: mpsc::Sender<Result<T, Status>>,
    go_on: &str,
) -> Option<Refusal> {
    let mut items = pin!(items);
    loop {
        let item = tokio::select! {
            item = items.next() => item,
            () = give.closed() => return None,
        };
        match tokio::time::timeout(PATIENCE, give.send(item?)).await {
            Ok(Ok(())) => {}
            // The caller has gone.
            Ok(Err(_)) => return None,
            Err(_) => return Some(not_read(go_on)),
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
        tokio::time::sleep(PATIENCE * 2).await;
        let made = made.load(Ordering::SeqCst);
        assert!(made <= WAITING + 4, "{made} were made");
        // What waited comes in order, then the reason, then nothing.
        let rest: Vec<_> = taken.collect().await;
        let (last, before) = rest.split_last().unwrap();
        let before: Vec<usize> = before.iter().map(|item| *item.as_ref().unwrap()).collect();
        assert_eq!(before, (2..2 + before.len()).collect::<Vec<_>>());
        let refusal = Refusal::from_status(last.as_ref().unwrap_err()).unwrap();
        assert_eq!(refusal.reason(), ErrorReason::Overloaded);
        assert!(refusal.message().ends_with("for others. Begin again."), "{}", refusal.message());
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
