//! Paths, methods and `Accept`.

use reqwest::Method;

use crate::fixture::{Answer, Fixture};

const REQUESTS: &str = "/api/v1/booking-requests";

#[tokio::test]
async fn a_path_that_is_nothing_is_404_and_one_that_cannot_be_decoded_400() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for path in [
        "/nothing",
        "/api/v1/booking-requests/",
        "/api//v1/booking-requests",
        "/api/v1/../v1/me/x",
        // The path of a gRPC call that there is not.
        "/frontdesk.booking.v1.BookingRequestService/ListNothing",
    ] {
        let answer = fixture.get(path, &token).await;
        answer.refused(404, "ROUTE_NOT_FOUND");
        assert!(answer.body["detail"].as_str().unwrap().contains("/docs"), "{}", answer.body);
    }
    fixture.get(&format!("{REQUESTS}/%zz"), &token).await.refused(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn a_path_that_is_almost_one_is_refused_with_the_nearest() {
    let fixture = Fixture::start().await;
    let approve = "POST /api/v1/booking-requests/{booking_request_id}/approve";
    let long = format!("/v1/booking-request{}", "s".repeat(4_000));
    for (asked, near) in [
        ("/v1/booking-request", "GET and POST /v1/booking-requests."),
        ("/api/v1/booking_requests", "GET and POST /api/v1/booking-requests."),
        ("/booking-requests", "GET and POST /v1/booking-requests."),
        ("/api/v1/booking-requests/17/aprove", approve),
        ("/api/auth/v1/token", "POST /auth/v1/token."),
        ("/console/sessions", "DELETE and POST /console/session."),
        ("/ready", "GET /readyz."),
        ("/v1/invoices", ""),
        (&long, ""),
    ] {
        let answer = fixture.get(asked, "").await;
        answer.refused(404, "ROUTE_NOT_FOUND");
        let detail = answer.body["detail"].as_str().unwrap();
        let named = detail.split("Near it: ").nth(1).unwrap_or_default();
        assert!(named.starts_with(near) && named.is_empty() == near.is_empty(), "{asked}: {detail}");
    }
}

/// What is named is there: with this method it is answered by something else than 404.
#[tokio::test]
async fn whatever_path_is_named_is_served() {
    let fixture = Fixture::start().await;
    for asked in ["/livezz", "/readyzz", "/versions", "/openapi.jso", "/doc", "/runbooks", "/console/sesion"]
        .into_iter()
        .chain(["/auth/token", "/api/auth/v1/logout", "/api/auth/v1/health"])
    {
        let answer = fixture.get(asked, "").await;
        let detail = answer.body["detail"].as_str().unwrap_or_default().to_owned();
        let Some(named) = detail.split("Near it: ").nth(1) else { panic!("{asked}: {}", answer.body) };
        let (methods, path) = named.split_once(". ").unwrap().0.rsplit_once(' ').unwrap();
        for method in methods.split(" and ") {
            let called = fixture.request(method.parse().unwrap(), path);
            let status = called.send().await.unwrap().status();
            assert!(status != 404 && status != 405, "{method} {path}: {status}");
        }
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_405_with_those_that_it_takes() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let answer = Answer::of(fixture.request(Method::DELETE, REQUESTS).bearer_auth(&token)).await;
    answer.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.headers["allow"], "GET, HEAD, OPTIONS, POST");
    let options = Answer::of(fixture.request(Method::OPTIONS, REQUESTS)).await;
    assert_eq!(options.status, 204);
    assert_eq!(options.headers["allow"], "GET, HEAD, OPTIONS, POST");
    let head = Answer::of(fixture.request(Method::HEAD, REQUESTS).bearer_auth(&token)).await;
    assert_eq!((head.status, head.body.is_null()), (200, true));
}

#[tokio::test]
async fn an_answer_in_a_form_that_we_do_not_have_is_406() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let html = fixture.request(Method::GET, REQUESTS).bearer_auth(&token).header("accept", "text/html");
    Answer::of(html).await.refused(406, "NOT_ACCEPTABLE");
}

#[tokio::test]
async fn path_tricks_reach_no_handler() {
    let fixture = Fixture::start().await;
    let gateway = fixture.system.gateway;
    for path in [
        "/v1/auth/login/../../../v1/me",
        "/v1/auth/login%2f..%2f..%2fme",
        "//v1/me",
        "/v1//me",
        "/v1/me/",
        "/v1/me%00",
        "/./v1/me",
        "frontdesk.identity.v1.UserService/GetMe",
        "/frontdesk.identity.v1.UserService/GetMe",
        "/frontdesk.identity.v1.UserService//GetMe",
    ] {
        // By hand: a client library would tidy the path up.
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(gateway).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        assert!(matches!(status, 400 | 404), "{path}: {answer}");
    }
}

#[tokio::test]
async fn every_path_is_the_same_under_both_prefixes() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = "/booking-requests/0190163d-8694-739b-aea5-966c26f8ad91";
    for (method, path) in [
        (Method::GET, "/me"),
        (Method::HEAD, "/me"),
        (Method::OPTIONS, "/auth/login"),
        (Method::POST, "/auth/introspect"),
        (Method::DELETE, "/booking-requests"),
        (Method::GET, "/booking-requests?limit=1&limit=2"),
        (Method::GET, "/booking-requests/"),
        (Method::GET, "/booking-requests/%zz"),
        (Method::GET, "/booking-requests/a%2Fb"),
        (Method::GET, "/nothing"),
        (Method::GET, "/api/v1/me"),
        (Method::GET, id),
        (Method::PUT, id),
    ] {
        let ask = async |prefix: &str| {
            let path = format!("{prefix}{path}");
            let call = fixture.request(method.clone(), &path).bearer_auth(&token);
            let answer = Answer::of(call.header("origin", "http://localhost:3000")).await;
            let headers = ["allow", "content-type", "access-control-allow-origin"];
            let headers = headers.map(|name| answer.headers.get(name).cloned());
            (path, answer.status, answer.body["code"].clone(), headers, answer)
        };
        let (plain, alias) = (ask("/v1").await, ask("/api/v1").await);
        assert_eq!((&plain.1, &plain.2, &plain.3), (&alias.1, &alias.2, &alias.3), "{method} {path}");
        for (asked, .., answer) in [&plain, &alias] {
            // What an answer says about a path is about the one that was asked for.
            let detail = answer.body["detail"].as_str().unwrap_or_default();
            let names_path =
                matches!(answer.status, 404 | 405) && answer.body["code"] != "BOOKING_REQUEST_NOT_FOUND";
            assert!(!names_path || detail.contains(&format!(" {asked}")), "{asked}: {detail}");
        }
    }
    for path in ["/api/auth/v1/health", "/api/.well-known/jwks.json", "/api/livez"] {
        fixture.get(path, &token).await.refused(404, "ROUTE_NOT_FOUND");
    }
}
