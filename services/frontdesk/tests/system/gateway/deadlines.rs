//! How long a call may take.

use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, case, path_of};

#[tokio::test]
async fn a_deadline_is_kept_and_must_be_readable() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("REQUESTED");
    fixture
        .sql
        .batch_execute(&format!("begin; select from booking_requests where id = '{id}' for update"))
        .await
        .unwrap();
    let approve = |name: &'static str, value: &'static str| {
        let request = fixture.request(Method::POST, &path_of(id, "/approve")).bearer_auth(&token);
        Answer::of(request.header(name, value).json(&json!({})))
    };
    for (name, value) in [("x-request-timeout", "0.2"), ("grpc-timeout", "200m")] {
        approve(name, value).await.refused(504, "DEADLINE_EXCEEDED");
    }
    for (name, value) in
        [("x-request-timeout", "soon"), ("grpc-timeout", "123456789S"), ("grpc-timeout", "1s")]
    {
        let answer = approve(name, value).await;
        answer.refused(400, "INVALID_HEADER");
        assert_eq!(answer.body["metadata"]["header"], name);
    }
    fixture.sql.batch_execute("rollback").await.unwrap();
    assert_eq!(approve("x-request-timeout", "10").await.ok()["outcome"], "approved");
}
