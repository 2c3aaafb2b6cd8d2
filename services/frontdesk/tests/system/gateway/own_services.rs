//! Reflection and health on the port of the gateway, for whoever asks, in every protocol.

use std::net::SocketAddr;

use boot::TrustedProxies;
use frontdesk::system::Policies;
use reqwest::Method;
use serde_json::json;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use upstream::Upstream;

use crate::fixture::{Answer, Fixture};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
const REFLECTION_ALPHA: &str = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

fn health(addr: SocketAddr) -> HealthClient<Upstream> {
    HealthClient::new(addr.to_string().parse().unwrap())
}

fn of(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn the_health_of_the_whole_and_of_each_service_is_told_to_whoever_asks() {
    let fixture = Fixture::start().await;
    let mut client = health(fixture.system.gateway);
    for service in identity::SERVICES.iter().chain(&booking::SERVICES).copied().chain([""]) {
        // Marks of what was revoked are between the services.
        if service.ends_with("RevocationService") {
            continue;
        }
        let told = client.check(of(service)).await.unwrap().into_inner();
        assert_eq!(told.status(), ServingStatus::Serving, "{service}");
    }
    for unknown in ["frontdesk.booking.v1.NoService", "frontdesk.identity.v1.RevocationService"] {
        assert_eq!(client.check(of(unknown)).await.unwrap_err().code(), Code::NotFound, "{unknown}");
    }
    let mut watched = client.watch(of("frontdesk.booking.v1.PropertyService")).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    let json = fixture.request(Method::POST, CHECK).json(&json!({}));
    assert_eq!(Answer::of_a_stranger(json).await.ok(), &json!({"status": "SERVING"}));
    let by_get = fixture.request(Method::GET, &format!("{CHECK}?encoding=json&message=%7B%7D"));
    assert_eq!(Answer::of_a_stranger(by_get).await.ok()["status"], "SERVING");
    let web = fixture.request(Method::POST, CHECK).header("content-type", "application/grpc-web+proto");
    let web = web.body(vec![0; 5]).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(&web[..7], &[0, 0, 0, 0, 2, 8, 1]);

    // What is no message of theirs is no fault of the gateway's.
    let garbage = fixture.request(Method::POST, CHECK).header("content-type", "application/proto");
    let refused = Answer::of_a_stranger(garbage.body("\u{7f}\u{7f}")).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (400, &json!("invalid_argument")),
        "{}",
        refused.body
    );
    assert_eq!(refused.body["details"][0]["debug"]["reason"], "MALFORMED_REQUEST");
}

/// Both versions have the same messages: a question for the list, and a list of names.
#[tokio::test]
async fn reflection_of_both_versions_lists_what_is_behind_the_gateway() {
    let fixture = Fixture::start().await;
    // `list_services`, the seventh field, with a text that nobody reads.
    let question = [&[0, 0, 0, 0, 2][..], &[7 << 3 | 2, 0]].concat();
    let json = br#"{"listServices":""}"#;
    let json = [&[0, 0, 0, 0, u8::try_from(json.len()).unwrap()][..], json].concat();
    for path in [REFLECTION, REFLECTION_ALPHA] {
        for (content_type, question) in [
            ("application/grpc-web+proto", &question),
            ("application/connect+proto", &question),
            ("application/connect+json", &json),
        ] {
            let request = fixture.request(Method::POST, path).header("content-type", content_type);
            let response = request.body(question.clone()).send().await.unwrap();
            assert_eq!(response.status(), 200, "{path}");
            let said = String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned();
            for service in identity::SERVICES.iter().chain(&booking::SERVICES) {
                let is_between = service.ends_with("RevocationService");
                assert_eq!(said.contains(service), !is_between, "{path}: {service}");
            }
            assert!(said.contains("grpc.health.v1.Health"));
        }
    }
}

#[tokio::test]
async fn so_many_streams_are_open_at_once_and_others_and_single_questions_go_on() {
    // Callers say which address they have.
    let gateway =
        gateway::Policy { trusted_proxies: TrustedProxies::loopback(), ..gateway::Policy::default() };
    let fixture = Fixture::start_under(Policies { gateway, ..Policies::default() }).await;
    let mut client = health(fixture.system.gateway);
    let mut watched = Vec::new();
    let refused = loop {
        match client.watch(of("")).await {
            Ok(stream) => watched.push(stream),
            Err(status) => break status,
        }
        assert!(watched.len() <= 1000, "there is no limit");
    };
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert_eq!(frontdesk_proto::reason_of(&refused), Some(frontdesk_proto::ErrorReason::TooManyCalls));
    // What answers once needs no place of a stream, and others have their own.
    assert_eq!(client.check(of("")).await.unwrap().into_inner().status(), ServingStatus::Serving);
    let other = fixture.request(Method::POST, CHECK).header("x-forwarded-for", "192.0.2.1");
    Answer::of_a_stranger(other.json(&json!({}))).await.ok();
    Answer::of(fixture.request(Method::GET, "/readyz")).await.ok();
    drop(watched);
    // The gateway has to hear of it.
    while client.watch(of("")).await.is_err() {
        tokio::task::yield_now().await;
    }
}
