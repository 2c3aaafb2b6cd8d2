//! Calls whose message comes after their head.

use std::convert::Infallible;
use std::future::ready;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use frontdesk_proto::reason_of;
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::stream::StreamExt;
use http_body::Frame;
use http_body_util::StreamBody;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::*;
use crate::authority::DeletedTenants;
use crate::token::Key;

const CREATE: &str = "/frontdesk.booking.v1.CustomerService/CreateCustomer";
const MARK: Mark = [7; 16];

/// What was asked of identity, and what was done.
#[derive(Debug, Default)]
struct Counts {
    asked: AtomicUsize,
    recorded: AtomicUsize,
    made: AtomicUsize,
    revoked: AtomicBool,
}

/// An identity with one API key, which works in a tenant as an operator does.
#[derive(Debug, Clone, Default)]
struct Fake(Arc<Counts>);

impl Authority for Fake {
    const HOLDS: Duration = Duration::from_secs(5);

    fn keys(&self, _: Timestamp) -> impl Future<Output = Result<Vec<Key>, Refusal>> + Send {
        ready(Ok(Vec::new()))
    }

    fn resolve(
        &self,
        _: &Credentials,
        _: Option<&Claims>,
        _: Timestamp,
    ) -> impl Future<Output = Result<Resolution, Refusal>> + Send {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        ready(if self.0.revoked.load(Ordering::Relaxed) {
            Err(Refusal::new(ErrorReason::ApiKeyInvalid, "It is revoked."))
        } else {
            Ok(Resolution {
                tenant: Some(Uuid::from_u128(1)),
                scopes: ["customers:manage".to_owned()].into(),
                operator: true,
                api_key_id: Some(Uuid::from_u128(2)),
                marks: [MARK].into(),
                ..Resolution::default()
            })
        })
    }

    fn follow(&self, _: impl Fn(Revoked, Instant) + Send + Sync) -> impl Future<Output = ()> + Send {
        ready(())
    }

    fn record_operator(
        &self,
        _: &Credentials,
        _: &Caller,
    ) -> impl Future<Output = Result<(), Refusal>> + Send {
        self.0.recorded.fetch_add(1, Ordering::Relaxed);
        ready(Ok(()))
    }

    fn deleted_tenants(&self, _: &[Uuid]) -> impl Future<Output = Result<DeletedTenants, Refusal>> + Send {
        ready(Ok(DeletedTenants::default()))
    }
}

/// A method that is made by whoever is let in.
#[derive(Debug, Clone)]
struct Method(Arc<Counts>);

impl Service<Request<Body>> for Method {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        self.0.made.fetch_add(1, Ordering::Relaxed);
        ready(Ok(Response::new(Body::empty())))
    }
}

/// A call that was let in by its head, and waits for its message.
struct Head {
    counts: Arc<Counts>,
    gate: Arc<Gate<Fake>>,
    message: UnboundedSender<Frame<Bytes>>,
    answer: JoinHandle<Result<Response<Body>, Infallible>>,
}

impl Head {
    async fn send() -> Self {
        let fake = Fake::default();
        let counts = Arc::clone(&fake.0);
        let rules = Rules::of_services(&["frontdesk.booking.v1.CustomerService"]).unwrap();
        let layer = AccessLayer::new(rules, Issuer::default(), fake, ProxyHeader::default());
        let gate = Arc::clone(&layer.gate);
        let (message, comes) = unbounded();
        let body = Body::new(StreamBody::new(comes.map(Ok::<_, Status>)));
        let request = Request::post(CREATE).header("x-tenant-api-key", "k").body(body).unwrap();
        let mut guarded = layer.layer(Method(Arc::clone(&counts)));
        let answer = tokio::spawn(guarded.call(request));
        while counts.recorded.load(Ordering::Relaxed) == 0 {
            assert!(!answer.is_finished(), "it was answered by its head");
            tokio::task::yield_now().await;
        }
        // From there on it has but its message to wait for.
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        Self { counts, gate, message, answer }
    }

    /// Sends the message; why it is refused, if it is.
    async fn goes_on(self) -> Option<ErrorReason> {
        self.message.unbounded_send(Frame::data(Bytes::from_static(b"\0\0\0\0\0"))).unwrap();
        drop(self.message);
        let answer = self.answer.await.unwrap().unwrap();
        Status::from_header_map(answer.headers()).and_then(|status| reason_of(&status))
    }
}

/// A message in the next tenth of a second is taken without another look, unless what its call
/// was let in by is void by then.
#[tokio::test]
async fn a_message_that_comes_just_after_the_revocation_is_refused() {
    let head = Head::send().await;
    let counts = Arc::clone(&head.counts);
    counts.revoked.store(true, Ordering::Relaxed);
    head.gate.cache.hear(&Revoked { marks: [MARK].into(), ..Revoked::default() }, Some(Instant::now()));
    assert_eq!(head.goes_on().await, Some(ErrorReason::ApiKeyInvalid));
    assert_eq!(counts.made.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn an_operators_call_is_written_down_once_however_late_its_message_comes() {
    for void in [false, true] {
        let head = Head::send().await;
        let counts = Arc::clone(&head.counts);
        if void {
            head.gate
                .cache
                .hear(&Revoked { marks: [MARK].into(), ..Revoked::default() }, Some(Instant::now()));
        }
        tokio::time::sleep(MOMENT + Duration::from_millis(20)).await;
        assert_eq!(head.goes_on().await, None);
        assert_eq!(counts.made.load(Ordering::Relaxed), 1);
        assert_eq!(counts.recorded.load(Ordering::Relaxed), 1);
        assert_eq!(counts.asked.load(Ordering::Relaxed) > 1, void, "it is looked at anew where it is void");
    }
}

/// The store of identity tells what it has changed, and its authority has the store.
#[test]
fn whoever_says_what_is_revoked_keeps_nobody_who_is_asked_about_callers() {
    let fake = Fake::default();
    let asked = Arc::downgrade(&fake.0);
    let rules = Rules::of_services(&["frontdesk.booking.v1.CustomerService"]).unwrap();
    let layer = AccessLayer::new(rules, Issuer::default(), fake, ProxyHeader::default());
    let (own, answers) = (layer.own(), layer.answers::<u8, u8>());
    let looked = Revoked::default();
    layer.gate.cache.hear(&looked, Some(Instant::now()));
    answers.keep(1, 2, answers.asking(), [MARK].into(), None);
    drop(layer);
    assert_eq!(asked.strong_count(), 0);
    assert_eq!(answers.get(&1, Timestamp::UNIX_EPOCH), Some(2));
    own.hear(&Revoked { marks: [MARK].into(), ..Revoked::default() });
    assert_eq!(answers.get(&1, Timestamp::UNIX_EPOCH), None);
}
