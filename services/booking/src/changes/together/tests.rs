use super::*;

const TENANT: Uuid = Uuid::from_u128(1);
const OTHER: Uuid = Uuid::from_u128(2);

type Calls = Together<u32, u32>;

/// Those that are here, so that others do not go alone.
fn few(calls: &Calls) -> [Present<u32, u32>; FEW] {
    let few = [(); FEW].map(|()| calls.come(TENANT));
    assert!(few.iter().all(Present::goes_alone));
    few
}

fn jobs(lot: &[Waiting<u32, u32>]) -> Vec<u32> {
    lot.iter().map(|one| *one.job).collect()
}

fn answer(lot: Vec<Waiting<u32, u32>>, with: u32) {
    for waiting in lot {
        waiting.answer(with);
    }
}

#[tokio::test]
async fn what_comes_while_a_lot_is_under_way_is_the_next_lot() {
    let calls = Calls::default();
    let _few = few(&calls);
    let [one, two, three] = [(); 3].map(|()| calls.come(TENANT));
    assert!([&one, &two, &three].iter().all(|call| !call.goes_alone()));
    assert!(calls.come(OTHER).goes_alone(), "another tenant has nobody to go with");
    let mut of_one = one.join(Arc::new(1));
    let mut lots = of_one.lots.take().unwrap();
    let lot = lots.next().unwrap();
    assert_eq!(jobs(&lot), [1]);
    let [of_two, of_three] = [(&two, 2), (&three, 3)].map(|(call, job)| call.join(Arc::new(job)));
    assert!(of_two.lots.is_none() && of_three.lots.is_none(), "a task runs lots");
    answer(lot, 10);
    assert_eq!(one.answer(of_one).await, Some(10));
    let lot = lots.next().unwrap();
    assert_eq!(jobs(&lot), [2, 3]);
    for waiting in lot {
        let job = *waiting.job;
        waiting.answer(job * 10);
    }
    assert_eq!((two.answer(of_two).await, three.answer(of_three).await), (Some(20), Some(30)));
    assert!(lots.next().is_none());
    // The next one starts a task anew.
    let four = calls.come(TENANT);
    assert!(four.join(Arc::new(4)).lots.is_some());
}

#[tokio::test]
async fn a_caller_who_has_gone_is_left_out_and_forgotten() {
    let calls = Calls::default();
    let few = few(&calls);
    let (gone, stays) = (calls.come(TENANT), calls.come(TENANT));
    let mut of_gone = gone.join(Arc::new(1));
    let mut lots = of_gone.lots.take().unwrap();
    let of_stays = stays.join(Arc::new(2));
    drop((of_gone, gone));
    let lot = lots.next().unwrap();
    assert_eq!(jobs(&lot), [2]);
    assert!(lot[0].is_there());
    drop((of_stays, stays));
    assert!(!lot[0].is_there(), "who goes while the lot is under way is seen, too");
    assert!(lots.next().is_none());
    drop((few, lots));
    assert!(calls.lines().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_lot_does_not_begin_goes_alone_and_one_whose_lot_has_begun_waits() {
    let calls = Calls::default();
    let _few = few(&calls);
    let (begun, waits) = (calls.come(TENANT), calls.come(TENANT));
    let mut of_begun = begun.join(Arc::new(1));
    let mut lots = of_begun.lots.take().unwrap();
    let lot = lots.next().unwrap();
    let of_waits = waits.join(Arc::new(2));
    let slow = async {
        tokio::time::sleep(PATIENCE * 3).await;
        answer(lot, 10);
    };
    let (of_begun, of_waits, ()) = tokio::join!(begun.answer(of_begun), waits.answer(of_waits), slow);
    assert_eq!((of_begun, of_waits), (Some(10), None));
    assert!(lots.next().is_none(), "who went alone is in no lot");
}

#[tokio::test]
async fn a_task_that_panics_lets_everybody_go_alone() {
    let calls = Calls::default();
    let _few = few(&calls);
    let (one, two) = (calls.come(TENANT), calls.come(TENANT));
    let mut of_one = one.join(Arc::new(1));
    let mut lots = of_one.lots.take().unwrap();
    let task = tokio::spawn(async move {
        let _lot = lots.next().unwrap();
        tokio::task::yield_now().await;
        panic!("a defect");
    });
    tokio::task::yield_now().await;
    let of_two = two.join(Arc::new(2));
    assert!(task.await.is_err());
    assert_eq!((one.answer(of_one).await, two.answer(of_two).await), (None, None));
    assert!(calls.come(TENANT).join(Arc::new(3)).lots.is_some());
}

#[test]
fn after_a_useless_lot_calls_go_alone_for_a_while() {
    let calls = Calls::default();
    let few = few(&calls);
    let call = calls.come(TENANT);
    let mut joined = call.join(Arc::new(1));
    let mut lots = joined.lots.take().unwrap();
    drop(lots.next());
    lots.was_useless();
    assert!(lots.next().is_none());
    for _ in 0..ALONE_AFTER_USELESS {
        assert!(calls.come(TENANT).goes_alone());
    }
    assert!(!calls.come(TENANT).goes_alone());
    drop((few, call, lots));
    assert!(calls.lines().is_empty(), "nobody is there, nothing is remembered");
}

#[test]
fn a_lot_and_the_line_are_bounded() {
    let calls = Calls::default();
    let _few = few(&calls);
    let present: Vec<_> = (0..MOST_WAITING).map(|_| calls.come(TENANT)).collect();
    let mut joined: Vec<_> = present.iter().zip(0..).map(|(call, job)| call.join(Arc::new(job))).collect();
    assert!(calls.come(TENANT).goes_alone(), "the line is full");
    let mut lots = joined[0].lots.take().unwrap();
    let lot: Vec<_> = (0..).take(MOST_OF_LOT).collect();
    assert_eq!(jobs(&lots.next().unwrap()), lot);
    assert!(!calls.come(TENANT).goes_alone());
}
