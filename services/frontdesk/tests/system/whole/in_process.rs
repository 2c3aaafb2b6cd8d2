//! Calls within a process are answered as calls over sockets are, whatever they ask.

use std::net::SocketAddr;

use frontdesk::demo;
use frontdesk::system::{Calls, Policies, System};
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::{GetBookingRequestRequest, WatchBookingRequestsRequest};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use tonic::Code;

use crate::figures::Figures;
use crate::fixture::{Answer, Fixture, case, channel, master_key, path_of, signed, system_calling};
use crate::waits::until_so;

/// Two systems over one database, one of each kind.
struct Both {
    fixture: Fixture,
    over_sockets: System,
}

impl Both {
    async fn start() -> Self {
        let fixture = Fixture::start().await;
        let started =
            system_calling(&fixture.database.url, Policies::default(), master_key(), Calls::OverSockets);
        let over_sockets = Box::pin(started).await.unwrap();
        Self { fixture, over_sockets }
    }

    fn gateways(&self) -> [SocketAddr; 2] {
        [self.fixture.system.gateway, self.over_sockets.gateway]
    }

    /// What both answer to a request, which is the same.
    #[track_caller]
    fn alike(path: &str, answers: [Answer; 2]) -> Answer {
        let [within, over] = answers;
        assert_eq!((within.status, &within.body), (over.status, &over.body), "{path}");
        let names = |answer: &Answer| {
            let mut names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
            names.sort();
            names
        };
        assert_eq!(names(&within), names(&over), "{path}");
        within
    }

    async fn ask(&self, path: &str, request: impl Fn(String) -> RequestBuilder) -> Answer {
        let mut answers = Vec::new();
        for gateway in self.gateways() {
            let request = request(format!("http://{gateway}{path}")).header("x-request-id", "the-same");
            answers.push(Answer::of(request).await);
        }
        let over = answers.pop().unwrap();
        Self::alike(path, [answers.pop().unwrap(), over])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_and_refusals_are_the_same() {
    let both = Both::start().await;
    let http = &both.fixture.http;
    let (manager, viewer) = (both.fixture.manager().await, both.fixture.token(demo::VIEWER).await);
    let get = async |path: &str, token: &str| both.ask(path, |url| http.get(url).bearer_auth(token)).await;
    for path in ["/v1/me", "/api/v1/booking-requests?page_size=3", "/v1/properties", "/.well-known/jwks.json"]
    {
        get(path, &manager).await.ok();
    }
    get("/v1/me", "not.a.token").await.refused(401, "TOKEN_INVALID");
    get(&path_of(uuid::Uuid::from_u128(7), ""), &manager).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    let post = async |path: &str, token: &str, body: &Json| {
        both.ask(path, |url| http.post(url).bearer_auth(token).json(body)).await
    };
    let approve = path_of(case("REQUESTED"), "/approve");
    post(&approve, &viewer, &json!({})).await.refused(403, "SCOPE_MISSING");
    let blank = json!({"decline_reason": " "});
    let declined = post(&path_of(case("REQUESTED"), "/decline"), &manager, &blank).await;
    declined.refused(422, "DECLINE_REASON_REQUIRED");
    let wrong = json!({"email": demo::MANAGER, "password": "wrong password"});
    let failed = both.ask("/v1/auth/login", |url| http.post(url).json(&wrong)).await;
    failed.refused(401, "LOGIN_FAILED");
    // Each system tells the other's address of nobody.
    let addresses = "select count(distinct address) from identity.audit_events where action = 'login'";
    assert_eq!(both.fixture.count(addresses, &[]).await, 1);
    let refusal = both.ask("/v1/auth/login", |url| {
        http.request(Method::POST, url).header("content-type", "application/json").body("{")
    });
    refusal.await.refused(400, "MALFORMED_REQUEST");
}

#[tokio::test(flavor = "multi_thread")]
async fn grpc_is_passed_on_with_its_metadata_deadline_and_stream() {
    let both = Both::start().await;
    let token = both.fixture.manager().await;
    for gateway in both.gateways() {
        let mut client = BookingRequestServiceClient::new(channel(gateway));
        let message = GetBookingRequestRequest { booking_request_id: case("REQUESTED").to_string() };
        let mut asked = signed(message.clone(), &token);
        asked.metadata_mut().insert("x-request-id", "of-the-caller".parse().unwrap());
        let answer = client.get_booking_request(asked).await.unwrap();
        assert_eq!(answer.metadata().get("x-request-id").unwrap(), "of-the-caller");
        let mut late = signed(message, &token);
        late.metadata_mut().insert("grpc-timeout", "1m".parse().unwrap());
        assert_eq!(client.get_booking_request(late).await.unwrap_err().code(), Code::DeadlineExceeded);
        let watch = WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() };
        let mut events = client.watch_booking_requests(signed(watch, &token)).await.unwrap().into_inner();
        assert!(!events.message().await.unwrap().unwrap().cursor.is_empty());
    }
}

/// What waits for a lock is given up when its client leaves, or has no more time.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_client_leaves_is_given_up() {
    let both = Both::start().await;
    let token = both.fixture.manager().await;
    let id = case("REQUESTED");
    let locked = format!("begin; select from booking_requests where id = '{id}' for update");
    both.fixture.sql.batch_execute(&locked).await.unwrap();
    for system in [&both.fixture.system, &both.over_sockets] {
        let url = format!("http://{}{}", system.gateway, path_of(id, "/approve"));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let approve = || client.post(&url).bearer_auth(&token).json(&json!({}));
        let asked = tokio::spawn(approve().send());
        let figures = Figures::of(system).await;
        let labels = |more: &str| {
            let method = "frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest";
            format!("{{part=\"booking\",method=\"{method}\"{more}}}")
        };
        let under_way = format!("frontdesk_rpc_under_way{}", labels(""));
        until_so("it is under way", async || figures.now(&under_way).await == Some(1.0)).await;
        asked.abort();
        let given_up = format!("frontdesk_rpc_calls_total{}", labels(",code=\"CANCELLED\",reason=\"\""));
        until_so("it is given up", async || figures.now(&given_up).await == Some(1.0)).await;
        let late = Answer::of(approve().header("x-request-timeout", "0.5")).await;
        late.refused(504, "DEADLINE_EXCEEDED");
    }
    both.fixture.sql.batch_execute("commit").await.unwrap();
    assert_eq!(both.fixture.get(&path_of(id, ""), &token).await.ok()["status"], "requested");
}
