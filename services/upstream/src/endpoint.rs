//! One address of a service: its connections, and until when it is passed over.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use tonic::body::Body;

use crate::connection::Connection;

/// Connections to each address: one would share its window and its task among
/// all calls.
pub const CONNECTIONS: usize = 2;

/// One address.
pub struct Endpoint {
    /// Where it is.
    pub addr: SocketAddr,
    /// The name or address that led to it.
    pub authority: Authority,
    connections: [Connection; CONNECTIONS],
    /// Milliseconds on the balancer's clock until which it is passed over.
    down_until: AtomicU64,
}

/// One address alone, to ask it something.
#[derive(Clone)]
pub struct One(pub Arc<Endpoint>);

impl Endpoint {
    /// An address that nobody has called yet.
    pub fn new(addr: SocketAddr, authority: Authority) -> Self {
        Self {
            addr,
            authority,
            connections: <[Connection; CONNECTIONS]>::default(),
            down_until: AtomicU64::new(0),
        }
    }

    /// The connection whose turn it is.
    pub fn connection(&self, turn: usize) -> &Connection {
        &self.connections[turn % CONNECTIONS]
    }

    /// Whether it is passed over now.
    pub fn is_down(&self, now: u64) -> bool {
        self.down_until.load(Ordering::Relaxed) > now
    }

    /// Passes it over until a time; says whether that is new.
    pub fn pass_over(&self, now: u64, until: u64) -> bool {
        self.down_until.swap(until, Ordering::Relaxed) <= now
    }

    /// Takes it back; says whether it was passed over.
    pub fn take_back(&self) -> bool {
        self.down_until.swap(0, Ordering::Relaxed) != 0
    }

    /// HTTP/2 wants scheme and authority beside the path.
    pub fn absolute(&self, uri: &Uri) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(Scheme::HTTP);
        parts.authority = Some(self.authority.clone());
        parts.path_and_query =
            Some(uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/")));
        Uri::from_parts(parts).unwrap_or_default()
    }
}

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
            *request.uri_mut() = endpoint.absolute(request.uri());
            let mut sender = endpoint.connection(0).sender(endpoint.addr).await?;
            Ok(sender.send_request(request).await.map(|response| response.map(Body::new))?)
        })
    }
}
