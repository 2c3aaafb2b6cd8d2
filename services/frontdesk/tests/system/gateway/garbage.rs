//! What is not a request is refused with its place, and nothing is stored.

use frontdesk::demo;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, case, path_of};

const REQUESTS: &str = "/api/v1/booking-requests";

fn good() -> serde_json::Value {
    json!({
        "property_id": "0d000000-0000-7000-8000-000000000203",
        "guest_id": "0d000000-0000-7000-8000-000000000303",
        "check_in": "2030-07-01", "check_out": "2030-07-08",
    })
}

#[tokio::test]
async fn bad_fields_are_named_and_nothing_is_stored() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    for (field, value, code) in [
        ("property_id", json!("x"), "INVALID_FIELD"),
        ("property_id", json!(""), "INVALID_FIELD"),
        ("property_id", json!("'; drop table bookings; --"), "INVALID_FIELD"),
        ("guest_id", json!(7), "MALFORMED_REQUEST"),
        ("check_in", json!("01.07.2030"), "INVALID_FIELD"),
        ("check_in", json!("infinity"), "INVALID_FIELD"),
        ("check_out", json!("2030-06-30"), "INVALID_FIELD"),
        ("check_out", json!("2030-07-01"), "INVALID_FIELD"),
        ("check_out", json!("2199-07-01"), "INVALID_FIELD"),
        ("guest_count", json!(-1), "INVALID_FIELD"),
        ("guest_count", json!(1e9), "INVALID_FIELD"),
        ("guest_count", json!("many"), "MALFORMED_REQUEST"),
        ("message", json!("\u{0}"), "INVALID_FIELD"),
        ("message", json!("x".repeat(4001)), "INVALID_FIELD"),
        ("status", json!("confirmed"), "MALFORMED_REQUEST"),
    ] {
        let mut body = good();
        body[field] = value;
        let answer = fixture.post(REQUESTS, &token, &body).await;
        answer.refused(400, code);
        assert_eq!(answer.body["violations"][0]["field"], field, "{}", answer.body);
    }
    for id in ["x", "0d000000-0000-7000-8000", "%00", "..%2f..", "null"] {
        fixture.get(&format!("{REQUESTS}/{id}"), &token).await.refused(400, "INVALID_FIELD");
    }
    fixture.get(&path_of(uuid::Uuid::now_v7(), ""), &token).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn bodies_that_are_not_json_are_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    let post = |content_type: &'static str, body: Vec<u8>| {
        let request = fixture.request(Method::POST, REQUESTS).bearer_auth(&token).body(body);
        Answer::of(if content_type.is_empty() {
            request
        } else {
            request.header("content-type", content_type)
        })
    };
    let json = good().to_string().into_bytes();
    for content_type in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/json; charset=latin1",
    ] {
        post(content_type, json.clone()).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for body in [
        b"{".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe".to_vec(),
        vec![b'['; 500_000],
        b"{\"a\":1,\"a\":1}".to_vec(),
    ] {
        post("application/json", body).await.refused(400, "MALFORMED_REQUEST");
    }
    post("application/json", vec![b' '; 10_000_000]).await.refused(413, "PAYLOAD_TOO_LARGE");
    for (encoding, status, code) in
        [("br", 415, "UNSUPPORTED_MEDIA_TYPE"), ("gzip", 400, "MALFORMED_REQUEST")]
    {
        let encoded = fixture.request(Method::POST, REQUESTS).bearer_auth(&token);
        let encoded = encoded.header("content-encoding", encoding).header("content-type", "application/json");
        Answer::of(encoded.body(json.clone())).await.refused(status, code);
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn routes_methods_and_accept_are_checked() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for path in
        ["/", "/nothing", "/api/v1/booking-requests/", "/api//v1/booking-requests", "/api/v1/../v1/me/x"]
    {
        fixture.get(path, &token).await.refused(404, "ROUTE_NOT_FOUND");
    }
    let answer = Answer::of(fixture.request(Method::DELETE, REQUESTS).bearer_auth(&token)).await;
    answer.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.headers["allow"], "GET, HEAD, OPTIONS, POST");
    let options = Answer::of(fixture.request(Method::OPTIONS, REQUESTS)).await;
    assert_eq!(
        (options.status, options.headers["allow"].to_str().unwrap()),
        (204, "GET, HEAD, OPTIONS, POST")
    );
    let head = Answer::of(fixture.request(Method::HEAD, REQUESTS).bearer_auth(&token)).await;
    assert_eq!((head.status, head.body.is_null()), (200, true));
    let accept = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).header("accept", "text/html");
    Answer::of(accept).await.refused(406, "NOT_ACCEPTABLE");
    fixture.get(&format!("{REQUESTS}/%zz"), &token).await.refused(400, "MALFORMED_REQUEST");
    let unknown =
        fixture.get("/frontdesk.booking.v1.BookingRequestService/ListBookingRequests", &token).await;
    unknown.refused(404, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn parameters_are_strict() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (query, field) in [
        ("state=requested", "state"),
        ("status=open", "status"),
        ("page_size=1&page_size=2", "page_size"),
        ("page_size=ten", "page_size"),
        ("tenant_id=0d000000-0000-7000-8000-00000000000b", "tenant_id"),
    ] {
        let answer = fixture.get(&format!("{REQUESTS}?{query}"), &token).await;
        assert_eq!(answer.refused(400, "MALFORMED_REQUEST").body["violations"][0]["field"], field);
    }
    for query in
        ["page_size=-1", "page_size=1&limit=2", "property_id=x", "stay_from=tomorrow", "status=unspecified"]
    {
        fixture.get(&format!("{REQUESTS}?{query}"), &token).await.refused(400, "INVALID_FIELD");
    }
    fixture.get(&format!("{REQUESTS}?page_token=nonsense"), &token).await.refused(400, "INVALID_PAGE_TOKEN");
}

#[tokio::test]
async fn forged_identity_headers_change_nothing() {
    let fixture = Fixture::start().await;
    let viewer = fixture.token(demo::VIEWER).await;
    let request = fixture.request(Method::POST, &path_of(case("REQUESTED"), "/approve")).bearer_auth(viewer);
    let request = request
        .header("x-user-id", "0d000000-0000-7000-8000-000000000101")
        .header("x-scopes", "bookings:approve")
        .header("grpc-metadata-x-tenant-id", demo::OTHER_TENANT.to_string())
        .header("x-forwarded-for", "127.0.0.1");
    Answer::of(request).await.refused(403, "SCOPE_MISSING");
    let token = fixture.manager().await;
    let twice = fixture.request(Method::GET, "/v1/me").bearer_auth(&token);
    let twice = twice
        .header("x-tenant-id", demo::TENANT.to_string())
        .header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(twice).await.refused(400, "INVALID_HEADER");
    let odd = fixture.request(Method::GET, "/v1/me").bearer_auth(&token).header("x-tenant-id", "alpine");
    Answer::of(odd).await.refused(400, "INVALID_HEADER");
    let id = fixture.request(Method::GET, "/livez").header("x-request-id", "my-id.1");
    assert_eq!(Answer::of(id).await.headers["x-request-id"], "my-id.1");
}
