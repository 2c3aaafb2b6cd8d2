//! Connections to a service beside this one: several addresses, several HTTP/2
//! connections to each, of which a call takes one that works. Names are resolved
//! again while calls come, and addresses whose service does not serve are passed
//! over. What is called is not known here.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tonic::Status;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// Time for a connection to be made.
const CONNECT_TIME: Duration = Duration::from_secs(2);
/// Connections to each address: one would share its window and its task among
/// all calls.
const CONNECTIONS: usize = 2;
/// How long an address that failed is passed over.
const PASSED_OVER: Duration = Duration::from_secs(1);
/// How often names are resolved and health is asked for, while calls come.
const TENDED: Duration = Duration::from_secs(5);
/// Bytes that may be under way in one call.
const STREAM_WINDOW: u32 = 1024 * 1024;
const CONNECTION_WINDOW: u32 = 4 * STREAM_WINDOW;

/// A service, wherever it answers. Clones share their connections.
#[derive(Clone)]
pub struct Upstream {
    inner: Arc<Inner>,
}

/// Text that is no list of addresses.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not host:port; write several with commas")]
pub struct UpstreamError(String);

/// No address of a service took the call, or the connection was lost with it.
#[derive(Debug, thiserror::Error)]
#[error("{addresses}: {cause}")]
pub struct Unreachable {
    addresses: String,
    cause: String,
    /// The address that had the call when it was lost; `None` if none had.
    pub at: Option<SocketAddr>,
}

struct Inner {
    addresses: Vec<Authority>,
    endpoints: RwLock<Arc<[Arc<Endpoint>]>>,
    next_endpoint: AtomicUsize,
    next_connection: AtomicUsize,
    started: Instant,
    /// Milliseconds from the start to when names and health were last seen to.
    tended: AtomicU64,
    tending: AtomicBool,
}

/// One address.
struct Endpoint {
    addr: SocketAddr,
    authority: Authority,
    connections: [Connection; CONNECTIONS],
    /// Milliseconds from the start until which it is passed over.
    down_until: AtomicU64,
}

#[derive(Default)]
struct Connection {
    sender: RwLock<Option<SendRequest<Body>>>,
    /// Held by who connects, so that a crowd makes one connection.
    connecting: tokio::sync::Mutex<()>,
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    fn from_str(list: &str) -> Result<Self, UpstreamError> {
        let addresses = list
            .split(',')
            .map(|entry| {
                let authority: Option<Authority> = entry.trim().parse().ok();
                let whole = |one: &Authority| one.port_u16().is_some() && !one.as_str().contains('@');
                authority.filter(whole).ok_or_else(|| UpstreamError(entry.trim().to_owned()))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let inner = Inner {
            addresses,
            endpoints: RwLock::default(),
            next_endpoint: AtomicUsize::new(0),
            next_connection: AtomicUsize::new(0),
            started: Instant::now(),
            tended: AtomicU64::new(0),
            tending: AtomicBool::new(false),
        };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Upstream {
    /// Sends a call to an address that works, not to `avoid` if there is another.
    /// One that cannot be connected to, or whose connection closed before the
    /// call was sent, is given up for the next one. Returns who had the call.
    pub async fn call(
        &self,
        mut request: Request<Body>,
        avoid: Option<SocketAddr>,
    ) -> Result<(SocketAddr, Response<Body>), Unreachable> {
        let inner = &self.inner;
        let endpoints = inner.endpoints().await.map_err(|cause| inner.unreachable(cause, None))?;
        self.tend(&endpoints);
        let mut cause = "it has no address".to_owned();
        for endpoint in inner.order(&endpoints, avoid) {
            // One try more than there are connections: the peer may have closed all
            // of them while they were idle, or as it stops.
            for _ in 0..=CONNECTIONS {
                let turn = inner.next_connection.fetch_add(1, Ordering::Relaxed);
                let connection = &endpoint.connections[turn % CONNECTIONS];
                let mut sender = match endpoint.sender(connection).await {
                    Ok(sender) => sender,
                    Err(error) => {
                        inner.pass_over(endpoint, PASSED_OVER, &error);
                        cause = error;
                        break;
                    }
                };
                *request.uri_mut() = absolute(&endpoint.authority, request.uri());
                match sender.try_send_request(request).await {
                    Ok(response) => return Ok((endpoint.addr, response.map(Body::new))),
                    Err(mut error) => match error.take_message() {
                        Some(unsent) => {
                            request = unsent;
                            connection.forget();
                            cause = error.into_error().to_string();
                        }
                        None => {
                            let cause = whole_cause(&error.into_error());
                            return Err(inner.unreachable(cause, Some(endpoint.addr)));
                        }
                    },
                }
            }
        }
        Err(inner.unreachable(cause, None))
    }

    /// Whether a call that failed at one address can be tried at another.
    pub fn is_several(&self) -> bool {
        // Before the first call nothing is resolved.
        self.inner.addresses.len() > 1
            || self.inner.endpoints.read().unwrap_or_else(PoisonError::into_inner).len() > 1
    }

    /// Sees to names and health, when it is time, beside the call.
    fn tend(&self, endpoints: &Arc<[Arc<Endpoint>]>) {
        let inner = &self.inner;
        let since = inner.now().saturating_sub(inner.tended.load(Ordering::Relaxed));
        if since < millis(TENDED) {
            return;
        }
        let literal = inner.addresses.iter().all(|one| one.as_str().parse::<SocketAddr>().is_ok());
        if literal && endpoints.len() < 2 || inner.tending.swap(true, Ordering::Relaxed) {
            return;
        }
        let (upstream, endpoints) = (self.clone(), Arc::clone(endpoints));
        tokio::spawn(async move {
            let inner = &upstream.inner;
            if !literal {
                // What went wrong is in the log; the calls go on with what is known.
                let _unresolved = inner.resolve().await;
            }
            if endpoints.len() > 1 {
                let asked = endpoints.iter().map(|endpoint| inner.ask(endpoint));
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

    /// Looks the names up; addresses that stay keep their connections.
    async fn resolve(&self) -> Result<Arc<[Arc<Endpoint>]>, String> {
        let mut found: Vec<(SocketAddr, &Authority)> = Vec::new();
        let mut failed = None;
        for authority in &self.addresses {
            let looked_up =
                tokio::time::timeout(CONNECT_TIME, tokio::net::lookup_host(authority.as_str())).await;
            let cause = match looked_up {
                Ok(Ok(addrs)) => {
                    found.extend(addrs.map(|addr| (addr, authority)));
                    continue;
                }
                Ok(Err(error)) => format!("{authority} is not found: {error}"),
                Err(_) => format!("{authority} is not found in time"),
            };
            // Its last addresses may still be right.
            let last = self.endpoints.read().unwrap_or_else(PoisonError::into_inner);
            let of_name = last.iter().filter(|endpoint| endpoint.authority == *authority);
            found.extend(of_name.map(|endpoint| (endpoint.addr, authority)));
            tracing::warn!(cause, "a name cannot be resolved; its last addresses are used");
            failed = Some(cause);
        }
        if let (true, Some(cause)) = (found.is_empty(), failed) {
            return Err(cause);
        }
        found.sort_by_key(|(addr, _)| *addr);
        found.dedup_by_key(|(addr, _)| *addr);
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        let kept = |addr: SocketAddr| endpoints.iter().find(|endpoint| endpoint.addr == addr).cloned();
        *endpoints = found
            .into_iter()
            .map(|(addr, authority)| {
                kept(addr).unwrap_or_else(|| Arc::new(Endpoint::new(addr, authority.clone())))
            })
            .collect();
        Ok(Arc::clone(&endpoints))
    }

    /// In turn those that work, then the others: they may have come back.
    fn order<'e>(&self, endpoints: &'e [Arc<Endpoint>], avoid: Option<SocketAddr>) -> Vec<&'e Endpoint> {
        let now = self.now();
        let start = self.next_endpoint.fetch_add(1, Ordering::Relaxed);
        let mut order: Vec<&Endpoint> =
            (0..endpoints.len()).map(|at| &*endpoints[(start + at) % endpoints.len()]).collect();
        if order.len() > 1 {
            order.sort_by_key(|one| (Some(one.addr) == avoid, one.down_until.load(Ordering::Relaxed) > now));
        }
        order
    }

    fn pass_over(&self, endpoint: &Endpoint, time: Duration, cause: &str) {
        let now = self.now();
        let before = endpoint.down_until.swap(now + millis(time), Ordering::Relaxed);
        if before <= now {
            tracing::warn!(addr = %endpoint.addr, cause, "an address is passed over");
        }
    }

    /// Asks one of several addresses whether it serves.
    async fn ask(&self, endpoint: &Arc<Endpoint>) {
        let mut client = HealthClient::new(One(Arc::clone(endpoint)));
        let check = client.check(HealthCheckRequest { service: String::new() });
        let cause = match tokio::time::timeout(CONNECT_TIME, check).await {
            Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => {
                if endpoint.down_until.swap(0, Ordering::Relaxed) != 0 {
                    tracing::info!(addr = %endpoint.addr, "an address serves again");
                }
                return;
            }
            Ok(Ok(_)) => "it does not serve".to_owned(),
            Ok(Err(status)) => status.message().to_owned(),
            Err(_) => "it does not say in time whether it serves".to_owned(),
        };
        // Until it is asked again, with some room.
        self.pass_over(endpoint, TENDED * 2, &cause);
    }

    fn unreachable(&self, cause: String, at: Option<SocketAddr>) -> Unreachable {
        let addresses: Vec<&str> = self.addresses.iter().map(Authority::as_str).collect();
        Unreachable { addresses: addresses.join(","), cause, at }
    }

    fn now(&self) -> u64 {
        millis(self.started.elapsed())
    }
}

impl Endpoint {
    fn new(addr: SocketAddr, authority: Authority) -> Self {
        Self {
            addr,
            authority,
            connections: <[Connection; CONNECTIONS]>::default(),
            down_until: AtomicU64::new(0),
        }
    }

    /// A connection, made if there is none.
    async fn sender(&self, connection: &Connection) -> Result<SendRequest<Body>, String> {
        if let Some(sender) = connection.open() {
            return Ok(sender);
        }
        let _connecting = connection.connecting.lock().await;
        if let Some(sender) = connection.open() {
            return Ok(sender);
        }
        let sender = tokio::time::timeout(CONNECT_TIME, self.connect())
            .await
            .map_err(|_| format!("{} does not answer in {} s", self.addr, CONNECT_TIME.as_secs()))?
            .map_err(|error| format!("{}: {error}", self.addr))?;
        *connection.sender.write().unwrap_or_else(PoisonError::into_inner) = Some(sender.clone());
        Ok(sender)
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Box<dyn std::error::Error + Send + Sync>> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .keep_alive_interval(Duration::from_secs(20))
            .keep_alive_timeout(Duration::from_secs(10))
            .keep_alive_while_idle(true)
            .handshake(TokioIo::new(stream))
            .await?;
        let addr = self.addr;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%addr, %error, "a connection ended");
            }
        });
        Ok(sender)
    }
}

impl Connection {
    /// The next call makes a new one. Calls under way go on.
    fn forget(&self) {
        *self.sender.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn open(&self) -> Option<SendRequest<Body>> {
        let sender = self.sender.read().unwrap_or_else(PoisonError::into_inner);
        sender.as_ref().filter(|sender| !sender.is_closed()).cloned()
    }
}

/// For generated clients.
impl tower::Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move {
            let called = Self::call(&upstream, request, None).await;
            called.map(|(_, response)| response).map_err(|error| Status::unavailable(error.to_string()))
        })
    }
}

/// One address alone, to ask it something.
#[derive(Clone)]
struct One(Arc<Endpoint>);

impl tower::Service<Request<Body>> for One {
    type Response = Response<Body>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let endpoint = Arc::clone(&self.0);
        Box::pin(async move {
            *request.uri_mut() = absolute(&endpoint.authority, request.uri());
            let mut sender = endpoint.sender(&endpoint.connections[0]).await?;
            Ok(sender.send_request(request).await.map(|response| response.map(Body::new))?)
        })
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Upstream").field("addresses", &self.inner.addresses).finish_non_exhaustive()
    }
}

/// HTTP/2 wants scheme and authority beside the path.
fn absolute(authority: &Authority, uri: &Uri) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority.clone());
    parts.path_and_query =
        Some(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).unwrap_or_default()
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
    use super::*;

    #[test]
    fn addresses_are_host_and_port() {
        for good in ["127.0.0.1:1", "identity:50051", "[::1]:50051", "a:1, b:2"] {
            assert!(good.parse::<Upstream>().is_ok(), "{good}");
        }
        for bad in
            ["", "identity", "http://identity:1", "identity:1/x", "a:1,,b:2", "u@h:1", "h:x", "h:70000"]
        {
            assert!(bad.parse::<Upstream>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn an_address_that_is_dead_is_passed_over_and_said() {
        let upstream: Upstream = "127.0.0.1:1".parse().unwrap();
        let error = upstream.call(Request::new(Body::empty()), None).await.unwrap_err();
        assert!(error.at.is_none() && error.to_string().contains("127.0.0.1:1"), "{error}");
    }
}
