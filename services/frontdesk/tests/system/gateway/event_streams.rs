//! Streams of events as browsers read them (`EventSource`, HTML 9.2): where one that comes
//! again goes on, and who signs it in.

use std::time::Duration;

use frontdesk::demo;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use crate::fixture::{Answer, Fixture, case, path_of};

const WATCH: &str = "/api/v1/booking-requests/watch";
const ORIGIN: &str = "http://localhost:5173";
const LAST: &str = "last-event-id";
/// What a browser adds to a read of the page's own origin.
const OURS: (&str, &str) = ("sec-fetch-site", "same-origin");

/// An event as a browser tells it to the page.
#[derive(Debug)]
struct Event {
    id: String,
    data: Json,
}

/// A stream that is read.
struct Events {
    answer: Response,
    text: String,
}

impl Events {
    fn of(answer: Response) -> Self {
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["content-type"]),
            (200, &"text/event-stream".parse().unwrap())
        );
        Self { answer, text: String::new() }
    }

    async fn open(request: RequestBuilder) -> Self {
        Self::of(request.header("accept", "text/event-stream").send().await.unwrap())
    }

    /// The next event, be it a heartbeat.
    async fn next(&mut self) -> Event {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let (id, data) = (field("id: "), field("data: "));
                self.text = String::from(rest);
                if let Some(data) = data {
                    return Event { id: id.unwrap_or_default(), data: serde_json::from_str(&data).unwrap() };
                }
                continue;
            }
            let chunk =
                timeout(Duration::from_secs(20), self.answer.chunk()).await.expect("a heartbeat at least");
            self.text += std::str::from_utf8(&chunk.unwrap().expect("the stream goes on")).unwrap();
        }
    }

    /// The next that something has happened in: what, and its id.
    async fn happened(&mut self) -> (Json, String) {
        loop {
            let Event { id, data } = self.next().await;
            assert_eq!(data["cursor"], *id, "the id is where to go on");
            if !data["event"].is_null() {
                return (data["event"]["kind"].clone(), id);
            }
        }
    }
}

fn watch(fixture: &Fixture, query: &str) -> RequestBuilder {
    fixture.request(Method::GET, &format!("{WATCH}{query}"))
}

/// A call of a page with its cookie and nothing else of its own.
fn page(fixture: &Fixture, query: &str, cookie: &str, said: &[(&str, &str)]) -> RequestBuilder {
    let request = watch(fixture, query).header("accept", "text/event-stream").header("cookie", cookie);
    said.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

/// The cookie that an answer sets.
fn cookie_of(headers: &reqwest::header::HeaderMap) -> String {
    let set = headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).next();
    let set = set.expect("the session goes on with another cookie");
    assert!(set.contains("; HttpOnly; SameSite=Strict"), "{set}");
    set.split(';').next().unwrap().to_owned()
}

async fn sign_in(fixture: &Fixture, email: &str) -> String {
    let login = json!({"email": email, "password": demo::PASSWORD});
    let login = fixture.request(Method::POST, "/console/session").header("origin", ORIGIN).json(&login);
    let answer = Answer::of(login).await;
    answer.ok();
    cookie_of(&answer.headers)
}

#[tokio::test]
async fn a_browser_that_comes_again_hears_what_happened_since_and_nothing_twice() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut first = Events::open(watch(&fixture, "?cursor=start").bearer_auth(&token)).await;
    first.next().await;
    for step in ["/review", "/approve"] {
        fixture.post(&path_of(case("REQUESTED"), step), &token, &json!({})).await.ok();
    }
    let (begun, at) = loop {
        let (kind, id) = first.happened().await;
        if kind == "review_started" {
            break (kind, id);
        }
    };
    assert_eq!(first.happened().await.0, "approved");
    // What the address was opened with was true then.
    for query in ["", "?cursor=start", "?cursor=nonsense"] {
        let again = watch(&fixture, query).bearer_auth(&token).header(LAST, &at);
        let (kind, id) = Events::open(again).await.happened().await;
        assert!(kind == "approved" && id != at, "{query}: {kind}");
    }
    // One that has heard nothing yet sends nothing, or nothing in it.
    let empty = watch(&fixture, "?cursor=start").bearer_auth(&token).header(LAST, "");
    let mut from_start = Events::open(empty).await;
    while from_start.happened().await.0 != begun {}
    // Lines go on as well, and have the position in them.
    let lines =
        watch(&fixture, "").bearer_auth(&token).header(LAST, &at).header("accept", "application/x-ndjson");
    let mut lines = lines.send().await.unwrap();
    let mut text = String::new();
    while !text.contains("\"approved\"") {
        text += std::str::from_utf8(&lines.chunk().await.unwrap().unwrap()).unwrap();
    }
    assert!(!text.contains("\"review_started\"") && !text.contains("id: "), "{text}");
}

#[tokio::test]
async fn a_position_that_is_none_is_refused_as_that_of_a_parameter() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let ask = |values: &[&[u8]]| {
        let request = watch(&fixture, "").bearer_auth(&token).header("accept", "text/event-stream");
        Answer::of(values.iter().fold(request, |request, value| request.header(LAST, *value)))
    };
    ask(&[b"nonsense"]).await.refused(400, "INVALID_FIELD");
    for (values, what) in [(&[&b"\xff\xfe"[..]][..], "UTF-8"), (&[b"start", b"start"], "twice")] {
        let refused = ask(values).await;
        refused.refused(400, "INVALID_HEADER");
        assert_eq!(refused.body["metadata"]["header"], LAST);
        assert!(refused.body["detail"].as_str().unwrap().contains(what), "{}", refused.body);
    }
    // That of another tenant names no event of this one.
    let other = fixture.token(demo::OTHER_OWNER).await;
    let mut theirs = Events::open(watch(&fixture, "?cursor=start").bearer_auth(&other)).await;
    let id = fixture.open_request(demo::OTHER_TENANT, 7, 500, 502).await;
    fixture.post(&path_of(id, "/approve"), &other, &json!({})).await.ok();
    let (_, strange) = theirs.happened().await;
    let lines = watch(&fixture, "").bearer_auth(&token).header(LAST, &strange);
    Answer::of(lines.header("accept", "application/x-ndjson")).await.refused(409, "CURSOR_UNKNOWN");
    // A browser would give up for good: it is told by an event, from whose id it goes on.
    let told = watch(&fixture, "").bearer_auth(&token).header(LAST, &strange);
    let told = told.header("accept", "text/event-stream").send().await.unwrap();
    assert_eq!(told.status(), 200);
    let told = told.text().await.unwrap();
    let field = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    let error: Json = serde_json::from_str(field("data: ")).unwrap();
    assert_eq!((field("event: "), &error["error"]["code"]), ("error", &json!("CURSOR_UNKNOWN")));
    assert_eq!(error["error"]["metadata"]["go_on"], field("id: "));
    Events::open(watch(&fixture, "").bearer_auth(&token).header(LAST, field("id: "))).await.next().await;
    // A call that is no stream has no position, whatever is sent.
    let me = fixture.request(Method::GET, "/v1/me").bearer_auth(&token).header(LAST, "nonsense");
    Answer::of(me).await.ok();
}

#[tokio::test]
async fn the_cookie_of_a_page_signs_its_stream_in_and_goes_on_with_each() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let cookie = sign_in(&fixture, demo::MANAGER).await;
    let opened = page(&fixture, "?cursor=start", &cookie, &[OURS]).send().await.unwrap();
    let next = cookie_of(opened.headers());
    assert_ne!(next, cookie);
    let mut events = Events::of(opened);
    events.next().await;
    fixture.post(&path_of(case("REQUESTED"), "/review"), &token, &json!({})).await.ok();
    let (mut kind, mut at) = events.happened().await;
    while kind != "review_started" {
        (kind, at) = events.happened().await;
    }
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    let again = page(&fixture, "?cursor=start", &next, &[OURS, (LAST, &at)]).send().await.unwrap();
    let next = cookie_of(again.headers());
    assert_eq!(Events::of(again).happened().await.0, "approved");

    // A page of an allowed origin says so, and may read what it gets.
    let allowed = page(&fixture, "", &next, &[("origin", ORIGIN)]).send().await.unwrap();
    assert_eq!(allowed.headers()["access-control-allow-origin"], ORIGIN);
    assert_eq!(allowed.headers()["access-control-allow-credentials"], "true");
    let next = cookie_of(allowed.headers());
    Events::of(allowed).next().await;
    // What is refused behind it has used the cookie up as well.
    let refused = Answer::of(page(&fixture, "?cursor=nonsense", &next, &[OURS])).await;
    refused.refused(400, "INVALID_FIELD");
    let next = cookie_of(&refused.headers);
    let refresh = fixture.request(Method::POST, "/console/session/refresh").header("origin", ORIGIN);
    Answer::of(refresh.header("cookie", &next)).await.ok();
}

#[tokio::test]
async fn a_browser_whose_answer_was_lost_goes_on_with_the_cookie_that_it_has() {
    let fixture = Fixture::start().await;
    let cookie = sign_in(&fixture, demo::MANAGER).await;
    let earlier = "update identity.sessions set rotated_at = rotated_at - interval '11 seconds'";
    for _ in 0..2 {
        // The stream is read, so that its token was used; its cookie is not kept.
        let opened = page(&fixture, "", &cookie, &[OURS]).send().await.unwrap();
        Events::of(opened).next().await;
        fixture.execute(earlier, &[]).await;
    }
    let opened = page(&fixture, "", &cookie, &[OURS]).send().await.unwrap();
    let next = cookie_of(opened.headers());
    Events::of(opened).next().await;
    let refresh = async |cookie: &str| {
        let refresh = fixture.request(Method::POST, "/console/session/refresh").header("origin", ORIGIN);
        Answer::of(refresh.header("cookie", cookie)).await
    };
    let renewed = refresh(&next).await;
    fixture.get("/v1/me", renewed.ok()["access"].as_str().unwrap()).await.ok();
    fixture.execute(earlier, &[]).await;
    // Whoever has the first one still is somebody else by now.
    refresh(&cookie).await.refused(401, "REFRESH_TOKEN_REUSED");
}

#[tokio::test]
async fn the_cookie_alone_opens_nothing_else_and_nothing_for_another_site() {
    let fixture = Fixture::start().await;
    let cookie = sign_in(&fixture, demo::MANAGER).await;
    for said in [
        &[][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "none")],
        &[OURS, ("sec-fetch-site", "cross-site")],
    ] {
        let refused = Answer::of_a_stranger(page(&fixture, "", &cookie, said)).await;
        refused.refused(401, "SIGN_IN_REQUIRED");
        assert!(!refused.headers.contains_key("set-cookie"), "{said:?}");
    }
    let evil = Answer::of(page(&fixture, "", &cookie, &[("origin", "https://evil.example"), OURS])).await;
    evil.refused(403, "ORIGIN_NOT_ALLOWED");
    for (method, path, accept) in [
        (Method::GET, "/v1/me", "text/event-stream, */*"),
        (Method::GET, WATCH, "application/x-ndjson"),
        (Method::GET, WATCH, "*/*"),
        (Method::HEAD, WATCH, "text/event-stream"),
        (Method::GET, "/v1/audit-events/export", "text/event-stream"),
    ] {
        let call = fixture.request(method, path).header("cookie", &cookie).header("accept", accept);
        let refused = Answer::of_a_stranger(call.header(OURS.0, OURS.1)).await;
        assert_eq!(refused.status, 401, "{path} {accept}: {}", refused.body);
        assert!(!refused.headers.contains_key("set-cookie"), "{path} {accept}");
    }
    // Over HTTPS, whose pages alone are told from others at a name, another cookie counts.
    let named = page(&fixture, "", &cookie, &[OURS, ("host", "api.example")]);
    Answer::of_a_stranger(named).await.refused(401, "SIGN_IN_REQUIRED");
    let two = format!("{cookie}; frontdesk_session=planted");
    Answer::of_a_stranger(page(&fixture, "", &two, &[OURS])).await.refused(401, "SIGN_IN_REQUIRED");
    // None of these has used it up.
    let opened = page(&fixture, "", &cookie, &[OURS]).send().await.unwrap();
    let next = cookie_of(opened.headers());
    Events::of(opened).next().await;
    let ended = fixture.request(Method::DELETE, "/console/session").header("origin", ORIGIN);
    assert_eq!(Answer::of(ended.header("cookie", &next)).await.status, 204);
    let over = Answer::of_a_stranger(page(&fixture, "", &next, &[OURS])).await;
    over.refused(401, "REFRESH_TOKEN_INVALID");
}

#[tokio::test]
async fn a_page_names_its_tenant_in_the_address_where_it_can_send_no_header() {
    let fixture = Fixture::start().await;
    let mut cookie = sign_in(&fixture, demo::MANAGER).await;
    let (ours, other) = (demo::TENANT, demo::OTHER_TENANT);
    let opened = page(&fixture, &format!("?x-tenant-id={ours}"), &cookie, &[OURS]).send().await.unwrap();
    cookie = cookie_of(opened.headers());
    Events::of(opened).next().await;
    for (query, status, code) in [
        (format!("?x-tenant-id={other}"), 403, "TENANT_ACCESS_DENIED"),
        (format!("?x-tenant-id={ours}&x-tenant-id={ours}"), 400, "INVALID_HEADER"),
        ("?x-tenant-id=alpine".to_owned(), 400, "INVALID_HEADER"),
    ] {
        let refused = Answer::of(page(&fixture, &query, &cookie, &[OURS])).await;
        refused.refused(status, code);
        cookie = cookie_of(&refused.headers);
    }
    // Whoever can send a header has no such parameter.
    let token = fixture.manager().await;
    let named = watch(&fixture, &format!("?x-tenant-id={ours}")).bearer_auth(&token);
    Answer::of(named).await.refused(400, "MALFORMED_REQUEST");
}

#[tokio::test]
async fn weights_choose_the_form_of_a_stream() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (lines, content_type) in [
        (&["application/json, text/plain, */*"][..], "application/x-ndjson"),
        (&["text/event-stream;q=0, application/json"], "application/json"),
        (&["application/json", "text/event-stream;q=0.2"], "text/event-stream"),
        (&["TEXT/EVENT-STREAM; charset=utf-8"], "text/event-stream"),
        (&["application/jsonl"], "application/jsonl"),
        (&[], "application/x-ndjson"),
    ] {
        let ask = watch(&fixture, "?cursor=start").bearer_auth(&token);
        let answer = lines.iter().fold(ask, |ask, line| ask.header("accept", *line)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], content_type, "{lines:?}");
        assert!(answer.headers().get_all("vary").iter().any(|value| value == "accept"));
    }
    for lines in [&["text/html"][..], &["*/*;q=0"], &["text/event-stream;q=0.000"]] {
        let ask = watch(&fixture, "").bearer_auth(&token);
        let refused = Answer::of(lines.iter().fold(ask, |ask, line| ask.header("accept", *line))).await;
        refused.refused(406, "NOT_ACCEPTABLE");
    }
}
