//! The background room of a process: named tasks that run beside its calls,
//! again and again until the stop.
//!
//! A run that fails is logged once per outage and is tried again at its
//! next turn. A run that panics is a defect: it is caught, the task is unhealthy
//! until it has run well again (which readiness shows, see [`crate::Readiness`]),
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
use futures::future::OptionFuture;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

/// Least time between a panic and the next run; also how long the next run of a task that
/// lasts has to go on until the task is healthy.
const AFTER_PANIC: Duration = Duration::from_secs(5);
/// How long a run may last, at least.
const LONGEST_RUN: Duration = Duration::from_mins(1);
/// How many of its pauses a run may last, when that is longer.
const PAUSES_OF_A_RUN: u32 = 10;
/// How many tasks have their first run at the same time: most of them ask the database, and
/// each would have it make a connection.
const FIRST_RUNS: usize = 2;
/// How long a first run waits for others, at most.
const FIRST_RUN_WAITS: Duration = Duration::from_secs(1);

/// The tasks of a process, or of one part of it. Clones are the same room.
#[derive(Debug, Clone)]
pub struct Background {
    stop: CancellationToken,
    tasks: Arc<Mutex<Vec<Arc<Task>>>>,
    running: Arc<Mutex<JoinSet<()>>>,
    first_runs: Arc<Semaphore>,
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
    /// Until the stop.
    ForEver,
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
            first_runs: Arc::new(Semaphore::new(FIRST_RUNS)),
            after_panic: AFTER_PANIC,
        }
    }

    /// The token at which the tasks end, for a run that lasts.
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Starts a task: it runs as soon as few others have their first run, and again `pause`
    /// after each run or when it is woken.
    pub fn every<F, R, E>(&self, pause: Duration, name: &'static str, mut run: F) -> Wake
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let task = self.task(name, Lasts::AtMost(LONGEST_RUN.max(pause * PAUSES_OF_A_RUN)));
        let mut first_runs = Some(Arc::clone(&self.first_runs));
        let in_turn = move || {
            let (run, first_runs) = (run(), first_runs.take());
            async move {
                let turn = first_runs.map(Semaphore::acquire_owned);
                let turn = OptionFuture::from(turn.map(|turn| timeout(FIRST_RUN_WAITS, turn))).await;
                let ended = run.await;
                drop(turn);
                ended
            }
        };
        let turns = turns(Arc::clone(&task), in_turn, pause, self.after_panic, self.stop.clone());
        locked(&self.running).spawn(turns);
        Wake(task)
    }

    /// Starts a task that lasts: it runs until the stop.
    pub fn lasting<F, R>(&self, name: &'static str, mut run: F)
    where
        F: FnMut() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let task = self.task(name, Lasts::ForEver);
        let (stop, lasting, healthy_after) = (self.stop.clone(), Arc::clone(&task), self.after_panic);
        let until_stop = move || {
            let (run, stop, task) = (run(), stop.clone(), Arc::clone(&lasting));
            let goes_on = async move {
                tokio::time::sleep(healthy_after).await;
                task.is_well();
                std::future::pending::<()>().await;
            };
            async move {
                tokio::select! {
                    () = run => {}
                    () = stop.cancelled() => {}
                    () = goes_on => {}
                }
                Ok::<(), String>(())
            }
        };
        let turns = turns(task, until_stop, self.after_panic, self.after_panic, self.stop.clone());
        locked(&self.running).spawn(turns);
    }

    /// Runs once, at the stop, which waits for it as for whatever is in progress.
    pub fn at_stop<R, E>(&self, name: &'static str, run: R)
    where
        R: Future<Output = Result<(), E>> + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        let stop = self.stop.clone();
        locked(&self.running).spawn(async move {
            stop.cancelled().await;
            if let Err(error) = run.await {
                tracing::warn!(task = name, %error, "what is done at the stop failed");
            }
        });
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

    /// Waits after the stop until the runs in progress have ended or are cut off.
    pub async fn join(&self, cut: impl Future<Output = ()>) {
        let mut running = std::mem::take(&mut *locked(&self.running));
        let ended = async { while running.join_next().await.is_some() {} };
        let in_time = tokio::select! {
            biased;
            () = ended => true,
            () = cut => false,
        };
        if !in_time {
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
            Lasts::AtMost(_) | Lasts::ForEver => {}
        }
        seen
    }

    /// Keeps that a run has gone on for a while, and tells the log if that is new.
    fn is_well(&self) {
        let mut state = self.state();
        state.unhealthy = false;
        if state.last_error.take().is_some() {
            tracing::info!(task = state.name, "a background task runs well again");
        }
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
                // Of a task that lasts, this is logged while it lasts.
                if before.is_some() && matches!(self.lasts, Lasts::AtMost(_)) {
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
mod tests;
