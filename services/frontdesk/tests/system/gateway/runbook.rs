//! The runbook as the gateway serves it, and how errors lead to it.

use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::booking::v1::GetBookingRequestRequest;
use frontdesk_proto::{ErrorReason, rpc};
use prost::Message;
use reqwest::{Method, Response};
use tonic::{Code, Status};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, signed};

async fn page(fixture: &Fixture, method: Method, path: &str, accept: &str) -> Response {
    fixture.request(method, path).header("accept", accept).send().await.unwrap()
}

const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

#[tokio::test]
async fn a_problem_leads_to_the_page_of_its_reason() {
    let fixture = Fixture::start().await;
    let refused = Answer::of(fixture.request(Method::GET, "/v1/me")).await;
    refused.refused(401, "CREDENTIALS_MISSING");
    let of_type = refused.body["type"].as_str().unwrap();
    assert_eq!(of_type, "/runbook/CREDENTIALS_MISSING");
    let found = page(&fixture, Method::GET, of_type, BROWSER).await;
    let policy = found.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(!policy.contains("script"), "{policy}");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=60"),
    ] {
        assert_eq!(found.headers()[name], value);
    }
    let vary: Vec<&str> = found.headers().get_all("vary").iter().map(|one| one.to_str().unwrap()).collect();
    assert!(vary.contains(&"accept") && vary.contains(&"accept-encoding"), "{vary:?}");
    let html = found.text().await.unwrap();
    assert!(
        html.contains("HTTP 401, gRPC UNAUTHENTICATED")
            && html.contains("<h2 id=\"root-cause\">Root cause</h2>"),
        "{html}"
    );
    assert!(!html.contains("<script") && !html.contains("https://"), "{html}");
}

#[tokio::test]
async fn the_list_leads_to_every_page_in_both_forms_and_unknown_pages_are_refused() {
    let fixture = Fixture::start().await;
    let list = page(&fixture, Method::GET, "/runbook", BROWSER).await.text().await.unwrap();
    let links: Vec<&str> = list.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() > ErrorReason::all().count(), "{links:?}");
    for link in links {
        let found = page(&fixture, Method::GET, &format!("/{link}"), BROWSER).await;
        assert_eq!(found.status(), 200, "{link}");
    }
    // What curl asks for is read in a terminal.
    let text = page(&fixture, Method::GET, "/runbook/cors", "*/*").await;
    assert_eq!(text.headers()["content-type"], "text/markdown; charset=utf-8");
    let text = text.text().await.unwrap();
    assert!(text.starts_with("# CORS\n"), "{text}");
    let head = page(&fixture, Method::HEAD, "/runbook/cors", "*/*").await;
    assert_eq!(head.headers()["content-length"], text.len().to_string().as_str());

    for unknown in ["/runbook/NONSENSE", "/runbook/", "/runbook/README", "/runbook/cors/more"] {
        let refused = Answer::of(fixture.request(Method::GET, unknown).header("accept", BROWSER)).await;
        refused.refused(404, "ROUTE_NOT_FOUND");
    }
    let refused = Answer::of(fixture.request(Method::GET, "/runbook/NONSENSE")).await;
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("no page NONSENSE") && detail.contains("GET /runbook lists"), "{detail}");
    let other = Answer::of(fixture.request(Method::POST, "/runbook/cors").body("{}")).await;
    other.refused(405, "METHOD_NOT_ALLOWED");
}

/// The links of a status.
fn links(status: &Status) -> Vec<String> {
    let details = rpc::Status::decode(status.details()).unwrap().details;
    let helps = details.iter().filter_map(|detail| detail.to_msg::<rpc::Help>().ok());
    helps.flat_map(|help| help.links).map(|link| link.url).collect()
}

#[tokio::test]
async fn told_where_the_runbook_is_problems_and_statuses_name_its_address() {
    let runbook: boot::Runbook = "https://api.example.com/runbook/".parse().unwrap();
    let fixture = Fixture::start_under(Policies {
        identity: identity::Policy { runbook: runbook.clone(), ..identity::Policy::default() },
        booking: booking::Policy { runbook: runbook.clone(), ..booking::Policy::default() },
        gateway: gateway::Policy { runbook, ..gateway::Policy::default() },
        ..Policies::default()
    })
    .await;
    let page = |reason: &str| format!("https://api.example.com/runbook/{reason}");
    let refused = Answer::of(fixture.request(Method::GET, "/v1/me")).await;
    refused.refused(401, "CREDENTIALS_MISSING");
    assert_eq!(refused.body["type"], page("CREDENTIALS_MISSING"));
    assert_eq!(
        refused.body["details"][2]["links"][0]["url"],
        page("CREDENTIALS_MISSING"),
        "{}",
        refused.body
    );

    let (mut client, token) = (fixture.booking(), fixture.manager().await);
    let asked = || GetBookingRequestRequest { booking_request_id: Uuid::now_v7().to_string() };
    let status = client.get_booking_request(signed(asked(), &token)).await.unwrap_err();
    assert_eq!((status.code(), links(&status)), (Code::NotFound, vec![page("BOOKING_REQUEST_NOT_FOUND")]));
    // What identity says of the caller, and booking passes on, has one link.
    let mut of_other_tenant = signed(asked(), &token);
    of_other_tenant.metadata_mut().insert("x-tenant-id", demo::OTHER_TENANT.to_string().parse().unwrap());
    let status = client.get_booking_request(of_other_tenant).await.unwrap_err();
    assert_eq!((status.code(), links(&status)), (Code::PermissionDenied, vec![page("TENANT_ACCESS_DENIED")]));

    // The gateway's own refusals over gRPC-Web.
    let answer = fixture
        .request(Method::POST, "/frontdesk.nowhere.v1.Service/Method")
        .header("content-type", "application/grpc-web+proto")
        .timeout(Duration::from_secs(5))
        .body(vec![0; 5])
        .send()
        .await
        .unwrap();
    let status = Status::from_header_map(answer.headers()).unwrap();
    assert_eq!((status.code(), links(&status)), (Code::Unimplemented, vec![page("ROUTE_NOT_FOUND")]));
}
