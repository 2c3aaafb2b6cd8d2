//! How many calls a client may have under way at the gateway, and what the others notice.

use boot::TrustedProxies;
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::ErrorReason;
use frontdesk_proto::booking::v1::ListBookingRequestsRequest;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use reqwest::Method;
use serde_json::json;
use tonic::Code;

use crate::fixture::{ANON_KEY, Answer, Fixture, channel, path_of, signed};

const REQUESTS: &str = "/v1/booking-requests";

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
    fixture.sql.batch_execute("begin").await.unwrap();
    fixture.sql.execute("select from booking_requests where id = $1 for update", &[&id]).await.unwrap();
    let approve = || async { fixture.post(&path_of(id, "/approve"), &token, &json!({})).await };
    let others = async {
        let waiting = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' \
            and application_name = 'frontdesk-booking' and datname = current_database()";
        while fixture.count(waiting, &[]).await < 2 {}
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
        let web =
            web.header("content-type", "application/grpc-web+proto").body(vec![0; 5]).send().await.unwrap();
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
        fixture.sql.batch_execute("rollback").await.unwrap();
    };
    let (first, second, ()) = tokio::join!(approve(), approve(), others);
    assert_eq!([first, second].map(|answer| answer.status), [200, 200]);
    fixture.get(REQUESTS, &token).await.ok();
}
