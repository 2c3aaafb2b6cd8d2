//! One address of a service: its connections, and until when it is passed over.
//!
//! A connection has room for so many calls, and one more would wait for the end of
//! another, which streams do not have. So there are as many connections as the calls
//! need: a few that calls take in turn and, while those are full of streams, others.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use boot::{ClientTls, Count};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use tonic::body::Body;

use crate::connection::{Connection, Peer, Room};

/// Connections to each address: one would share its window and its task among
/// all calls.
pub const CONNECTIONS: usize = 2;

/// One address.
pub struct Endpoint {
    /// Where it is.
    pub addr: SocketAddr,
    /// The name or address that led to it.
    pub authority: Authority,
    /// The same for whoever connects.
    pub peer: Arc<Peer>,
    connections: [Arc<Connection>; CONNECTIONS],
    /// Those that are there because others were full.
    further: RwLock<Vec<Arc<Connection>>>,
    /// Milliseconds on the balancer's clock until which it is passed over.
    down_until: AtomicU64,
    /// Calls that it took, and how often it was passed over.
    pub taken: Count,
    pub passed_over: Count,
}

/// One address alone, to ask it something.
#[derive(Clone)]
pub struct One(pub Arc<Endpoint>);

impl Endpoint {
    /// An address that nobody has called yet.
    pub fn new(addr: SocketAddr, authority: Authority, tls: Option<ClientTls>) -> Self {
        let peer = Arc::new(Peer { addr, host: authority.host().to_owned(), tls });
        Self {
            addr,
            authority,
            peer,
            connections: Default::default(),
            further: RwLock::default(),
            down_until: AtomicU64::new(0),
            taken: Count::default(),
            passed_over: Count::default(),
        }
    }

    /// Room on the connection whose turn it is or, when that is full, on another.
    pub fn room(&self, turn: usize) -> Room {
        let mut in_turn = (0..CONNECTIONS).map(|at| &self.connections[(turn + at) % CONNECTIONS]);
        if let Some(room) = in_turn.find_map(Connection::room) {
            return room;
        }
        let further = self.further.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(room) = further.iter().find_map(Connection::room) {
            return room;
        }
        drop(further);
        let mut further = self.further.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have made one; and the places that nobody uses go.
        let found = further.iter().find_map(Connection::room);
        further.retain(|connection| !connection.is_unused());
        found.unwrap_or_else(|| {
            let connection = Connection::further();
            let room = Connection::take(&connection);
            further.push(connection);
            room
        })
    }

    /// Calls that are on its connections.
    pub fn calls(&self) -> u32 {
        let further = self.further.read().unwrap_or_else(PoisonError::into_inner);
        self.connections.iter().chain(further.iter()).map(|connection| connection.calls()).sum()
    }

    /// Whether it is passed over now.
    pub fn is_down(&self, now: u64) -> bool {
        self.down_until.load(Ordering::Relaxed) > now
    }

    /// Passes it over until a time, or for longer if somebody said so; says whether that is new.
    pub fn pass_over(&self, now: u64, until: u64) -> bool {
        self.down_until.fetch_max(until, Ordering::Relaxed) <= now
    }

    /// Takes it back; says whether it was passed over.
    pub fn take_back(&self) -> bool {
        self.down_until.swap(0, Ordering::Relaxed) != 0
    }

    /// HTTP/2 wants scheme and authority beside the path.
    pub fn absolute(&self, uri: &Uri) -> Uri {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(if self.peer.tls.is_some() { Scheme::HTTPS } else { Scheme::HTTP });
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
            let room = endpoint.room(0);
            let mut sender = room.sender(&endpoint.peer).await?;
            Ok(room.until_the_end(sender.send_request(request).await?))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::net::TcpListener;
    use tonic::transport::Server;
    use tonic::transport::server::TcpIncoming;

    use super::*;

    /// Streams come in a crowd and leave, and calls may not come any more.
    #[tokio::test]
    async fn connections_that_a_crowd_needed_are_closed_when_it_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (_, health) = tonic_health::server::health_reporter();
        tokio::spawn(Server::builder().add_service(health).serve_with_incoming(TcpIncoming::from(listener)));
        let endpoint = Endpoint::new(addr, addr.to_string().parse().unwrap(), None);
        let mut crowd = Vec::new();
        while endpoint.further.read().unwrap().is_empty() {
            crowd.push(endpoint.room(crowd.len()));
        }
        let further = Arc::clone(&endpoint.further.read().unwrap()[0]);
        for room in [crowd.first().unwrap(), crowd.last().unwrap()] {
            drop(room.sender(&endpoint.peer).await.unwrap());
        }
        assert!(further.is_open() && endpoint.connections[0].is_open());
        tokio::time::sleep(crate::connection::UNUSED + Duration::from_millis(200)).await;
        assert!(further.is_open(), "it is in use");
        crowd.clear();
        tokio::time::sleep(crate::connection::UNUSED + Duration::from_millis(200)).await;
        assert!(!further.is_open(), "nobody uses it");
        assert!(endpoint.connections[0].is_open(), "calls take these in turn");
    }

    /// Of an address that hung while somebody asked, who went away: it may be well by now.
    #[tokio::test]
    async fn a_failure_that_nobody_waited_for_is_told_to_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let endpoint = Endpoint::new(addr, addr.to_string().parse().unwrap(), None);
        let room = endpoint.room(0);
        let soon = Duration::from_millis(100);
        assert!(tokio::time::timeout(soon, room.sender(&endpoint.peer)).await.is_err(), "nobody answers");
        tokio::time::sleep(crate::connection::CONNECT_TIME).await;
        let (_, health) = tonic_health::server::health_reporter();
        tokio::spawn(Server::builder().add_service(health).serve_with_incoming(TcpIncoming::from(listener)));
        drop(room.sender(&endpoint.peer).await.unwrap());
    }
}
