//! The deletion of a tenant is asked for, and taken back: meanwhile it is closed, and nothing of
//! it is lost.

use frontdesk::demo;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::client_tokens::{self, client, refused};
use super::delegation::{delegated, exchange};
use super::view_as::view;
use crate::fixture::{Answer, Fixture, tenant_path};
use crate::waits::until_so;

pub async fn delete(fixture: &Fixture, operator: &str) -> Answer {
    fixture.post(&tenant_path("/delete"), operator, &json!({"reason": "has moved away"})).await
}

pub async fn restore(fixture: &Fixture, operator: &str) -> Answer {
    fixture.post(&tenant_path("/restore"), operator, &json!({})).await
}

/// Reads for the demo's tenant by its id.
async fn named(fixture: &Fixture, token: &str, path: &str) -> Answer {
    let request = fixture.request(Method::GET, path).bearer_auth(token);
    Answer::of(request.header("x-tenant-id", demo::TENANT.to_string())).await
}

/// Every row of a tenant, or of all others, in every table that has rows of tenants. What is
/// noted of use and by the check of inconsistencies may change at any time.
pub async fn rows(fixture: &Fixture, of: Uuid, others: bool) -> Vec<String> {
    let tables = "select format('%I.%I', table_schema, table_name), column_name::text \
        from information_schema.columns \
        where (column_name = 'tenant_id' or table_name = 'tenants' and column_name = 'id') \
        and table_schema in ('identity', 'public') \
        and table_name not like 'inconsistenc%' and table_name not in ('audit_events', 'feed_heads') \
        order by 1";
    let mut rows = Vec::new();
    for row in fixture.sql.query(tables, &[]).await.unwrap() {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let query = format!(
            "select '{table} ' || (to_jsonb(t) - '{{number,last_used_at}}'::text[])::text from {table} t \
             where ({column} = $1) <> $2 order by 1"
        );
        let found = fixture.sql.query(&query, &[&of, &others]).await.unwrap();
        rows.extend(found.iter().map(|row| row.get::<_, String>(0)));
    }
    rows
}

#[tokio::test]
async fn a_tenant_that_is_to_be_deleted_is_closed_at_once_to_every_kind_of_caller() {
    let fixture = client_tokens::start().await;
    let client = client(&fixture, &["api_keys:manage", "properties:view"], &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let (operator, _, seen) = view(&fixture, demo::OWNER).await;
    let (own, for_owner) = (client.token(&fixture, "").await, delegated(&fixture, &client, &owner).await);
    let tokens = [&*owner, &own, &for_owner, &seen];
    for token in tokens {
        fixture.get("/v1/properties", token).await.ok();
    }
    named(&fixture, &operator, "/v1/properties").await.ok();
    let before = rows(&fixture, demo::TENANT, false).await;

    let closed = delete(&fixture, &operator).await.ok().clone();
    let at = |field: &str| -> Timestamp { closed[field].as_str().unwrap().parse().unwrap() };
    assert_eq!(at("purge_at").duration_since(at("deleted_at")).as_hours(), 30 * 24);
    let told = |answer: &Answer| {
        let until = answer.refused(403, "TENANT_DELETED").body["metadata"]["restorable_until"].as_str();
        assert_eq!(until.unwrap().parse::<Timestamp>().unwrap(), at("purge_at"), "{}", answer.body);
    };
    for path in [tenant_path("/api-keys"), "/v1/properties".to_owned()] {
        for token in tokens {
            until_so("it is closed", async || fixture.get(&path, token).await.status == 403).await;
            told(&fixture.get(&path, token).await);
        }
        for token in [&*owner, &operator] {
            until_so("it is closed", async || named(&fixture, token, &path).await.status == 403).await;
            told(&named(&fixture, token, &path).await);
        }
        let key = fixture.request(Method::GET, &path).header("x-tenant-api-key", &fixture.api_key);
        told(&Answer::of(key).await);
        told(&fixture.get_with_key(&owner, &path).await);
    }
    for asked in [client.asks(&fixture, ""), exchange(&fixture, &client, &owner, &[])] {
        refused(&Answer::of(asked).await, 400, "unauthorized_client", "TENANT_DELETED");
    }
    let introspected = fixture.post("/v1/auth/introspect", &operator, &json!({"token": own})).await;
    assert_eq!(introspected.ok()["reason"], "TENANT_DELETED");

    restore(&fixture, &operator).await.ok();
    for token in tokens {
        let is_open = async || fixture.get("/v1/properties", token).await.status == 200;
        until_so("whoever was in is let in", is_open).await;
    }
    let is_open = async || named(&fixture, &operator, "/v1/properties").await.status == 200;
    until_so("the operator is let in", is_open).await;
    assert_eq!(rows(&fixture, demo::TENANT, false).await, before);
}

#[tokio::test]
async fn nobody_else_is_concerned_and_nobody_is_locked_in_by_a_tenant_that_is_to_be_deleted() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let invite = json!({"email": "new@x.example", "role": "viewer", "return_token": true});
    let invited = fixture.post(&tenant_path("/invitations"), &owner, &invite).await.ok()["token"].clone();
    // As if the link had come by a letter.
    fixture.execute("update identity.invitations set proves_address = true", &[]).await;
    let body = json!({"token": invited, "password": "a password of hers"});
    let join = async || Answer::of(fixture.request(Method::POST, "/v1/invitations/join").json(&body)).await;
    let closed = delete(&fixture, &operator).await.ok().clone();
    join().await.refused(404, "LINK_INVALID");
    let stranger = fixture.token(demo::OTHER_OWNER).await;
    fixture.get("/v1/properties", &stranger).await.ok();
    named(&fixture, &stranger, "/v1/properties").await.refused(403, "TENANT_ACCESS_DENIED");
    assert_eq!(fixture.get("/v1/me", &owner).await.ok()["current_tenant_id"], "");
    // An operator sees it in the list, also when the call names it.
    let listed = named(&fixture, &operator, "/v1/tenants").await.ok()["tenants"].clone();
    assert!(listed.as_array().unwrap().iter().any(|one| one["purge_at"] == closed["purge_at"]), "{listed}");
    let again = fixture.post(&tenant_path("/delete"), &operator, &json!({"reason": "once more"})).await;
    assert_eq!(again.ok(), &closed);
    let restored = restore(&fixture, &operator).await.ok().clone();
    assert_eq!((&restored["deleted_at"], &restored["purge_at"]), (&Json::Null, &Json::Null));
    assert_eq!(restore(&fixture, &operator).await.ok(), &restored);
    join().await.ok();

    // The tenant and the platform read who it was, and why; what changed nothing is not there.
    let tenant = demo::TENANT.to_string();
    for (path, token) in [(tenant_path("/audit-events"), &owner), ("/v1/audit-events".to_owned(), &operator)]
    {
        let log = fixture.get(&path, token).await.ok()["audit_events"].clone();
        let of = |action: &str| {
            let events = log.as_array().unwrap().iter().filter(|event| event["action"] == action);
            events.map(|event| (event["reason"].clone(), event["subject"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(of("tenant_deleted"), [(json!("has moved away"), json!(tenant))], "{path}");
        assert_eq!(of("tenant_restored"), [(json!(""), json!(tenant))], "{path}");
    }
}

#[tokio::test]
async fn a_tenant_is_deleted_and_restored_by_operators_who_say_why_and_proved_who_they_are_lately() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    for (step, body) in [("/delete", json!({"reason": "x"})), ("/restore", json!({}))] {
        fixture.post(&tenant_path(step), &owner, &body).await.refused(403, "SCOPE_MISSING");
        let nowhere = format!("/v1/tenants/{}{step}", Uuid::now_v7());
        let operator = fixture.token(demo::OPERATOR).await;
        fixture.post(&nowhere, &operator, &body).await.refused(404, "TENANT_NOT_FOUND");
    }
    for reason in ["", " \u{200b} "] {
        let (nothing, operator) = (json!({"reason": reason}), fixture.token(demo::OPERATOR).await);
        fixture.post(&tenant_path("/delete"), &operator, &nothing).await.refused(400, "INVALID_FIELD");
    }
    let operator = fixture.login(demo::OPERATOR).await;
    let earlier = "update identity.sessions set created_at = created_at - interval '6 minutes'";
    fixture.execute(earlier, &[]).await;
    let operator = fixture.refresh(&operator["refresh"]).await.ok()["access"].as_str().unwrap().to_owned();
    delete(&fixture, &operator).await.refused(401, "STEP_UP_REQUIRED");
    restore(&fixture, &operator).await.refused(401, "STEP_UP_REQUIRED");
    let open = "select count(*) from identity.tenants where purge_at is null";
    assert_eq!(fixture.count(open, &[]).await, 2);
}
