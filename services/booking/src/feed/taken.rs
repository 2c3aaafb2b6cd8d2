//! Carries the items of a stream to whoever takes them. Few wait, whatever happens; who
//! takes none of them for long is let go, so that his room and what his stream holds are
//! free, although his connection may stay open. What an item is, is not known here.

use std::pin::pin;
use std::time::Duration;

use futures::stream::{Stream, StreamExt, poll_fn};
use tokio::sync::mpsc;
use tracing::Instrument;

use crate::error::{Error, Reason, Refusal};

/// How long an item waits to be taken.
const PATIENCE: Duration = Duration::from_secs(30);
/// How many wait. What is under way in the connection comes on top.
const WAITING: usize = 16;

/// The same items, until they are taken no more: then the last one is a refusal.
pub fn while_taken<T, S>(items: S) -> impl Stream<Item = Result<T, Error>> + Send + use<T, S>
where
    T: Send + 'static,
    S: Stream<Item = Result<T, Error>> + Send + 'static,
{
    // With a place for the last word, which waits for nobody.
    let (give, mut take) = mpsc::channel(WAITING + 1);
    if let Ok(last) = give.clone().try_reserve_owned() {
        tokio::spawn(carry(items, give, last).in_current_span());
    }
    poll_fn(move |context| take.poll_recv(context))
}

async fn carry<T: Send>(
    items: impl Stream<Item = Result<T, Error>> + Send,
    give: mpsc::Sender<Result<T, Error>>,
    last: mpsc::OwnedPermit<Result<T, Error>>,
) {
    let mut items = pin!(items);
    loop {
        let item = tokio::select! {
            item = items.next() => item,
            () = give.closed() => return,
        };
        let Some(item) = item else { return };
        match tokio::time::timeout(PATIENCE, give.send(item)).await {
            Ok(Ok(())) => {}
            // He has gone.
            Ok(Err(_)) => return,
            Err(_) => {
                last.send(Err(not_taken()));
                return;
            }
        }
    }
}

fn not_taken() -> Error {
    Error::Refused(Refusal::new(
        Reason::Overloaded,
        format!(
            "The stream was not read for {} seconds and is closed, so that its room is free for others. Start it again from its last cursor.",
            PATIENCE.as_secs()
        ),
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::stream;

    use super::*;

    /// Numbers without an end, and how many were made.
    fn numbers() -> (impl Stream<Item = Result<usize, Error>> + Send, Arc<AtomicUsize>) {
        let made = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&made);
        let numbers = stream::repeat_with(move || Ok(count.fetch_add(1, Ordering::SeqCst)));
        (numbers, made)
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_for_long_is_let_go_and_cost_little() {
        let (numbers, made) = numbers();
        let mut taken = Box::pin(while_taken(numbers));
        assert_eq!(taken.next().await.unwrap().unwrap(), 0);
        tokio::time::sleep(PATIENCE / 2).await;
        assert_eq!(taken.next().await.unwrap().unwrap(), 1, "he has time");
        tokio::time::sleep(PATIENCE * 2).await;
        let made = made.load(Ordering::SeqCst);
        assert!(made <= WAITING + 4, "{made} were made");
        // What waited comes in order, then the reason, then nothing.
        let rest: Vec<_> = taken.collect().await;
        let (last, before) = rest.split_last().unwrap();
        let before: Vec<usize> = before.iter().map(|item| *item.as_ref().unwrap()).collect();
        assert_eq!(before, (2..2 + before.len()).collect::<Vec<_>>());
        let Err(Error::Refused(refusal)) = last else { panic!("{last:?}") };
        assert_eq!(refusal.reason(), Reason::Overloaded);
    }

    #[tokio::test(start_paused = true)]
    async fn what_he_left_is_dropped_at_once() {
        let held = Arc::new(());
        let of = Arc::clone(&held);
        let silent = stream::once(async move {
            futures::future::pending::<()>().await;
            drop(of);
            Ok(())
        });
        let taken = while_taken(silent);
        tokio::task::yield_now().await;
        assert_eq!(Arc::strong_count(&held), 2);
        drop(taken);
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert_eq!(Arc::strong_count(&held), 1, "the stream is still held");
    }
}
