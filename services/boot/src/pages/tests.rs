use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
};
use http::{HeaderName, Method};
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::service::Routes;
use tonic::{Code, Status};
use tower::{ServiceExt, service_fn};

use super::*;
use crate::{
    Background, GrpcServer, Metrics, Observe, Readiness, Services, Stop, StopPolicy, bind, request_id,
};

const PAGE: &str = "http://localhost:5173";
const PATH: &str = "/frontdesk.booking.v1.BookingService/GetBooking";

type Headers<'h> = &'h [(HeaderName, &'static str)];

fn request(method: Method, version: Version, headers: Headers<'_>, body: &'static [u8]) -> Request<Body> {
    let mut request = Request::new(Body::new(Full::new(Bytes::from_static(body))));
    *request.method_mut() = method;
    *request.version_mut() = version;
    *request.uri_mut() = PATH.parse().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(name.clone(), HeaderValue::from_static(value));
    }
    request
}

/// Calls a service behind both layers that answers what it was sent and then refuses, or, with a
/// timeout, not at all. Says what the service saw: content type and message.
async fn called(origins: &str, request: Request<Body>) -> (Option<(String, Vec<u8>)>, Response<Body>) {
    let seen = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&seen);
    let service = service_fn(move |request: Request<Body>| {
        let keep = Arc::clone(&keep);
        async move {
            let content_type = request.headers().get(CONTENT_TYPE).unwrap().to_str().unwrap().to_owned();
            let hangs = request.headers().contains_key("grpc-timeout");
            let read = request.into_body().collect().await.unwrap().to_bytes();
            *keep.lock().unwrap() = Some((content_type, read.to_vec()));
            if hangs {
                std::future::pending::<()>().await;
            }
            let mut end = HeaderMap::new();
            Status::failed_precondition("not so").add_header(&mut end).unwrap();
            let body = Full::new(read).with_trailers(std::future::ready(Some(Ok(end))));
            let mut response = Response::new(Body::new(body));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            Ok::<_, Infallible>(response)
        }
    });
    let observe = Observe::of(&["frontdesk.booking.v1.BookingService"]);
    let scraped = observe.metrics("test");
    let layers = Pages::of(origins.parse().unwrap()).layer(observe.layer(service));
    let response = layers.oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    if seen.lock().unwrap().is_some() && head.headers.get("grpc-status").is_none() {
        let told = scraped.text(crate::Version { number: "1", commit: "1" }, &[], &[]);
        assert!(told.contains("FAILED_PRECONDITION"), "what the page reads is what is counted: {told}");
    }
    let seen = seen.lock().unwrap().take();
    (seen, Response::from_parts(head, Body::new(Full::new(body))))
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

#[tokio::test]
async fn a_page_of_a_named_origin_calls_as_grpc_does() {
    const MESSAGE: &[u8] = b"\0\0\0\0\x01x";
    for (content_type, sent, version) in [
        ("application/grpc-web", MESSAGE, Version::HTTP_11),
        ("Application/gRPC-Web+Proto; charset=utf-8", MESSAGE, Version::HTTP_2),
        ("application/grpc-web-text", b"AAAAAAF4", Version::HTTP_11),
    ] {
        let headers = [(CONTENT_TYPE, content_type), (ORIGIN, PAGE), (ACCEPT, "*/*")];
        let (seen, response) = called(PAGE, request(Method::POST, version, &headers, sent)).await;
        assert_eq!(seen.unwrap(), ("application/grpc".to_owned(), MESSAGE.to_vec()));
        let headers = response.headers();
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
        assert!(headers[ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap().contains("grpc-status-details-bin"));
        assert!(headers.contains_key(request_id::HEADER), "it is observed");
        let is_text = content_type.ends_with("text");
        let form = if is_text { "application/grpc-web-text+proto" } else { "application/grpc-web+proto" };
        assert_eq!(headers[CONTENT_TYPE], form);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        if is_text {
            assert!(body.starts_with(b"AAAAAAF4"), "{}", body.escape_ascii());
        } else {
            assert!(body.starts_with(MESSAGE), "{}", body.escape_ascii());
            let trailers = String::from_utf8_lossy(&body[MESSAGE.len() + 5..]);
            assert!(trailers.contains("grpc-status:9\r\n"), "{trailers}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_of_a_page_ends_with_its_deadline() {
    let timeout = (HeaderName::from_static("grpc-timeout"), "2S");
    let headers = [(CONTENT_TYPE, "application/grpc-web"), (ORIGIN, PAGE), timeout];
    let began = tokio::time::Instant::now();
    let (_, response) = called(PAGE, request(Method::POST, Version::HTTP_11, &headers, b"")).await;
    // A little early, so that the answer still arrives.
    assert!(began.elapsed().as_millis().div_ceil(100) == 20, "{:?}", began.elapsed());
    let status = Status::from_header_map(response.headers()).unwrap();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE, "its page can read it");
}

#[tokio::test]
async fn a_page_asks_before_it_calls() {
    let asked = |origin| {
        let wanted = (ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type,x-grpc-web");
        let headers = [(ORIGIN, origin), (ACCESS_CONTROL_REQUEST_METHOD, "POST"), wanted];
        called(PAGE, request(Method::OPTIONS, Version::HTTP_11, &headers, b""))
    };
    let (seen, allowed) = asked(PAGE).await;
    assert!(seen.is_none() && allowed.status() == StatusCode::NO_CONTENT);
    assert_eq!(allowed.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
    assert_eq!(allowed.headers()[ACCESS_CONTROL_ALLOW_HEADERS], "authorization,content-type,x-grpc-web");
    for foreign in ["http://localhost:3000", "https://localhost:5173", "null", "http://localhost:5173.evil"] {
        let (seen, refused) = asked(foreign).await;
        assert!(seen.is_none() && refused.status() == StatusCode::FORBIDDEN, "{foreign}");
        assert!(!refused.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{foreign}");
    }
}

#[tokio::test]
async fn who_may_not_is_told_which_setting_and_nothing_is_called() {
    let headers = [(CONTENT_TYPE, "application/grpc-web"), (ORIGIN, "https://evil.example")];
    for version in [Version::HTTP_11, Version::HTTP_2] {
        let (seen, refused) = called(PAGE, request(Method::POST, version, &headers, b"")).await;
        assert!(seen.is_none() && refused.status() == StatusCode::FORBIDDEN);
        let told = text(refused).await;
        assert!(told.contains("https://evil.example") && told.contains("DIRECT_ORIGINS"), "{told}");
    }
    let json = [(CONTENT_TYPE, "application/json")];
    let (seen, refused) = called(PAGE, request(Method::POST, Version::HTTP_11, &json, b"{}")).await;
    assert!(seen.is_none() && refused.status() == StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert!(text(refused).await.contains("application/grpc-web"));
    let web = [(CONTENT_TYPE, "application/grpc-web")];
    let (seen, refused) = called(PAGE, request(Method::GET, Version::HTTP_11, &web, b"")).await;
    assert!(seen.is_none() && refused.status() == StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn grpc_is_passed_on_as_it_is_and_so_is_all_where_no_origin_is_named() {
    let grpc = [(CONTENT_TYPE, "application/grpc")];
    for origins in [PAGE, ""] {
        let (seen, response) =
            called(origins, request(Method::POST, Version::HTTP_2, &grpc, b"\0\0\0\0\0")).await;
        assert_eq!(seen.unwrap().0, "application/grpc");
        assert!(!response.headers().contains_key(VARY));
    }
    let page = [(CONTENT_TYPE, "application/grpc-web"), (ORIGIN, PAGE)];
    let (seen, response) = called("", request(Method::POST, Version::HTTP_2, &page, b"AAAA")).await;
    assert_eq!(seen.unwrap().0, "application/grpc-web", "nobody translates it");
    assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
}

/// What a server says over HTTP/1.1 to a page that asks for its health.
async fn asked_over_http1(origins: &str) -> String {
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let addr = listener.local_addr().unwrap();
    let stop = Stop::new(StopPolicy::AT_ONCE);
    let services = Services {
        names: Vec::new(),
        routes: Routes::default(),
        observe: Observe::of(&[]),
        pages: origins.parse().unwrap(),
    };
    let readiness = Readiness::new(Background::new(stop.ending().clone()));
    let server = GrpcServer::new(listener.into(), services, readiness, Metrics::default());
    let serving = tokio::spawn(server.serve(stop));
    let mut stream = TcpStream::connect(addr).await.unwrap();
    let head = format!(
        "POST /grpc.health.v1.Health/Check HTTP/1.1\r\nhost: {addr}\r\norigin: {PAGE}\r\nconnection: close\r\n\
         content-type: application/grpc-web\r\ncontent-length: 5\r\n\r\n\0\0\0\0\0"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = Vec::new();
    // A server that does not speak it may end the connection anyhow.
    let read = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said)).await;
    assert!(read.is_ok(), "it ends the connection");
    serving.abort();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn http1_is_spoken_where_an_origin_is_named_and_nowhere_else() {
    let answered = asked_over_http1(PAGE).await;
    assert!(answered.starts_with("HTTP/1.1 200 OK\r\n"), "{answered}");
    assert!(answered.contains(&format!("access-control-allow-origin: {PAGE}\r\n")), "{answered}");
    assert!(answered.contains("grpc-status:0\r\n"), "{answered}");
    let refused = asked_over_http1("").await;
    assert!(!refused.contains("200") && !refused.contains("grpc-status"), "{refused}");
}
