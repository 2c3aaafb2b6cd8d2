//! A client that acts for a user who has signed in (RFC 8693).

use frontdesk::demo;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use super::client_tokens::{Client, ask, claims, client, refused, start};
use super::view_as::view;
use crate::fixture::{ANON_KEY, Answer, Fixture, LAKE_HOUSE, tenant_path};
use crate::waits;

const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

pub fn exchange(fixture: &Fixture, client: &Client, subject: &str, more: &[(&str, &str)]) -> RequestBuilder {
    let form = [
        ("grant_type", EXCHANGE),
        ("client_id", &*client.id),
        ("client_secret", &*client.secret),
        ("subject_token", subject),
        ("subject_token_type", ACCESS_TOKEN),
    ];
    ask(fixture, &[&form[..], more].concat())
}

pub async fn delegated(fixture: &Fixture, client: &Client, subject: &str) -> String {
    let answer = Answer::of(exchange(fixture, client, subject, &[])).await;
    answer.ok()["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_client_does_for_a_user_what_both_may_do_and_both_are_named() {
    let fixture = start().await;
    // The manager may not make keys, and the client may not see bookings.
    let client = client(&fixture, &["api_keys:manage", "properties:manage", "properties:view"], &[]).await;
    let manager = fixture.manager().await;
    let answer = Answer::of(exchange(&fixture, &client, &manager, &[])).await;
    let body = answer.ok();
    assert_eq!(body["scope"], "properties:manage properties:view");
    assert_eq!((&body["issued_token_type"], &body["token_type"]), (&json!(ACCESS_TOKEN), &json!("Bearer")));
    let token = body["access_token"].as_str().unwrap();
    let (of, own) = (claims(token), claims(&manager));
    assert_eq!((&of["sub"], &of["act"]), (&own["sub"], &json!({"sub": client.id})));
    assert!(of["exp"].as_u64().unwrap() <= own["exp"].as_u64().unwrap());
    fixture.get("/v1/properties", token).await.ok();
    for path in ["/v1/bookings", &tenant_path("/api-keys")] {
        let refused = fixture.get(path, token).await;
        refused.refused(403, "SCOPE_MISSING");
        // Whichever of both lacks it.
        assert_eq!(refused.body["metadata"]["credential"], "delegated_token", "{}", refused.body);
    }
    let me = fixture.get("/v1/me", token).await.ok().clone();
    assert_eq!((&me["user"]["id"], &me["acting_client_id"]), (&own["sub"], &json!(client.id)));
    assert_eq!((&me["current_tenant_id"], &me["viewed_by"]), (&json!(demo::TENANT), &json!("")));
    let fewer = Answer::of(exchange(&fixture, &client, &manager, &[("scope", "properties:view")])).await;
    assert_eq!(fewer.ok()["scope"], "properties:view");
    let more = Answer::of(exchange(&fixture, &client, &manager, &[("scope", "api_keys:manage")])).await;
    refused(&more, 400, "invalid_scope", "SCOPE_NOT_GRANTED");
    let both = "select count(*) from identity.audit_events where action = 'token_exchanged' \
        and user_id = $1 and api_key_id = $2 and tenant_id = $3";
    let (user, key) = (of["sub"].as_str().unwrap().parse::<uuid::Uuid>(), client.id.parse::<uuid::Uuid>());
    assert_eq!(fixture.count(both, &[&user.unwrap(), &key.unwrap(), &demo::TENANT]).await, 2);
}

#[tokio::test]
async fn what_a_client_does_for_a_user_is_written_down_as_such() {
    let fixture = start().await;
    let client = client(&fixture, &["api_keys:manage"], &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let owner_id = fixture.user_id(demo::OWNER).await;
    let token = delegated(&fixture, &client, &owner).await;
    let new = |name: &str| json!({"name": name, "scopes": []});
    let made = fixture.post(&tenant_path("/api-keys"), &token, &new("by a client")).await.ok().clone();
    let made = &made["api_key"];
    assert_eq!((&made["created_by"], &made["created_by_api_key_id"]), (&json!(owner_id), &json!(client.id)));
    // A key beside the user's token says for which tenant the call is.
    let beside = fixture.request(Method::POST, &tenant_path("/api-keys")).bearer_auth(&owner);
    let beside = beside.header("x-tenant-api-key", &fixture.api_key).json(&new("by the owner"));
    let own = Answer::of(beside).await.ok()["api_key"].clone();
    assert_eq!((&own["created_by"], &own["created_by_api_key_id"]), (&json!(owner_id), &json!("")));
    let listed = fixture.get(&tenant_path("/audit-events"), &owner).await;
    for (key, acting) in [(made, &*client.id), (&own, "")] {
        let mut events = listed.ok()["audit_events"].as_array().unwrap().iter();
        let created = |event: &&Json| event["action"] == "api_key_created" && event["subject"] == key["id"];
        let event = events.find(created).unwrap();
        assert_eq!((&event["user_id"], &event["acting_client_id"]), (&json!(owner_id), &json!(acting)));
        assert_ne!(event["api_key_id"], "", "{event}");
    }
}

#[tokio::test]
async fn a_client_changes_nothing_of_the_account_of_its_user() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let manager = fixture.manager().await;
    let token = delegated(&fixture, &client, &manager).await;
    let passwords = json!({"current_password": demo::PASSWORD, "new_password": "another password"});
    for (path, body) in [("/v1/auth/logout", json!({"scope": "global"})), ("/v1/auth/password", passwords)] {
        fixture.post(path, &token, &body).await.refused(403, "NOT_BY_DELEGATION");
    }
    fixture.get("/v1/me", &manager).await.ok();
    // Nor does it learn where its user is signed in, or by what.
    for path in ["/v1/auth/sessions", "/v1/auth/factors"] {
        fixture.get(path, &manager).await.ok();
        fixture.get(path, &token).await.refused(403, "NOT_BY_DELEGATION");
    }
}

#[tokio::test]
async fn clients_of_supabase_are_told_that_such_a_token_is_none_of_a_session() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let manager = fixture.manager().await;
    let (_, _, seen) = view(&fixture, demo::MANAGER).await;
    let name = json!({"data": {"display_name": "Another"}});
    for token in [delegated(&fixture, &client, &manager).await, seen] {
        for (method, path, body) in
            [(Method::POST, "/auth/v1/logout", json!({})), (Method::PUT, "/auth/v1/user", name.clone())]
        {
            let request = fixture.request(method, path).header("apikey", ANON_KEY).bearer_auth(&token);
            let refused = Answer::of(request.json(&body)).await;
            let told = (refused.status, refused.body["error_code"].as_str());
            assert_eq!(told, (403, Some("bad_jwt")), "{path}: {}", refused.body);
        }
    }
    assert_ne!(fixture.get("/v1/me", &manager).await.ok()["user"]["display_name"], "Another");
}

#[tokio::test]
async fn only_the_own_token_of_a_member_of_the_clients_tenant_is_exchanged() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let manager = fixture.manager().await;
    let once = delegated(&fixture, &client, &manager).await;
    let of_client = client.token(&fixture, "").await;
    let stranger = fixture.token(demo::OTHER_OWNER).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let ended = fixture.manager().await;
    fixture.post("/v1/auth/logout", &ended, &json!({})).await.ok();
    let cut = &manager[..manager.len() - 2];
    let count =
        "select count(*) from identity.audit_events where action = 'token_exchanged' and outcome = $1";
    for subject in [&*once, &of_client, &stranger, &operator, &ended, cut, "x"] {
        let answer = Answer::of(exchange(&fixture, &client, subject, &[])).await;
        refused(&answer, 400, "invalid_request", "GRANT_INVALID");
    }
    // Without one nobody is asked who it is.
    let nobody = Client { id: String::new(), secret: String::new() };
    for client in [&client, &nobody] {
        let answer = Answer::of(exchange(&fixture, client, "", &[])).await;
        refused(&answer, 400, "invalid_request", "INVALID_FIELD");
    }
    let tried =
        "select count(*) from identity.audit_events where action = 'token_issued' and outcome = 'failure'";
    assert_eq!(fixture.count(tried, &[]).await, 0);
    let acting = ("actor_token", &*of_client);
    let answer = Answer::of(exchange(&fixture, &client, &manager, &[acting])).await;
    refused(&answer, 400, "invalid_request", "MALFORMED_REQUEST");
    let id_token = ("requested_token_type", "urn:ietf:params:oauth:token-type:id_token");
    let answer = Answer::of(exchange(&fixture, &client, &manager, &[id_token])).await;
    refused(&answer, 400, "invalid_request", "INVALID_FIELD");
    let wrong = Client { secret: fixture.api_key.clone(), ..client.clone() };
    let answer = Answer::of(exchange(&fixture, &wrong, &manager, &[])).await;
    refused(&answer, 401, "invalid_client", "CLIENT_INVALID");
    assert_eq!(fixture.count(count, &[&"success"]).await, 1);
    // What repeats is written down once a minute.
    assert_eq!(fixture.count(count, &[&"failure"]).await, 1);
}

#[tokio::test]
async fn what_a_client_may_for_a_user_ends_with_either_of_them() {
    let fixture = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let path = "/v1/properties";
    for end in ["user", "client"] {
        let client = client(&fixture, &["properties:view"], &[]).await;
        let manager = fixture.manager().await;
        let token = delegated(&fixture, &client, &manager).await;
        fixture.get(path, &token).await.ok();
        if end == "user" {
            fixture.post("/v1/auth/logout", &manager, &json!({})).await.ok();
        } else {
            fixture.delete(&tenant_path(&format!("/api-keys/{}", client.id)), &owner).await.ok();
        }
        waits::until_so(end, async || fixture.get(path, &token).await.status == 401).await;
        fixture.get(path, &token).await.refused(401, "SESSION_ENDED");
        let operator = fixture.token(demo::OPERATOR).await;
        let told = fixture.post("/v1/auth/introspect", &operator, &json!({"token": token})).await;
        assert_eq!(told.ok()["active"], json!(false), "{end}");
    }
    // A role that is taken away, or gives less, takes it from the client, too.
    let client = client(&fixture, &["properties:manage", "properties:view"], &[]).await;
    let token = delegated(&fixture, &client, &fixture.manager().await).await;
    let (house, fewer) = (format!("/v1/properties/{LAKE_HOUSE}"), json!({"max_guests": 3}));
    fixture.patch(&house, &token, &fewer).await.ok();
    let member = tenant_path(&format!("/members/{}", fixture.user_id(demo::MANAGER).await));
    fixture.patch(&member, &owner, &json!({"role": "viewer"})).await.ok();
    let is_refused = async || fixture.patch(&house, &token, &fewer).await.status == 403;
    waits::until_so("the user may only look", is_refused).await;
    fixture.patch(&house, &token, &fewer).await.refused(403, "SCOPE_MISSING");
    fixture.get(path, &token).await.ok();
    fixture.delete(&member, &owner).await.ok();
    waits::until_so("the member is gone", async || fixture.get(path, &token).await.status == 403).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let told = fixture.post("/v1/auth/introspect", &operator, &json!({"token": token})).await;
    assert_eq!((&told.ok()["active"], &told.body["reason"]), (&json!(false), &json!("TENANT_ACCESS_DENIED")));
    let elsewhere = fixture.request(Method::GET, path).bearer_auth(&token);
    let elsewhere = elsewhere.header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(elsewhere).await.refused(403, "TENANT_ACCESS_DENIED");
}
