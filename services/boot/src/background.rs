//! The background room of a process: named tasks that run beside its calls,
//! again and again until the stop.
//!
//! A run that fails is told in the log once per outage and is tried again at its
//! next turn. A run that panics is a defect: it is caught, the task is unhealthy
//! until it has run well again (which readiness tells, see [`crate::Readiness`]),
//! and its next turn comes after a pause. A run that lasts too long is unhealthy as well,
//! while it lasts; it is not ended, for it may hold a lock. At the stop no run begins; the one in
//! progress is waited for. What a task does is the business of its service.
//!
//! A task that lasts has one run, which is dropped at the stop; after a panic it has
//! another one, and is healthy when that has gone on for a while.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use futures::FutureExt;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Least time between a panic and the next run, and how long the next one of a task that
/// lasts goes on until that is healthy.
const AFTER_PANIC: Duration = Duration::from_secs(5);
/// How long a run may last, at least.
const LONGEST_RUN: Duration = Duration::from_mins(1);
/// How many of its pauses a run may last, when that is longer.
const PAUSES_OF_A_RUN: u32 = 10;

/// The tasks of a process, or of one part of it. Clones are the same room.
#[derive(Debug, Clone)]
pub struct Background {
    stop: CancellationToken,
    tasks: Arc<Mutex<Vec<Arc<Task>>>>,
    running: Arc<Mutex<JoinSet<()>>>,
    after_panic: Duration,
}

/// Lets a task run now instead of at its next turn.
#[derive(Debug, Clone)]
pub struct Wake(Arc<Task>);

/// What is known of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskState {
    /// Its name, unique in a process.
    pub name: &'static str,
    /// Whether a run is in progress.
    pub running: bool,
    /// Runs that ended well.
    pub succeeded: u64,
    /// Runs that failed.
    pub failed: u64,
    /// Runs that panicked.
    pub panicked: u64,
    /// When the last run ended, however it ended.
    pub last_run: Option<SystemTime>,
    /// How long it took.
    pub last_duration: Duration,
    /// Why the last run did not end well; `None` after one that did.
    pub last_error: Option<String>,
    /// When the last run began.
    pub began: Option<Instant>,
    /// Whether the last run that ended panicked, or the one in progress lasts too
    /// long.
    pub unhealthy: bool,
}

#[derive(Debug)]
struct Task {
    wake: Notify,
    lasts: Lasts,
    state: Mutex<TaskState>,
}

/// How long the runs of a task last.
#[derive(Debug, Clone, Copy)]
enum Lasts {
    /// No longer than this.
    AtMost(Duration),
    /// Until the stop; healthy from this time on.
    ForEver { healthy_after: Duration },
}

/// How a run ended.
enum Ended {
    Well,
    Failed(String),
    Panicked(String),
}

impl Background {
    /// A room whose tasks run until `stop`. The room may be stopped before.
    pub fn new(stop: CancellationToken) -> Self {
        Self {
            stop: stop.child_token(),
            tasks: Arc::default(),
            running: Arc::default(),
            after_panic: AFTER_PANIC,
        }
    }

    /// The token at which the tasks end, for a run that lasts.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task: it runs at once, and again `pause` after each run or when
    /// it is woken.
    pub fn every<F, R, E>(&self, pause: Duration, name: &'static str, run: F) -> Wake
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let task = self.task(name, Lasts::AtMost(LONGEST_RUN.max(pause * PAUSES_OF_A_RUN)));
        let turns = turns(Arc::clone(&task), run, pause, self.after_panic, self.stop.clone());
        locked(&self.running).spawn(turns);
        Wake(task)
    }

    /// Starts a task that lasts: it runs until the stop.
    pub fn lasting<F, R>(&self, name: &'static str, mut run: F)
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let task = self.task(name, Lasts::ForEver { healthy_after: self.after_panic });
        let stop = self.stop.clone();
        let until_stop = move || {
            let (run, stop) = (run(), stop.clone());
            async move {
                stop.run_until_cancelled(run).await;
                Ok::<(), String>(())
            }
        };
        let turns = turns(task, until_stop, self.after_panic, self.after_panic, self.stop.clone());
        locked(&self.running).spawn(turns);
    }

    fn task(&self, name: &'static str, lasts: Lasts) -> Arc<Task> {
        let state = Mutex::new(TaskState { name, ..TaskState::default() });
        let task = Arc::new(Task { wake: Notify::new(), lasts, state });
        locked(&self.tasks).push(Arc::clone(&task));
        task
    }

    /// Every task as it is now.
    pub fn states(&self) -> Vec<TaskState> {
        locked(&self.tasks).iter().map(|task| task.seen()).collect()
    }

    /// The tasks that panicked and have not run well since, and those whose run
    /// lasts too long, with the reason.
    pub fn problems(&self) -> Vec<String> {
        let unhealthy = self.states().into_iter().filter(|state| state.unhealthy);
        unhealthy.map(|state| format!("{}: {}", state.name, state.last_error.unwrap_or_default())).collect()
    }

    /// Waits after the stop until the runs in progress have ended, but not longer
    /// than until then.
    pub async fn join(&self, until: Instant) {
        let mut running = std::mem::take(&mut *locked(&self.running));
        let ended = async { while running.join_next().await.is_some() {} };
        if tokio::time::timeout_at(until, ended).await.is_err() {
            let busy = self.states().into_iter().filter(|state| state.running);
            let tasks: Vec<&str> = busy.map(|state| state.name).collect();
            tracing::warn!(?tasks, "background tasks still in progress were cut off");
        }
    }
}

impl Wake {
    /// Lets the task run now. During a run it means another one after it.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }
}

impl Task {
    fn state(&self) -> MutexGuard<'_, TaskState> {
        locked(&self.state)
    }

    /// How it is now, with the run in progress.
    fn seen(&self) -> TaskState {
        let mut seen = self.state().clone();
        let lasted = seen.began.filter(|_| seen.running).map(|began| began.elapsed());
        match self.lasts {
            Lasts::AtMost(longest) if lasted > Some(longest) => {
                seen.unhealthy = true;
                seen.last_error = Some(format!("a run lasts longer than {} s", longest.as_secs()));
            }
            Lasts::ForEver { healthy_after } if lasted > Some(healthy_after) => {
                seen.unhealthy = false;
                seen.last_error = None;
            }
            _ => {}
        }
        seen
    }

    /// Keeps how a run ended, and tells the log what is new about it.
    fn ended(&self, ended: Ended, took: Duration) {
        let mut state = self.state();
        let TaskState { name, .. } = *state;
        state.running = false;
        state.last_run = Some(SystemTime::now());
        state.last_duration = took;
        let before = state.last_error.take();
        match ended {
            Ended::Well => {
                state.succeeded += 1;
                state.unhealthy = false;
                if before.is_some() {
                    tracing::info!(task = name, "a background task runs well again");
                }
            }
            Ended::Failed(error) => {
                state.failed += 1;
                state.unhealthy = false;
                if before.is_none() {
                    tracing::warn!(task = name, error, "a background task failed; it is tried again");
                }
                state.last_error = Some(error);
            }
            Ended::Panicked(message) => {
                state.panicked += 1;
                state.unhealthy = true;
                tracing::error!(
                    task = name,
                    message,
                    "a background task panicked; it is started again after a pause"
                );
                state.last_error = Some(format!("panicked: {message}"));
            }
        }
    }
}

/// Run after run, until the stop.
async fn turns<F, R, E>(
    task: Arc<Task>,
    mut run: F,
    pause: Duration,
    after_panic: Duration,
    stop: CancellationToken,
) where
    F: FnMut() -> R,
    R: Future<Output = Result<(), E>>,
    E: fmt::Display,
{
    while !stop.is_cancelled() {
        let began = Instant::now();
        {
            let mut state = task.state();
            state.running = true;
            state.began = Some(began);
        }
        let ended = match AssertUnwindSafe(async { run().await }).catch_unwind().await {
            Ok(Ok(())) => Ended::Well,
            Ok(Err(error)) => Ended::Failed(error.to_string()),
            Err(panic) => Ended::Panicked(message_of(&*panic).to_owned()),
        };
        let panicked = matches!(ended, Ended::Panicked(_));
        task.ended(ended, began.elapsed());
        if panicked {
            // Nobody can wake it out of this pause.
            stop.run_until_cancelled(tokio::time::sleep(after_panic)).await;
            continue;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = task.wake.notified() => {}
            () = stop.cancelled() => {}
        }
    }
}

/// What a panic says. `panic!` with a text gives `&str` or `String`.
pub(crate) fn message_of(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn room() -> (CancellationToken, Background) {
        let stop = CancellationToken::new();
        let room = Background::new(stop.clone());
        (stop, Background { after_panic: Duration::from_millis(20), ..room })
    }

    async fn until(mut met: impl FnMut() -> bool) {
        let waited = async {
            while !met() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), waited).await.expect("not within 10 s");
    }

    #[tokio::test]
    async fn a_task_runs_at_once_and_when_it_is_woken() {
        let (stop, room) = room();
        let wake = room.every(LONG, "count", || async { Ok::<(), String>(()) });
        until(|| room.states()[0].succeeded == 1).await;
        wake.wake();
        until(|| room.states()[0].succeeded == 2).await;
        let state = room.states().remove(0);
        assert!(state.last_run.is_some() && state.last_error.is_none() && !state.running, "{state:?}");
        stop.cancel();
        room.join(Instant::now() + LONG).await;
    }

    #[tokio::test]
    async fn a_panic_is_unhealthy_until_a_run_ends_well() {
        let (stop, room) = room();
        let runs = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&runs);
        let open = Arc::new(Notify::new());
        let opened = Arc::clone(&open);
        room.every(LONG, "fragile", move || {
            let (run, opened) = (counted.fetch_add(1, Ordering::Relaxed), Arc::clone(&opened));
            async move {
                assert!(run != 0, "the first run breaks");
                opened.notified().await;
                Ok::<(), String>(())
            }
        });
        until(|| room.states()[0].panicked == 1).await;
        until(|| runs.load(Ordering::Relaxed) == 2).await;
        assert_eq!(room.problems(), ["fragile: panicked: the first run breaks"], "the second run goes on");
        open.notify_one();
        until(|| room.problems().is_empty()).await;
        assert_eq!(room.states()[0].succeeded, 1);
        stop.cancel();
        room.join(Instant::now() + LONG).await;
    }

    #[tokio::test]
    async fn a_panic_before_the_first_await_is_caught_too() {
        let (stop, room) = room();
        room.every(LONG, "at once", || -> std::future::Ready<Result<(), String>> { panic!("at once") });
        until(|| room.states()[0].panicked >= 2).await;
        stop.cancel();
        room.join(Instant::now() + LONG).await;
    }

    #[tokio::test]
    async fn a_failure_is_kept_and_is_not_a_defect() {
        let (stop, room) = room();
        room.every(LONG, "unlucky", || async { Err("the database is away") });
        until(|| room.states()[0].failed == 1).await;
        assert_eq!(room.states()[0].last_error.as_deref(), Some("the database is away"));
        assert!(room.problems().is_empty());
        stop.cancel();
        room.join(Instant::now() + LONG).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_lasts_too_long_is_unhealthy_until_it_ends() {
        let (stop, room) = room();
        let open = Arc::new(Notify::new());
        for (pause, name) in [(Duration::from_secs(2), "often"), (Duration::from_secs(10), "seldom")] {
            let opened = Arc::clone(&open);
            room.every(pause, name, move || {
                let opened = Arc::clone(&opened);
                async move {
                    opened.notified().await;
                    Ok::<(), String>(())
                }
            });
        }
        tokio::time::sleep(Duration::from_secs(59)).await;
        assert!(room.problems().is_empty());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(room.problems(), ["often: a run lasts longer than 60 s"]);
        tokio::time::sleep(Duration::from_secs(40)).await;
        assert_eq!(room.problems().len(), 2);
        open.notify_waiters();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(room.problems().is_empty());
        stop.cancel();
        open.notify_waiters();
        room.join(Instant::now() + LONG).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_lasts_goes_on_after_a_panic_until_the_stop() {
        let stop = CancellationToken::new();
        let room = Background::new(stop.clone());
        let held = Arc::new(AtomicU32::new(0));
        let runs = Arc::clone(&held);
        room.lasting("reads", move || {
            let runs = Arc::clone(&runs);
            async move {
                assert!(runs.fetch_add(1, Ordering::Relaxed) != 0, "the first run breaks");
                std::future::pending::<()>().await;
            }
        });
        tokio::time::sleep(AFTER_PANIC / 2).await;
        assert_eq!(room.problems(), ["reads: panicked: the first run breaks"]);
        tokio::time::sleep(AFTER_PANIC).await;
        assert_eq!(held.load(Ordering::Relaxed), 2);
        assert_eq!(room.problems().len(), 1, "it has just begun again");
        tokio::time::sleep(AFTER_PANIC).await;
        assert!(room.problems().is_empty());
        tokio::time::sleep(LONG).await;
        assert!(room.problems().is_empty() && room.states()[0].running);
        stop.cancel();
        let stopped = Instant::now();
        room.join(stopped + LONG).await;
        assert!(stopped.elapsed() < AFTER_PANIC && Arc::strong_count(&held) == 1, "the run is still held");
    }

    #[tokio::test]
    async fn the_stop_waits_for_the_run_in_progress_and_begins_none() {
        let (stop, room) = room();
        let done = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&done);
        let wake = room.every(LONG, "slow", move || {
            let counted = Arc::clone(&counted);
            async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                counted.fetch_add(1, Ordering::Relaxed);
                Ok::<(), String>(())
            }
        });
        until(|| room.states()[0].running).await;
        stop.cancel();
        wake.wake();
        room.join(Instant::now() + LONG).await;
        assert_eq!(done.load(Ordering::Relaxed), 1);
        assert!(!room.states()[0].running);
    }
}
