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

fn jobs(batch: &[Waiting<u32, u32>]) -> Vec<u32> {
    batch.iter().map(|one| *one.job).collect()
}

fn answer(batch: Vec<Waiting<u32, u32>>, with: u32) {
    for waiting in batch {
        waiting.answer(with);
    }
}

#[tokio::test]
async fn what_comes_while_a_batch_is_under_way_is_the_next_one() {
    let calls = Calls::default();
    let _few = few(&calls);
    let [one, two, three] = [(); 3].map(|()| calls.come(TENANT));
    assert!([&one, &two, &three].iter().all(|call| !call.goes_alone()));
    let mut of_one = one.join(Arc::new(1));
    let mut batches = of_one.batches.take().unwrap();
    let batch = batches.next().unwrap();
    assert_eq!(jobs(&batch), [1]);
    let [of_two, of_three] = [(&two, 2), (&three, 3)].map(|(call, job)| call.join(Arc::new(job)));
    assert!(of_two.batches.is_none() && of_three.batches.is_none(), "a task runs batches");
    answer(batch, 10);
    assert_eq!(one.answer(of_one).await, Some(10));
    let batch = batches.next().unwrap();
    assert_eq!(jobs(&batch), [2, 3]);
    for waiting in batch {
        let job = *waiting.job;
        waiting.answer(job * 10);
    }
    assert_eq!((two.answer(of_two).await, three.answer(of_three).await), (Some(20), Some(30)));
    assert!(batches.next().is_none());
    // The next one starts a task anew.
    let four = calls.come(TENANT);
    assert!(four.join(Arc::new(4)).batches.is_some());
}

/// Tenants that have few calls go together, and not with those of one that has many.
#[test]
fn tenants_with_few_calls_go_together() {
    let calls = Calls::default();
    let tenants = || (10..).map(Uuid::from_u128);
    let alone: Vec<_> = tenants().take(FEW).map(|tenant| calls.come(tenant)).collect();
    assert!(alone.iter().all(Present::goes_alone));
    let [one, other] = [calls.come(TENANT), calls.come(OTHER)];
    assert!(!one.goes_alone() && !other.goes_alone());
    let more = [(); FEW - 1].map(|()| calls.come(TENANT));
    let many = calls.come(TENANT);
    assert!(!many.goes_alone());
    let mut batches = one.join(Arc::new(1)).batches.unwrap();
    assert!(other.join(Arc::new(2)).batches.is_none(), "they have one task");
    let mut of_many = many.join(Arc::new(3)).batches.unwrap();
    // Nobody waits for the answers here, so that nobody would be there.
    let waiting = |line: Line| calls.queues()[&line].waiting.iter().map(|one| *one.job).collect::<Vec<_>>();
    assert_eq!((waiting(Line::Others), waiting(Line::Tenant(TENANT))), (vec![1, 2], vec![3]));
    assert!(batches.next().is_none() && of_many.next().is_none());
    drop((alone, one, other, many, more, batches, of_many));
    assert!(calls.queues().is_empty());
}

/// Of tenants that have few, a second batch goes beside one that is under way, when there
/// are several for it; of a tenant that has many, none does.
#[tokio::test]
async fn two_batches_of_several_tenants_go_beside_each_other() {
    let calls = Calls::default();
    let come = |tenant: u128| calls.come(Uuid::from_u128(tenant));
    let _alone: Vec<_> = (10..).take(FEW).map(come).collect();
    let [first, last] = [20, 40].map(come);
    let mut of_first = first.join(Arc::new(0));
    let mut batches = of_first.batches.take().unwrap();
    answer(batches.next().unwrap(), 1);
    let others: Vec<_> = (30..).take(FEW).map(come).collect();
    let mut joined: Vec<_> = (1..).zip(&others).map(|(job, call)| call.join(Arc::new(job))).collect();
    let (fourth, before) = joined.split_last_mut().unwrap();
    assert!(before.iter().all(|one| one.batches.is_none()), "one task is enough for a few");
    let mut beside = fourth.batches.take().unwrap();
    let batch = beside.next().unwrap();
    assert_eq!(jobs(&batch), [1, 2, 3, 4]);
    answer(batch, 2);
    let of_last = last.join(Arc::new(5));
    assert!(of_last.batches.is_none(), "there are two");
    assert_eq!(jobs(&batches.next().unwrap()), [5]);
    assert!(batches.next().is_none() && beside.next().is_none());
    drop(of_last);
    // Those of a tenant are never in two batches at once.
    let [mut one, other] = [last.join(Arc::new(6)), first.join(Arc::new(7))];
    let mut batches = one.batches.take().unwrap();
    assert_eq!(batches.next().map(|batch| jobs(&batch)), Some(vec![6, 7]));
    let _again = last.join(Arc::new(8));
    let mut joined: Vec<_> = (9..).zip(&others).map(|(job, call)| call.join(Arc::new(job))).collect();
    let mut beside = joined.iter_mut().find_map(|one| one.batches.take()).unwrap();
    assert_eq!(jobs(&beside.next().unwrap()), [9, 10, 11, 12]);
    assert!(beside.next().is_none(), "what waits is of a tenant in the other batch");
    assert_eq!(jobs(&batches.next().unwrap()), [8]);
    assert!(batches.next().is_none());
    drop((one, other));
    // Both are over: the next one starts a task.
    assert!(last.join(Arc::new(13)).batches.is_some());
}

/// A tenant whose batches were of no use does not spoil those of the others.
#[test]
fn who_goes_alone_after_a_useless_batch_does_not_go_with_others() {
    let calls = Calls::default();
    let many = few(&calls);
    let [call, other] = [(); 2].map(|()| calls.come(TENANT));
    let mut joined = [&call, &other].map(|call| call.join(Arc::new(1)));
    let mut batches = joined[0].batches.take().unwrap();
    drop(batches.next());
    batches.was_useless();
    drop((many, call, other));
    assert!(calls.come(TENANT).goes_alone());
    let _others = [(); FEW].map(|()| calls.come(OTHER));
    assert!(calls.come(TENANT).goes_alone());
    assert!(!calls.come(Uuid::from_u128(3)).goes_alone());
}

/// What one tenant's rows cost, the others do not wait for again and again.
#[tokio::test(start_paused = true)]
async fn after_trouble_those_of_several_tenants_go_alone_for_a_while() {
    let calls = Calls::default();
    let come = |tenant: u128| calls.come(Uuid::from_u128(tenant));
    let alone: Vec<_> = (10..).take(FEW).map(come).collect();
    let one = come(20);
    let mut batches = one.join(Arc::new(1)).batches.unwrap();
    assert!(batches.next().is_none(), "nobody waits for the answer");
    batches.was_trouble();
    drop((alone, one, batches));
    let _again: Vec<_> = (10..).take(FEW).map(come).collect();
    assert!(come(20).goes_alone());
    // A tenant that has many goes on with its own.
    let _many = [(); FEW].map(|()| come(30));
    assert!(!come(30).goes_alone());
    tokio::time::sleep(ALONE_AFTER_TROUBLE).await;
    assert!(!come(20).goes_alone());
}

#[tokio::test]
async fn a_caller_who_has_gone_is_left_out_and_forgotten() {
    let calls = Calls::default();
    let few = few(&calls);
    let (gone, stays) = (calls.come(TENANT), calls.come(TENANT));
    let mut of_gone = gone.join(Arc::new(1));
    let mut batches = of_gone.batches.take().unwrap();
    let of_stays = stays.join(Arc::new(2));
    drop((of_gone, gone));
    let batch = batches.next().unwrap();
    assert_eq!(jobs(&batch), [2]);
    assert!(batch[0].is_there());
    drop((of_stays, stays));
    assert!(!batch[0].is_there(), "who goes while the batch is under way is seen, too");
    assert!(batches.next().is_none());
    drop((few, batches));
    assert!(calls.queues().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_batch_does_not_begin_goes_alone_and_one_whose_batch_has_begun_waits() {
    let calls = Calls::default();
    let _few = few(&calls);
    let (begun, waits) = (calls.come(TENANT), calls.come(TENANT));
    let mut of_begun = begun.join(Arc::new(1));
    let mut batches = of_begun.batches.take().unwrap();
    let batch = batches.next().unwrap();
    let of_waits = waits.join(Arc::new(2));
    let slow = async {
        tokio::time::sleep(PATIENCE * 3).await;
        answer(batch, 10);
    };
    let (of_begun, of_waits, ()) = tokio::join!(begun.answer(of_begun), waits.answer(of_waits), slow);
    assert_eq!((of_begun, of_waits), (Some(10), None));
    assert!(batches.next().is_none(), "who went alone is in no batch");
}

#[tokio::test]
async fn a_task_that_panics_lets_everybody_go_alone() {
    let calls = Calls::default();
    let _few = few(&calls);
    let (one, two) = (calls.come(TENANT), calls.come(TENANT));
    let mut of_one = one.join(Arc::new(1));
    let mut batches = of_one.batches.take().unwrap();
    let task = tokio::spawn(async move {
        let _batch = batches.next().unwrap();
        tokio::task::yield_now().await;
        panic!("a defect");
    });
    tokio::task::yield_now().await;
    let of_two = two.join(Arc::new(2));
    assert!(task.await.is_err());
    assert_eq!((one.answer(of_one).await, two.answer(of_two).await), (None, None));
    assert!(calls.come(TENANT).join(Arc::new(3)).batches.is_some());
}

#[test]
fn after_a_useless_batch_calls_go_alone_for_a_while() {
    let calls = Calls::default();
    let few = few(&calls);
    let [call, other] = [(); 2].map(|()| calls.come(TENANT));
    let mut joined = call.join(Arc::new(1));
    let mut batches = joined.batches.take().unwrap();
    drop(batches.next());
    batches.was_useless();
    assert!(!calls.come(TENANT).goes_alone(), "one call by itself, as of a double click, says nothing");
    let _joined = [&call, &other].map(|call| call.join(Arc::new(2)));
    assert_eq!(batches.next().map(|batch| batch.len()), Some(2));
    batches.was_useless();
    assert!(batches.next().is_none());
    for _ in 0..ALONE_AFTER_USELESS {
        assert!(calls.come(TENANT).goes_alone());
    }
    assert!(!calls.come(TENANT).goes_alone());
    drop((few, call, other, batches));
    assert!(calls.queues().is_empty(), "nobody is there, nothing is remembered");
}

#[test]
fn a_batch_and_the_line_are_bounded() {
    let calls = Calls::default();
    let _few = few(&calls);
    let present: Vec<_> = (0..MOST_WAITING).map(|_| calls.come(TENANT)).collect();
    let mut joined: Vec<_> = present.iter().zip(0..).map(|(call, job)| call.join(Arc::new(job))).collect();
    assert!(calls.come(TENANT).goes_alone(), "the queue is full");
    let mut batches = joined[0].batches.take().unwrap();
    let batch: Vec<_> = (0..).take(MOST_OF_BATCH).collect();
    assert_eq!(jobs(&batches.next().unwrap()), batch);
    assert!(!calls.come(TENANT).goes_alone());
}
