//! What HTTP asks of a server, row by row (RFC 9110, 9112): requests that are none, conditions,
//! what an answer says of itself, and what is the same for everybody.

use std::io::Write as _;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use frontdesk::demo;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::fixture::{ANON_KEY, Answer, Fixture, case, path_of};

const REQUESTS: &str = "/v1/booking-requests";
const ORIGIN: &str = "http://localhost:5173";

/// What is answered to these bytes, as it comes over the wire, until the gateway closes.
async fn say(gateway: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(gateway).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

/// A refusal says in its body which status it has, as every other problem.
fn problem(answer: &str) -> Json {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{answer}");
    let body: Json = serde_json::from_str(body).unwrap();
    assert_eq!(body["status"], status(answer));
    body
}

#[tokio::test]
async fn requests_that_are_none_are_refused() {
    let fixture = Fixture::start().await;
    let before = fixture.snapshot().await;
    let end = "connection: close\r\n\r\n";
    let login = "POST /v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let long = format!("cookie: {}\r\n", "a=b;".repeat(4_500));
    for (request, expected, header) in [
        (format!("GET /livez HTTP/1.1\r\n{end}"), 400, "host"),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\nhost: x\r\n{end}"), 400, "host"),
        (format!("GET /livez HTTP/1.1\r\nhost: x y\r\n{end}"), 400, "host"),
        (format!("GET /livez HTTP/1.1\r\nhost:\r\n{end}"), 400, "host"),
        (format!("GET /livez HTTP/1.1\r\nhost: me@x\r\n{end}"), 400, "host"),
        (format!("GET /livez HTTP/1.0\r\nhost: x\r\nhost: y\r\n{end}"), 400, "host"),
        (format!("{login}transfer-encoding: gzip, chunked\r\n{end}0\r\n\r\n"), 501, "transfer-encoding"),
        (format!("{login}transfer-encoding: chunked, chunked\r\n{end}0\r\n\r\n"), 501, "transfer-encoding"),
        (
            format!("{login}content-type: application/json\r\ncontent-length: 2\r\n{end}{{}}"),
            400,
            "content-type",
        ),
        (format!("GET /livez HTTP/1.1\r\nhost: x\r\n{long}{end}"), 431, "cookie"),
    ] {
        let answer = say(fixture.system.gateway, &request).await;
        assert_eq!(status(&answer), expected, "{request}: {answer}");
        let problem = problem(&answer);
        assert_eq!(
            (&problem["code"], &problem["metadata"]["header"]),
            (&json!("INVALID_HEADER"), &json!(header))
        );
    }
    let grpc = "POST /frontdesk.identity.v1.UserService/GetMe HTTP/1.1\r\nhost: x\r\ncontent-type: application/grpc\r\ncontent-length: 5\r\n";
    let answer = say(fixture.system.gateway, &format!("{grpc}{end}\0\0\0\0\0")).await;
    assert_eq!((status(&answer), &problem(&answer)["code"]), (505, &json!("MALFORMED_REQUEST")));
    for taken in [
        format!("GET /livez HTTP/1.0\r\n{end}"),
        format!("GET /livez HTTP/1.1\r\nhost: X.example.:8080\r\n{end}"),
        format!("GET http://x/livez HTTP/1.1\r\nhost: y\r\n{end}"),
    ] {
        let answer = say(fixture.system.gateway, &taken).await;
        assert_eq!(status(&answer), 200, "{taken}: {answer}");
    }
    assert_eq!(fixture.snapshot().await, before);
}

/// The answer comes before the body, which never comes here.
#[tokio::test]
async fn a_body_that_says_that_it_is_too_long_is_refused_at_once() {
    let fixture = Fixture::start().await;
    for path in [REQUESTS, "/v1/auth/login", "/auth/v1/token?grant_type=password", "/console/session"] {
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\norigin: {ORIGIN}\r\napikey: {ANON_KEY}\r\n\
             content-type: application/json\r\ncontent-length: 50000000\r\nexpect: 100-continue\r\n\
             connection: close\r\n\r\n"
        );
        let answer = say(fixture.system.gateway, &request).await;
        assert_eq!(status(&answer), 413, "{path}: {answer}");
    }
}

#[tokio::test]
async fn conditions_are_heeded_or_refused() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    let etag = fixture.get(&path, &token).await.headers["etag"].to_str().unwrap().to_owned();
    let before = fixture.snapshot().await;
    let approve = path_of(case("REQUESTED"), "/approve");
    for (condition, status) in [("*", 412), (&etag, 400), ("\"other\"", 400)] {
        let refused = fixture.post_with(&approve, &token, ("if-none-match", condition), &json!({})).await;
        refused.refused(status, "INVALID_HEADER");
        assert_eq!(refused.body["metadata"], json!({"header": "if-none-match"}));
        let told = refused.body["detail"].as_str().unwrap();
        assert!(told.contains("If-Match") && told.contains("Nothing was stored"), "{told}");
    }
    assert_eq!(fixture.snapshot().await, before);
    // What is said of how an answer is kept is said of the same answer without its body.
    let ask = |known: &str| {
        Answer::of(fixture.request(Method::GET, &path).bearer_auth(&token).header("if-none-match", known))
    };
    let (whole, known) = (ask("\"a,b\", \"c\"").await, ask(&format!("\"a,b\" ,{etag}")).await);
    assert_eq!((whole.status, known.status), (200, 304));
    for answer in [&whole, &known] {
        assert_eq!(answer.headers["cache-control"], "private, no-cache");
        assert_eq!(answer.headers["etag"], etag.as_str());
    }
    let vary = known.headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
    assert_eq!(vary.collect::<Vec<_>>(), ["accept-encoding", "origin"]);
}

#[tokio::test]
async fn what_is_read_of_ones_own_is_kept_by_no_shared_cache() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (path, expected) in [
        ("/v1/me", "private, no-cache"),
        (REQUESTS, "private, no-cache"),
        ("/v1/properties", "private, no-cache"),
    ] {
        for method in [Method::GET, Method::HEAD] {
            let answer = Answer::of(fixture.request(method, path).bearer_auth(&token)).await;
            assert_eq!((answer.status, &answer.headers["cache-control"]), (200, &expected.parse().unwrap()));
        }
    }
    let user = fixture.request(Method::GET, "/auth/v1/user").header("apikey", ANON_KEY).bearer_auth(&token);
    assert_eq!(Answer::of(user).await.headers["cache-control"], "no-store");
    for public in ["/.well-known/jwks.json", "/auth/v1/.well-known/jwks.json"] {
        let keys = Answer::of(fixture.request(Method::GET, public)).await;
        assert!(keys.headers["cache-control"].to_str().unwrap().contains("max-age"), "{public}");
    }
}

#[tokio::test]
async fn what_a_route_takes_is_named_where_something_else_was_sent() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let property = "/v1/properties/0d000000-0000-7000-8000-000000000203";
    let import = "/v1/customers/import";
    for (method, path, header, types) in [
        (Method::POST, REQUESTS, "accept-post", "application/json"),
        (Method::PATCH, property, "accept-patch", "application/json"),
    ] {
        let send = || fixture.request(method.clone(), path).bearer_auth(&token).body("<x/>");
        let refused = Answer::of(send().header("content-type", "application/xml")).await;
        assert_eq!(refused.refused(415, "UNSUPPORTED_MEDIA_TYPE").headers[header], types);
        let coded = send().header("content-type", "application/json");
        for codings in [&["br"][..], &["gzip", "br"], &["gzip, gzip"]] {
            let coded = coded.try_clone().unwrap();
            let coded = codings.iter().fold(coded, |request, one| request.header("content-encoding", *one));
            let refused = Answer::of(coded).await;
            assert_eq!(
                refused.refused(415, "UNSUPPORTED_MEDIA_TYPE").headers["accept-encoding"],
                "gzip, identity"
            );
            assert!(!refused.headers.contains_key(header), "the type was right");
        }
        let options = Answer::of(fixture.request(Method::OPTIONS, path)).await;
        assert_eq!((options.status, &options.headers[header]), (204, &types.parse().unwrap()));
    }
    let options = Answer::of(fixture.request(Method::OPTIONS, import)).await;
    assert!(options.headers["accept-post"].to_str().unwrap().contains("text/csv"), "{:?}", options.headers);
    let all = say(fixture.system.gateway, "OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
    assert!(
        status(&all) == 204 && all.contains("allow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"),
        "{all}"
    );
}

/// What a caller accepts, of answers that come at once.
#[tokio::test]
async fn weights_decide_whether_json_may_be_answered() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (lines, status) in [
        (&["application/json"][..], 200),
        (&["APPLICATION/JSON;Q=0.001"], 200),
        (&["application/json; charset=utf-8"], 200),
        (&["application/json;version=2"], 200),
        (&["text/html", "*/*;q=0.1"], 200),
        (&[""], 200),
        (&["application/json;q=0, */*"], 406),
        (&["application/json;q=0.000", "*/*"], 406),
        (&["*/*;q=0"], 406),
        (&["text/html, application/xhtml+xml"], 406),
        (&["text/plain;note=\", application/json\""], 406),
    ] {
        let ask = fixture.request(Method::GET, "/v1/me").bearer_auth(&token);
        let answer = Answer::of(lines.iter().fold(ask, |ask, line| ask.header("accept", *line))).await;
        assert_eq!(answer.status, status, "{lines:?}: {}", answer.body);
        if status == 406 {
            answer.refused(406, "NOT_ACCEPTABLE");
        }
    }
}

/// No origin has to be in a list for what anybody may read, and what is anybody's own stays closed.
#[tokio::test]
async fn documents_for_everybody_are_read_from_any_page() {
    let fixture = Fixture::start().await;
    let from =
        |method: Method, path: &str| fixture.request(method, path).header("origin", "https://evil.example");
    for (path, shared) in [
        ("/.well-known/jwks.json", true),
        ("/auth/v1/.well-known/jwks.json", true),
        ("/openapi.json", true),
        ("/livez", false),
        ("/readyz", false),
        ("/version", false),
        ("/docs", false),
        ("/runbook", false),
    ] {
        let answer = Answer::of_a_stranger(from(Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let allowed = answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(allowed, shared.then_some("*"), "{path}");
        assert!(!answer.headers.contains_key("access-control-allow-credentials"), "{path}");
        assert!(answer.headers.get_all("vary").iter().any(|value| value == "origin"), "{path}");
    }
    for (method, path) in [
        (Method::GET, "/v1/me"),
        (Method::GET, "/auth/v1/settings"),
        (Method::GET, "/v1/diagnostics/server"),
        (Method::POST, "/.well-known/jwks.json"),
        (Method::POST, "/console/session"),
    ] {
        let refused = Answer::of_a_stranger(from(method, path)).await;
        assert_eq!((refused.status, &refused.body["code"]), (403, &json!("ORIGIN_NOT_ALLOWED")), "{path}");
    }
}

#[tokio::test]
async fn compressed_bodies_are_taken_wherever_bodies_are() {
    let fixture = Fixture::start().await;
    let login = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
    let packed = |body: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(body).unwrap();
        encoder.finish().unwrap()
    };
    let json = "application/json";
    let send = |path: &str, body: Vec<u8>| -> RequestBuilder {
        let request = fixture.request(Method::POST, path).header("apikey", ANON_KEY).header("origin", ORIGIN);
        request.header("content-encoding", "gzip").header("content-type", json).body(body)
    };
    for path in ["/v1/auth/login", "/console/session", "/auth/v1/token?grant_type=password"] {
        Answer::of(send(path, packed(login.to_string().as_bytes()))).await.ok();
        let bomb = Answer::of_a_stranger(send(path, packed(&vec![b' '; 4_000_000]))).await;
        assert_eq!(bomb.status, 413, "{path}: {}", bomb.body);
        let garbage = Answer::of_a_stranger(send(path, b"{}".to_vec())).await;
        assert_eq!(garbage.status, 400, "{path}: {}", garbage.body);
    }
}
