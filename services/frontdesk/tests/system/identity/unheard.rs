//! What booking makes of identity that it does not hear, or cannot reach: what was revoked
//! ends a little later, and nobody is let in for longer than a minute.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use booking::Policy;
use bytes::Bytes;
use frontdesk::demo;
use frontdesk_proto::booking::v1::ListPropertiesRequest;
use frontdesk_proto::booking::v1::property_service_client::PropertyServiceClient;
use frontdesk_proto::{ErrorReason, reason_of};
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::Status;
use tonic::body::Body;
use upstream::Upstream;

use crate::fixture::{Fixture, channel, signed};
use crate::waits::until_so;

const FEED: &str = "/frontdesk.identity.v1.RevocationService/Watch";

/// What is let through to identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passes {
    All,
    /// All but the feed of what is revoked.
    Calls,
    Nothing,
}

/// Stands between booking and identity. What it does not let through it keeps waiting, as
/// something does that hangs.
struct Relay {
    addr: SocketAddr,
    passes: watch::Sender<Passes>,
}

impl Relay {
    async fn start(identity: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let passes = watch::Sender::new(Passes::All);
        let (identity, gate): (Upstream, _) = (identity.to_string().parse().unwrap(), passes.clone());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (identity, gate) = (identity.clone(), gate.clone());
                let service = tower::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    pass_on(identity.clone(), gate.clone(), request)
                });
                tokio::spawn(async move {
                    let service = TowerToHyperService::new(service);
                    let served = Builder::new(TokioExecutor::new());
                    // Whoever is connected may leave.
                    let _left = served.http2_only().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { addr, passes }
    }
}

async fn pass_on(
    identity: Upstream,
    gate: watch::Sender<Passes>,
    request: http::Request<hyper::body::Incoming>,
) -> Result<http::Response<Body>, Status> {
    let is_feed = request.uri().path() == FEED;
    let passes = move |now: &Passes| *now == Passes::All || (*now == Passes::Calls && !is_feed);
    gate.subscribe().wait_for(passes).await.unwrap();
    let (_, answer) = identity
        .call(request.map(Body::new), None)
        .await
        .map_err(|error| Status::unavailable(error.to_string()))?;
    Ok(answer.map(|body| {
        let parts = stream::unfold((body, gate.subscribe()), move |(mut body, mut gate)| async move {
            let part: Option<Result<Frame<Bytes>, Status>> = body.frame().await;
            gate.wait_for(passes).await.unwrap();
            Some((part?, (body, gate)))
        });
        Body::new(StreamBody::new(parts))
    }))
}

/// Booking behind a relay.
struct Behind {
    fixture: Fixture,
    relay: Relay,
    booking: SocketAddr,
    stop: boot::Stop,
}

impl Behind {
    async fn start() -> Self {
        let fixture = Fixture::start().await;
        let relay = Relay::start(fixture.system.identity).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let booking = listener.local_addr().unwrap();
        let database = pg::Config { url: fixture.database.url.clone(), pool_size: 4 };
        let stop = boot::Stop::new(boot::StopPolicy::AT_ONCE);
        let config = booking::Config {
            listener: listener.into(),
            database: database.open(booking::ROLE, "behind a relay").unwrap(),
            issuer: access::Issuer::default(),
            authority: access::RemoteIdentity::new(relay.addr.to_string().parse().unwrap()),
            policy: Policy::default(),
        };
        let server = booking::build(config, stop.ending()).unwrap();
        tokio::spawn(server.serve(stop.clone()));
        let behind = Self { fixture, relay, booking, stop };
        let token = behind.fixture.manager().await;
        until_so("booking lets in", async || behind.asks(&token).await.is_none()).await;
        behind
    }

    /// Why a caller is not let in, if it is not.
    async fn asks(&self, token: &str) -> Option<ErrorReason> {
        let mut client = PropertyServiceClient::new(channel(self.booking));
        let asked = client.list_properties(signed(ListPropertiesRequest::default(), token)).await;
        asked.err().map(|status| reason_of(&status).unwrap_or_else(|| panic!("{status}")))
    }

    async fn log_out(&self, token: &str) {
        self.fixture.post("/v1/auth/logout", token, &json!({})).await.ok();
    }

    /// How long it takes until a caller is refused, who is let in before.
    async fn refused(&self, token: &str, reason: ErrorReason) -> Duration {
        let began = Instant::now();
        loop {
            let asked = self.asks(token).await;
            if let Some(refused) = asked {
                assert_eq!(refused, reason);
                return began.elapsed();
            }
            assert!(began.elapsed() < Duration::from_secs(90), "let in still");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.stop.begin();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_feed_cut_what_is_revoked_ends_when_identity_is_asked_again() {
    let behind = Behind::start().await;
    let (lost, own) = (behind.fixture.manager().await, behind.fixture.manager().await);
    assert_eq!((behind.asks(&lost).await, behind.asks(&own).await), (None, None));
    behind.relay.passes.send_replace(Passes::Calls);
    behind.log_out(&lost).await;
    let took = behind.refused(&lost, ErrorReason::SessionEnded).await;
    assert!(took < Duration::from_secs(7), "5 s after identity was heard last: {took:?}");
    assert_eq!(behind.asks(&own).await, None);
    // It is heard again, and nobody waits for it any more.
    behind.relay.passes.send_replace(Passes::All);
    let lost = behind.fixture.manager().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(behind.asks(&lost).await, None);
    behind.log_out(&lost).await;
    let took = behind.refused(&lost, ErrorReason::SessionEnded).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_identity_those_who_are_known_are_let_in_for_a_minute_and_nobody_else() {
    let behind = Behind::start().await;
    let (known, lost) = (behind.fixture.manager().await, behind.fixture.manager().await);
    let stranger = behind.fixture.token(demo::VIEWER).await;
    assert_eq!((behind.asks(&known).await, behind.asks(&lost).await), (None, None));
    behind.relay.passes.send_replace(Passes::Nothing);
    assert_eq!(behind.asks(&stranger).await, Some(ErrorReason::UpstreamUnavailable));
    let took = behind.refused(&known, ErrorReason::CallerUnconfirmed).await;
    assert!((50..70).contains(&took.as_secs()), "a minute after identity was heard last: {took:?}");
    // What was revoked meanwhile is known as soon as identity is heard.
    behind.log_out(&lost).await;
    behind.relay.passes.send_replace(Passes::All);
    until_so("it is heard", async || behind.asks(&known).await.is_none()).await;
    assert_eq!(behind.asks(&lost).await, Some(ErrorReason::SessionEnded));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_revoked_while_identity_hung_ends_as_soon_as_it_is_heard() {
    let behind = Behind::start().await;
    let lost = behind.fixture.manager().await;
    assert_eq!(behind.asks(&lost).await, None);
    behind.relay.passes.send_replace(Passes::Nothing);
    tokio::time::sleep(Duration::from_secs(7)).await;
    behind.log_out(&lost).await;
    assert_eq!(behind.asks(&lost).await, None, "it is known, and identity cannot be asked");
    behind.relay.passes.send_replace(Passes::All);
    let took = behind.refused(&lost, ErrorReason::SessionEnded).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
}
