//! How the tokens of clients end before their time, and those of clients that act for a user.

use frontdesk::demo;
use futures::future::join_all;
use reqwest::RequestBuilder;
use serde_json::{Value as Json, json};

use super::client_tokens::{Client, claims, client, often, refused, start, start_with};
use super::delegation::{delegated, exchange};
use super::view_as::view;
use crate::fixture::{Answer, Fixture, tenant_path};
use crate::waits;

const PROPERTIES: &str = "/v1/properties";

/// Why a token is good for nothing, as identity tells; nothing if it is.
async fn ended(fixture: &Fixture, token: &str) -> String {
    let operator = fixture.token(demo::OPERATOR).await;
    let told = fixture.post("/v1/auth/introspect", &operator, &json!({"token": token})).await;
    let reason = told.ok()["reason"].as_str().unwrap();
    assert_eq!(told.body["active"], json!(reason.is_empty()), "{}", told.body);
    reason.to_owned()
}

/// Asserts that tokens are over in every service.
async fn are_over(fixture: &Fixture, tokens: &[&str]) {
    for token in tokens {
        fixture.get(&tenant_path("/api-keys"), token).await.refused(401, "SESSION_ENDED");
        // Booking hears of it.
        let is_refused = async || fixture.get(PROPERTIES, token).await.status == 401;
        waits::until_so("booking refuses it", is_refused).await;
        fixture.get(PROPERTIES, token).await.refused(401, "SESSION_ENDED");
        assert_eq!(ended(fixture, token).await, "SESSION_ENDED");
    }
}

/// Asserts that tokens are good in every service.
async fn are_good(fixture: &Fixture, tokens: &[&str]) {
    for token in tokens {
        fixture.get(&tenant_path("/api-keys"), token).await.ok();
        fixture.get(PROPERTIES, token).await.ok();
        assert_eq!(ended(fixture, token).await, "");
    }
}

/// Gives the client's key another secret.
async fn rotate(fixture: &Fixture, client: &Client, overlap_seconds: i32) -> Client {
    let owner = fixture.token(demo::OWNER).await;
    let path = tenant_path(&format!("/api-keys/{}/rotate", client.id));
    let rotated = fixture.post(&path, &owner, &json!({"overlap_seconds": overlap_seconds})).await;
    let secret = rotated.ok()["secret"].as_str().unwrap().to_owned();
    Client { secret, ..client.clone() }
}

const SCOPES: [&str; 2] = ["api_keys:manage", "properties:view"];

#[tokio::test]
async fn a_rotated_secret_ends_the_tokens_that_it_gave_and_those_of_the_next_are_good_at_once() {
    let fixture = start().await;
    let first = client(&fixture, &SCOPES, &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let (own, for_owner) = (first.token(&fixture, "").await, delegated(&fixture, &first, &owner).await);
    are_good(&fixture, &[&own, &for_owner]).await;
    let second = rotate(&fixture, &first, 0).await;
    let next = second.token(&fixture, "").await;
    let next_for_owner = delegated(&fixture, &second, &owner).await;
    are_over(&fixture, &[&own, &for_owner]).await;
    are_good(&fixture, &[&next, &next_for_owner]).await;
    // What is over stays so, whatever is rotated next.
    let third = rotate(&fixture, &second, 3600).await;
    are_over(&fixture, &[&own, &for_owner]).await;
    are_good(&fixture, &[&next, &next_for_owner, &third.token(&fixture, "").await]).await;
}

#[tokio::test]
async fn with_an_overlap_tokens_end_when_the_old_secret_does() {
    let fixture = start().await;
    let first = client(&fixture, &SCOPES, &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let second = rotate(&fixture, &first, 300).await;
    let (own, for_owner) = (first.token(&fixture, "").await, delegated(&fixture, &first, &owner).await);
    let early = second.token(&fixture, "").await;
    are_good(&fixture, &[&own, &for_owner, &early]).await;
    // They promise no more time than the old secret has.
    let lives = |token: &str| {
        let claims = claims(token);
        claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap()
    };
    assert!(lives(&own) <= 300 && lives(&for_owner) <= 300);
    assert_eq!(lives(&early), 600);
    let end =
        "update identity.tenant_api_keys set previous_expires_at = now() where previous_expires_at > now()";
    assert_eq!(fixture.execute(end, &[]).await, 1);
    refused(&Answer::of(first.asks(&fixture, "")).await, 401, "invalid_client", "CLIENT_INVALID");
    are_over(&fixture, &[&own, &for_owner]).await;
    let next = second.token(&fixture, "").await;
    are_good(&fixture, &[&next, &early]).await;
    // A secret that ends before its overlap does ends its tokens then.
    let third = rotate(&fixture, &second, 3600).await;
    let by_second = second.token(&fixture, "").await;
    are_over(&fixture, &[&own]).await;
    let fourth = rotate(&fixture, &third, 3600).await;
    refused(&Answer::of(second.asks(&fixture, "")).await, 401, "invalid_client", "CLIENT_INVALID");
    are_over(&fixture, &[&own, &early, &next, &by_second]).await;
    are_good(&fixture, &[&third.token(&fixture, "").await, &fourth.token(&fixture, "").await]).await;
}

#[tokio::test]
async fn a_key_whose_time_is_over_ends_its_tokens() {
    let fixture = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let new = json!({"name": "client", "scopes": SCOPES, "expires_at": "2999-01-01T00:00:00Z"});
    let made = fixture.post(&tenant_path("/api-keys"), &owner, &new).await.ok().clone();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let client = Client { id: text(&made["api_key"]["id"]), secret: text(&made["secret"]) };
    let (own, for_owner) = (client.token(&fixture, "").await, delegated(&fixture, &client, &owner).await);
    are_good(&fixture, &[&own, &for_owner]).await;
    let over = "update identity.tenant_api_keys set expires_at = now() where expires_at is not null";
    assert_eq!(fixture.execute(over, &[]).await, 1);
    are_over(&fixture, &[&own, &for_owner]).await;
    refused(&Answer::of(client.asks(&fixture, "")).await, 401, "invalid_client", "CLIENT_INVALID");
}

#[tokio::test]
async fn nobody_gets_anywhere_in_a_suspended_tenant_and_introspection_says_so() {
    let fixture = start().await;
    let client = client(&fixture, &SCOPES, &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let (operator, _, seen) = view(&fixture, demo::OWNER).await;
    let (own, for_owner) = (client.token(&fixture, "").await, delegated(&fixture, &client, &owner).await);
    let tokens = [&*own, &for_owner, &seen];
    are_good(&fixture, &tokens).await;
    fixture.post(&tenant_path("/suspend"), &operator, &json!({})).await.ok();
    for token in tokens {
        fixture.get(&tenant_path("/api-keys"), token).await.refused(403, "TENANT_SUSPENDED");
        let is_refused = async || fixture.get(PROPERTIES, token).await.status == 403;
        waits::until_so("booking refuses it", is_refused).await;
        fixture.get(PROPERTIES, token).await.refused(403, "TENANT_SUSPENDED");
        assert_eq!(ended(&fixture, token).await, "TENANT_SUSPENDED");
    }
    for asked in [client.asks(&fixture, ""), exchange(&fixture, &client, &owner, &[])] {
        refused(&Answer::of(asked).await, 400, "unauthorized_client", "TENANT_SUSPENDED");
    }
    fixture.post(&tenant_path("/resume"), &operator, &json!({})).await.ok();
    let goes_on = async || fixture.get(PROPERTIES, &own).await.status == 200;
    waits::until_so("booking lets it in", goes_on).await;
    are_good(&fixture, &tokens).await;
}

#[tokio::test]
async fn a_client_that_asks_again_and_again_for_what_it_does_not_get_fills_no_log() {
    let fixture = start_with(often()).await;
    let elsewhere = client(&fixture, &SCOPES, &["192.0.2.0/24"]).await;
    let suspended = client(&fixture, &SCOPES, &[]).await;
    let refused = async |request: &dyn Fn() -> RequestBuilder, error: &str| {
        for answer in join_all((0..40).map(|_| Answer::of(request()))).await {
            assert_eq!((answer.status, answer.body["error"].as_str()), (400, Some(error)), "{}", answer.body);
        }
    };
    refused(&|| elsewhere.asks(&fixture, ""), "unauthorized_client").await;
    refused(&|| exchange(&fixture, &suspended, "x", &[]), "invalid_request").await;
    let operator = fixture.token(demo::OPERATOR).await;
    fixture.post(&tenant_path("/suspend"), &operator, &json!({})).await.ok();
    refused(&|| suspended.asks(&fixture, ""), "unauthorized_client").await;
    for (action, client) in
        [("token_issued", &elsewhere), ("token_exchanged", &suspended), ("token_issued", &suspended)]
    {
        let counted = "select coalesce(sum(times), 0)::bigint from identity.audit_events \
            where outcome = 'failure' and action = $1 and subject = $2 and tenant_id = $3";
        fixture.until(counted, &[&action, &client.id, &demo::TENANT], 40).await;
        let rows = "select count(*) from identity.audit_events where action = $1 and subject = $2";
        let rows = fixture.count(rows, &[&action, &client.id]).await;
        assert!(rows < 20, "{rows} of {action}");
    }
}
