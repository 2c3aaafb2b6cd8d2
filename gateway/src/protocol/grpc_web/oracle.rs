//! tonic-web as an oracle: what its layer makes of a call before a service of its own process,
//! and what its client reads, is what ours is and means. Where ours goes on, because the service
//! is elsewhere and its answer may end anyhow, a test says so.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use futures::stream;
use http::header::ACCEPT;
use http::{Method, Version};
use http_body_util::{BodyExt, StreamBody};
use tonic::Code;
use tonic_web::{GrpcWebClientService, GrpcWebLayer};
use tower::{Layer, ServiceExt, service_fn};

use super::*;

const FORMS: [(Form, &str); 4] = [
    (Form::Binary, "application/grpc-web"),
    (Form::Binary, "application/grpc-web+proto"),
    (Form::Text, "application/grpc-web-text"),
    (Form::Text, "application/grpc-web-text+proto"),
];
/// Where bytes are cut on their way: nowhere, everywhere, beside groups of base64 and prefixes.
const CUTS: [usize; 6] = [usize::MAX, 1, 3, 4, 5, 1000];

/// What comes of an answer: its content type, its other headers, and its bytes.
type Answered = (HeaderValue, HeaderMap, Vec<u8>);

fn message(flag: u8, text: &[u8]) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap().to_be_bytes();
    [&[flag][..], &length, text].concat()
}

/// What calls and answers hold: nothing, messages, one that is compressed, one that is long.
fn contents() -> Vec<Vec<u8>> {
    let several = [message(0, b"one"), message(0, b""), message(1, b"two, in gzip")].concat();
    vec![Vec::new(), message(0, b""), message(0, b"x"), several, message(0, &[b'l'; 100_000])]
}

fn pieces(bytes: &[u8], cut: usize) -> Vec<Result<Frame<Bytes>, Status>> {
    let pieces = bytes.chunks(cut.min(bytes.len().max(1)));
    pieces.map(|piece| Ok(Frame::data(Bytes::copy_from_slice(piece)))).collect()
}

fn body(frames: Vec<Result<Frame<Bytes>, Status>>) -> Body {
    Body::new(StreamBody::new(stream::iter(frames)))
}

fn request(content_type: &'static str, bytes: &[u8], cut: usize) -> Request<Body> {
    let mut request = Request::new(body(pieces(bytes, cut)));
    *request.method_mut() = Method::POST;
    *request.version_mut() = Version::HTTP_11;
    for name in [CONTENT_TYPE, ACCEPT] {
        request.headers_mut().insert(name, HeaderValue::from_static(content_type));
    }
    request
}

fn trailers(entries: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in entries {
        map.append(*name, HeaderValue::from_static(value));
    }
    map
}

/// The ways in which a service ends an answer.
fn endings() -> Vec<HeaderMap> {
    vec![
        trailers(&[("grpc-status", "0")]),
        trailers(&[("grpc-status", "5"), ("grpc-message", "n%C3%B6, 100%25: no"), ("x-more", "a, b: c")]),
        trailers(&[
            ("grpc-status", "9"),
            ("grpc-status-details-bin", "CAUSBGhlcmU="),
            ("x-two", "1"),
            ("x-two", "2"),
        ]),
    ]
}

/// A gRPC answer whose messages come in pieces.
fn grpc_answer(bytes: &[u8], cut: usize, ends: Option<&HeaderMap>) -> Response<Body> {
    let end = ends.map(|trailers| Ok(Frame::trailers(trailers.clone())));
    let mut response = Response::new(body(pieces(bytes, cut).into_iter().chain(end).collect()));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response.headers_mut().insert("grpc-encoding", HeaderValue::from_static("gzip"));
    response.headers_mut().append("x-meta", HeaderValue::from_static("a"));
    response.headers_mut().append("x-meta", HeaderValue::from_static("b"));
    response
}

/// What a service behind tonic-web's layer reads, and what a page reads of its answer.
async fn theirs(request: Request<Body>, answer: Response<Body>) -> (Option<Vec<u8>>, Response<Body>) {
    let read = Arc::new(Mutex::new(None));
    let (keep, answer) = (Arc::clone(&read), Arc::new(Mutex::new(Some(answer))));
    let service = service_fn(move |request: Request<Body>| {
        let (keep, answer) = (Arc::clone(&keep), Arc::clone(&answer));
        async move {
            assert_eq!(request.headers()[CONTENT_TYPE], "application/grpc");
            let bytes = request.into_body().collect().await.ok();
            *keep.lock().unwrap() = bytes.map(|whole| whole.to_bytes().to_vec());
            Ok::<_, Infallible>(answer.lock().unwrap().take().unwrap())
        }
    });
    let response = GrpcWebLayer::new().layer(service).oneshot(request).await.unwrap();
    let read = read.lock().unwrap().take();
    (read, response)
}

fn ours(answer: Response<Body>, form: Form) -> Response<Body> {
    super::answer(answer.map(|body| Cut::new(body, None)), form)
}

async fn told(response: Response<Body>) -> Answered {
    assert_eq!(response.status(), 200);
    let (mut head, body) = response.into_parts();
    let content_type = head.headers.remove(CONTENT_TYPE).unwrap();
    (content_type, head.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

#[tokio::test]
async fn a_service_reads_of_a_call_what_it_reads_behind_tonic_web() {
    for (form, content_type) in FORMS {
        for content in contents() {
            let sent = match form {
                Form::Binary => content.clone(),
                Form::Text => grpc_web::encode_text(&content).into_bytes(),
            };
            for cut in CUTS {
                let ours = web_request(request(content_type, &sent, cut), form).await.unwrap();
                assert_eq!(ours.headers()[CONTENT_TYPE], "application/grpc");
                let ours = ours.into_body().collect().await.unwrap().to_bytes();
                let answer = Response::new(Body::empty());
                let (theirs, _) = theirs(request(content_type, &sent, cut), answer).await;
                assert_eq!(theirs.as_deref(), Some(&*ours), "{content_type} cut at {cut}");
                assert_eq!(*ours, content);
            }
        }
    }
}

#[tokio::test]
async fn a_page_reads_of_an_answer_what_it_reads_behind_tonic_web() {
    for (form, content_type) in FORMS {
        for content in contents() {
            for (cut, ends) in CUTS.into_iter().zip(endings().into_iter().cycle()) {
                let answer = || grpc_answer(&content, cut, Some(&ends));
                let (_, theirs) = theirs(request(content_type, b"", 1), answer()).await;
                assert_eq!(told(ours(answer(), form)).await, told(theirs).await, "{content_type} {cut}");
            }
        }
        // A refusal is in the headers, and nothing follows.
        let refused = || {
            let mut response = Status::not_found("none here: ü").into_http::<Body>();
            response.headers_mut().insert("x-meta", HeaderValue::from_static("a"));
            response
        };
        let (_, theirs) = theirs(request(content_type, b"", 1), refused()).await;
        let ours = told(ours(refused(), form)).await;
        assert_eq!(ours, told(theirs).await, "{content_type}");
        assert!(ours.1.contains_key(Status::GRPC_STATUS) && ours.2.is_empty());
    }
}

#[tokio::test]
async fn a_client_of_tonic_web_reads_our_answers() {
    for content in contents() {
        for (cut, ends) in CUTS.into_iter().zip(endings().into_iter().cycle()) {
            let answer = Arc::new(Mutex::new(Some(grpc_answer(&content, cut, Some(&ends)))));
            let gateway = service_fn(move |request: Request<tonic_web::GrpcWebCall<Body>>| {
                let answer = answer.lock().unwrap().take().unwrap();
                async move {
                    let sent = web_request(request.map(Body::new), Form::Binary).await.unwrap();
                    let sent = sent.into_body().collect().await.unwrap().to_bytes();
                    assert_eq!(*sent, message(0, b"asked"));
                    Ok::<_, Infallible>(ours(answer, Form::Binary))
                }
            });
            let asked = Request::new(Body::new(Full::new(Bytes::from(message(0, b"asked")))));
            let read = GrpcWebClientService::new(gateway).oneshot(asked).await.unwrap();
            let whole = read.into_body().collect().await.unwrap();
            let mut expected = ends.clone();
            // Of a name that is there twice tonic-web's client keeps the last value.
            if let Some(last) = ends.get_all("x-two").iter().next_back() {
                expected.insert("x-two", last.clone());
            }
            assert_eq!(whole.trailers(), Some(&expected), "cut at {cut}");
            assert_eq!(*whole.to_bytes(), content);
        }
    }
}

#[tokio::test]
async fn ours_goes_on_where_a_service_elsewhere_or_a_page_does_not_keep_to_the_form() {
    // An answer that breaks off, without its trailers: a page must not take it for a whole one.
    let cut_off = || grpc_answer(&message(0, b"x"), 1000, None);
    let (_, theirs) = theirs(request("application/grpc-web", b"", 1), cut_off()).await;
    assert_eq!(told(theirs).await.2, message(0, b"x"));
    let (_, _, ours) = told(ours(cut_off(), Form::Binary)).await;
    let status = format!("grpc-status:{}\r\n", Code::Unavailable as i32);
    assert!(ours.starts_with(&message(0, b"x")), "{}", ours.escape_ascii());
    assert!(String::from_utf8_lossy(&ours).contains(&status), "{}", ours.escape_ascii());
    // Text in pieces that are each padded, which some clients send; and what is no text at all
    // is a status, where tonic-web breaks the body of a call that is under way.
    let padded = b"AAA=AAAB" as &[u8];
    let text = "application/grpc-web-text";
    let read = web_request(request(text, padded, 1000), Form::Text).await;
    assert_eq!(read.unwrap_err().reason(), ErrorReason::MalformedRequest, "it is no whole message");
    let padded = b"AAA=AAABYQ==" as &[u8];
    let read = web_request(request(text, padded, 1000), Form::Text).await.unwrap();
    assert_eq!(*read.into_body().collect().await.unwrap().to_bytes(), message(0, b"a"));
    assert_eq!(self::theirs(request(text, padded, 1000), Response::new(Body::empty())).await.0, None);
    let broken = web_request(request(text, b"!!!!", 1000), Form::Text).await;
    assert_eq!(broken.unwrap_err().reason(), ErrorReason::MalformedRequest);
}
