//! Liveness and readiness.

use reqwest::Method;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn livez_and_readyz_say_that_everything_serves() {
    let fixture = Fixture::start().await;
    let get = |path: &str| Answer::of(fixture.request(Method::GET, path));
    assert_eq!(get("/livez").await.ok()["status"], "alive");
    assert_eq!(get("/readyz").await.ok()["booking"], "serving");
}
