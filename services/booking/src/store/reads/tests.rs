use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future::join_all;
use tokio::sync::Semaphore;

use super::*;

const ONE: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

/// A tenant, and the ids that were read together.
type Read = (Uuid, Vec<u32>);

/// Rows whose value is their id with their tenant's; those from 1,000 on are not there. Each
/// read waits until it may go on.
#[derive(Debug, Clone)]
struct Fake {
    may_go_on: Arc<Semaphore>,
    read: Arc<Mutex<Vec<Read>>>,
    fails: bool,
    alone: Arc<AtomicUsize>,
}

type Row = (Uuid, u32);

impl Fake {
    fn new(fails: bool) -> Self {
        let (read, alone) = Default::default();
        Self { may_go_on: Arc::new(Semaphore::new(0)), read, fails, alone }
    }

    async fn go_on(&self) {
        self.may_go_on.acquire().await.unwrap().forget();
    }

    fn read_together(&self) -> Vec<(Uuid, Vec<u32>)> {
        self.read.lock().unwrap().clone()
    }
}

impl Rows<u32, Row> for Fake {
    async fn read_row(&self, tenant: Uuid, id: u32) -> Result<Option<Row>, Fault> {
        self.alone.fetch_add(1, Ordering::Relaxed);
        self.go_on().await;
        Ok((id < 1_000).then_some((tenant, id)))
    }

    async fn read_rows(&self, tenant: Uuid, ids: Vec<u32>) -> Option<HashMap<u32, Row>> {
        self.read.lock().unwrap().push((tenant, ids.clone()));
        self.go_on().await;
        let there = ids.into_iter().filter(|id| *id < 1_000).map(|id| (id, (tenant, id)));
        (!self.fails).then(|| there.collect())
    }
}

/// Reads a row in a task; what it gets, which is nothing if it is not there.
fn read(reads: &Reads<u32, Row>, rows: &Fake, tenant: Uuid, id: u32) -> tokio::task::JoinHandle<Option<Row>> {
    let (reads, rows) = (reads.clone(), rows.clone());
    tokio::spawn(async move { reads.read((tenant, id), &rows).await.unwrap() })
}

async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn those_who_come_while_one_is_read_are_read_together_each_with_its_own_answer() {
    let (reads, rows) = (Reads::default(), Fake::new(false));
    let mut all = vec![read(&reads, &rows, ONE, 0)];
    settle().await;
    for id in [1, 2, 2, 1_000, 3] {
        all.push(read(&reads, &rows, ONE, id));
    }
    settle().await;
    assert_eq!(rows.read_together(), [], "one is under way");
    rows.may_go_on.add_permits(2);
    let got: Vec<Option<Row>> = join_all(all).await.into_iter().map(Result::unwrap).collect();
    let row = |id| Some((ONE, id));
    assert_eq!(got, [row(0), row(1), row(2), row(2), None, row(3)]);
    assert_eq!(rows.read_together(), [(ONE, vec![1, 2, 1_000, 3])]);
    assert_eq!(rows.alone.load(Ordering::Relaxed), 1);
    settle().await;
    assert!(reads.lines().is_empty(), "nothing is left of them");
}

#[tokio::test(start_paused = true)]
async fn tenants_are_read_apart() {
    let (reads, rows) = (Reads::default(), Fake::new(false));
    let mut all: Vec<_> = [ONE, OTHER].map(|tenant| read(&reads, &rows, tenant, 7)).into();
    settle().await;
    assert_eq!(rows.alone.load(Ordering::Relaxed), 2, "neither waits for the other");
    for tenant in [ONE, OTHER, ONE, OTHER] {
        all.push(read(&reads, &rows, tenant, 7));
        all.push(read(&reads, &rows, tenant, 8));
    }
    settle().await;
    rows.may_go_on.add_permits(4);
    for (n, got) in join_all(all).await.into_iter().enumerate() {
        let tenant = if n < 2 { n } else { (n - 2) / 2 % 2 };
        assert_eq!(got.unwrap().unwrap().0, [ONE, OTHER][tenant]);
    }
    let mut together = rows.read_together();
    together.sort();
    assert_eq!(together, [(ONE, vec![7, 8]), (OTHER, vec![7, 8])]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_sends_each_on_its_own_way() {
    let (reads, rows) = (Reads::default(), Fake::new(true));
    let first = read(&reads, &rows, ONE, 0);
    settle().await;
    let waiting: Vec<_> = (1..4).map(|id| read(&reads, &rows, ONE, id)).collect();
    settle().await;
    rows.may_go_on.add_permits(9);
    assert_eq!(first.await.unwrap(), Some((ONE, 0)));
    for (id, one) in (1..).zip(waiting) {
        assert_eq!(one.await.unwrap(), Some((ONE, id)));
    }
    assert_eq!(rows.alone.load(Ordering::Relaxed), 4);
}

#[tokio::test(start_paused = true)]
async fn callers_who_go_away_take_nobody_along() {
    let (reads, rows) = (Reads::default(), Fake::new(false));
    let first = read(&reads, &rows, ONE, 0);
    settle().await;
    let (gone, stays) = (read(&reads, &rows, ONE, 1), read(&reads, &rows, ONE, 2));
    settle().await;
    gone.abort();
    first.abort();
    settle().await;
    // What was under way is given up, and those who waited are read, but for who has gone.
    assert_eq!(rows.read_together(), [(ONE, vec![2])]);
    rows.may_go_on.add_permits(1);
    assert_eq!(stays.await.unwrap(), Some((ONE, 2)));
    settle().await;
    assert!(reads.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_one_that_hangs() {
    let (reads, rows) = (Reads::default(), Fake::new(false));
    let _hangs = read(&reads, &rows, ONE, 0);
    settle().await;
    let one = read(&reads, &rows, ONE, 1);
    tokio::time::sleep(PATIENCE * 2).await;
    assert_eq!(rows.alone.load(Ordering::Relaxed), 2, "it has gone alone");
    rows.may_go_on.add_permits(2);
    assert_eq!(one.await.unwrap(), Some((ONE, 1)));
}

#[tokio::test(start_paused = true)]
async fn however_many_come_a_bounded_number_waits_and_is_read_at_once() {
    let (reads, rows) = (Reads::default(), Fake::new(false));
    let mut all = vec![read(&reads, &rows, ONE, 0)];
    settle().await;
    for _ in 0..MOST_WAITING + 3 {
        all.push(read(&reads, &rows, ONE, 1 + u32::try_from(all.len()).unwrap()));
    }
    settle().await;
    assert_eq!(rows.alone.load(Ordering::Relaxed), 1 + 3);
    rows.may_go_on.add_permits(6);
    join_all(all).await.into_iter().for_each(|got| assert!(got.unwrap().is_some()));
    assert!(rows.read_together().iter().all(|(_, ids)| ids.len() == MOST_TOGETHER));
}
