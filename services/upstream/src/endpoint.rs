//! One address of a service: its connections, and what is known of it.
//!
//! A connection has room for so many calls, and one more would wait for the end of
//! another, which streams do not have. So there are as many connections as the calls
//! need: a few that calls share and, while those are full of streams, others.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use boot::{ClientTls, Count};
use http::uri::{Authority, PathAndQuery, Scheme, Uri};
use http::{Request, Response};
use tonic::body::Body;

use crate::answer::of_address;
use crate::clock::now;
use crate::conduct::Conduct;
use crate::connection::{Connecting, Connection, Room};
use crate::dial::Peer;
use crate::reach::Reach;

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
    pub conduct: Arc<Conduct>,
    connections: [Arc<Connection>; CONNECTIONS],
    /// Those that are there because others were full.
    further: RwLock<Vec<Arc<Connection>>>,
    /// Which connection comes first among equals. It is this address's own: with one counter
    /// for all, two addresses and two connections would always be taken in step.
    turn: AtomicUsize,
    /// Calls that it took.
    pub taken: Count,
}

/// One address alone, to ask it something.
#[derive(Clone)]
pub struct One(pub Arc<Endpoint>);

impl Endpoint {
    /// An address that nobody has called yet.
    pub fn new(addr: SocketAddr, authority: Authority, tls: Option<ClientTls>) -> Self {
        let host = authority.host().to_owned();
        Self {
            addr,
            authority,
            peer: Arc::new(Peer { addr, host, tls, reach: Reach::default(), passed_over: Count::default() }),
            conduct: Arc::default(),
            connections: Default::default(),
            further: RwLock::default(),
            turn: AtomicUsize::new(0),
            taken: Count::default(),
        }
    }

    /// Whether a call can be sent there at once.
    pub fn is_open(&self) -> bool {
        self.connections.iter().any(|connection| connection.is_open())
    }

    /// Room on the open connection that has the fewest calls or, when those are full, on
    /// another one. None if none is open.
    pub fn room(&self) -> Option<Room> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..CONNECTIONS).map(|at| &self.connections[(turn + at) % CONNECTIONS]);
        let open = in_turn.filter(|connection| connection.is_open());
        let fewest = open.min_by_key(|connection| connection.calls())?;
        Some(Connection::room(fewest).unwrap_or_else(|| self.further_room()))
    }

    fn further_room(&self) -> Room {
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

    /// Connects in the background what is not connected, if it is due.
    pub fn keep_connected(&self) {
        for connection in self.connections.iter().filter(|one| !one.is_open()) {
            // Nobody waits for it.
            drop(Connection::connecting(connection, &self.peer, self.peer.reach.is_due(now())));
        }
    }

    /// What there is to wait for until a call can be sent there: nothing if it has just failed.
    pub fn connecting(&self) -> Vec<Connecting> {
        let is_due = self.peer.reach.is_due_in_need(now());
        let closed = self.connections.iter().filter(|one| !one.is_open());
        closed.filter_map(|one| Connection::connecting(one, &self.peer, is_due)).collect()
    }

    /// Calls that are on its connections.
    pub fn calls(&self) -> u32 {
        let further = self.further.read().unwrap_or_else(PoisonError::into_inner);
        self.connections.iter().chain(further.iter()).map(|connection| connection.calls()).sum()
    }

    /// Whether it takes calls, and others are not to be asked before it.
    pub fn works(&self) -> bool {
        (self.is_open() || self.peer.reach.cause().is_none()) && !self.conduct.is_bad(now())
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

    /// Room on an open connection, which is waited for.
    async fn connected_room(&self) -> Result<Room, String> {
        if let Some(room) = self.room() {
            return Ok(room);
        }
        let connecting = self.connecting();
        if !connecting.is_empty() {
            futures::future::select_ok(connecting).await?;
        }
        let cause =
            || self.peer.reach.cause().unwrap_or_else(|| format!("{} has closed the connection", self.addr));
        self.room().ok_or_else(cause)
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
            let room = endpoint.connected_room().await?;
            let mut sender = room.sender(&endpoint.peer).await?;
            Ok(of_address(room, sender.send_request(request).await?))
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
    use crate::connection::UNUSED;

    fn serve(listener: TcpListener) {
        let (_, health) = tonic_health::server::health_reporter();
        tokio::spawn(Server::builder().add_service(health).serve_with_incoming(TcpIncoming::from(listener)));
    }

    fn at(listener: &TcpListener) -> Endpoint {
        let addr = listener.local_addr().unwrap();
        Endpoint::new(addr, addr.to_string().parse().unwrap(), None)
    }

    /// Until all its connections are made.
    async fn connect(endpoint: &Endpoint) {
        for connecting in endpoint.connecting() {
            connecting.await.unwrap();
        }
    }

    /// Streams come in a crowd and leave, and calls may not come any more.
    #[tokio::test]
    async fn connections_that_a_crowd_needed_are_closed_when_it_is_gone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = at(&listener);
        serve(listener);
        connect(&endpoint).await;
        let mut crowd = Vec::new();
        while endpoint.further.read().unwrap().is_empty() {
            crowd.push(endpoint.room().unwrap());
        }
        let further = Arc::clone(&endpoint.further.read().unwrap()[0]);
        drop(crowd.last().unwrap().sender(&endpoint.peer).await.unwrap());
        assert!(further.is_open() && endpoint.is_open());
        tokio::time::sleep(UNUSED + Duration::from_millis(200)).await;
        assert!(further.is_open(), "it is in use");
        crowd.clear();
        tokio::time::sleep(UNUSED + Duration::from_millis(200)).await;
        assert!(!further.is_open(), "nobody uses it");
        assert!(endpoint.connections.iter().all(|one| one.is_open()), "calls share these");
    }

    /// Of an address that takes no more connections: those that it has go on.
    #[tokio::test]
    async fn a_further_connection_that_cannot_be_made_says_nothing_of_its_address() {
        let unused = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let closed = at(&unused);
        drop(unused);
        let further = Connection::further();
        for _ in 0..2 {
            let room = Connection::take(&further);
            let failed = room.sender(&closed.peer).await.err().unwrap();
            assert!(failed.contains(&closed.addr.to_string()), "{failed}");
        }
        assert_eq!((closed.peer.reach.cause(), closed.peer.passed_over.get()), (None, 0));
    }

    /// Otherwise two addresses whose calls come in turn would each use one of their connections.
    #[tokio::test]
    async fn calls_share_the_connections_of_an_address_whoever_else_is_called() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = at(&listener);
        serve(listener);
        connect(&endpoint).await;
        for at_once in [1, 2, 7, 40] {
            let rooms: Vec<Room> = (0..at_once).map(|_| endpoint.room().unwrap()).collect();
            let calls = endpoint.connections.each_ref().map(|one| one.calls());
            assert!(calls[0].abs_diff(calls[1]) <= 1, "{calls:?}");
            drop(rooms);
        }
        let first = (0..20).filter(|_| {
            let _room = endpoint.room().unwrap();
            endpoint.connections[0].calls() == 1
        });
        assert_eq!(first.count(), 10, "one at a time, in turn");
    }

    /// Of an address that hung while somebody asked, who went away: it may be well by now.
    #[tokio::test]
    async fn an_address_that_hung_is_reached_again_when_it_is_well() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = at(&listener);
        let soon = Duration::from_millis(100);
        assert!(tokio::time::timeout(soon, endpoint.connected_room()).await.is_err(), "nobody answers");
        let failed = endpoint.connected_room().await.err().unwrap();
        assert!(failed.contains("does not answer in 2 s"), "{failed}");
        assert_eq!(endpoint.peer.reach.cause(), Some(failed), "who comes then is told the same");
        assert!(!endpoint.works());
        serve(listener);
        while endpoint.connected_room().await.is_err() {
            tokio::time::sleep(soon).await;
        }
        assert!(endpoint.works());
    }
}
