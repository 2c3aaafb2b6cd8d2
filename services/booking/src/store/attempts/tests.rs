//! Whatever gets in the way of a call, it begins three transactions at most.

use std::sync::atomic::{AtomicUsize, Ordering};

use futures::FutureExt;
use futures::future::{join_all, ready};
use pg::{Database, PoolOptions};

use super::*;
use crate::config::Policy;
use crate::domain::layout::Layout;
use crate::layout::{Blocking, Found};

/// What can get in the way of an attempt.
#[derive(Debug, Clone, Copy)]
enum Obstacle {
    Deadlock,
    StaleStatement,
    Standby,
    Doubt,
    NamedDoubt,
    Drift,
    Refusal,
}

use Obstacle::{Deadlock, Doubt, Drift, NamedDoubt, Refusal, StaleStatement, Standby};

/// A store that knows its schema and has no database.
fn store() -> Store {
    let options = PoolOptions {
        url: "postgresql://nobody@127.0.0.1:1/none".to_owned(),
        role: "nobody",
        application_name: "test",
        max_size: 1,
    };
    let db = Database::new(options).unwrap();
    let found = Found::whole(Layout::Standard, Blocking::NotFreed);
    let store = Store::new(db.clone(), |_, _, _| Ok(Arc::default()), Policy::default());
    let schema = Arc::new(Schema { found, db, misfits: Vec::new() });
    store.known.look(ready(Ok::<_, Fault>(schema))).now_or_never().unwrap().unwrap();
    store
}

/// How many transactions a call begins that meets one obstacle after the other, and
/// for the last one whether it looks around with locks.
async fn transactions(store: &Store, obstacles: &[Obstacle]) -> (usize, bool) {
    let (begun, locked, result) = call(store, obstacles).await;
    assert_eq!(result.is_ok(), begun > obstacles.len(), "{obstacles:?}");
    (begun, locked)
}

/// The same with what came of it.
async fn call(store: &Store, obstacles: &[Obstacle]) -> (usize, bool, Result<(), Fault>) {
    let (begun, locked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let result: Result<(), Fault> = store
        .attempts(async |_, with_locks| {
            locked.store(usize::from(with_locks), Ordering::SeqCst);
            let fault = |kind| Err(Fault::new(kind, "scripted"));
            match obstacles.get(begun.fetch_add(1, Ordering::SeqCst)) {
                None => Ok(Ended::Done(())),
                Some(Doubt) => Ok(Ended::NeedsLocks(None)),
                Some(NamedDoubt) => Ok(Ended::NeedsLocks(Some(Fault::new(Kind::LockTimeout, "scripted")))),
                Some(Deadlock) => fault(Kind::Contention),
                Some(StaleStatement) => fault(Kind::StaleStatement),
                Some(Standby) => fault(Kind::ReadOnly),
                Some(Drift) => fault(Kind::SchemaDrift { object: "column x".to_owned() }),
                Some(Refusal) => fault(Kind::InvalidValue),
            }
        })
        .await;
    (begun.into_inner(), locked.into_inner() == 1, result)
}

#[tokio::test]
async fn no_mix_of_obstacles_makes_more_than_three_transactions() {
    let store = store();
    let all = [Deadlock, StaleStatement, Standby, Doubt, NamedDoubt, Drift, Refusal];
    let mut mixes = Vec::new();
    for first in all {
        for second in all {
            for third in all {
                for fourth in all {
                    mixes.push([first, second, third, fourth]);
                }
            }
        }
    }
    let begun = join_all(mixes.iter().map(|mix| transactions(&store, mix))).await;
    for (mix, (begun, _)) in mixes.iter().zip(&begun) {
        assert!(*begun <= 3, "{mix:?} began {begun}");
        if mix[..3].iter().all(|one| !matches!(one, Drift | Refusal)) {
            assert_eq!(*begun, 3, "{mix:?}");
        }
    }
}

#[tokio::test]
async fn a_doubt_is_resolved_with_locks_and_a_refusal_stays() {
    let store = store();
    assert_eq!(transactions(&store, &[]).await, (1, false));
    assert_eq!(transactions(&store, &[Doubt]).await, (2, true));
    assert_eq!(transactions(&store, &[Doubt, Deadlock]).await, (3, true));
    assert_eq!(transactions(&store, &[Refusal]).await, (1, false));
    // What the database lacks cannot be found out without one.
    assert_eq!(transactions(&store, &[Drift]).await, (1, false));
}

/// What the locks did not tell is answered by the cause that the attempt had.
#[tokio::test]
async fn a_doubt_that_stays_is_answered_by_its_cause() {
    let store = store();
    let (begun, _, answer) = call(&store, &[NamedDoubt; 3]).await;
    assert_eq!((begun, answer.unwrap_err().kind()), (3, &Kind::LockTimeout));
    let (_, _, answer) = call(&store, &[NamedDoubt, NamedDoubt, Doubt]).await;
    assert_eq!(*answer.unwrap_err().kind(), Kind::Contention);
    assert_eq!(transactions(&store, &[NamedDoubt]).await, (2, true));
}
