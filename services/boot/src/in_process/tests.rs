use std::convert::Infallible;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use http::HeaderValue;
use http_body_util::{BodyExt, Full, StreamBody};
use tonic::server::NamedService;
use tonic::{Code, Status};

use super::*;
use crate::{
    Background, GrpcServer, Listener, Metrics, Origins, Readiness, Services, Stop, StopPolicy,
    TrustedProxies, bind,
};

/// A service that has every call answered by the function.
#[derive(Clone)]
struct Answers<F>(F);

impl<F> NamedService for Answers<F> {
    const NAME: &'static str = "x.X";
}

impl<F, A> Service<Request<Body>> for Answers<F>
where
    F: Fn(Request<Body>) -> A,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        (self.0)(request).map(Ok).boxed()
    }
}

fn routes<F, A>(answer: F) -> Routes
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    Routes::new(Answers(answer))
}

/// A server that answers so, and trusts nobody.
fn server<F, A>(answer: F) -> InProcess
where
    F: Fn(Request<Body>) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Response<Body>> + Send + 'static,
{
    InProcess::new(routes(answer), Observe::of(&[]))
}

fn request(body: Body) -> Request<Body> {
    Request::post("/x.X/Do").body(body).unwrap()
}

fn whole(text: &'static [u8]) -> Body {
    Body::new(Full::new(Bytes::from_static(text)))
}

/// A body of these parts, which ends with this error or goes on forever.
fn parts(parts: usize, error: Option<Status>) -> Body {
    let parts = stream::iter((0..parts).map(|_| Ok(Frame::data(Bytes::from_static(b"x")))));
    match error {
        Some(status) => Body::new(StreamBody::new(parts.chain(stream::iter([Err(status)])))),
        None => Body::new(StreamBody::new(parts.chain(stream::pending()))),
    }
}

/// The reason of an answer that is a refusal.
fn refused(answer: &Response<Body>) -> Option<ErrorReason> {
    Refusal::from_status(&Status::from_header_map(answer.headers())?).map(|refusal| refusal.reason())
}

/// Something that is alive until it is dropped.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct One(Alive);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn nothing_crosses_but_what_would_cross_over_a_connection() {
    let service = server(|request: Request<Body>| async move {
        let told =
            format!("{:?} {:?} {:?}", request.extensions().get::<u8>(), crate::peer(), crate::client());
        let mut answer = Response::new(Body::new(Full::new(Bytes::from(told))));
        answer.extensions_mut().insert(1_u16);
        answer
    });
    let mut request = request(whole(b"x"));
    request.extensions_mut().insert(1_u8);
    request.headers_mut().insert(crate::FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
    request.headers_mut().insert("x-request-id", HeaderValue::from_static("of-the-caller"));
    let answer = service.call(request).await.unwrap();
    assert_eq!(answer.headers()["x-request-id"], "of-the-caller");
    assert!(answer.extensions().get::<u16>().is_none());
    let told = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&told[..], b"None Some(127.0.0.1) Some(192.0.2.1)");
}

/// What another part of the process says is believed, and nothing that it has passed on.
#[tokio::test]
async fn the_client_is_whom_the_caller_names_as_far_as_proxies_are_trusted() {
    let asked = async |proxies: &str, named: &'static str| {
        let observe = Observe::of(&[]).behind(&proxies.parse::<TrustedProxies>().unwrap().inside());
        let told = |_| async {
            let told = format!("{:?} {}", crate::named_client(), crate::is_within());
            Response::new(Body::new(Full::new(Bytes::from(told))))
        };
        let mut request = request(whole(b"x"));
        request.headers_mut().insert(crate::FORWARDED_FOR, HeaderValue::from_static(named));
        let answer = InProcess::new(routes(told), observe).call(request).await.unwrap();
        String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
    };
    assert_eq!(asked("", "192.0.2.1").await, "Some(192.0.2.1) true");
    assert_eq!(
        asked("", "192.0.2.1, 127.0.0.1").await,
        "Some(127.0.0.1) true",
        "of a caller on this machine"
    );
    assert_eq!(asked("10.0.0.0/8", "192.0.2.1, 10.0.0.1").await, "Some(192.0.2.1) true");
    assert_eq!(asked("", "unknown").await, format!("Some({}) true", crate::UNREADABLE));
}

#[tokio::test(start_paused = true)]
async fn a_call_has_the_time_that_its_caller_gives_it() {
    let alive = Alive::default();
    let here = alive.clone();
    let service = server(move |_| {
        let one = here.one();
        async move {
            std::future::pending::<()>().await;
            drop(one);
            Response::new(Body::empty())
        }
    });
    let mut request = request(whole(b"x"));
    request.headers_mut().insert(crate::deadline::GRPC_TIMEOUT, HeaderValue::from_static("500m"));
    let began = tokio::time::Instant::now();
    let answer = service.call(request).await.unwrap();
    assert_eq!(refused(&answer), Some(ErrorReason::DeadlineExceeded));
    assert!(began.elapsed() <= Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(alive.count(), 0);
}

#[tokio::test]
async fn a_call_whose_caller_leaves_is_given_up_before_and_within_its_answer() {
    let alive = Alive::default();
    let here = alive.clone();
    let service = server(move |request: Request<Body>| {
        let one = here.one();
        async move {
            if request.uri().path().ends_with("/Hang") {
                std::future::pending::<()>().await;
            }
            let messages = stream::once(async { Ok::<_, Status>(Frame::data(Bytes::from_static(b"x"))) });
            let messages = messages.chain(stream::pending());
            Response::new(Body::new(StreamBody::new(messages.map(move |one_of| {
                let _alive = &one;
                one_of
            }))))
        }
    });
    let hangs = service.call(Request::post("/x.X/Hang").body(whole(b"x")).unwrap());
    let mut hangs = Box::pin(hangs);
    assert!(futures::poll!(&mut hangs).is_pending());
    assert_eq!((alive.count(), service.calls()), (1, 1));
    drop(hangs);
    assert_eq!((alive.count(), service.calls()), (0, 0));

    let mut streams = service.call(request(whole(b"x"))).await.unwrap().into_body();
    assert!(streams.frame().await.unwrap().unwrap().is_data());
    assert_eq!((alive.count(), service.calls()), (1, 1));
    drop(streams);
    assert_eq!((alive.count(), service.calls()), (0, 0));
}

/// Whoever would take the error for the end of the request would take a part for the whole.
#[tokio::test]
async fn a_request_that_breaks_off_takes_its_call_along() {
    let service = server(|request: Request<Body>| async move {
        let answers_first = request.uri().path().ends_with("/First");
        let mut body = request.into_body();
        let rest = async move {
            loop {
                match body.frame().await {
                    Some(Err(status)) => {
                        assert_eq!(frontdesk_proto::reason_of(&status), Some(ErrorReason::MalformedRequest));
                        break;
                    }
                    Some(Ok(_)) => {}
                    None => break,
                }
            }
        };
        if answers_first {
            let end = stream::once(rest.map(|()| Ok::<_, Status>(Frame::data(Bytes::from_static(b"all")))));
            return Response::new(Body::new(StreamBody::new(end.boxed())));
        }
        rest.await;
        Response::new(whole(b"all"))
    });
    for error in [Status::cancelled("gone"), Status::invalid_argument("no more")] {
        let lost = service.call(request(parts(2, Some(error.clone())))).await.unwrap_err();
        assert_eq!(lost, Lost::BrokenOff);
        let asked = Request::post("/x.X/First").body(parts(2, Some(error))).unwrap();
        let mut answer = service.call(asked).await.unwrap().into_body();
        assert!(answer.frame().await.unwrap().is_err());
        assert!(answer.frame().await.is_none());
    }
    assert_eq!(service.calls(), 0);
}

/// It runs in the task of a connection that has other calls.
#[tokio::test]
async fn a_defect_ends_a_call_and_nothing_else() {
    let service = server(|request: Request<Body>| async move {
        assert!(!request.uri().path().ends_with("/Panic"), "a defect");
        let messages = stream::iter(0..2).map(|n| {
            assert!(n == 0, "a defect");
            Ok::<_, Status>(Frame::data(Bytes::from_static(b"x")))
        });
        Response::new(Body::new(StreamBody::new(messages)))
    });
    let answer = service.call(Request::post("/x.X/Panic").body(whole(b"x")).unwrap()).await.unwrap();
    assert_eq!(refused(&answer), Some(ErrorReason::Internal));
    let mut streams = service.call(request(whole(b"x"))).await.unwrap().into_body();
    assert!(streams.frame().await.unwrap().unwrap().is_data());
    assert!(streams.frame().await.unwrap().is_err() && streams.frame().await.is_none());
    let unknown = service.call(Request::post("/y.Y/Do").body(whole(b"x")).unwrap()).await.unwrap();
    assert_eq!(Status::from_header_map(unknown.headers()).unwrap().code(), Code::Unimplemented);
}

#[tokio::test]
async fn an_answer_is_made_when_it_is_read() {
    let made = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&made);
    let service = server(move |_| {
        let count = Arc::clone(&count);
        let endless = stream::repeat_with(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Ok::<_, Status>(Frame::data(Bytes::from_static(b"x")))
        });
        std::future::ready(Response::new(Body::new(StreamBody::new(endless))))
    });
    let mut body = service.call(request(parts(0, None))).await.unwrap().into_body();
    for read in 1..4 {
        body.frame().await.unwrap().unwrap();
        assert_eq!(made.load(Ordering::SeqCst), read);
        tokio::task::yield_now().await;
    }
}

/// A whole server, which has answered one call and works on another.
async fn serving(limit: Duration) -> (InProcess, Stop, tokio::task::JoinHandle<()>, CancellationToken) {
    let stop = Stop::new(StopPolicy { delay: Duration::ZERO, limit });
    let go_on = CancellationToken::new();
    let waits = go_on.clone();
    let routes = routes(move |_| {
        let waits = waits.clone();
        async move {
            waits.cancelled().await;
            Response::new(whole(b"x"))
        }
    });
    let listener: Listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap().into();
    let services =
        Services { names: vec!["x.X"], routes, observe: Observe::of(&[]), pages: Origins::default() };
    let readiness = Readiness::new(Background::new(stop.ending().clone()));
    let server = GrpcServer::new(listener, services, readiness, Metrics::default());
    let (within, of_server) = (server.within(), stop.clone());
    let serving = tokio::spawn(async move { server.serve(of_server).await.unwrap() });
    (within, stop, serving, go_on)
}

#[tokio::test]
async fn a_server_that_stops_waits_for_calls_of_its_process() {
    let (within, stop, serving, go_on) = serving(Duration::from_secs(20)).await;
    let calls = within.clone();
    let called = tokio::spawn(async move { calls.call(request(whole(b"x"))).await });
    while within.calls() == 0 {
        tokio::task::yield_now().await;
    }
    stop.begin();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!serving.is_finished());
    // Whoever is called until then is answered: its caller has not stopped yet.
    let calls = within.clone();
    let late = tokio::spawn(async move { calls.call(request(whole(b"x"))).await });
    go_on.cancel();
    for answered in [called, late] {
        let body = answered.await.unwrap().unwrap().into_body();
        assert_eq!(&body.collect().await.unwrap().to_bytes()[..], b"x");
    }
    serving.await.unwrap();
    assert_eq!(within.call(request(whole(b"x"))).await.unwrap_err(), Lost::Stopped);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_does_not_end_is_waited_for_until_the_cut() {
    let (within, stop, serving, _go_on) = serving(Duration::from_secs(20)).await;
    let calls = within.clone();
    let called = tokio::spawn(async move { calls.call(request(whole(b"x"))).await });
    while within.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let began = tokio::time::Instant::now();
    stop.begin();
    serving.await.unwrap();
    assert!((20..22).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
    called.abort();
}

/// As over a port: nobody has asked it yet, then it has, then it stops.
#[tokio::test]
async fn a_server_says_to_its_process_how_it_is() {
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;

    let (within, stop, serving, _go_on) = serving(Duration::from_secs(20)).await;
    let service = tower::service_fn(move |request: Request<Body>| {
        let within = within.clone();
        async move { within.call(request).await }
    });
    let mut client = HealthClient::new(service);
    let mut says = async || {
        let asked = client.check(HealthCheckRequest::default()).await;
        asked.ok().map(|answer| answer.into_inner().status())
    };
    while says().await != Some(ServingStatus::Serving) {
        tokio::task::yield_now().await;
    }
    stop.begin();
    serving.await.unwrap();
    assert_eq!(says().await, None);
}
