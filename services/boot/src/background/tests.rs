use std::sync::atomic::{AtomicU32, Ordering};

use tracing::field::Field;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

const LONG: Duration = Duration::from_hours(1);

/// How often it is logged that a task runs well again.
#[derive(Clone, Default)]
struct Told(Arc<AtomicU32>);

impl Told {
    fn times(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Subscriber for Told {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut |_: &Field, value: &dyn fmt::Debug| {
            let of_it = format!("{value:?}").contains("runs well again");
            self.0.fetch_add(u32::from(of_it), Ordering::Relaxed);
        });
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

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
    timeout(Duration::from_secs(10), waited).await.expect("not within 10 s");
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
    room.join(tokio::time::sleep(LONG)).await;
}

#[tokio::test(start_paused = true)]
async fn first_runs_are_two_at_a_time_and_wait_for_a_second_at_most() {
    let (stop, room) = room();
    let at_once = Arc::new(AtomicU32::new(0));
    for name in ["one", "two", "three", "four", "five"] {
        let at_once = Arc::clone(&at_once);
        room.every(LONG, name, move || {
            let at_once = Arc::clone(&at_once);
            async move {
                at_once.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(600)).await;
                at_once.fetch_sub(1, Ordering::Relaxed);
                Ok::<(), String>(())
            }
        });
    }
    let mut seen = Vec::new();
    for pause in [300, 400, 400, 400] {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        seen.push(at_once.load(Ordering::Relaxed));
    }
    // The fifth has waited for a second and begins while two are running.
    assert_eq!(seen, [2, 2, 3, 1]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(room.states().iter().all(|state| state.succeeded == 1));
    stop.cancel();
    room.join(tokio::time::sleep(LONG)).await;
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
    room.join(tokio::time::sleep(LONG)).await;
}

#[tokio::test]
async fn a_panic_before_the_first_await_is_caught_too() {
    let (stop, room) = room();
    room.every(LONG, "at once", || -> std::future::Ready<Result<(), String>> { panic!("at once") });
    until(|| room.states()[0].panicked >= 2).await;
    stop.cancel();
    room.join(tokio::time::sleep(LONG)).await;
}

#[tokio::test]
async fn a_failure_is_kept_and_is_not_a_defect() {
    let (stop, room) = room();
    room.every(LONG, "unlucky", || async { Err("the database is away") });
    until(|| room.states()[0].failed == 1).await;
    assert_eq!(room.states()[0].last_error.as_deref(), Some("the database is away"));
    assert!(room.problems().is_empty());
    stop.cancel();
    room.join(tokio::time::sleep(LONG)).await;
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
    room.join(tokio::time::sleep(LONG)).await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_lasts_goes_on_after_a_panic_until_the_stop() {
    let told = Told::default();
    let _log = tracing::subscriber::set_default(told.clone());
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
    assert_eq!(told.times(), 0);
    tokio::time::sleep(AFTER_PANIC).await;
    assert!(room.problems().is_empty());
    assert_eq!(told.times(), 1);
    tokio::time::sleep(LONG).await;
    assert!(room.problems().is_empty() && room.states()[0].running);
    stop.cancel();
    let stopped = Instant::now();
    room.join(tokio::time::sleep_until(stopped + LONG)).await;
    assert!(stopped.elapsed() < AFTER_PANIC && Arc::strong_count(&held) == 1, "the run is still held");
    assert_eq!(told.times(), 1, "the stop is no news of it");
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
    room.join(tokio::time::sleep(LONG)).await;
    assert_eq!(done.load(Ordering::Relaxed), 1);
    assert!(!room.states()[0].running);
}
