//! `ETag`, `If-None-Match` and `HEAD`.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, case, path_of};

#[tokio::test]
async fn a_record_that_is_known_is_not_sent_again() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    let first = fixture.get(&path, &token).await;
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", first.ok()["etag"].as_str().unwrap()));
    let ask = |known: String| {
        Answer::of(fixture.request(Method::GET, &path).bearer_auth(&token).header("if-none-match", known))
    };
    let weak = format!("W/{etag}");
    // The tag is the one that the caller has, whose stored answer goes on with it.
    for (known, told) in [
        (etag.clone(), &etag),
        (weak.clone(), &weak),
        (format!("\"x\", {etag}"), &etag),
        ("*".to_owned(), &etag),
    ] {
        let answer = ask(known).await;
        assert_eq!((answer.status, &answer.body), (304, &json!(null)));
        assert_eq!(answer.headers["etag"], **told);
    }
    ask("\"other\"".to_owned()).await.ok();
    // As it came it is what a change asks for.
    let approve = async |tag: &str| {
        fixture
            .post_with(&path_of(case("REQUESTED"), "/approve"), &token, ("if-match", tag), &json!({}))
            .await
    };
    approve(&weak).await.refused(409, "ETAG_MISMATCH");
    approve(&etag).await.ok();
    assert_ne!(ask(etag.clone()).await.ok()["etag"].as_str().unwrap(), etag);

    let head = Answer::of(fixture.request(Method::HEAD, &path).bearer_auth(&token)).await;
    let length: usize = head.headers["content-length"].to_str().unwrap().parse().unwrap();
    assert!(head.status == 200 && head.body.is_null() && length > 300, "{length}");
}

/// A compressed body is not the same bytes, which a change could be asked for by.
#[tokio::test]
async fn the_tag_of_a_compressed_body_is_weak() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "");
    let long = "update booking_requests set internal_note = repeat('note ', 500) where id = $1";
    fixture.execute(long, &[&case("REQUESTED")]).await;
    let ask = |coding: &str| {
        Answer::of(fixture.request(Method::GET, &path).bearer_auth(&token).header("accept-encoding", coding))
    };
    let (plain, packed) = (ask("identity").await, ask("gzip").await);
    let tag = |answer: &Answer| answer.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(packed.headers["content-encoding"], "gzip");
    assert_eq!(tag(&packed), format!("W/{}", tag(&plain)));
    assert!(tag(&plain).starts_with('"'), "{}", tag(&plain));
}

/// As over REST: what is asked for by an address is kept under it.
#[tokio::test]
async fn a_record_that_is_known_is_not_sent_again_over_connect() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let message = format!("%7B%22bookingRequestId%22%3A%22{}%22%7D", case("REQUESTED"));
    let path = "/frontdesk.booking.v1.BookingRequestService/GetBookingRequest";
    let path = format!("{path}?connect=v1&encoding=json&message={message}");
    let ask = |known: &str| {
        Answer::of(fixture.request(Method::GET, &path).bearer_auth(&token).header("if-none-match", known))
    };
    let first = ask("\"x\"").await;
    let etag = first.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(etag, format!("\"{}\"", first.ok()["bookingRequest"]["etag"].as_str().unwrap()));
    for known in [&etag, "*"] {
        let answer = ask(known).await;
        assert_eq!((answer.status, &answer.body), (304, &json!(null)));
        assert_eq!(answer.headers["etag"], *etag);
        assert_eq!(answer.headers["cache-control"], "private, no-cache");
    }
    let approve = path_of(case("REQUESTED"), "/approve");
    fixture.post_with(&approve, &token, ("if-match", &etag), &json!({})).await.ok();
    assert_ne!(ask(&etag).await.ok()["bookingRequest"]["etag"].as_str().unwrap(), etag);
    // By POST nothing is kept.
    let by_post = fixture.request(Method::POST, path.split('?').next().unwrap()).bearer_auth(&token);
    let by_post = by_post.header("if-none-match", "*").json(&json!({"bookingRequestId": case("REQUESTED")}));
    let by_post = Answer::of(by_post).await;
    assert!(by_post.status == 200 && !by_post.headers.contains_key("etag"), "{}", by_post.body);
}
