use futures::FutureExt;
use futures::future::join_all;
use http::{HeaderMap, HeaderValue};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::*;
use crate::Call;

const LIMITS: TurnLimits = TurnLimits {
    places: 4,
    own: 1,
    of_one: 2,
    waiting: 12,
    waiting_of_one: 8,
    patience: Duration::from_secs(2),
};

/// Whoever has a place when it came, in the order in which they came.
type Log = Arc<Mutex<Vec<&'static str>>>;

/// Waits in a task of its own and keeps the place.
async fn waits(turns: &Turns<&'static str>, of: &'static str, log: &Log) -> JoinHandle<Turn<&'static str>> {
    let (turns, log) = (turns.clone(), Arc::clone(log));
    let before = turns.in_use().1;
    let task = tokio::spawn({
        let turns = turns.clone();
        async move {
            let turn = turns.turn(of).await.unwrap();
            log.lock().unwrap().push(of);
            turn
        }
    });
    while turns.in_use().1 == before {
        tokio::task::yield_now().await;
    }
    task
}

fn said(log: &Log) -> Vec<&'static str> {
    log.lock().unwrap().clone()
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_into_a_flood_is_next() {
    let turns = Turns::new(TurnLimits { own: 0, of_one: 4, waiting: 100, waiting_of_one: 100, ..LIMITS });
    let log = Log::default();
    let mut held: Vec<_> = join_all((0..4).map(|_| turns.turn("flood"))).await;
    let mut flood = Vec::new();
    for _ in 0..50 {
        flood.push(waits(&turns, "flood", &log).await);
    }
    let other = waits(&turns, "other", &log).await;
    let third = waits(&turns, "third", &log).await;
    // Of three places that come free, the flood has one: others came fifty calls later.
    held.truncate(1);
    settle().await;
    assert_eq!(said(&log), ["flood", "other", "third"]);
    drop((other.await.unwrap(), third.await.unwrap()));
    settle().await;
    assert_eq!(said(&log)[3..], ["flood", "flood"]);
}

#[tokio::test(start_paused = true)]
async fn one_leaves_places_for_others_and_all_leave_one_for_the_process() {
    let turns = Turns::new(LIMITS);
    let [_one, two] = [turns.turn("a").await.unwrap(), turns.turn("a").await.unwrap()];
    assert_eq!(turns.turn("a").await.unwrap_err(), NoTurn::Late { waiting: 0 });
    let other = turns.turn("b").await.unwrap();
    assert_eq!(turns.turn("c").await.unwrap_err(), NoTurn::Late { waiting: 0 });
    let own = turns.own_turn().await.unwrap();
    assert_eq!(turns.in_use(), (4, 0));
    // What comes free is the process's first, and then those of calls are as many as before.
    let (log, next_own) = (Log::default(), turns.own_turn());
    tokio::pin!(next_own);
    assert!(next_own.as_mut().now_or_never().is_none());
    let waiting = waits(&turns, "c", &log).await;
    drop(two);
    let next_own = next_own.await.unwrap();
    settle().await;
    assert!(said(&log).is_empty());
    drop(own);
    settle().await;
    assert!(said(&log).is_empty(), "the last place is the process's");
    drop(next_own);
    drop((other, waiting.await.unwrap()));
    assert_eq!((said(&log), turns.refused()), (vec!["c"], 2));
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_refused_at_once_and_nobody_else_with_it() {
    let turns = Turns::new(TurnLimits { places: 1, own: 0, of_one: 1, ..LIMITS });
    let (log, began) = (Log::default(), Instant::now());
    let _held = turns.turn("a").await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(waits(&turns, "a", &log).await);
    }
    assert_eq!(turns.turn("a").await.unwrap_err(), NoTurn::Crowded { waiting: 8 });
    // With two whose calls wait, each has a half of what may wait; with three, a third.
    for _ in 0..6 {
        waiting.push(waits(&turns, "b", &log).await);
    }
    assert_eq!(turns.turn("b").await.unwrap_err(), NoTurn::Crowded { waiting: 6 });
    for _ in 0..4 {
        waiting.push(waits(&turns, "c", &log).await);
    }
    assert_eq!(turns.turn("c").await.unwrap_err(), NoTurn::Crowded { waiting: 4 });
    assert_eq!((turns.in_use(), turns.refused()), ((1, 18), 3));
    assert!(began.elapsed().is_zero());
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_is_forgotten_and_takes_no_place_along() {
    let turns = Turns::new(TurnLimits { places: 1, own: 0, of_one: 1, ..LIMITS });
    let log = Log::default();
    let held = turns.turn("a").await.unwrap();
    let leaves = waits(&turns, "b", &log).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    assert_eq!(turns.in_use(), (1, 0));
    // One that is given its place and has not seen it yet.
    let given = turns.turn("b");
    let mut given = Box::pin(given);
    assert!(given.as_mut().now_or_never().is_none());
    drop(held);
    assert_eq!(turns.in_use(), (1, 0));
    drop(given);
    assert_eq!(turns.in_use(), (0, 0));
    let state = turns.shared.state();
    assert!(state.lines.is_empty() && state.ring.is_empty(), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_begun_for_a_call_without_time() {
    let turns = Turns::new(TurnLimits { places: 1, own: 0, of_one: 1, ..LIMITS });
    let call = |left| {
        let call = Call::new(HeaderValue::from_static("id"), &HeaderMap::new());
        call.ends_at(std::time::Instant::now() + Duration::from_millis(left));
        call
    };
    let over = call(0).run(turns.turn("a")).await;
    assert_eq!(over.unwrap_err(), NoTurn::OutOfTime);
    let held = call(1_000).run(turns.turn("a")).await.unwrap();
    let began = Instant::now();
    let late = call(300).run(turns.turn("b")).await;
    assert_eq!(late.unwrap_err(), NoTurn::OutOfTime);
    assert!(began.elapsed() < Duration::from_millis(400), "{:?}", began.elapsed());
    drop(held);
    assert_eq!(turns.in_use(), (0, 0));
}
