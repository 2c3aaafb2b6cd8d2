//! The outermost layer of every gRPC server: request id, where a call comes from, deadline,
//! how many calls there may be at once, one log line per call, and no panic that takes the
//! connection along. What else is known of a call is noted by whoever finds out (`call.rs`).

mod open_call;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use frontdesk_proto::{ErrorReason, Refusal};
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response, Version};
use http_body::Body as _;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use self::open_call::{OpenCall, PROBES};
use crate::at_once::{AtOnce, Full, Place};
use crate::call::{Call, HERE};
use crate::deadline::{GRPC_TIMEOUT, GRPC_TIMEOUT_FORM, grpc_timeout};
use crate::guests::{Guests, Seat};
use crate::gzip;
use crate::rpc_figures::{InProgress, RpcFigures};
use crate::{Metrics, Runbook, TrustedProxies, request_id};

/// A deadline is met a little early, so that the answer still arrives.
const MARGIN: Duration = Duration::from_millis(5);
/// For a call without a deadline. Nobody waits that long; Postgres ends statements
/// after 5 s and waits for locks after 2 s, the gateway gives each call 10 s.
const NO_DEADLINE: Duration = Duration::from_hours(1);

/// Most calls that a server works on at once, wherever they wait. Each has a few tens of
/// kilobytes. What waits for the database has closer bounds of its own, which are fair: this
/// bounds what waits for anything else. A stream counts until it has begun; how many there may be is
/// the service's to say.
const MOST_CALLS: usize = 2048;

/// The layer.
#[derive(Debug, Clone)]
pub struct Observe {
    figures: Arc<RpcFigures>,
    runbook: Arc<Runbook>,
    proxies: Arc<TrustedProxies>,
    calls: AtOnce<()>,
    /// Whether other parts of this process call, and nobody else.
    is_within: bool,
    /// Who is connected.
    pub(crate) guests: Guests,
}

/// The service that [`Observe`] makes.
#[derive(Debug, Clone)]
pub struct Observed<S> {
    inner: S,
    figures: Arc<RpcFigures>,
    runbook: Arc<Runbook>,
    proxies: Arc<TrustedProxies>,
    calls: AtOnce<()>,
    is_within: bool,
}

impl Observe {
    /// For a server of these services.
    pub fn of(services: &[&str]) -> Self {
        Self {
            figures: Arc::new(RpcFigures::of(services)),
            runbook: Arc::default(),
            proxies: Arc::default(),
            calls: AtOnce::new(MOST_CALLS, MOST_CALLS),
            is_within: false,
            guests: Guests::default(),
        }
    }

    /// Failures link to their pages in this runbook.
    #[must_use]
    pub fn linking(self, runbook: &Runbook) -> Self {
        Self { runbook: Arc::new(runbook.clone()), ..self }
    }

    /// Whose word about clients is believed.
    #[must_use]
    pub fn behind(self, proxies: &TrustedProxies) -> Self {
        Self { proxies: Arc::new(proxies.clone()), ..self }
    }

    /// The same one, with the same limits and figures, for calls of other parts of this process.
    pub(crate) fn within(self) -> Self {
        Self { is_within: true, ..self }
    }

    /// Tells what is under way when a stop cuts it off.
    pub(crate) fn tell_of_cut(&self, services: &[&str]) {
        let InProgress { calls, streams, by_method } = self.figures.under_way();
        tracing::warn!(
            ?services,
            calls,
            streams,
            by_method,
            "stopped; what was still in progress was cut off"
        );
    }

    /// How often each method was called, how that ended and how long it took.
    pub fn metrics(&self, part: &'static str) -> Metrics {
        let (figures, calls, guests) = (Arc::clone(&self.figures), self.calls.clone(), self.guests.clone());
        Metrics::default().with(part, move |scrape| {
            figures.read(scrape);
            scrape.shed("server", calls.refused().0);
            guests.figures(scrape);
        })
    }
}

impl<S> Layer<S> for Observe {
    type Service = Observed<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let Self { figures, runbook, proxies, calls, is_within, guests: _ } = self.clone();
        Observed { inner, figures, runbook, proxies, calls, is_within }
    }
}

impl<S> Service<Request<Body>> for Observed<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let id = request_id::ensure(request.headers_mut());
        let call = Call::new(id, request.headers());
        let seat = request.extensions().get::<Seat>().cloned();
        if self.is_within {
            call.came_from_within(self.proxies.behind(HERE, request.headers()));
        } else if let Some(peer) = seat.as_ref().and_then(|seat| seat.peer) {
            call.came_from(peer.ip(), self.proxies.client(peer.ip(), request.headers()));
        }
        let open = OpenCall::new(&call, Arc::clone(&self.figures), request.uri().path());
        let takes_gzip = gzip::is_taken(request.headers());
        let seat = seat.filter(|_| request.version() >= Version::HTTP_2);
        let runbook = Arc::clone(&self.runbook);
        let worth_it = |given| call.run_now(|| still_worth_it(&call, given));
        let admitted = time_given(request.headers())
            .and_then(|given| given.map_or(Ok(NO_DEADLINE), worth_it))
            .and_then(|left| Ok((left, place(&self.calls, request.uri().path())?)));
        let work = async move {
            let response = match admitted {
                Err(refusal) => Status::from(refusal).into_http(),
                Ok((left, _place)) => {
                    let work = AssertUnwindSafe(inner.call(request)).catch_unwind();
                    match tokio::time::timeout(left, work).await {
                        Ok(Ok(response)) => response?,
                        Ok(Err(_panic)) => Status::from(Refusal::new(
                            ErrorReason::Internal,
                            "A defect of this service ended the call. The request id finds it in the log.",
                        ))
                        .into_http(),
                        Err(_) => {
                            let sentence = crate::maybe_stored("The time given for the call ran out.");
                            Status::from(Refusal::new(ErrorReason::DeadlineExceeded, sentence)).into_http()
                        }
                    }
                }
            };
            let response = if takes_gzip { gzip::compressed(response) } else { response };
            let response = open.finish(response, &runbook);
            Ok(match seat {
                Some(seat) if !response.body().is_end_stream() => {
                    response.map(|body| seat.answers.while_read(body))
                }
                _ => response,
            })
        };
        Box::pin(async move { call.run(work).await })
    }
}

/// The time given for a call; one that does not say may take as long as it takes.
fn time_given(headers: &HeaderMap) -> Result<Option<Duration>, Refusal> {
    let Some(value) = headers.get(GRPC_TIMEOUT) else { return Ok(None) };
    grpc_timeout(value).map(Some).ok_or_else(|| {
        let name = GRPC_TIMEOUT;
        let sentence = format!("The header {name} cannot be read: {GRPC_TIMEOUT_FORM}.");
        Refusal::new(ErrorReason::InvalidHeader, sentence).with("header", name.as_str())
    })
}

/// A place among the calls under way, which a probe does not need.
fn place(calls: &AtOnce<()>, method: &str) -> Result<Option<Place<()>>, Refusal> {
    if method.starts_with(PROBES) {
        return Ok(None);
    }
    calls.take(None).map(Some).map_err(|(Full::All(most) | Full::One(most))| {
        let sentence = format!(
            "This server works on {most} calls already, the most that it takes at once. This one was not begun; try again."
        );
        Refusal::new(ErrorReason::Overloaded, sentence)
            .with("waits_for", "a server")
            .retry_after(Duration::from_secs(1))
    })
}

/// How long a call may work that was given so much time. One that could not answer within
/// it is not begun.
fn still_worth_it(call: &Call, given: Duration) -> Result<Duration, Refusal> {
    let left = given.saturating_sub(MARGIN);
    if left.is_zero() {
        let sentence = crate::nothing_stored("The time given for the call was over before it was begun.", "");
        return Err(Refusal::new(ErrorReason::DeadlineExceeded, sentence));
    }
    // Longer than the clock goes is as good as no end.
    if let Some(at) = Instant::now().checked_add(left) {
        call.ends_at(at);
    }
    Ok(left.min(NO_DEADLINE))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use frontdesk_proto::rpc;
    use http::HeaderValue;
    use prost::{Message, Name};
    use prost_types::Any;
    use tonic::Code;
    use tower::ServiceExt;

    use super::*;

    fn any<M: Message + Name>(message: &M) -> Any {
        Any { type_url: M::type_url(), value: message.encode_to_vec() }
    }

    /// The details of what a service answers to a call with an id.
    async fn details(answer: Status) -> Vec<Any> {
        let service = tower::service_fn(move |_: Request<Body>| {
            let answer = answer.clone();
            async move { Ok::<_, std::convert::Infallible>(answer.into_http()) }
        });
        let mut request = Request::new(Body::empty());
        request.headers_mut().insert(request_id::HEADER, HeaderValue::from_static("from-the-caller"));
        let response = Observe::of(&[]).layer(service).oneshot(request).await.unwrap();
        let status = Status::from_header_map(response.headers()).unwrap();
        rpc::Status::decode(status.details()).unwrap().details
    }

    #[tokio::test]
    async fn calls_without_time_or_place_are_not_begun_and_probes_always_are() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let service = tower::service_fn(move |_: Request<Body>| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::pending::<Result<Response<Body>, std::convert::Infallible>>()
        });
        let observe = Observe { calls: AtOnce::new(2, 2), ..Observe::of(&[]) };
        let call = |path: &str, timeout: &'static str| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = path.parse().unwrap();
            request.headers_mut().insert(GRPC_TIMEOUT, HeaderValue::from_static(timeout));
            observe.layer(service.clone()).oneshot(request)
        };
        let refused = |response: Response<Body>| {
            let status = Status::from_header_map(response.headers()).unwrap();
            Refusal::from_status(&status).unwrap()
        };
        let late = refused(call("/x/Y", "5m").await.unwrap());
        assert_eq!(late.reason(), ErrorReason::DeadlineExceeded);
        assert!(late.message().contains("Nothing was stored"), "{late:?}");
        let mut under_way = [call("/x/Y", "9S"), call("/x/Y", "9S")].map(Box::pin);
        for one in &mut under_way {
            assert!(one.as_mut().now_or_never().is_none());
        }
        let shed = refused(call("/x/Y", "9S").await.unwrap());
        assert_eq!(
            (shed.reason(), shed.retry_delay()),
            (ErrorReason::Overloaded, Some(Duration::from_secs(1)))
        );
        assert_eq!(begun.load(Ordering::Relaxed), 2);
        let mut probe = Box::pin(call("/grpc.health.v1.Health/Check", "9S"));
        assert!(probe.as_mut().now_or_never().is_none());
        assert_eq!(begun.load(Ordering::Relaxed), 3);
        drop(under_way);
        let mut next = Box::pin(call("/x/Y", "9S"));
        assert!(next.as_mut().now_or_never().is_none());
        assert_eq!(begun.load(Ordering::Relaxed), 4);
    }

    #[tokio::test]
    async fn a_call_of_nobody_known_is_its_clients_as_far_as_a_proxy_is_believed() {
        let service = tower::service_fn(|_: Request<Body>| async {
            let told = format!("{:?} {:?}", crate::peer(), crate::whose_call());
            Ok::<_, std::convert::Infallible>(
                Status::from(Refusal::new(ErrorReason::Internal, told)).into_http(),
            )
        });
        let observe = Observe::of(&[]).behind(&"192.0.2.7".parse().unwrap());
        let asked = async |peer: &str| {
            let mut request = Request::new(Body::empty());
            let peer = Some(format!("{peer}:1").parse().unwrap());
            request.extensions_mut().insert(Seat { peer, answers: Arc::default() });
            request.headers_mut().insert(crate::FORWARDED_FOR, HeaderValue::from_static("2001:db8::1:2:3:4"));
            let response = observe.layer(service).oneshot(request).await.unwrap();
            Status::from_header_map(response.headers()).unwrap().message().to_owned()
        };
        assert_eq!(asked("192.0.2.7").await, "Some(192.0.2.7) Some(Unknown(Some(2001:db8::)))");
        assert_eq!(asked("192.0.2.8").await, "Some(192.0.2.8) Some(Unknown(Some(192.0.2.8)))");
    }

    #[tokio::test]
    async fn each_status_with_details_has_the_id_of_its_request_whoever_made_it() {
        let id =
            any(&rpc::RequestInfo { request_id: "from-the-caller".to_owned(), serving_data: String::new() });
        let ours = details(Refusal::new(ErrorReason::RouteNotFound, "No.").into()).await;
        assert!(ours.len() == 2 && ours.contains(&id), "{ours:?}");
        let info = any(&rpc::ErrorInfo {
            reason: "QUOTA".to_owned(),
            domain: "elsewhere".to_owned(),
            ..Default::default()
        });
        let inner = rpc::Status { code: 8, message: "No.".to_owned(), details: vec![info.clone()] };
        let bytes = Bytes::from(inner.encode_to_vec());
        let foreign = details(Status::with_details(Code::ResourceExhausted, "No.", bytes)).await;
        assert_eq!(foreign, [info, id]);
        assert_eq!(details(Status::new(Code::Unavailable, "No.")).await, []);
    }
}
