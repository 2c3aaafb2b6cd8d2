//! How a process stops, step by step. First it leaves: it goes on as before and says that
//! it is not ready, so that whoever sends it calls finds another. Then it ends: it takes no
//! new connection, streams are told where to go on, and calls in progress come to their
//! end. What is not over in time is cut off. What each step means for a call is known
//! where calls are served.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Log;
use crate::settings::{Form, Setting, Settings, Unset};

static STOP_DELAY: Setting = Setting {
    name: "STOP_DELAY",
    form: Form::Number { least: 0, most: 600 },
    unset: Unset::Default("5"),
    example: "10",
    meaning: "Seconds for which a role that was asked to stop goes on as before and says that it is not ready, so that calls go elsewhere before it takes no more.",
    secret: false,
};
static STOP_LIMIT: Setting = Setting {
    name: "STOP_LIMIT",
    form: Form::Number { least: 1, most: 3600 },
    unset: Unset::Default("20"),
    example: "60",
    meaning: "Seconds that calls in progress have after that; what is not over then is cut off. Whoever starts the role has to wait for longer than both before killing it.",
    secret: false,
};

/// How long the steps take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StopPolicy {
    /// From the signal until no new connection is taken.
    pub delay: Duration,
    /// From then until calls in progress are cut off.
    pub limit: Duration,
}

/// The stop of a process, or of a part of it. Clones are the same stop.
#[derive(Debug, Clone)]
pub struct Stop {
    policy: StopPolicy,
    begun: CancellationToken,
    leaving: CancellationToken,
    ending: CancellationToken,
    cut: CancellationToken,
}

impl StopPolicy {
    /// Where nobody else could take the calls.
    pub const AT_ONCE: Self = Self { delay: Duration::ZERO, limit: Duration::from_secs(20) };

    /// Reads `STOP_DELAY` and `STOP_LIMIT`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let delay = settings.number(&STOP_DELAY).map(Duration::from_secs);
        let limit = settings.number(&STOP_LIMIT).map(Duration::from_secs);
        Some(Self { delay: delay?, limit: limit? })
    }
}

impl Stop {
    /// A stop that has not begun.
    pub fn new(policy: StopPolicy) -> Self {
        let [begun, leaving, ending, cut] = std::array::from_fn(|_| CancellationToken::new());
        Self { policy, begun, leaving, ending, cut }
    }

    /// How long its steps take.
    pub fn policy(&self) -> StopPolicy {
        self.policy
    }

    /// A stop that begins at the first SIGINT or SIGTERM. The second one ends the process
    /// at once with exit code 130.
    pub fn on_signal(policy: StopPolicy) -> std::io::Result<Self> {
        let stop = Self::new(policy);
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let begun = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            // First the stop: whoever reads the log may be gone already.
            begun.begin();
            let StopPolicy { delay, limit } = policy;
            tracing::info!(delay_s = delay.as_secs(), limit_s = limit.as_secs(), "stopping");
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            tracing::warn!("a second signal ends the stop");
            Log::finish();
            std::process::exit(130);
        });
        Ok(stop)
    }

    /// Takes the steps, each in its time. Nothing happens if they are under way.
    pub fn begin(&self) {
        self.begin_within(self.policy.limit);
    }

    /// The same with less time for calls in progress.
    pub fn begin_within(&self, limit: Duration) {
        if self.begun.is_cancelled() {
            return;
        }
        self.begun.cancel();
        self.leave();
        let stop = self.clone();
        if stop.policy.delay.is_zero() {
            stop.ending.cancel();
        }
        tokio::spawn(async move {
            tokio::time::sleep(stop.policy.delay).await;
            stop.ending.cancel();
            tokio::time::sleep(limit).await;
            stop.cut.cancel();
        });
    }

    /// Takes the first step, after which it goes on as before until it begins.
    pub fn leave(&self) {
        self.leaving.cancel();
    }

    /// From when on it says that it is not ready.
    pub fn leaving(&self) -> &CancellationToken {
        &self.leaving
    }

    /// From when on it takes no new connection, and streams and tasks end.
    pub fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// When calls that are still in progress are cut off.
    pub fn cut(&self) -> &CancellationToken {
        &self.cut
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn each_step_comes_in_its_time() {
        let policy = StopPolicy { delay: Duration::from_secs(5), limit: Duration::from_secs(20) };
        let stop = Stop::new(policy);
        let begun = Instant::now();
        stop.begin();
        assert!(stop.leaving().is_cancelled() && !stop.ending().is_cancelled());
        stop.ending().cancelled().await;
        assert_eq!(begun.elapsed(), policy.delay);
        stop.begin();
        stop.cut().cancelled().await;
        assert_eq!(begun.elapsed(), policy.delay + policy.limit, "it begins once");

        let left = Stop::new(StopPolicy::AT_ONCE);
        left.leave();
        assert!(left.leaving().is_cancelled() && !left.ending().is_cancelled(), "it goes on");
        left.begin();
        assert!(left.ending().is_cancelled(), "it begins after it has left");

        let at_once = Stop::new(StopPolicy::AT_ONCE);
        at_once.begin_within(Duration::from_secs(1));
        assert!(at_once.ending().is_cancelled() && !at_once.cut().is_cancelled());
        let begun = Instant::now();
        at_once.cut().cancelled().await;
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
    }

    #[test]
    fn whoever_sets_nothing_is_done_before_orchestrators_kill() {
        let StopPolicy { delay, limit } = StopPolicy::read(&mut Settings::default()).unwrap();
        assert!(delay + limit < Duration::from_secs(30));
        assert_eq!(limit, StopPolicy::AT_ONCE.limit);
    }
}
