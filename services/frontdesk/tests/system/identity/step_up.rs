//! What a user must have proved: a second factor, and lately.

use frontdesk::demo;
use identity::{Policy, TrustedIssuers};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::trusted_issuers::{MANAGER_ID, SECRET};
use crate::authenticator::claims;
use crate::fixture::{ANON_KEY, Answer, Fixture, tenant_path};
use crate::waits::until_so;

const PROPERTIES: &str = "/v1/properties";

fn access(tokens: &Json) -> &str {
    tokens["access"].as_str().unwrap()
}

impl Fixture {
    /// Says of whom in the demo's tenant two factors are asked.
    async fn ask(&self, token: &str, policy: &str) -> Answer {
        let request = self.request(Method::PUT, &tenant_path("/second-factor")).bearer_auth(token);
        Answer::of(request.json(&json!({"policy": policy}))).await
    }

    /// Waits until a call is answered with a status.
    async fn answers(&self, token: &str, path: &str, status: u16) {
        until_so(format_args!("{status} of {path}"), async || self.get(path, token).await.status == status)
            .await;
    }
}

#[tokio::test]
async fn whoever_has_a_second_factor_is_asked_for_it_by_every_service_at_once() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::MANAGER).await;
    let before = access(&login);
    fixture.get(PROPERTIES, before).await.ok();
    let app = fixture.enrol(before, "phone").await;
    fixture.get(PROPERTIES, before).await.ok();
    let proved = fixture.verify(before, &app, &app.code(0)).await.ok().clone();
    fixture.get(PROPERTIES, access(&proved)).await.ok();
    fixture.answers(before, PROPERTIES, 401).await;
    let token = fixture.manager().await;
    let refused = fixture.get(PROPERTIES, &token).await;
    let metadata = &refused.refused(401, "STEP_UP_REQUIRED").body["metadata"];
    assert_eq!((&metadata["required"], &metadata["enrolled"]), (&json!("aal2"), &json!("true")));
    assert_eq!(
        refused.headers["www-authenticate"],
        r#"Bearer error="insufficient_user_authentication", acr_values="aal2""#
    );
    // What is its user's own goes on, or the second factor could not be proved.
    fixture.get("/v1/me", &token).await.ok();
    let password = json!({"current_password": demo::PASSWORD, "new_password": "another password"});
    fixture.post("/v1/auth/password", &token, &password).await.refused(401, "STEP_UP_REQUIRED");
    fixture.post("/v1/auth/password", access(&proved), &password).await.ok();
}

#[tokio::test]
async fn a_tenant_asks_its_owners_or_everybody_for_two_factors() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    fixture.ask(&owner, "owners").await.refused(401, "STEP_UP_REQUIRED");
    let owner = fixture.protect(demo::OWNER).await;
    fixture.ask(owner.token(), "everybody").await.refused(400, "MALFORMED_REQUEST");
    let promoted = "update identity.memberships set role = 'owner' where tenant_id = $1 and user_id = \
        (select id from identity.users where email = $2)";
    fixture.execute(promoted, &[&demo::TENANT, &demo::MANAGER]).await;
    let (second, viewer) = (fixture.manager().await, fixture.token(demo::VIEWER).await);
    fixture.get(PROPERTIES, &second).await.ok();
    fixture.get(PROPERTIES, &viewer).await.ok();

    assert_eq!(fixture.ask(owner.token(), "owners").await.ok()["policy"], "owners");
    fixture.answers(&second, PROPERTIES, 401).await;
    let refused = fixture.get(PROPERTIES, &second).await;
    let metadata = &refused.refused(401, "STEP_UP_REQUIRED").body["metadata"];
    assert_eq!((&metadata["required"], &metadata["enrolled"]), (&json!("aal2"), &json!("false")));
    fixture.get(PROPERTIES, &viewer).await.ok();
    let app = fixture.enrol(&second, "phone").await;
    let proved = fixture.verify(&second, &app, &app.code(0)).await.ok().clone();
    fixture.get(PROPERTIES, access(&proved)).await.ok();

    fixture.ask(owner.token(), "all").await.ok();
    fixture.answers(&viewer, PROPERTIES, 401).await;
    fixture.execute("update identity.users set kind = 'service' where email = $1", &[&demo::VIEWER]).await;
    fixture.answers(&viewer, PROPERTIES, 200).await;
    fixture.execute("update identity.users set kind = 'person' where email = $1", &[&demo::VIEWER]).await;
    fixture.answers(&viewer, PROPERTIES, 401).await;
    let policy = fixture.get(&tenant_path("/second-factor"), owner.token()).await;
    assert_eq!(policy.ok(), &json!({"policy": "all"}));
    fixture.ask(owner.token(), "optional").await.ok();
    fixture.answers(&viewer, PROPERTIES, 200).await;
    let told = "select string_agg(subject, ' ' order by id) from identity.audit_events \
        where action = 'second_factor_policy_changed' and tenant_id = $1";
    let told: String = fixture.sql.query_one(told, &[&demo::TENANT]).await.unwrap().get(0);
    assert_eq!(told, "owners all optional");
}

#[tokio::test]
async fn the_platform_asks_its_operators_for_two_factors_where_that_is_set() {
    let policy = Policy { operators_need_second_factor: true, ..Policy::default() };
    let fixture = Fixture::start_with(policy).await;
    let operator = fixture.token(demo::OPERATOR).await;
    let in_tenant = async |token: &str| {
        let request = fixture.request(Method::GET, PROPERTIES).bearer_auth(token);
        Answer::of(request.header("x-tenant-id", demo::TENANT.to_string())).await
    };
    fixture.get("/v1/tenants", &operator).await.refused(401, "STEP_UP_REQUIRED");
    in_tenant(&operator).await.refused(401, "STEP_UP_REQUIRED");
    fixture.get(PROPERTIES, &fixture.manager().await).await.ok();
    let operator = fixture.protect(demo::OPERATOR).await;
    fixture.get("/v1/tenants", operator.token()).await.ok();
    in_tenant(operator.token()).await.ok();
}

#[tokio::test]
async fn what_takes_a_fresh_proof_takes_the_password_again_and_no_exchange_of_tokens() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::OWNER).await;
    let earlier = "update identity.sessions set created_at = created_at - interval '1 hour'";
    fixture.execute(earlier, &[]).await;
    let refreshed = fixture.refresh(&login["refresh"]).await.ok().clone();
    let token = access(&refreshed);
    let keys = "select count(*) from identity.tenant_api_keys";
    let before = fixture.count(keys, &[]).await;
    let key = json!({"name": "night"});
    let refused = fixture.post(&tenant_path("/api-keys"), token, &key).await;
    let metadata = &refused.refused(401, "STEP_UP_REQUIRED").body["metadata"];
    assert_eq!((&metadata["required"], &metadata["max_age_seconds"]), (&json!("fresh"), &json!("300")));
    assert_eq!(
        refused.headers["www-authenticate"],
        r#"Bearer error="insufficient_user_authentication", max_age="300""#
    );
    fixture.get(&tenant_path("/api-keys"), token).await.ok();
    let again = async |password: &str| {
        fixture.post("/v1/auth/reauthenticate", token, &json!({"current_password": password})).await
    };
    again("not-this-one").await.refused(403, "PASSWORD_WRONG");
    fixture.post(&tenant_path("/api-keys"), token, &key).await.refused(401, "STEP_UP_REQUIRED");
    assert_eq!(fixture.count(keys, &[]).await, before);
    let proved = again(demo::PASSWORD).await.ok().clone();
    fixture.post(&tenant_path("/api-keys"), access(&proved), &key).await.ok();
    let refreshed = fixture.refresh(&proved["refresh"]).await.ok().clone();
    fixture.post(&tenant_path("/api-keys"), access(&refreshed), &json!({"name": "day"})).await.ok();
}

#[tokio::test]
async fn the_refresh_token_from_before_a_new_proof_of_the_password_is_worth_nothing() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::OWNER).await;
    let body = json!({"current_password": demo::PASSWORD});
    let proved = fixture.post("/v1/auth/reauthenticate", access(&login), &body).await.ok().clone();
    fixture.refresh(&login["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    fixture.get("/v1/me", access(&proved)).await.ok();
    fixture.let_the_grace_pass().await;
    fixture.refresh(&login["refresh"]).await.refused(401, "REFRESH_TOKEN_REUSED");
    fixture.get("/v1/me", access(&proved)).await.refused(401, "SESSION_ENDED");
}

/// A key is made with a fresh proof, and asked for none afterwards.
#[tokio::test]
async fn an_api_key_alone_is_asked_for_no_proof() {
    let fixture = Fixture::start().await;
    let owner = fixture.protect(demo::OWNER).await;
    fixture.ask(owner.token(), "all").await.ok();
    let key = json!({"name": "roles", "scopes": ["tenant:manage", "bookings:view"]});
    let key = fixture.post(&tenant_path("/api-keys"), owner.token(), &key).await.ok()["secret"].clone();
    let by_key = async |method: Method, path: &str, body: Json| {
        let request = fixture.request(method, &tenant_path(path)).json(&body);
        Answer::of(request.header("x-tenant-api-key", key.as_str().unwrap())).await
    };
    let role = json!({"name": "night", "scopes": ["bookings:view"]});
    by_key(Method::POST, "/roles", role).await.ok();
    // But what takes two factors of everybody is for users.
    let policy = by_key(Method::PUT, "/second-factor", json!({"policy": "optional"})).await;
    policy.refused(401, "SIGN_IN_REQUIRED");
    let policy = fixture.get(&tenant_path("/second-factor"), owner.token()).await;
    assert_eq!(policy.ok(), &json!({"policy": "all"}));
}

/// Before, the password of an operator was enough in a tenant that asks everybody for more.
#[tokio::test]
async fn operators_are_asked_what_a_tenant_asks_of_its_owners() {
    let fixture = Fixture::start().await;
    let owner = fixture.protect(demo::OWNER).await;
    let properties = async |token: &str, tenant: Uuid| {
        let request = fixture.request(Method::GET, PROPERTIES).bearer_auth(token);
        Answer::of(request.header("x-tenant-id", tenant.to_string())).await
    };
    let operate = "update identity.users set platform_scopes = '{platform:operate}' where email = $1";
    fixture.execute(operate, &[&demo::VIEWER]).await;
    // One is no member, the other one has a role that is not asked.
    for (email, policy) in [(demo::OPERATOR, "owners"), (demo::VIEWER, "owners"), (demo::OPERATOR, "all")] {
        let token = fixture.token(email).await;
        fixture.ask(owner.token(), "optional").await.ok();
        until_so("nobody is asked", async || properties(&token, demo::TENANT).await.status == 200).await;
        fixture.ask(owner.token(), policy).await.ok();
        until_so("operators are asked", async || properties(&token, demo::TENANT).await.status == 401).await;
        properties(&token, demo::TENANT).await.refused(401, "STEP_UP_REQUIRED");
        properties(&token, demo::OTHER_TENANT).await.ok();
        fixture.get("/v1/me", &token).await.ok();
    }
    fixture.get("/v1/tenants", &fixture.token(demo::OPERATOR).await).await.ok();
    let operator = fixture.protect(demo::OPERATOR).await;
    properties(operator.token(), demo::TENANT).await.ok();
}

#[tokio::test]
async fn the_password_alone_reaches_neither_the_sessions_nor_the_name_of_whoever_has_a_second_factor() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let login = fixture.login(demo::MANAGER).await;
    let session = claims(&protected.proof)["session_id"].as_str().unwrap().to_owned();
    let session = format!("/v1/auth/sessions/{session}");
    let token = access(&login);
    let name = json!({"display_name": "Somebody"});
    for answer in [
        fixture.get("/v1/auth/sessions", token).await,
        fixture.delete(&session, token).await,
        fixture.patch("/v1/me", token, &name).await,
    ] {
        answer.refused(401, "STEP_UP_REQUIRED");
    }
    fixture.get("/v1/auth/sessions", protected.token()).await.ok();
    assert_ne!(fixture.get("/v1/me", token).await.ok()["user"]["display_name"], "Somebody");
    fixture.patch("/v1/me", protected.token(), &name).await.ok();
    // Others' sessions are ended by two factors, one's own by any.
    let sessions =
        async || fixture.get("/v1/auth/sessions", protected.token()).await.ok()["sessions"].clone();
    let before = sessions().await;
    for scope in ["others", "global"] {
        let refused = fixture.post("/v1/auth/logout", token, &json!({"scope": scope})).await;
        assert_eq!(refused.refused(401, "STEP_UP_REQUIRED").body["metadata"]["required"], "aal2");
    }
    assert_eq!(sessions().await, before);
    fixture.post("/v1/auth/logout", token, &json!({})).await.ok();
    fixture.get("/v1/me", token).await.refused(401, "SESSION_ENDED");
    fixture.post("/v1/auth/logout", protected.token(), &json!({"scope": "others"})).await.ok();
    fixture.post("/v1/auth/logout", protected.token(), &json!({"scope": "global"})).await.ok();
    fixture.get("/v1/me", protected.token()).await.refused(401, "SESSION_ENDED");
    // Who has no second factor is not asked for one.
    let owner = fixture.token(demo::OWNER).await;
    fixture.post("/v1/auth/logout", &owner, &json!({"scope": "global"})).await.ok();
}

/// `supabase-js` signs out globally, and forgets its session whatever the answer is.
#[tokio::test]
async fn a_global_sign_out_by_the_password_alone_ends_that_session_at_least() {
    let fixture = Fixture::start().await;
    let protected = fixture.protect(demo::MANAGER).await;
    let login = fixture.login(demo::MANAGER).await;
    let request = fixture.request(Method::POST, "/auth/v1/logout").bearer_auth(access(&login));
    let answer = Answer::of_a_stranger(request.header("apikey", ANON_KEY)).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    fixture.get("/v1/me", access(&login)).await.refused(401, "SESSION_ENDED");
    fixture.get("/v1/me", protected.token()).await.ok();
}

#[tokio::test]
async fn wrong_passwords_at_a_new_proof_are_limited_as_at_the_login() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let again = async |password: &str| {
        fixture.post("/v1/auth/reauthenticate", &token, &json!({"current_password": password})).await
    };
    for _ in 0..5 {
        again("not-this-one").await.refused(403, "PASSWORD_WRONG");
    }
    again(demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_of_one_factor_unless_it_says_otherwise() {
    let issuer = "https://secret.example";
    let entry = json!([{"issuer": issuer, "audience": "theirs", "hs256_secret": SECRET, "subjects_are_user_ids": true}]);
    let trusted_issuers: TrustedIssuers = entry.to_string().parse().unwrap();
    let fixture = Fixture::start_with(Policy { trusted_issuers, ..Policy::default() }).await;
    let token = |more: Json| {
        let now = jsonwebtoken::get_current_timestamp();
        let mut claims =
            json!({"iss": issuer, "aud": "theirs", "sub": MANAGER_ID, "exp": now + 600, "iat": now});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
    };
    let plain = token(json!({}));
    fixture.get(PROPERTIES, &plain).await.ok();
    let enrol = fixture.post("/v1/auth/factors", &plain, &json!({})).await;
    enrol.refused(401, "STEP_UP_REQUIRED");
    let now = jsonwebtoken::get_current_timestamp();
    let fresh = token(json!({"auth_time": now}));
    fixture.post("/v1/auth/factors", &fresh, &json!({})).await.refused(401, "SIGN_IN_REQUIRED");
    fixture.protect(demo::MANAGER).await;
    fixture.answers(&plain, PROPERTIES, 401).await;
    fixture.get(PROPERTIES, &plain).await.refused(401, "STEP_UP_REQUIRED");
    let two = token(json!({"aal": "aal2", "amr": [{"method": "totp", "timestamp": now}]}));
    fixture.get(PROPERTIES, &two).await.ok();
}
