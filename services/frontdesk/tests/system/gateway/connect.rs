//! Connect on the port of the gateway, as it is on the wire. What published clients make of it
//! is in `gateway/tests/clients`.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use frontdesk_proto::booking::v1::{
    GetBookingRequestRequest, GetBookingRequestResponse, WatchBookingRequestsRequest,
    WatchBookingRequestsResponse,
};
use prost::Message;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, case};

const GET: &str = "/frontdesk.booking.v1.BookingRequestService/GetBookingRequest";
const APPROVE: &str = "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest";
const WATCH: &str = "/frontdesk.booking.v1.BookingRequestService/WatchBookingRequests";
const IMPORT: &str = "/frontdesk.booking.v1.CustomerService/ImportCustomers";

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn envelope(flags: u8, message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[flags][..], &length, message].concat()
}

/// The first envelope of an answer that goes on, and of one that has ended all.
fn envelopes(mut rest: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    while let [flags, a, b, c, d, after @ ..] = rest {
        let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
        let Some((message, left)) = after.split_at_checked(length) else { break };
        found.push((*flags, message.to_vec()));
        rest = left;
    }
    found
}

fn post(fixture: &Fixture, path: &str, content_type: &str, body: Vec<u8>) -> RequestBuilder {
    fixture.request(Method::POST, path).header("content-type", content_type).body(body)
}

/// How a stream ended that ends at once.
async fn end(request: RequestBuilder) -> Json {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 200);
    let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(content_type.starts_with("application/connect+"), "{content_type}");
    let found = envelopes(&response.bytes().await.unwrap());
    let [(2, last)] = &found[..] else { panic!("{found:?}") };
    serde_json::from_slice(last).unwrap()
}

/// The first message of a stream that goes on.
async fn first(mut response: Response) -> (u8, Vec<u8>) {
    let mut all = Vec::new();
    loop {
        all.extend_from_slice(&response.chunk().await.unwrap().expect("the stream goes on"));
        if let Some(first) = envelopes(&all).into_iter().next() {
            return first;
        }
    }
}

/// An error with this word, reason and status.
#[track_caller]
fn refused(answer: &Answer, status: u16, word: &str, reason: &str) {
    assert_eq!((answer.status, answer.body["code"].as_str()), (status, Some(word)), "{}", answer.body);
    assert_eq!(answer.headers["content-type"], "application/json");
    let info = &answer.body["details"][0];
    assert_eq!((&info["type"], &info["debug"]["reason"]), (&json!("google.rpc.ErrorInfo"), &json!(reason)));
}

#[tokio::test]
async fn a_method_that_answers_once_is_called_in_both_codecs_by_post_and_by_get() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED").to_string();
    let wire = GetBookingRequestRequest { booking_request_id: id.clone() }.encode_to_vec();
    let asked = json!({"bookingRequestId": id}).to_string();

    let answer = Answer::of_a_stranger(
        post(&fixture, GET, "application/json", asked.clone().into()).bearer_auth(&token),
    )
    .await;
    let request = &answer.ok()["bookingRequest"];
    assert_eq!(
        (&request["id"], &request["status"]),
        (&json!(id), &json!("BOOKING_REQUEST_STATUS_REQUESTED"))
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["cache-control"], "private, no-cache");
    // What nobody knows is passed over, and the name of the proto file does as well.
    let other = json!({"booking_request_id": id, "later": {"x": [1]}}).to_string();
    let answer = post(&fixture, GET, "Application/JSON; charset=UTF-8", other.into()).bearer_auth(&token);
    assert_eq!(Answer::of_a_stranger(answer).await.ok()["bookingRequest"]["id"], id);

    let response =
        post(&fixture, GET, "application/proto", wire.clone()).bearer_auth(&token).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/proto".parse().unwrap())
    );
    let by_post = GetBookingRequestResponse::decode(response.bytes().await.unwrap()).unwrap();
    assert_eq!(by_post.booking_request.unwrap().id, id);

    let base64 = base64_url(&gzip(&wire));
    for query in [
        format!(
            "connect=v1&encoding=json&message={}",
            asked.replace('"', "%22").replace('{', "%7B").replace('}', "%7D")
        ),
        format!("message={}&base64=1&encoding=json&x=y", base64_url(asked.as_bytes())),
        format!("connect=v1&encoding=proto&base64=1&compression=gzip&message={base64}"),
    ] {
        let request = fixture.request(Method::GET, &format!("{GET}?{query}")).bearer_auth(&token);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{query}");
        // No cache between keeps what one caller may see for others.
        assert_eq!(response.headers()["cache-control"], "private, no-cache", "{query}");
        let body = response.bytes().await.unwrap();
        assert!(body.windows(id.len()).any(|part| part == id.as_bytes()), "{query}");
    }
    let head =
        fixture.request(Method::HEAD, &format!("{GET}?encoding=json&message=%7B%7D")).bearer_auth(&token);
    assert_eq!(head.send().await.unwrap().status(), 400, "an id is missing");
}

fn base64_url(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letters = |part: &[u8]| {
        let padded = [part, &[0; 2]].concat();
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        let letter = |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]);
        (0..=part.len()).map(letter).collect::<String>()
    };
    bytes.chunks(3).map(letters).collect()
}

#[tokio::test]
async fn a_refusal_has_a_word_a_status_and_its_reason_and_changes_nothing() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let before = fixture.snapshot().await;
    let send =
        |path: &str, body: &str| post(&fixture, path, "application/json", body.into()).bearer_auth(&token);
    let of = Answer::of_a_stranger;

    let nobody = of(post(&fixture, GET, "application/json", b"{}".to_vec())).await;
    refused(&nobody, 401, "unauthenticated", "CREDENTIALS_MISSING");
    assert_eq!(nobody.headers["www-authenticate"], "Bearer");
    let viewer = fixture.token(frontdesk::demo::VIEWER).await;
    let id = json!({"bookingRequestId": case("REQUESTED")}).to_string();
    let may_not = of(post(&fixture, APPROVE, "application/json", id.into()).bearer_auth(&viewer)).await;
    refused(&may_not, 403, "permission_denied", "SCOPE_MISSING");
    let unknown = of(send(GET, r#"{"bookingRequestId":"0198a3b2-0000-7000-8000-000000000000"}"#)).await;
    refused(&unknown, 404, "not_found", "BOOKING_REQUEST_NOT_FOUND");
    for broken in ["", "{", "[]", r#"{"bookingRequestId":7}"#, "{}{}"] {
        refused(&of(send(GET, broken)).await, 400, "invalid_argument", "MALFORMED_REQUEST");
    }
    for (name, value) in
        [("connect-protocol-version", "2"), ("connect-timeout-ms", "1.5"), ("connect-timeout-ms", "")]
    {
        let answer = of(send(APPROVE, "{}").header(name, value)).await;
        refused(&answer, 400, "invalid_argument", "INVALID_HEADER");
        assert_eq!(answer.body["details"][0]["debug"]["metadata"]["header"], name);
    }
    refused(
        &of(send(APPROVE, "{}").header("connect-timeout-ms", "0")).await,
        504,
        "deadline_exceeded",
        "DEADLINE_EXCEEDED",
    );
    let coded = of(send(APPROVE, "{}").header("content-encoding", "br")).await;
    refused(&coded, 501, "unimplemented", "UNSUPPORTED_MEDIA_TYPE");
    assert!(coded.body["message"].as_str().unwrap().contains("gzip"));
    let twice = |name, value| of(send(APPROVE, "{}").header(name, value).header(name, value));
    let codings = twice("content-encoding", "gzip").await;
    refused(&codings, 501, "unimplemented", "UNSUPPORTED_MEDIA_TYPE");
    refused(&twice("connect-protocol-version", "1").await, 400, "invalid_argument", "INVALID_HEADER");
    let bomb = gzip(&vec![b' '; 50_000_000]);
    let bomb = post(&fixture, APPROVE, "application/json", bomb).header("content-encoding", "gzip");
    refused(&of(bomb.bearer_auth(&token)).await, 429, "resource_exhausted", "PAYLOAD_TOO_LARGE");
    for query in
        ["", "?encoding=json", "?encoding=json&message=%zz", "?connect=v2&encoding=json&message=%7B%7D"]
    {
        let answer = of(fixture.request(Method::GET, &format!("{GET}{query}")).bearer_auth(&token)).await;
        refused(&answer, 400, "invalid_argument", "MALFORMED_REQUEST");
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn what_is_no_call_of_the_protocol_is_told_what_would_be_one() {
    let fixture = Fixture::start().await;
    let send = |method: Method, path: &str, content_type: &str| {
        let request = fixture.request(method, path);
        let request =
            if content_type.is_empty() { request } else { request.header("content-type", content_type) };
        Answer::of_a_stranger(request)
    };
    for (path, content_type, taken) in [
        (GET, "image/jpeg", "application/proto"),
        (GET, "", "application/proto"),
        (GET, "application/json; charset=latin1", "application/proto"),
        (GET, "application/connect+json", "application/proto"),
        (WATCH, "application/json", "application/connect+json"),
    ] {
        let answer = send(Method::POST, path, content_type).await;
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE");
        assert!(answer.headers["accept-post"].to_str().unwrap().contains(taken), "{content_type}");
    }
    let codec = send(Method::GET, &format!("{GET}?encoding=xml&message="), "").await;
    codec.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    for (method, path, allow) in [
        (Method::DELETE, GET, "GET, HEAD, OPTIONS, POST"),
        (Method::GET, APPROVE, "OPTIONS, POST"),
        (Method::GET, WATCH, "OPTIONS, POST"),
    ] {
        let answer = send(method, path, "").await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.headers["allow"], allow);
    }
    let nowhere = send(Method::POST, "/frontdesk.booking.v1.NoService/Nothing", "application/proto").await;
    nowhere.refused(404, "ROUTE_NOT_FOUND");
    let between =
        send(Method::POST, "/frontdesk.identity.v1.RevocationService/Watch", "application/connect+json")
            .await;
    between.refused(404, "ROUTE_NOT_FOUND");
}

#[tokio::test]
async fn a_stream_has_messages_in_envelopes_and_says_how_it_ended() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let wire =
        WatchBookingRequestsRequest { cursor: "start".to_owned(), ..Default::default() }.encode_to_vec();
    let watch =
        |content_type: &str, body: Vec<u8>| post(&fixture, WATCH, content_type, body).bearer_auth(&token);
    let response = watch("application/connect+proto", envelope(0, &wire)).send().await.unwrap();
    let (flags, message) = first(response).await;
    assert_eq!(flags, 0);
    assert!(!WatchBookingRequestsResponse::decode(&*message).unwrap().cursor.is_empty());

    let packed = envelope(1, &gzip(br#"{"cursor":"start"}"#));
    let request = watch("application/connect+json", packed).header("connect-content-encoding", "gzip");
    let response = request.header("connect-accept-encoding", "br, gzip").send().await.unwrap();
    assert_eq!(response.headers()["connect-content-encoding"], "gzip");
    let (flags, mut message) = first(response).await;
    if flags == 1 {
        let mut plain = Vec::new();
        GzDecoder::new(&*message).read_to_end(&mut plain).unwrap();
        message = plain;
    }
    let message: Json = serde_json::from_slice(&message).unwrap();
    assert!(message["cursor"].is_string(), "{message}");

    let nobody = end(post(&fixture, WATCH, "application/connect+json", envelope(0, b"{}"))).await;
    assert_eq!(nobody["error"]["code"], "unauthenticated");
    assert_eq!(nobody["error"]["details"][0]["debug"]["reason"], "CREDENTIALS_MISSING");
    let late = watch("application/connect+json", envelope(0, br#"{"cursor":""}"#))
        .header("connect-timeout-ms", "200");
    let late = late.send().await.unwrap().bytes().await.unwrap();
    let (flags, last) = envelopes(&late).pop().unwrap();
    let last: Json = serde_json::from_slice(&last).unwrap();
    assert_eq!((flags, &last["error"]["code"]), (2, &json!("deadline_exceeded")), "{last}");
}

#[tokio::test]
async fn a_stream_that_cannot_be_read_ends_with_the_protocols_code() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let one = envelope(0, b"{}");
    for (path, coding, body, word) in [
        (WATCH, "", vec![], "unimplemented"),
        (WATCH, "", [&one[..], &one].concat(), "unimplemented"),
        (WATCH, "identity", envelope(1, b"{}"), "internal"),
        (WATCH, "zstd", one.clone(), "unimplemented"),
        (WATCH, "gzip", envelope(1, b"{}"), "invalid_argument"),
        (WATCH, "", envelope(2, b"{}"), "invalid_argument"),
        (WATCH, "", one[..6].to_vec(), "invalid_argument"),
        (WATCH, "", envelope(0, b"{"), "invalid_argument"),
        (WATCH, "", b"\0\xff\0\0\0".to_vec(), "resource_exhausted"),
        // A method that takes a stream is told of it as well.
        (IMPORT, "", envelope(2, b"{}"), "invalid_argument"),
        (IMPORT, "", b"\0\xff\0\0\0".to_vec(), "resource_exhausted"),
    ] {
        let request = post(&fixture, path, "application/connect+json", body.clone()).bearer_auth(&token);
        let request =
            if coding.is_empty() { request } else { request.header("connect-content-encoding", coding) };
        let end = end(request).await;
        assert_eq!(end["error"]["code"], word, "{path} {coding} {body:?}: {end}");
        assert!(!end["error"]["message"].as_str().unwrap().is_empty());
    }
    // What came before may be stored.
    let file = envelope(0, br#"{"file":{"contentType":"text/csv","data":"ZXh0ZXJuYWxfaWQsbmFtZQo="}}"#);
    let body = [&file[..], b"\0\xff\0\0\0"].concat();
    let late = end(post(&fixture, IMPORT, "application/connect+json", body).bearer_auth(&token)).await;
    let message = late["error"]["message"].as_str().unwrap();
    assert_eq!(late["error"]["code"], "resource_exhausted");
    assert!(
        !message.contains("Nothing was stored") && message.ends_with("read before you send it again."),
        "{message}"
    );
}

#[tokio::test]
async fn answers_are_compressed_and_read_messages_inflated() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = "/frontdesk.booking.v1.BookingRequestService/ListBookingRequests";
    let send = |body: Vec<u8>| post(&fixture, path, "application/json", body).bearer_auth(&token);
    let plain = send(b"{}".to_vec()).send().await.unwrap().bytes().await.unwrap();
    for (accept, encoding) in [("gzip", "gzip"), ("br, gzip", "br")] {
        let packed = send(gzip(b"{}")).header("content-encoding", "gzip").header("accept-encoding", accept);
        let packed = packed.send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], encoding);
        assert!(packed.bytes().await.unwrap().len() < plain.len() / 2);
    }
}
