//! Calls over gRPC whose head comes first and whose message comes later, when what their
//! caller was let in by is over.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::{BufMut, Bytes, BytesMut};
use frontdesk::demo;
use frontdesk_proto::booking::v1::ApproveBookingRequestRequest;
use frontdesk_proto::identity::v1::{CreateApiKeyRequest, LoginRequest};
use frontdesk_proto::{ErrorReason, reason_of};
use futures::stream;
use http::HeaderMap;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use prost::Message;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::Status;
use tonic::body::Body;
use tower::Service;

use super::members;
use crate::figures::Figures;
use crate::fixture::{Fixture, MASTER_KEY, case, channel, tenant_path};
use crate::waits::until_so;

const CREATE_KEY: &str = "/frontdesk.identity.v1.ApiKeyService/CreateApiKey";
const APPROVE: &str = "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest";
const LOGIN: &str = "/frontdesk.identity.v1.AuthService/Login";

/// A call that has its head.
struct Head {
    message: oneshot::Sender<Bytes>,
    /// Why it is refused, if it is.
    answer: JoinHandle<Option<ErrorReason>>,
}

impl Head {
    fn send(to: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Self {
        let (message, comes) = oneshot::channel();
        let part = async move { Ok::<_, Status>(Frame::data(comes.await.unwrap_or_default())) };
        let mut request = http::Request::post(path)
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .body(Body::new(StreamBody::new(stream::once(part))))
            .unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let mut to = channel(to);
        let answer = tokio::spawn(async move {
            let (head, body) = to.call(request).await.unwrap().into_parts();
            let trailers = body.collect().await.unwrap().trailers().cloned();
            let says = |headers: &HeaderMap| Status::from_header_map(headers);
            reason_of(&says(&head.headers).or_else(|| says(&trailers?)).unwrap())
        });
        Self { message, answer }
    }

    /// Sends the message.
    async fn goes_on(self, message: &impl Message) -> Option<ErrorReason> {
        assert!(!self.answer.is_finished(), "it was answered by its head");
        let length = u32::try_from(message.encoded_len()).unwrap();
        let mut frame = BytesMut::new();
        frame.put_u8(0);
        frame.put_u32(length);
        message.encode(&mut frame).unwrap();
        self.message.send(frame.freeze()).unwrap();
        self.answer.await.unwrap()
    }
}

struct Late {
    fixture: Fixture,
    figures: Figures,
}

impl Late {
    /// A manager who may make keys and approve.
    async fn start() -> Self {
        let fixture = Fixture::start().await;
        let figures = Figures::of(&fixture.system).await;
        let late = Self { fixture, figures };
        let scopes = ["api_keys:manage", "bookings:approve", "bookings:view", "properties:view"];
        let owner = late.fixture.token(demo::OWNER).await;
        let role = json!({"name": "boss", "scopes": scopes});
        late.fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
        late.give("boss").await;
        late
    }

    async fn member(&self) -> String {
        tenant_path(&format!("/members/{}", self.fixture.user_id(demo::MANAGER).await))
    }

    async fn give(&self, role: &str) {
        let owner = self.fixture.token(demo::OWNER).await;
        self.fixture.patch(&self.member().await, &owner, &json!({"role": role})).await.ok();
    }

    /// How many tokens a part has looked at.
    async fn looked_at(&self, part: &str) -> u64 {
        let mut all = 0;
        for source in ["checked", "recalled"] {
            let name = format!("frontdesk_token_checks_total{{part=\"{part}\",source=\"{source}\"}}");
            all += self.figures.read(&name).await;
        }
        all
    }

    /// Two calls of a method whose heads were let in, at the part and through the gateway.
    async fn heads(&self, part: &str, token: &str, key: Option<&str>) -> [Head; 2] {
        let (addr, path) = match part {
            "identity" => (self.fixture.system.identity, CREATE_KEY),
            _ => (self.fixture.system.booking, APPROVE),
        };
        let before = self.looked_at(part).await;
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("authorization", bearer.as_str()), ("grpc-timeout", "60S")];
        headers.extend(key.map(|key| ("x-tenant-api-key", key)));
        let heads = [addr, self.fixture.system.gateway].map(|to| Head::send(to, path, &headers));
        until_so("both were looked at", async || self.looked_at(part).await >= before + 2).await;
        heads
    }

    /// All that such calls store.
    async fn stored(&self) -> (Vec<String>, i64) {
        let keys = "select count(*) from identity.tenant_api_keys where name = 'late'";
        (self.fixture.snapshot().await, self.fixture.count(keys, &[]).await)
    }

    /// What was let in is refused once it is revoked, and the message comes.
    #[track_caller]
    fn refused<'a>(
        &'a self,
        key: Option<&'a str>,
        reason: ErrorReason,
        revoke: impl AsyncFnOnce(&str) + 'a,
    ) -> impl Future<Output = ()> + 'a {
        let at = std::panic::Location::caller();
        async move {
            let token = self.fixture.manager().await;
            let known = async || {
                let path = self.fixture.url("/v1/properties");
                let asked = self.fixture.http.get(path).bearer_auth(&token);
                let asked = key.iter().fold(asked, |asked, key| asked.header("x-tenant-api-key", *key));
                asked.send().await.unwrap().status() == 200
            };
            until_so(format_args!("{at}: let in"), known).await;
            let before = self.stored().await;
            let to_identity = self.heads("identity", &token, key).await;
            let to_booking = self.heads("booking", &token, key).await;
            // What was looked at is let in, or it is answered by its head.
            tokio::time::sleep(Duration::from_millis(200)).await;
            revoke(&token).await;
            // Until it is heard, on a busy machine.
            tokio::time::sleep(Duration::from_millis(300)).await;
            for head in to_identity {
                assert_eq!(head.goes_on(&new_key(&[])).await, Some(reason), "{at}: identity");
            }
            for head in to_booking {
                assert_eq!(head.goes_on(&approve()).await, Some(reason), "{at}: booking");
            }
            assert!(self.stored().await == before, "{at}: something was stored");
        }
    }

    async fn suspend(&self, how: &str) {
        let operator = self.fixture.token(demo::OPERATOR).await;
        self.fixture.post(&tenant_path(how), &operator, &json!({})).await.ok();
    }
}

fn new_key(scopes: &[&str]) -> CreateApiKeyRequest {
    CreateApiKeyRequest {
        tenant_id: demo::TENANT.to_string(),
        name: "late".to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Default::default()
    }
}

fn approve() -> ApproveBookingRequestRequest {
    ApproveBookingRequestRequest { booking_request_id: case("REQUESTED").to_string(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_message_comes_after_the_revocation_is_refused_and_stores_nothing() {
    let late = Late::start().await;
    let fixture = &late.fixture;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let member = late.member().await;

    late.refused(None, ErrorReason::SessionEnded, async |own| {
        fixture.post("/v1/auth/logout", own, &json!({})).await.ok();
    })
    .await;

    let user = member.rsplit('/').next().unwrap().to_owned();
    late.refused(None, ErrorReason::SessionEnded, async |_| {
        fixture.post(&format!("/v1/users/{user}/disable"), &operator, &json!({})).await.ok();
    })
    .await;
    fixture.post(&format!("/v1/users/{user}/enable"), &operator, &json!({})).await.ok();

    late.refused(None, ErrorReason::TenantRequired, async |_| {
        fixture.delete(&member, &owner).await.ok();
    })
    .await;
    members::add(fixture, demo::MANAGER, "boss").await.ok();

    late.refused(None, ErrorReason::ScopeMissing, async |_| late.give("viewer").await).await;
    late.give("boss").await;

    let scopes = |of: &[&str]| json!({"scopes": of});
    let role = tenant_path("/roles/boss");
    late.refused(None, ErrorReason::ScopeMissing, async |_| {
        fixture.patch(&role, &owner, &scopes(&["properties:view"])).await.ok();
    })
    .await;
    let all = ["api_keys:manage", "bookings:approve", "bookings:view", "properties:view"];
    fixture.patch(&role, &owner, &scopes(&all)).await.ok();

    let key = fixture.post(&tenant_path("/api-keys"), &owner, &json!({"name": "k"})).await.ok().clone();
    let (id, secret) = (key["api_key"]["id"].as_str().unwrap(), key["secret"].as_str().unwrap());
    late.refused(Some(secret), ErrorReason::ApiKeyInvalid, async |_| {
        fixture.delete(&tenant_path(&format!("/api-keys/{id}")), &owner).await.ok();
    })
    .await;

    late.refused(None, ErrorReason::TenantSuspended, async |_| late.suspend("/suspend").await).await;
    late.suspend("/resume").await;

    late.refused(None, ErrorReason::TokenInvalid, async |own| {
        let kid = jsonwebtoken::decode_header(own).unwrap().kid.unwrap();
        let revoked = tokio::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"))
            .args(["keys", "revoke", &kid])
            .env("DATABASE_URL", &fixture.database.url)
            .env("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32))
            .output();
        assert!(revoked.await.unwrap().status.success());
        let ended = async || fixture.get("/v1/me", own).await.status == 401;
        until_so("the key is trusted no more", ended).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_late_is_taken_with_what_its_caller_may_do_by_then() {
    let late = Late::start().await;
    let token = late.fixture.manager().await;
    let [direct, through] = late.heads("identity", &token, None).await;
    let owner = late.fixture.token(demo::OWNER).await;
    let less = json!({"scopes": ["api_keys:manage"]});
    late.fixture.patch(&tenant_path("/roles/boss"), &owner, &less).await.ok();
    let refused = direct.goes_on(&new_key(&["bookings:approve"])).await;
    assert_eq!(refused, Some(ErrorReason::ScopeNotHeld));
    assert_eq!(through.goes_on(&new_key(&[])).await, None, "what it may still do it does");
    assert_eq!(late.stored().await.1, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_without_a_message_is_let_go_after_ten_seconds_whoever_sent_it() {
    let late = Late::start().await;
    let system = &late.fixture.system;
    let token = format!("Bearer {}", late.fixture.manager().await);
    let patience = ("grpc-timeout", "60S");
    let began = Instant::now();
    let heads = [
        Head::send(system.identity, LOGIN, &[]),
        Head::send(system.gateway, LOGIN, &[patience]),
        Head::send(system.booking, APPROVE, &[("authorization", &token)]),
        Head::send(system.gateway, APPROVE, &[("authorization", &token), patience]),
    ];
    let mut kept = Vec::new();
    for Head { message, answer } in heads {
        kept.push(message);
        let answered = tokio::time::timeout(Duration::from_secs(15), answer).await;
        assert_eq!(answered.expect("it is kept").unwrap(), Some(ErrorReason::RequestTimeout));
        assert!(began.elapsed() > Duration::from_secs(9), "{:?}", began.elapsed());
    }
    // One that comes within its time is taken, however late.
    let slow = Head::send(system.identity, LOGIN, &[]);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (email, password) = (demo::OWNER.to_owned(), demo::PASSWORD.to_owned());
    assert_eq!(slow.goes_on(&LoginRequest { email, password }).await, None);
}
