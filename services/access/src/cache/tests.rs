use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

const KEY: CacheKey =
    CacheKey { session: None, issued: None, foreign: None, tenant: None, api_key: None, from: None };
const HOLDS: Duration = Duration::from_secs(5);
const OLD: Duration = Duration::ZERO;
const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const MARK: Mark = [7; 16];
const BEAT: Revoked = Revoked { anew: false, marks: Vec::new(), revoked_keys: Vec::new() };

fn answer(role: &str) -> Resolution {
    Resolution { role: role.into(), marks: [MARK].into(), ..Resolution::default() }
}

fn cache() -> Arc<Cache> {
    Arc::default()
}

fn says(said: Result<&'static str, ErrorReason>) -> std::future::Ready<Result<Resolution, Refusal>> {
    std::future::ready(said.map(answer).map_err(|reason| Refusal::new(reason, "no")))
}

async fn hangs() -> Result<Resolution, Refusal> {
    tokio::time::sleep(Duration::from_secs(3)).await;
    Err(Refusal::new(ErrorReason::UpstreamUnavailable, "late"))
}

/// Answers when something has come, each time.
fn when(
    gone: &tokio::sync::watch::Receiver<()>,
    role: &'static str,
) -> impl Fn() -> futures::future::BoxFuture<'static, Result<Resolution, Refusal>> + use<> {
    let gone = gone.clone();
    move || {
        let mut gone = gone.clone();
        Box::pin(async move {
            gone.changed().await.unwrap();
            Ok(answer(role))
        })
    }
}

#[tokio::test]
async fn many_at_once_ask_once() {
    let (cache, asked) = (cache(), Arc::new(AtomicU32::new(0)));
    let ask = || {
        let asked = Arc::clone(&asked);
        cache.get(KEY, HOLDS, NOW, move || {
            asked.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::task::yield_now().await;
                Ok(answer("manager"))
            }
        })
    };
    let answers = futures::future::join_all((0..32).map(|_| ask())).await;
    assert!(answers.iter().all(|answer| *answer.as_ref().unwrap().role == *"manager"));
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn an_old_answer_serves_only_while_identity_is_unreachable() {
    let (cache, down) = (cache(), Err(ErrorReason::UpstreamUnavailable));
    cache.get(KEY, OLD, NOW, move || says(Ok("manager"))).await.unwrap();
    assert!(cache.get(KEY, OLD, NOW, move || says(down)).await.is_ok());
    cache.slot(KEY).lock().failed = None;
    let ended = cache.get(KEY, OLD, NOW, move || says(Err(ErrorReason::SessionEnded))).await;
    assert_eq!(ended.unwrap_err().reason(), ErrorReason::SessionEnded);
    assert!(cache.get(KEY, OLD, NOW, move || says(down)).await.is_err(), "a revoked session came back");
}

#[tokio::test(start_paused = true)]
async fn identity_that_hangs_costs_nobody_who_is_known() {
    let cache = cache();
    cache.get(KEY, OLD, NOW, move || says(Ok("manager"))).await.unwrap();
    let began = tokio::time::Instant::now();
    let calls = (0..15).map(|_| cache.get(KEY, OLD, NOW, hangs));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_ok));
    assert!(began.elapsed() <= 2 * WAIT_IF_KNOWN, "{:?}", began.elapsed());
    tokio::time::sleep(Duration::from_secs(3)).await;
    let again = tokio::time::Instant::now();
    cache.get(KEY, OLD, NOW, hangs).await.unwrap();
    assert_eq!(again.elapsed(), Duration::ZERO, "the failure is known");
    assert_eq!(cache.asked.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn those_who_are_not_known_share_one_failure() {
    let (cache, began) = (cache(), tokio::time::Instant::now());
    let calls = (0..15).map(|_| cache.get(KEY, HOLDS, NOW, hangs));
    assert!(futures::future::join_all(calls).await.iter().all(Result::is_err));
    assert!(cache.get(KEY, HOLDS, NOW, hangs).await.is_err());
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test]
async fn a_caller_who_leaves_takes_the_answer_from_nobody() {
    let cache = cache();
    let (go, gone) = tokio::sync::watch::channel(());
    let left = cache.get(KEY, HOLDS, NOW, when(&gone, "manager"));
    assert!(futures::FutureExt::now_or_never(left).is_none());
    go.send(()).unwrap();
    let other = cache.get(KEY, HOLDS, NOW, move || says(Err(ErrorReason::Internal)));
    assert_eq!(&*other.await.unwrap().role, "manager");
}

#[tokio::test]
async fn another_tenant_or_key_has_another_answer() {
    let cache = cache();
    cache.get(KEY, HOLDS, NOW, move || says(Ok("owner"))).await.unwrap();
    for other in [
        CacheKey { tenant: Some(Uuid::nil()), ..KEY },
        CacheKey { api_key: Some([0; 32]), ..KEY },
        CacheKey { from: Some([0; 32]), ..KEY },
        CacheKey { issued: Some(Uuid::nil()), ..KEY },
        CacheKey { session: Some((Uuid::nil(), Uuid::nil(), 0)), ..KEY },
    ] {
        let got = cache.get(other, HOLDS, NOW, move || says(Ok("none"))).await.unwrap();
        assert_eq!(&*got.role, "none");
    }
}

#[tokio::test]
async fn an_answer_that_identity_confirms_is_kept_until_its_mark_comes() {
    let cache = cache();
    cache.hear(&BEAT, Some(Instant::now()));
    let get = |role| cache.get(KEY, HOLDS, NOW, move || says(Ok(role)));
    assert_eq!(&*get("manager").await.unwrap().role, "manager");
    // As old as one that would be asked about again, if nothing were heard.
    let age = |by| {
        let slot = cache.slot(KEY);
        let mut known = slot.lock();
        let kept = known.kept.as_mut().unwrap();
        kept.at = Instant::now().checked_sub(by).unwrap();
    };
    age(Duration::from_secs(50));
    assert_eq!(&*get("viewer").await.unwrap().role, "manager");
    assert_eq!(cache.asked.get(), 1);
    cache.hear(&Revoked { marks: vec![[8; 16]], ..BEAT }, Some(Instant::now()));
    assert_eq!(&*get("viewer").await.unwrap().role, "manager", "another's mark");
    cache.hear(&Revoked { marks: vec![MARK], ..BEAT }, Some(Instant::now()));
    assert_eq!(&*get("viewer").await.unwrap().role, "viewer");
    cache.hear(&Revoked { anew: true, ..BEAT }, Some(Instant::now()));
    assert_eq!(&*get("agent").await.unwrap().role, "agent");
    age(Duration::from_secs(70));
    assert_eq!(&*get("owner").await.unwrap().role, "agent", "it is renewed beside the call");
    tokio::task::yield_now().await;
    assert_eq!(&*get("nobody").await.unwrap().role, "owner");
}

#[tokio::test]
async fn an_answer_on_its_way_when_its_mark_comes_is_asked_for_again() {
    let cache = cache();
    let (go, gone) = tokio::sync::watch::channel(());
    let asked = Arc::new(AtomicU32::new(0));
    let lookup = {
        let (asked, gone) = (Arc::clone(&asked), gone.clone());
        move || {
            let (first, mut gone) = (asked.fetch_add(1, Ordering::Relaxed) == 0, gone.clone());
            async move {
                if first {
                    gone.changed().await.unwrap();
                }
                Ok(answer(if first { "before" } else { "after" }))
            }
        }
    };
    let call = tokio::spawn({
        let cache = Arc::clone(&cache);
        async move { cache.get(KEY, HOLDS, NOW, lookup).await }
    });
    while asked.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    cache.hear(&Revoked { marks: vec![MARK], ..BEAT }, Some(Instant::now()));
    go.send(()).unwrap();
    assert_eq!(&*call.await.unwrap().unwrap().role, "after");
}

#[tokio::test]
async fn an_answer_ends_with_what_it_is_about_and_a_minute_after_identity_was_heard() {
    let (cache, down) = (cache(), Err(ErrorReason::UpstreamUnavailable));
    let until = NOW + jiff::SignedDuration::from_secs(10);
    let lookup = move || async move { Ok(Resolution { until: Some(until), ..answer("manager") }) };
    cache.get(KEY, HOLDS, NOW, lookup).await.unwrap();
    assert_eq!(&*cache.get(KEY, HOLDS, NOW, move || says(Ok("other"))).await.unwrap().role, "manager");
    assert_eq!(&*cache.get(KEY, HOLDS, until, move || says(Ok("other"))).await.unwrap().role, "other");
    let old = Instant::now().checked_sub(OLDEST).unwrap();
    cache.slot(KEY).lock().kept.as_mut().unwrap().at = old;
    let refused = cache.get(KEY, HOLDS, NOW, move || says(down)).await.unwrap_err();
    assert_eq!(refused.reason(), ErrorReason::CallerUnconfirmed);
}
