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
    assert_eq!(etag, format!("W/\"{}\"", first.ok()["etag"].as_str().unwrap()));
    let ask = |known: String| {
        Answer::of(fixture.request(Method::GET, &path).bearer_auth(&token).header("if-none-match", known))
    };
    for known in [etag.clone(), etag.replace("W/", ""), format!("\"x\", {etag}"), "*".to_owned()] {
        let answer = ask(known).await;
        assert_eq!((answer.status, &answer.body), (304, &json!(null)));
        assert_eq!(answer.headers["etag"], *etag);
    }
    ask("\"other\"".to_owned()).await.ok();
    fixture.post(&path_of(case("REQUESTED"), "/approve"), &token, &json!({})).await.ok();
    assert_ne!(ask(etag.clone()).await.ok()["etag"].as_str().unwrap(), etag);

    let head = Answer::of(fixture.request(Method::HEAD, &path).bearer_auth(&token)).await;
    let length: usize = head.headers["content-length"].to_str().unwrap().parse().unwrap();
    assert!(head.status == 200 && head.body.is_null() && length > 300, "{length}");
}
