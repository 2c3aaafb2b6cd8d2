mod conformance;

use http::Version;
use http::header::HOST;

use super::*;

#[test]
fn what_a_connection_moves_of_a_request_is_small() {
    let upstreams = Upstreams::nowhere();
    let transcoder = crate::routes::compile().unwrap();
    let pages = Pages::new(boot::Version { number: "0", commit: "none" });
    let edge = Edge::new(transcoder, pages, upstreams, Policy::default());
    let client = Client::at([127, 0, 0, 1].into());
    let answering = edge.answer(Request::new(Body::empty()), &client, ());
    assert!(size_of_val(&answering) <= 1024, "{} bytes", size_of_val(&answering));
}

/// Whoever the gateway has no room for may be taken by the service, so that nobody is
/// told apart for that.
#[tokio::test]
async fn what_the_gateway_refuses_itself_throttles_nobody() {
    let transcoder = crate::routes::compile().unwrap();
    let pages = Pages::new(boot::Version { number: "0", commit: "none" });
    let edge = Edge::new(transcoder, pages, Upstreams::nowhere(), Policy::default());
    let client = Client::at([127, 0, 0, 1].into());
    let path = "/frontdesk.identity.v1.UserService/GetMe";
    let _room = edge.inner.upstreams.of_path(path).unwrap().room().unwrap();
    for (path, content_type) in
        [("/v1/me", "application/json"), ("/auth/v1/.well-known/jwks.json", ""), (path, "application/grpc")]
    {
        let call = || {
            let method = if path.contains("Get") { Method::POST } else { Method::GET };
            let call = Request::builder().method(method).uri(path).version(Version::HTTP_2);
            call.header(CONTENT_TYPE, content_type).body(Body::empty()).unwrap()
        };
        let answer = edge.answer(call(), &client, ()).await;
        let refused = answer.status() == 503 || answer.headers()["grpc-status"] == "14";
        assert!(refused, "{path}: {answer:?}");
        let passed_on = edge.inner.throttle.pass_on(&call(), false, &client);
        assert!(passed_on.unwrap().is_none(), "{path}: callers are told apart");
    }
}

/// Over REST any path is the caller's, so that what costs no service anything would let
/// through twice as many calls that one has no room for.
#[tokio::test]
async fn what_the_gateway_answers_itself_is_no_call_that_a_service_took() {
    let transcoder = crate::routes::compile().unwrap();
    let pages = Pages::new(boot::Version { number: "0", commit: "none" });
    let edge = Edge::new(transcoder, pages, Upstreams::nowhere(), Policy::default());
    let client = Client::at([127, 0, 0, 1].into());
    let throttle = &edge.inner.throttle;
    throttle.answered(None, End::Refused);
    for (method, path, status) in [
        (Method::GET, "/docs", 200),
        (Method::POST, "/v1/nothing", 404),
        (Method::OPTIONS, "/v1/me", 204),
        (Method::PUT, "/console/session", 405),
        (Method::DELETE, "/auth/v1/user", 401),
    ] {
        let call = || {
            let call = Request::builder().method(&method).uri(path).header(HOST, "localhost");
            call.body(Body::empty()).unwrap()
        };
        let pass_on = || throttle.pass_on(&call(), false, &client);
        throttle.answered(pass_on().unwrap(), End::Refused);
        for _ in 0..60 {
            assert_eq!(edge.answer(call(), &client, ()).await.status(), status, "{path}");
        }
        let more = (0..60).map_while(|_| pass_on().ok()).fold(0, |count, call| {
            throttle.answered(call, End::Refused);
            count + 1
        });
        assert!((14..=16).contains(&more), "{path}: {more} more were passed on");
    }
}
