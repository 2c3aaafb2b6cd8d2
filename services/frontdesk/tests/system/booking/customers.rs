//! Customers, which need a user token and an API key.

use frontdesk::demo;
use reqwest::Method;

use super::new_request::GUEST;
use crate::fixture::{Answer, Fixture};

#[tokio::test]
async fn customers_need_a_user_and_a_key_and_each_refusal_says_what_is_missing() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    assert!(login["access"].is_string() && login["refresh"].is_string());
    assert_eq!((login["token_type"].as_str(), login["expires_in"].as_i64()), (Some("bearer"), Some(3600)));
    let token = login["access"].as_str().unwrap();
    let customers =
        || fixture.request(Method::GET, "/v1/customers").header("X-TENANT-ID", demo::TENANT.to_string());

    let both = Answer::of(customers().bearer_auth(token).header("X-TENANT-API-KEY", &fixture.api_key)).await;
    assert_eq!(both.ok()["customers"].as_array().unwrap().len(), 3);

    let key_only = Answer::of(customers().header("X-TENANT-API-KEY", &fixture.api_key)).await;
    key_only.refused(403, "SCOPE_MISSING");
    assert_eq!(key_only.body["metadata"]["missing"], "conversations:view");
    assert_eq!(key_only.body["metadata"]["credential"], "api_key");
    assert!(key_only.body["detail"].as_str().unwrap().contains("Authorization: Bearer"));

    let bearer_only = Answer::of(customers().bearer_auth(token)).await;
    bearer_only.refused(401, "API_KEY_REQUIRED");
    assert!(bearer_only.body["detail"].as_str().unwrap().contains("X-TENANT-API-KEY"));
    assert_eq!(bearer_only.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn customers_are_read_one_by_one_with_both_credentials() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = format!("/v1/customers/{GUEST}");
    let both = |path: &str| {
        let request = fixture.request(Method::GET, path).bearer_auth(&token);
        Answer::of(request.header("x-tenant-api-key", &fixture.api_key))
    };
    assert_eq!(both(&path).await.ok()["name"], "Anna Adler");
    both("/v1/customers/0d000000-0000-7000-8000-000000000311").await.refused(404, "CUSTOMER_NOT_FOUND");
    fixture.get(&path, &token).await.refused(401, "API_KEY_REQUIRED");
}
