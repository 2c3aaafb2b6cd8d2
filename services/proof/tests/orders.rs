//! A fixed part of what `make proof` tries, and every order that ever failed.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use proof::explore::{Cell, Found, Limits, Replay};
use proof::forged::{FORGERIES, Forgery};
use proof::states::Start;
use proof::worker::Worker;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Every order that failed before what it found was mended, and in the line below it the
/// statements of its turns: with others, an order does not reach what failed.
const FAILED_ONCE: &str = include_str!("failed_once.txt");

/// Of the cells, one in so many is tried, with the orders that leave a call twice at most.
const ONE_IN: usize = 173;
const LIMITS: Limits = Limits { switches: 2, most: 12, failures: 1 };
/// How many calls are broken off in every way.
const IN_EVERY_WAY: usize = 2;
/// How many orders are tried at once.
const WORKERS: usize = 3;
/// Whoever runs many orders: more of them at once would stand still now and then.
static ALONE: Semaphore = Semaphore::const_new(1);

#[tokio::test(flavor = "multi_thread")]
async fn what_failed_once_does_not_fail_again() {
    access::install_crypto();
    let worker = Worker::new(None);
    let mut others = Vec::new();
    let mut lines = FAILED_ONCE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        let replay: Replay = line.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
        let failed = Box::pin(replay.again(&worker)).await;
        assert!(failed.faults.is_empty(), "{failed}");
        let (known, statements) = (lines.next().unwrap_or_default().trim(), failed.statements());
        if known != statements {
            others.push(format!("{line}\n  {statements}\nand not\n  {known}"));
        }
    }
    assert!(others.is_empty(), "these run other statements than when they failed:\n{}", others.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_of_all_orders_comes_to_what_whole_calls_come_to() {
    access::install_crypto();
    let _alone = ALONE.acquire().await.unwrap();
    let cells: Vec<Cell> = Start::all().iter().flat_map(Cell::pairs).collect();
    let all = cells.len();
    let cells: Arc<Vec<Cell>> = Arc::new(cells.into_iter().step_by(ONE_IN).collect());
    let next = Arc::<AtomicUsize>::default();
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (cells, next) = (Arc::clone(&cells), Arc::clone(&next));
        workers.spawn(async move {
            let (worker, mut counted) = (Worker::new(None), (0, 0));
            while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                let found = Box::pin(cell.explore(&worker, LIMITS)).await;
                counted = (counted.0 + found.orders, counted.1 + found.again);
                if let Some(failed) = found.failed.first() {
                    panic!("{failed}");
                }
            }
            counted
        });
    }
    let (mut orders, mut again) = (0, 0);
    // One that fails ends the others.
    while let Some(counted) = workers.join_next().await {
        let counted = counted.unwrap();
        (orders, again) = (orders + counted.0, again + counted.1);
    }
    println!("{orders} orders of {} cells of {all}, {again} of them run again", cells.len());
    assert!(orders > 1500, "only {orders} orders were tried");
}

/// Calls that were made one after the other in the same order come to the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_order_comes_to_the_same_again() {
    access::install_crypto();
    let worker = Worker::new(None);
    let replay: Replay = "open+other approve-r1,approve-r2 aababb".parse().unwrap();
    let Cell { start, calls } = &replay.cell;
    let first = Box::pin(worker.run(start, calls, &replay.order.0)).await;
    let again = Box::pin(worker.run(start, calls, &replay.order.0)).await;
    assert_eq!((&first.trouble, &again.trouble), (&Vec::new(), &Vec::new()));
    assert_eq!((first.outcome, first.trace), (again.outcome, again.trace));
}

/// Where faults that are put in on purpose show.
const SHOWN: [(&str, &str); 8] = [
    ("no-lock", "open approve-r1,decline-r1"),
    ("early-tick", "open approve-r1,review-r1"),
    ("any-guest", "approved+other approve-r2,create"),
    ("no-share", "overlap approve-r1,cancel-b1"),
    ("no-group", "approved cancel-b1,cancel-r1"),
    ("keeps-range", "approved cancel-b1,create"),
    ("early-commit", "auto:open+other approve-r1,review-r2"),
    ("early-commit", "people:0 logout,revoke"),
];

/// The others are tried by `make proof`.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_all_or_nothing_wherever_its_server_stops() {
    access::install_crypto();
    let _alone = ALONE.acquire().await.unwrap();
    let worker = Worker::new(None);
    let mut orders = 0;
    for cell in Cell::broken_in_every_way().iter().take(IN_EVERY_WAY) {
        let found = Box::pin(cell.break_off_in_every_way(&worker)).await;
        orders += found.orders;
        if let Some(failed) = found.failed.first() {
            panic!("{failed}");
        }
    }
    assert!(orders >= 20, "only {orders} orders were tried");
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_that_are_put_in_on_purpose_are_found() {
    access::install_crypto();
    let _alone = ALONE.acquire().await.unwrap();
    let mut missed = Vec::new();
    for forgery in &FORGERIES {
        assert!(SHOWN.iter().any(|(name, _)| *name == forgery.name), "{} shows nowhere", forgery.name);
    }
    for (name, shown) in SHOWN {
        let forgery = Forgery::named(name).unwrap();
        let Replay { cell, .. } = shown.parse().unwrap();
        let began = Instant::now();
        let found = found_with(Some(forgery), &cell).await;
        let Found { orders, failed, .. } = &found;
        println!("{name} in {shown}: {} of {orders} in {:.1?}", failed.len(), began.elapsed());
        if failed.is_empty() {
            missed.push(format!("{name} in {shown} by {orders} orders"));
        }
        let without = found_with(None, &cell).await;
        if let Some(failed) = without.failed.first() {
            missed.push(format!("without {name}: {failed}"));
        }
    }
    assert!(missed.is_empty(), "not found:\n{}", missed.join("\n"));
}

async fn found_with(forgery: Option<&'static Forgery>, cell: &Cell) -> Found {
    let worker = Worker::new(forgery);
    let mut found = Box::pin(cell.explore(&worker, Limits { switches: 3, most: 60, failures: 1 })).await;
    let broken = Box::pin(cell.break_off(&worker)).await;
    found.orders += broken.orders;
    found.failed.extend(broken.failed);
    found
}
