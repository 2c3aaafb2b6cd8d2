//! Which address takes a call. In turn those that work, then the others; what
//! fails is passed over for a while. Names are resolved and health is asked for
//! in the background, as long as calls come.
//!
//! An endpoint and a connection are chosen by two counters: with one, two
//! addresses and two connections would always be taken in step. Tonic's own
//! balanced channel is not used because it sends calls to dead endpoints
//! (grpc-rust#2839). A service in the same process has no address and no connection
//! (`local.rs`).

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use boot::{ClientTls, InProcess, Lost, Scrape};
use http::uri::Authority;
use http::{Request, Response};
use tonic::body::Body;

use crate::endpoint::{CONNECTIONS, Endpoint, One};
use crate::health::{Health, ask};
use crate::local::{self, Local};
use crate::resolve::{UpstreamError, endpoints, is_literal, look_up, parse};

/// How long an address that failed is passed over.
const PASSED_OVER: Duration = Duration::from_secs(1);
/// How often names are resolved and health is asked for, while calls come.
const TENDED: Duration = Duration::from_secs(5);
/// Time for one of several addresses to say how it is.
const ASK_TIME: Duration = Duration::from_secs(2);

/// A service, wherever it answers. Clones share their connections.
#[derive(Clone)]
pub struct Upstream {
    inner: Arc<Inner>,
    /// Set if it is a part of this process.
    local: Option<Local>,
}

/// No address of a service took the call, or the connection was lost with it.
#[derive(Debug, thiserror::Error)]
#[error("{addresses}: {cause}")]
pub struct Unreachable {
    addresses: String,
    cause: String,
    /// The address that had the call when it was lost; `None` if none had.
    pub at: Option<SocketAddr>,
}

impl Unreachable {
    /// Of a service in this process. One that has stopped has not begun with the call.
    fn within(lost: Lost) -> Self {
        let at = (lost != Lost::Stopped).then_some(local::HERE);
        Self { addresses: local::IN_PROCESS.to_owned(), cause: lost.to_string(), at }
    }
}

struct Inner {
    authorities: Vec<Authority>,
    /// Whether they are addresses, which need not be resolved.
    are_literal: bool,
    tls: Option<ClientTls>,
    endpoints: RwLock<Arc<[Arc<Endpoint>]>>,
    next_endpoint: AtomicUsize,
    next_connection: AtomicUsize,
    started: Instant,
    /// Milliseconds from the start to when names and health were last looked at.
    tended: AtomicU64,
    tending: AtomicBool,
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    /// In the clear.
    fn from_str(list: &str) -> Result<Self, UpstreamError> {
        Ok(Self::new(parse(list)?, None))
    }
}

impl Upstream {
    fn new(authorities: Vec<Authority>, tls: Option<ClientTls>) -> Self {
        let inner = Inner {
            are_literal: authorities.iter().all(is_literal),
            authorities,
            tls,
            endpoints: RwLock::default(),
            next_endpoint: AtomicUsize::new(0),
            next_connection: AtomicUsize::new(0),
            started: Instant::now(),
            tended: AtomicU64::new(0),
            tending: AtomicBool::new(false),
        };
        Self { inner: Arc::new(inner), local: None }
    }

    /// A service that is a part of this process.
    pub fn in_process(service: InProcess) -> Self {
        Self { local: Some(Local::new(service)), ..Self::new(Vec::new(), None) }
    }

    /// The same service over TLS, with connections of its own.
    #[must_use]
    pub fn with_tls(&self, tls: ClientTls) -> Self {
        Self::new(self.inner.authorities.clone(), Some(tls))
    }

    /// The hosts that lead to it.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.inner.authorities.iter().map(Authority::host)
    }

    /// Sends a call to an address that works, not to `avoid` if there is another.
    /// One that cannot be connected to, or whose connection closed before the
    /// call was sent, is given up for the next one. Returns who had the call.
    pub async fn call(
        &self,
        mut request: Request<Body>,
        avoid: Option<SocketAddr>,
    ) -> Result<(SocketAddr, Response<Body>), Unreachable> {
        if let Some(header) = boot::traceparent() {
            request.headers_mut().insert(boot::TRACEPARENT, header);
        }
        if let Some(local) = &self.local {
            return local.call(request).await.map_err(Unreachable::within);
        }
        let inner = &self.inner;
        let endpoints = inner.endpoints().await.map_err(|cause| inner.unreachable(cause, None))?;
        self.tend(&endpoints);
        let mut cause = None;
        for endpoint in inner.order(&endpoints, avoid) {
            // One try more than there are connections: the peer may have closed all
            // of them while they were idle, or as it stops.
            for _ in 0..=CONNECTIONS {
                let room = endpoint.room(inner.next_connection.fetch_add(1, Ordering::Relaxed));
                let mut sender = match room.sender(&endpoint.peer).await {
                    Ok(sender) => sender,
                    Err(error) => {
                        inner.pass_over(endpoint, PASSED_OVER, &error);
                        cause = Some(error);
                        break;
                    }
                };
                *request.uri_mut() = endpoint.absolute(request.uri());
                match sender.try_send_request(request).await {
                    Ok(response) => {
                        endpoint.taken.add_one();
                        return Ok((endpoint.addr, room.until_the_end(response)));
                    }
                    Err(mut error) => match error.take_message() {
                        Some(unsent) => {
                            request = unsent;
                            room.forget();
                            cause = Some(error.into_error().to_string());
                        }
                        None => {
                            let cause = whole_cause(&error.into_error());
                            return Err(inner.unreachable(cause, Some(endpoint.addr)));
                        }
                    },
                }
            }
        }
        let cause = cause.unwrap_or_else(|| "it has no address".to_owned());
        Err(inner.unreachable(cause, None))
    }

    /// How the best of its addresses is.
    pub(crate) async fn best(&self, time: Duration) -> Health {
        if let Some(local) = &self.local {
            return ask(local.clone(), time).await;
        }
        let Ok(endpoints) = self.inner.endpoints().await else { return Health::Unreachable };
        // Where nobody calls because it is not ready, names are looked up all the same.
        self.tend(&endpoints);
        let asked = endpoints.iter().map(|endpoint| async {
            if endpoints.len() > 1 {
                self.inner.ask(endpoint, time).await
            } else {
                ask(One(Arc::clone(endpoint)), time).await
            }
        });
        let answers = futures::future::join_all(asked).await;
        answers.into_iter().min().unwrap_or(Health::Unreachable)
    }

    /// Whether a call that failed at one address can be tried at another.
    pub fn is_several(&self) -> bool {
        // Before the first call nothing is resolved.
        self.inner.authorities.len() > 1
            || self.inner.endpoints.read().unwrap_or_else(PoisonError::into_inner).len() > 1
    }

    /// Figures of each address of a service.
    pub fn figures(&self, service: &str, scrape: &mut Scrape) {
        if let Some(local) = &self.local {
            return local.figures(service, scrape);
        }
        let endpoints = Arc::clone(&self.inner.endpoints.read().unwrap_or_else(PoisonError::into_inner));
        let now = self.inner.now();
        if let Some(tls) = &self.inner.tls {
            tls.figures(scrape);
        }
        for endpoint in endpoints.iter() {
            let addr = endpoint.addr.to_string();
            let labels = [("service", service), ("address", addr.as_str())];
            let help = "Whether an address takes calls, and is not passed over.";
            let works = f64::from(!endpoint.is_down(now));
            scrape.now("frontdesk_upstream_healthy", help, &labels, works);
            let help = "Calls that an address has taken.";
            scrape.count("frontdesk_upstream_calls_total", help, &labels, endpoint.taken.get());
            let help = "How often an address began to be passed over.";
            let passed_over = endpoint.passed_over.get();
            scrape.count("frontdesk_upstream_passed_over_total", help, &labels, passed_over);
            let help = "Calls on the connections to an address.";
            scrape.how_many("frontdesk_upstream_calls_under_way", help, &labels, endpoint.calls());
        }
    }

    /// Resolves names and asks for health in the background, when it is time.
    fn tend(&self, endpoints: &Arc<[Arc<Endpoint>]>) {
        let inner = &self.inner;
        if inner.are_literal && endpoints.len() < 2 {
            return;
        }
        let since = inner.now().saturating_sub(inner.tended.load(Ordering::Relaxed));
        if since < millis(TENDED) || inner.tending.swap(true, Ordering::Relaxed) {
            return;
        }
        let (upstream, endpoints) = (self.clone(), Arc::clone(endpoints));
        tokio::spawn(async move {
            let inner = &upstream.inner;
            if !inner.are_literal {
                // What went wrong is in the log; the calls go on with what is known.
                let _unresolved = inner.resolve().await;
            }
            if endpoints.len() > 1 {
                let asked = endpoints.iter().map(|endpoint| inner.ask(endpoint, ASK_TIME));
                futures::future::join_all(asked).await;
            }
            inner.tended.store(inner.now(), Ordering::Relaxed);
            inner.tending.store(false, Ordering::Relaxed);
        });
    }
}

impl Inner {
    async fn endpoints(&self) -> Result<Arc<[Arc<Endpoint>]>, String> {
        let known = Arc::clone(&self.endpoints.read().unwrap_or_else(PoisonError::into_inner));
        if known.is_empty() { self.resolve().await } else { Ok(known) }
    }

    async fn resolve(&self) -> Result<Arc<[Arc<Endpoint>]>, String> {
        let names = look_up(&self.authorities).await;
        let mut known = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        *known = endpoints(names, &known, self.tls.as_ref())?;
        Ok(Arc::clone(&known))
    }

    /// In turn those that work, then the others: they may have come back.
    fn order<'e>(&self, endpoints: &'e [Arc<Endpoint>], avoid: Option<SocketAddr>) -> Vec<&'e Endpoint> {
        let start = self.next_endpoint.fetch_add(1, Ordering::Relaxed);
        let mut order: Vec<&Endpoint> =
            (0..endpoints.len()).map(|at| &*endpoints[(start + at) % endpoints.len()]).collect();
        if order.len() > 1 {
            let now = self.now();
            order.sort_by_key(|one| (Some(one.addr) == avoid, one.is_down(now)));
        }
        order
    }

    fn pass_over(&self, endpoint: &Endpoint, time: Duration, cause: &str) {
        let now = self.now();
        if endpoint.pass_over(now, now + millis(time)) {
            endpoint.passed_over.add_one();
            tracing::warn!(addr = %endpoint.addr, cause, "an address is passed over");
        }
    }

    /// Asks one of several addresses whether it serves.
    async fn ask(&self, endpoint: &Arc<Endpoint>, time: Duration) -> Health {
        let health = ask(One(Arc::clone(endpoint)), time).await;
        match health {
            Health::Serving if endpoint.take_back() => {
                tracing::info!(addr = %endpoint.addr, "an address serves again");
            }
            Health::Serving => {}
            // Until it is asked again, with some room.
            _ => self.pass_over(endpoint, TENDED * 2, &health.to_string()),
        }
        health
    }

    fn unreachable(&self, cause: String, at: Option<SocketAddr>) -> Unreachable {
        Unreachable { addresses: self.addresses(), cause, at }
    }

    fn addresses(&self) -> String {
        let addresses: Vec<&str> = self.authorities.iter().map(Authority::as_str).collect();
        addresses.join(",")
    }

    fn now(&self) -> u64 {
        millis(self.started.elapsed())
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Upstream").field("addresses", &self.inner.authorities).finish_non_exhaustive()
    }
}

fn whole_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    cause
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;
    use tonic::transport::Server;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    #[tokio::test]
    async fn an_address_that_is_dead_is_passed_over_and_said() {
        let upstream: Upstream = "127.0.0.1:1".parse().unwrap();
        let error = upstream.call(Request::new(Body::empty()), None).await.unwrap_err();
        assert!(error.at.is_none() && error.to_string().contains("127.0.0.1:1"), "{error}");
        assert_eq!(upstream.health().await, Health::Unreachable);
    }

    #[tokio::test]
    async fn lookups_at_the_same_time_find_the_same_endpoints() {
        let upstream: Upstream = "localhost:1".parse().unwrap();
        let (one, other) = tokio::join!(upstream.inner.resolve(), upstream.inner.resolve());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(!one.is_empty() && one.len() == other.len());
        assert!(one.iter().zip(other.iter()).all(|(one, other)| Arc::ptr_eq(one, other)));
    }

    #[tokio::test]
    async fn a_crowd_that_comes_before_the_first_lookup_shares_its_connections() {
        let listener = TcpListener::bind("localhost:0").await.unwrap();
        let upstream: Upstream =
            format!("localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&accepted);
        let incoming = futures::stream::unfold(listener, move |listener| {
            let count = Arc::clone(&count);
            async move {
                let accepted = listener.accept().await.map(|(stream, _)| stream);
                count.fetch_add(1, Ordering::Relaxed);
                Some((accepted, listener))
            }
        });
        let (_, health) = tonic_health::server::health_reporter();
        tokio::spawn(Server::builder().add_service(health).serve_with_incoming(incoming));
        let calls = (0..200).map(|_| ask(upstream.clone(), ASK_TIME * 5));
        let answers = futures::future::join_all(calls).await;
        assert!(answers.iter().all(|answer| *answer == Health::Serving), "{answers:?}");
        assert_eq!(accepted.load(Ordering::Relaxed), CONNECTIONS);
    }

    /// Streams do not end, and a connection takes so many: a call would wait forever.
    #[tokio::test]
    async fn more_streams_than_connections_take_leave_room_for_calls() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream: Upstream = listener.local_addr().unwrap().to_string().parse().unwrap();
        let (_, health) = tonic_health::server::health_reporter();
        let server = Server::builder().max_concurrent_streams(boot::MAX_CALLS).add_service(health);
        tokio::spawn(server.serve_with_incoming(tonic::transport::server::TcpIncoming::from(listener)));
        let mut streams = Vec::new();
        for _ in 0..=CONNECTIONS * boot::MAX_CALLS as usize {
            let watch = HealthClient::new(upstream.clone()).watch(HealthCheckRequest::default()).await;
            streams.push(watch.unwrap().into_inner());
        }
        assert_eq!(ask(upstream.clone(), ASK_TIME).await, Health::Serving);
        let endpoint = Arc::clone(&upstream.inner.endpoints().await.unwrap()[0]);
        assert_eq!(ask(One(endpoint), ASK_TIME).await, Health::Serving);
    }
}
