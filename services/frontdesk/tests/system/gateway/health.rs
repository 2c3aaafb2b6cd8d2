//! Liveness, readiness, and which build it is.

use reqwest::Method;

use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn livez_and_readyz_say_that_everything_serves() {
    let fixture = Fixture::start().await;
    let get = |path: &str| Answer::of(fixture.request(Method::GET, path));
    assert_eq!(get("/livez").await.ok()["status"], "alive");
    assert_eq!(get("/readyz").await.ok()["booking"], "serving");
    let answer = get("/version").await;
    let version = answer.ok();
    assert_eq!(version["version"], env!("CARGO_PKG_VERSION"));
    assert_ne!(version["commit"], "");
}
