//! How many calls a client may have under way at the gateway, and what the others notice.

use boot::TrustedProxies;
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::ErrorReason;
use frontdesk_proto::booking::v1::ListBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use uuid::Uuid;

use crate::figures::Figures;
use crate::fixture::{ANON_KEY, Answer, Fixture, channel, path_of, signed};
use crate::waits::until_so;

const REQUESTS: &str = "/v1/booking-requests";

/// A call whose body has not come yet: it has its room, and waits for nobody but the test.
struct Half(TcpStream);

impl Half {
    async fn approve(fixture: &Fixture, id: Uuid, token: &str) -> Self {
        let mut stream = TcpStream::connect(fixture.system.gateway).await.unwrap();
        let path = path_of(id, "/approve");
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        Self(stream)
    }

    /// Sends the rest; gives the answer.
    async fn ends(mut self) -> String {
        self.0.write_all(b"}").await.unwrap();
        let mut answer = String::new();
        self.0.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_too_many_calls_is_refused_in_every_protocol_and_alone() {
    let gateway = gateway::Policy {
        most_calls_of_client: 2,
        trusted_proxies: TrustedProxies::loopback(),
        ..gateway::Policy::default()
    };
    let fixture = Fixture::start_under(Policies { gateway, ..Policies::default() }).await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 901, 400, 402).await;
    let calls = [Half::approve(&fixture, id, &token).await, Half::approve(&fixture, id, &token).await];
    let figures = Figures::of(&fixture.system).await;
    let under_way = "frontdesk_http_requests_under_way{part=\"gateway\",protocol=\"rest\"}";
    until_so("two calls under way", async || figures.read(under_way).await == 2).await;
    let refused = fixture.get(REQUESTS, &token).await;
    refused.refused(429, "TOO_MANY_CALLS");
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.body["metadata"], json!({"limit": "2", "setting": "CALL_LIMIT_CLIENT"}));
    // A page may read it.
    let origin = "http://localhost:3000";
    let page = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).header("origin", origin);
    assert_eq!(
        Answer::of(page).await.refused(429, "TOO_MANY_CALLS").headers["access-control-allow-origin"],
        origin
    );
    let grpc = BookingRequestServiceClient::new(channel(fixture.system.gateway))
        .list_booking_requests(signed(ListBookingRequestsRequest::default(), &token))
        .await
        .unwrap_err();
    assert_eq!(grpc.code(), Code::ResourceExhausted);
    assert_eq!(frontdesk_proto::reason_of(&grpc), Some(ErrorReason::TooManyCalls));
    let web = fixture.request(Method::POST, "/frontdesk.booking.v1.PropertyService/ListProperties");
    let web = web.header("content-type", "application/grpc-web+proto").body(vec![0; 5]).send().await.unwrap();
    assert_eq!(web.headers()["grpc-status"], "8");
    assert_eq!(web.headers()["content-type"], "application/grpc-web+proto");
    // A client of Supabase takes 4xx on a refresh for the end of its session.
    let refresh = fixture.request(Method::POST, "/auth/v1/token?grant_type=refresh_token");
    let refresh = refresh.header("apikey", ANON_KEY).json(&json!({"refresh_token": "x"}));
    let refresh = Answer::of_a_stranger(refresh).await;
    assert_eq!((refresh.status, &refresh.headers["retry-after"]), (503, &"1".parse().unwrap()));
    // Probes and other clients go on.
    for page in ["/livez", "/readyz", "/version"] {
        Answer::of(fixture.request(Method::GET, page)).await.ok();
    }
    let other = fixture.request(Method::GET, REQUESTS).bearer_auth(&token);
    Answer::of(other.header("x-forwarded-for", "192.0.2.1")).await.ok();
    for call in calls {
        let answer = call.ends().await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    fixture.get(REQUESTS, &token).await.ok();
}
