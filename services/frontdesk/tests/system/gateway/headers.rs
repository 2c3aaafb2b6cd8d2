//! Headers that cross the gateway, and those that must not.

use frontdesk::demo;
use reqwest::Method;

use crate::fixture::{Answer, Fixture, case, path_of};

#[tokio::test]
async fn forged_identity_headers_change_nothing() {
    let fixture = Fixture::start().await;
    let viewer = fixture.token(demo::VIEWER).await;
    let request = fixture.request(Method::POST, &path_of(case("REQUESTED"), "/approve")).bearer_auth(viewer);
    let request = request
        .header("x-user-id", "0d000000-0000-7000-8000-000000000101")
        .header("x-scopes", "bookings:approve")
        .header("grpc-metadata-x-tenant-id", demo::OTHER_TENANT.to_string())
        .header("x-forwarded-for", "127.0.0.1");
    Answer::of(request).await.refused(403, "SCOPE_MISSING");
    let token = fixture.manager().await;
    let twice = fixture.request(Method::GET, "/v1/me").bearer_auth(&token);
    let twice = twice
        .header("x-tenant-id", demo::TENANT.to_string())
        .header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(twice).await.refused(400, "INVALID_HEADER");
    let odd = fixture.request(Method::GET, "/v1/me").bearer_auth(&token).header("x-tenant-id", "alpine");
    Answer::of(odd).await.refused(400, "INVALID_HEADER");
    let id = fixture.request(Method::GET, "/livez").header("x-request-id", "my-id.1");
    assert_eq!(Answer::of(id).await.headers["x-request-id"], "my-id.1");
}
