//! API keys of a tenant.

use std::time::Duration;

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, tenant_path};

/// Makes a key and returns its id and its secret.
async fn create_key(fixture: &Fixture, owner: &str) -> (String, String) {
    let new = json!({"name": "channel", "scopes": ["properties:view"]});
    let created = fixture.post(&tenant_path("/api-keys"), owner, &new).await.ok().clone();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    (text(&created["api_key"]["id"]), text(&created["secret"]))
}

/// Reads customers with a user token and this key.
async fn customers(fixture: &Fixture, token: &str, key: &str) -> Answer {
    let request = fixture.request(Method::GET, "/v1/customers").bearer_auth(token);
    Answer::of(request.header("x-tenant-api-key", key)).await
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_and_its_secret_is_shown_once() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let (id, secret) = create_key(&fixture, &owner).await;
    customers(&fixture, &manager, &secret).await.ok();
    let alone = fixture.request(Method::GET, "/v1/properties").header("x-tenant-api-key", &secret);
    Answer::of(alone).await.ok();
    let listed = fixture.get(&tenant_path("/api-keys"), &owner).await;
    let text = listed.ok().to_string();
    assert!(text.contains(&id) && !text.contains(&secret), "{text}");
    assert!(!listed.body["api_keys"][0]["last_used_at"].is_null(), "{text}");
}

#[tokio::test]
async fn a_key_needs_its_scope_and_an_end_that_is_not_past() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let keys = tenant_path("/api-keys");
    fixture.post(&keys, &manager, &json!({"name": "x"})).await.refused(403, "SCOPE_MISSING");
    let past = json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"});
    fixture.post(&keys, &owner, &past).await.refused(400, "INVALID_FIELD");
}

#[tokio::test]
async fn both_secrets_of_a_rotated_key_work_until_the_overlap_ends() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let (id, first) = create_key(&fixture, &owner).await;
    let rotate = tenant_path(&format!("/api-keys/{id}/rotate"));
    let rotated = fixture.post(&rotate, &owner, &json!({"overlap_seconds": 60})).await;
    let second = rotated.ok()["secret"].as_str().unwrap();
    customers(&fixture, &manager, &first).await.ok();
    customers(&fixture, &manager, second).await.ok();
    let end_overlap = "update identity.tenant_api_keys set previous_expires_at = now() \
        where previous_expires_at is not null";
    assert_eq!(fixture.execute(end_overlap, &[]).await, 1);
    // Other services are told of it, and may take a moment.
    tokio::time::sleep(Duration::from_secs(1)).await;
    customers(&fixture, &manager, &first).await.refused(401, "API_KEY_INVALID");
    customers(&fixture, &manager, second).await.ok();
}

#[tokio::test]
async fn a_revoked_key_is_refused_soon_with_both_secrets() {
    let fixture = Fixture::start().await;
    let (owner, manager) = (fixture.token(demo::OWNER).await, fixture.manager().await);
    let (id, first) = create_key(&fixture, &owner).await;
    let path = tenant_path(&format!("/api-keys/{id}"));
    let rotated = fixture.post(&format!("{path}/rotate"), &owner, &json!({"overlap_seconds": 60})).await;
    let second = rotated.ok()["secret"].as_str().unwrap();
    for secret in [&first, second] {
        customers(&fixture, &manager, secret).await.ok();
    }
    fixture.delete(&path, &owner).await.ok();
    fixture.delete(&path, &owner).await.refused(404, "API_KEY_NOT_FOUND");
    tokio::time::sleep(Duration::from_secs(1)).await;
    for secret in [&first, second] {
        customers(&fixture, &manager, secret).await.refused(401, "API_KEY_INVALID");
    }
}

#[tokio::test]
async fn a_key_primed_for_one_tenant_does_not_open_another() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let customers = |tenant: uuid::Uuid, key: &str| {
        let request = fixture.request(Method::GET, "/v1/customers").bearer_auth(&token);
        Answer::of(request.header("x-tenant-id", tenant.to_string()).header("x-tenant-api-key", key))
    };
    customers(demo::TENANT, &fixture.api_key).await.ok();
    let elsewhere = customers(demo::OTHER_TENANT, &fixture.api_key).await;
    elsewhere.refused(401, "API_KEY_INVALID");
    let mut texts = vec![elsewhere.body["detail"].clone()];
    let other = demo::create_api_key(&fixture.database.url, demo::OTHER_TENANT).await.unwrap();
    let key = &fixture.api_key;
    let (start, crc) = key.rsplit_once('_').unwrap();
    for bad in [
        key[..key.len() - 1].to_owned(),
        format!("{key}0"),
        format!("{}_{crc}", &start[..start.len() - 2]),
        key.replace("fdk_", "fdk__"),
        other,
        "fdk_".to_owned(),
    ] {
        let answer = customers(demo::TENANT, &bad).await;
        answer.refused(401, "API_KEY_INVALID");
        texts.push(answer.body["detail"].clone());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
}

/// Before, a key acted as nobody, nobody could say who had made it, and it outlived whoever
/// had.
#[tokio::test]
async fn what_a_key_does_and_who_made_it_is_told_and_it_goes_with_its_maker_if_that_is_wanted() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let second = json!({"email": "second@alpine.example", "password": "second password"});
    let second_id =
        fixture.post("/v1/users", &operator, &second).await.ok()["id"].as_str().unwrap().to_owned();
    let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
        values ($1, $2, 'owner', now())";
    fixture.execute(join, &[&demo::TENANT, &second_id.parse::<uuid::Uuid>().unwrap()]).await;
    let second = fixture.try_login("second@alpine.example", "second password").await;
    let second = second.ok()["access"].as_str().unwrap().to_owned();
    let keys = tenant_path("/api-keys");
    let new = json!({"name": "machine", "scopes": ["api_keys:manage", "audit:view"]});
    let made = fixture.post(&keys, &second, &new).await.ok().clone();
    let (id, secret) = (made["api_key"]["id"].as_str().unwrap(), made["secret"].as_str().unwrap());
    assert_eq!(made["api_key"]["created_by"], second_id);
    let by_key = async |method: Method, path: &str| {
        let request = fixture.request(method.clone(), path).header("x-tenant-api-key", secret);
        let body = json!({"name": "made by a machine"});
        Answer::of(if method == Method::POST { request.json(&body) } else { request }).await
    };
    let child = by_key(Method::POST, &keys).await.ok()["api_key"].clone();
    assert_eq!((&child["created_by"], &child["created_by_api_key_id"]), (&json!(second_id), &json!(id)));
    let events = by_key(Method::GET, &tenant_path("/audit-events")).await;
    let created = events.ok()["audit_events"].as_array().unwrap();
    let created = created.iter().find(|event| event["subject"] == child["id"]).unwrap();
    assert_eq!((&created["api_key_id"], &created["user_id"]), (&json!(id), &json!("")));

    let member = tenant_path(&format!("/members/{second_id}"));
    let kept = fixture.delete(&member, &owner).await.ok()["api_keys"].clone();
    assert_eq!(
        kept.as_array().unwrap().iter().map(|key| &key["id"]).collect::<Vec<_>>(),
        [&json!(id), &child["id"]]
    );
    by_key(Method::GET, &tenant_path("/audit-events")).await.ok();
    fixture.execute(join, &[&demo::TENANT, &second_id.parse::<uuid::Uuid>().unwrap()]).await;
    fixture.delete(&format!("{member}?revoke_api_keys=true"), &owner).await.ok();
    by_key(Method::GET, &tenant_path("/audit-events")).await.refused(401, "API_KEY_INVALID");
    let revoked = "select count(*) from identity.audit_events where action = 'api_key_revoked'";
    assert_eq!(fixture.count(revoked, &[]).await, 2);
}
