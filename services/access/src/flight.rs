//! Something that is asked once, for everybody who wants to know it meanwhile: they
//! share the answer, and the failure. It goes on when whoever began it has left, so
//! that a caller who hangs up takes nothing from the others.

use boot::Call;
use tokio::sync::watch;

/// A question under way.
#[derive(Debug, Clone)]
pub struct Flight<T>(watch::Receiver<Option<T>>);

impl<T: Clone + Send + Sync + 'static> Flight<T> {
    /// Begins to ask, as a part of the call under way.
    pub fn begin(question: impl Future<Output = T> + Send + 'static) -> Self {
        let (tell, hear) = watch::channel(None);
        let call = Call::under_way();
        tokio::spawn(async move {
            let answer = match call {
                Some(call) => call.run(question).await,
                None => question.await,
            };
            tell.send_replace(Some(answer));
        });
        Self(hear)
    }

    /// Whether there is nothing to wait for any more.
    pub fn is_over(&self) -> bool {
        // Without an answer where the runtime that it was begun on has ended.
        self.0.has_changed().is_err() || self.0.borrow().is_some()
    }

    /// The answer; `None` if it was broken off.
    pub async fn answer(mut self) -> Option<T> {
        self.0.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_goes_on_without_whoever_began_it_and_all_hear_the_answer() {
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let flight = Flight::begin(async {
            gone.await.unwrap();
            7
        });
        assert!(!flight.is_over());
        let others = [flight.clone(), flight.clone()];
        drop(flight);
        go.send(()).unwrap();
        for other in others {
            assert_eq!(other.answer().await, Some(7));
        }
    }

    #[tokio::test]
    async fn one_that_breaks_off_is_over() {
        let flight = Flight::<u8>::begin(async { panic!("broken") });
        assert_eq!(flight.clone().answer().await, None);
        assert!(flight.is_over());
    }
}
