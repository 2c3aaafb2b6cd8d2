use futures::stream;
use http::header::ACCEPT;
use http::{HeaderName, Method};
use transcode::Transcoder;

use super::*;

const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
const EVENTS: &str = "text/event-stream";

/// The types that a feed and a stream with an end answer to these lines of `Accept`.
fn answered(lines: &[&str]) -> [Option<&'static str>; 2] {
    let values = lines.iter().map(|line| (ACCEPT, HeaderValue::from_bytes(line.as_bytes()).unwrap()));
    let headers: HeaderMap = values.collect();
    [true, false].map(|is_feed| Format::accepted(&headers, is_feed).ok().map(|(_, media)| media))
}

#[test]
fn accept_chooses_the_form_and_a_feed_is_an_array_for_whoever_takes_nothing_else() {
    for (accept, feed, with_end) in [
        ("*/*", LINES, LINES),
        ("", LINES, LINES),
        ("application/*", LINES, LINES),
        ("text/*", EVENTS, EVENTS),
        (EVENTS, EVENTS, EVENTS),
        ("TEXT/Event-Stream", EVENTS, EVENTS),
        ("text/event-stream; charset=utf-8", EVENTS, EVENTS),
        ("text/event-stream, */*", EVENTS, EVENTS),
        ("text/event-stream;q=0.5, */*", LINES, LINES),
        ("text/event-stream;q=0, application/json", JSON, JSON),
        ("text/event-stream;q=0.000, */*", LINES, LINES),
        ("application/x-ndjson;q=0, */*", "application/jsonl", "application/jsonl"),
        ("application/jsonl", "application/jsonl", "application/jsonl"),
        (JSON, JSON, JSON),
        ("application/json;q=0.1", JSON, JSON),
        ("application/json, */*;q=0", JSON, JSON),
        ("application/json, application/problem+json", JSON, JSON),
        // What axios and jQuery send unless they are told.
        ("application/json, text/plain, */*", LINES, JSON),
        ("application/json, text/javascript, */*; q=0.01", LINES, JSON),
        ("application/json, text/event-stream", EVENTS, JSON),
        ("application/json, text/event-stream;q=0.1", EVENTS, JSON),
        ("application/x-ndjson;q=0.2, text/event-stream;q=0.3", EVENTS, EVENTS),
    ] {
        assert_eq!(answered(&[accept]), [Some(feed), Some(with_end)], "{accept}");
    }
    assert_eq!(answered(&[]), [Some(LINES); 2]);
    assert_eq!(answered(&["text/html", "text/event-stream"]), [Some(EVENTS); 2]);
    assert_eq!(answered(&["application/json", "*/*"]), [Some(LINES), Some(JSON)]);
    for accept in ["text/html", "*/*;q=0", "application/json;q=0", "application/xml, \u{fc}/*"] {
        assert_eq!(answered(&[accept]), [None; 2], "{accept}");
    }
}

/// A message of the feed of booking requests in its frame.
fn message(cursor: &str) -> Frame<Bytes> {
    let mut message = Vec::new();
    prost::encoding::string::encode(2, &cursor.to_owned(), &mut message);
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    Frame::data([&[0][..], &length, &message].concat().into())
}

async fn told(routes: &Transcoder, format: Format, cursor: Option<u32>, frames: Vec<Frame<Bytes>>) -> String {
    let renderer = routes.route(&Method::GET, "/v1/booking-requests/watch").unwrap().renderer();
    let body = StreamBody::new(stream::iter(frames.into_iter().map(Ok::<_, Status>)));
    let source = Source { body: Body::new(body), until: None, broken: None };
    let form = Form { format, media: EVENTS, cursor, runbook: Runbook::default() };
    let response = response(form, renderer, &HeaderMap::new(), source);
    assert_eq!(response.headers()[VARY], "accept");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn an_event_has_the_position_after_it_as_its_id_if_a_browser_can_send_that_back() {
    let routes = crate::routes::compile().unwrap();
    let ok = || {
        let status = (HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"));
        Frame::trailers(HeaderMap::from_iter([status]))
    };
    for (cursor, id) in [
        ("c-7", "id: c-7\n"),
        ("\u{e9}", "id: \u{e9}\n"),
        ("", ""),
        ("a\nevent: x", ""),
        ("a\r", ""),
        ("a\0", ""),
    ] {
        let frames = || vec![message(cursor), ok()];
        let events = told(&routes, Format::Events, Some(2), frames()).await;
        assert!(events.starts_with(&format!("{id}data: {{")) && events.ends_with("}\n\n"), "{events:?}");
        assert_eq!(events.lines().count(), 2 + id.lines().count(), "{events:?}");
        for (format, cursor) in [(Format::Events, None), (Format::Lines, Some(2)), (Format::Array, Some(2))] {
            assert!(!told(&routes, format, cursor, frames()).await.contains("id: "), "{format:?}");
        }
    }
}

/// A browser reads the last event as any other, and goes on where it says.
#[test]
fn the_last_event_of_a_stream_that_fails_leads_on_where_the_reason_says() {
    let failed = |go_on: Option<&str>| {
        let refusal = Refusal::new(ErrorReason::CursorExpired, "Too old.");
        let refusal = match go_on {
            Some(cursor) => refusal.with("go_on", cursor),
            None => refusal,
        };
        let form =
            Form { format: Format::Events, media: EVENTS, cursor: Some(2), runbook: Runbook::default() };
        String::from_utf8(form.failure(&refusal.into(), false).to_vec()).unwrap()
    };
    assert!(failed(Some("c-9")).starts_with("event: error\nid: c-9\ndata: {"), "{}", failed(Some("c-9")));
    for none in [None, Some(""), Some("a\nb")] {
        assert!(failed(none).starts_with("event: error\ndata: {"), "{none:?}");
    }
}

#[test]
fn the_last_item_of_a_stream_that_fails_leads_to_the_page_of_its_reason() {
    let known = Failure::from(Refusal::new(ErrorReason::CursorExpired, "Too old."));
    let unknown = Failure::Status(Status::aborted("x"), HeaderMap::new());
    let runbook: Runbook = "https://api.example.com/runbook".parse().unwrap();
    for (format, begin, end) in [
        (Format::Lines, "", "\n"),
        (Format::Events, "event: error\ndata: ", "\n\n"),
        (Format::Array, "[", "]\n"),
    ] {
        for (runbook, failure, page) in [
            (Runbook::default(), &known, "/runbook/CURSOR_EXPIRED"),
            (runbook.clone(), &known, "https://api.example.com/runbook/CURSOR_EXPIRED"),
            (runbook.clone(), &unknown, "about:blank"),
        ] {
            let form = Form { format, media: "", cursor: None, runbook };
            let item = form.failure(failure, true);
            let item = std::str::from_utf8(&item).unwrap();
            let json = item.strip_prefix(begin).unwrap().strip_suffix(end).unwrap();
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(json["error"]["type"], page);
        }
    }
}

/// Of a refusal a browser tells its page nothing, and does not come again.
#[tokio::test]
async fn a_browser_whose_position_is_gone_is_told_where_to_go_on_by_an_event() {
    let gone = |go_on: bool| {
        let refusal = Refusal::new(ErrorReason::CursorUnknown, "It is gone.");
        let refusal = if go_on { refusal.with("go_on", "c-1") } else { refusal };
        Failure::Status(refusal.into(), HeaderMap::new())
    };
    let form = |format| Form { format, media: EVENTS, cursor: Some(2), runbook: Runbook::default() };
    assert!(form(Format::Events).leads_on_from(&gone(true)));
    assert!(!form(Format::Events).leads_on_from(&gone(false)));
    assert!(!form(Format::Lines).leads_on_from(&gone(true)));
    let response = over(&form(Format::Events), &gone(true));
    assert_eq!(
        (response.status().as_u16(), &response.headers()[CONTENT_TYPE]),
        (200, &EVENTS.parse().unwrap())
    );
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(b"event: error\nid: c-1\ndata: {\"error\":"), "{body:?}");
}

#[tokio::test]
async fn a_browser_comes_again_after_what_passes_and_when_it_is_told() {
    let form = |format| Form { format, media: EVENTS, cursor: Some(2), runbook: Runbook::default() };
    let full = Refusal::new(ErrorReason::Overloaded, "Full.").retry_after(Duration::from_millis(1500));
    let gone = Refusal::new(ErrorReason::UpstreamUnavailable, "Gone.");
    for (failure, begin) in [
        (Failure::from(full.clone()), "retry: 1500\nevent: error\ndata: {"),
        (Failure::Status(full.into(), HeaderMap::new()), "retry: 1500\nevent: error\ndata: {"),
        (gone.into(), "event: error\ndata: {"),
        (Failure::Status(Status::unavailable("x"), HeaderMap::new()), "event: error\ndata: {"),
    ] {
        assert!(form(Format::Events).comes_again_after(&failure), "{failure:?}");
        assert!(!form(Format::Lines).comes_again_after(&failure), "{failure:?}");
        let response = over(&form(Format::Events), &failure);
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(body.starts_with(begin.as_bytes()), "{body:?}");
    }
    let never = Failure::from(Refusal::new(ErrorReason::ScopeMissing, "No."));
    assert!(!form(Format::Events).comes_again_after(&never));
}
