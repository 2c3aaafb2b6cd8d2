//! Tokens for clients, which are API keys, and what the token endpoint refuses, in the words
//! of RFC 6749.

use std::time::Duration;

use access::Issuer;
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use boot::TrustedProxies;
use frontdesk::demo;
use frontdesk::system::Policies;
use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value as Json, json};

use super::delegation::delegated;
use crate::fixture::{Answer, Fixture, tenant_path};
use crate::waits;

pub const ADDRESS: &str = "https://id.example";

/// A client: the id and the secret of an API key.
#[derive(Debug, Clone)]
pub struct Client {
    pub id: String,
    pub secret: String,
}

/// A system whose issuer is an address, and whose gateway believes this machine where a call
/// comes from.
pub async fn start() -> Fixture {
    start_with(identity::Policy::default()).await
}

/// The same, with another identity.
pub async fn start_with(identity: identity::Policy) -> Fixture {
    let gateway =
        gateway::Policy { trusted_proxies: TrustedProxies::loopback(), ..gateway::Policy::default() };
    let issuer = Issuer { issuer: ADDRESS.to_owned(), ..Issuer::default() };
    Fixture::start_under(Policies { gateway, issuer, identity, ..Policies::default() }).await
}

/// An identity that records what repeats soon.
pub fn often() -> identity::Policy {
    identity::Policy { repeats_every: Duration::from_millis(100), ..identity::Policy::default() }
}

/// Makes a client with these scopes.
pub async fn client(fixture: &Fixture, scopes: &[&str], allowed: &[&str]) -> Client {
    let owner = fixture.token(demo::OWNER).await;
    let new = json!({"name": "client", "scopes": scopes, "allowed_addresses": allowed});
    let made = fixture.post(&tenant_path("/api-keys"), &owner, &new).await.ok().clone();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    Client { id: text(&made["api_key"]["id"]), secret: text(&made["secret"]) }
}

/// Asks for a token with a form.
pub fn ask(fixture: &Fixture, form: &[(&str, &str)]) -> RequestBuilder {
    with_form(fixture.request(Method::POST, "/oauth/token"), form)
}

fn with_form(request: RequestBuilder, form: &[(&str, &str)]) -> RequestBuilder {
    // Forms are written as queries of addresses are.
    let written = reqwest::Url::parse_with_params("http://form", form).unwrap();
    let body = written.query().unwrap_or_default().to_owned();
    request.header("content-type", "application/x-www-form-urlencoded").body(body)
}

impl Client {
    /// Asks with the secret in the form.
    pub fn asks(&self, fixture: &Fixture, scope: &str) -> RequestBuilder {
        let credentials = [("client_id", &*self.id), ("client_secret", &*self.secret)];
        let grant = [("grant_type", "client_credentials"), ("scope", scope)];
        ask(fixture, &[credentials, grant].concat())
    }

    pub async fn token(&self, fixture: &Fixture, scope: &str) -> String {
        let answer = Answer::of(self.asks(fixture, scope)).await;
        answer.ok()["access_token"].as_str().unwrap().to_owned()
    }
}

/// Asserts an answer of the token endpoint that refuses.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, error: &str, reason: &str) {
    let body = &answer.body;
    assert_eq!((answer.status, body["error"].as_str()), (status, Some(error)), "{body}");
    assert!(body["error_uri"].as_str().unwrap().ends_with(&format!("/{reason}")), "{body}");
    assert!(!body["error_description"].as_str().unwrap().is_empty(), "{body}");
    assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let how = answer.headers.get("www-authenticate").map(|value| value.to_str().unwrap());
    assert_eq!(how, (status == 401).then_some("Basic realm=\"frontdesk\""), "{body}");
}

/// What a token says.
pub fn claims(token: &str) -> Json {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

const ISSUED: &str =
    "select count(*) from identity.audit_events where action = 'token_issued' and outcome = 'success'";
/// What was refused, of a tenant or of none.
const REFUSED: &str = "select coalesce(sum(times), 0)::bigint from identity.audit_events where action = 'token_issued' \
    and outcome = 'failure' and tenant_id is not distinct from $1 and api_key_id is null and user_id is null";

#[tokio::test]
async fn a_client_gets_a_token_of_its_tenant_with_its_scopes_or_fewer() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view", "api_keys:manage"], &[]).await;
    let answer = Answer::of(client.asks(&fixture, "")).await;
    let body = answer.ok();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert_eq!(body["scope"], "api_keys:manage properties:view");
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.headers["pragma"], "no-cache");
    let token = body["access_token"].as_str().unwrap();
    let claims = claims(token);
    for (name, value) in [
        ("iss", json!(ADDRESS)),
        ("sub", json!(client.id)),
        ("client_id", json!(client.id)),
        ("tenant_id", json!(demo::TENANT)),
        ("scope", json!("api_keys:manage properties:view")),
        ("typ", json!("client")),
    ] {
        assert_eq!(claims[name], value, "{claims}");
    }
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
    // It stands for the key, in every service, and for no user.
    fixture.get("/v1/properties", token).await.ok();
    fixture.get("/v1/bookings", token).await.refused(403, "SCOPE_MISSING");
    fixture.get("/v1/me", token).await.refused(401, "SIGN_IN_REQUIRED");
    let made = fixture.post(&tenant_path("/api-keys"), token, &json!({"name": "by a machine"})).await;
    assert_eq!(made.ok()["api_key"]["created_by_api_key_id"], client.id);
    let elsewhere = fixture.request(Method::GET, "/v1/properties").bearer_auth(token);
    let elsewhere = elsewhere.header("x-tenant-id", demo::OTHER_TENANT.to_string());
    Answer::of(elsewhere).await.refused(403, "TENANT_ACCESS_DENIED");
    let beside = fixture.request(Method::GET, "/v1/properties").bearer_auth(token);
    Answer::of(beside.header("x-tenant-api-key", &fixture.api_key)).await.refused(401, "API_KEY_INVALID");

    let fewer = client.token(&fixture, "properties:view").await;
    fixture.get("/v1/properties", &fewer).await.ok();
    fixture.get(&tenant_path("/api-keys"), &fewer).await.refused(403, "SCOPE_MISSING");
    let of_key = "select count(*) from identity.audit_events where action = 'token_issued' \
        and api_key_id = $1 and tenant_id = $2 and user_id is null";
    let id: uuid::Uuid = client.id.parse().unwrap();
    assert_eq!(fixture.count(of_key, &[&id, &demo::TENANT]).await, 2);
    let operator = fixture.token(demo::OPERATOR).await;
    let told = fixture.post("/v1/auth/introspect", &operator, &json!({"token": token})).await;
    assert_eq!((&told.ok()["active"], &told.body["client_id"]), (&json!(true), &json!(client.id)));
}

#[tokio::test]
async fn a_client_says_who_it_is_in_the_header_as_well() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let grant = [("grant_type", "client_credentials")];
    let basic = |id: &str, secret: &str| ask(&fixture, &grant).basic_auth(id, Some(secret));
    Answer::of(basic(&client.id, &client.secret)).await.ok();
    // As forms are encoded, any character may be escaped.
    Answer::of(basic(&client.id, &client.secret.replace('_', "%5F"))).await.ok();
    let wrong = Answer::of(basic(&client.id, "wrong")).await;
    refused(&wrong, 401, "invalid_client", "CLIENT_INVALID");
    let bearer = Answer::of(ask(&fixture, &grant).bearer_auth("x")).await;
    refused(&bearer, 400, "invalid_request", "MALFORMED_REQUEST");
    let twice = client.asks(&fixture, "").basic_auth(&client.id, Some(&client.secret));
    refused(&Answer::of(twice).await, 400, "invalid_request", "MALFORMED_REQUEST");
}

#[tokio::test]
async fn each_fault_of_a_request_has_its_word_and_nothing_is_issued() {
    let fixture = start_with(often()).await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let other = demo::create_api_key(&fixture.database.url, demo::OTHER_TENANT).await.unwrap();
    let (id, secret) = (&*client.id, &*client.secret);
    let cut = &secret[..secret.len() - 1];
    let nobody = uuid::Uuid::now_v7().to_string();
    let grant = ("grant_type", "client_credentials");
    let bad_client: [&[(&str, &str)]; 8] = [
        &[grant],
        &[grant, ("client_id", id)],
        &[grant, ("client_secret", secret)],
        &[grant, ("client_id", id), ("client_secret", cut)],
        &[grant, ("client_id", id), ("client_secret", &other)],
        &[grant, ("client_id", id), ("client_secret", &fixture.api_key)],
        &[grant, ("client_id", &nobody), ("client_secret", secret)],
        &[grant, ("client_id", "x' --"), ("client_secret", secret)],
    ];
    let mut texts = Vec::new();
    for form in bad_client {
        let answer = Answer::of(ask(&fixture, form)).await;
        refused(&answer, 401, "invalid_client", "CLIENT_INVALID");
        texts.push(answer.body.clone());
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "the answer tells what is wrong: {texts:?}");
    for (form, error, reason) in [
        (vec![("grant_type", "password")], "unsupported_grant_type", "GRANT_TYPE_UNSUPPORTED"),
        (vec![("grant_type", "refresh_token")], "unsupported_grant_type", "GRANT_TYPE_UNSUPPORTED"),
        (vec![("client_id", id), ("client_secret", secret)], "invalid_request", "MALFORMED_REQUEST"),
        (vec![grant, grant], "invalid_request", "MALFORMED_REQUEST"),
        (vec![grant, ("scope", &*"s".repeat(2001))], "invalid_request", "INVALID_FIELD"),
        (vec![grant, ("client_assertion", "x")], "invalid_request", "INVALID_FIELD"),
    ] {
        refused(&Answer::of(ask(&fixture, &form)).await, 400, error, reason);
    }
    for scope in ["properties:view bookings:view", "bookings:view", "admin", "platform:operate"] {
        let answer = Answer::of(client.asks(&fixture, scope)).await;
        refused(&answer, 400, "invalid_scope", "SCOPE_NOT_GRANTED");
    }
    for target in [("audience", "https://other.example"), ("resource", "https://other.example/api")] {
        let answer =
            Answer::of(ask(&fixture, &[grant, target, ("client_id", id), ("client_secret", secret)])).await;
        refused(&answer, 400, "invalid_target", "TARGET_UNKNOWN");
    }
    let json =
        fixture.request(Method::POST, "/oauth/token").json(&json!({"grant_type": "client_credentials"}));
    refused(&Answer::of(json).await, 400, "invalid_request", "MALFORMED_REQUEST");
    let get = Answer::of(fixture.request(Method::GET, "/oauth/token")).await;
    refused(&get, 405, "invalid_request", "METHOD_NOT_ALLOWED");
    let in_query = format!("/oauth/token?client_id={id}&client_secret={secret}");
    let in_query = with_form(fixture.request(Method::POST, &in_query), &[grant]);
    refused(&Answer::of(in_query).await, 401, "invalid_client", "CLIENT_INVALID");
    let basic = format!("Basic {}", BASE64_STANDARD.encode("no colon"));
    let basic = ask(&fixture, &[grant]).header("authorization", basic);
    refused(&Answer::of(basic).await, 400, "invalid_request", "MALFORMED_REQUEST");
    assert_eq!(fixture.count(ISSUED, &[]).await, 0);
    // The tenant hears of those who tried as its client.
    fixture.until(REFUSED, &[&Some(demo::TENANT)], 4).await;
    fixture.until(REFUSED, &[&None::<uuid::Uuid>], 5).await;
}

/// A service that sends the user's token relies on getting one of the user.
#[tokio::test]
async fn a_token_of_a_user_goes_with_an_exchange_only() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    for (field, value) in
        [("subject_token", &*owner), ("subject_token_type", kind), ("requested_token_type", kind)]
    {
        let credentials = [("client_id", &*client.id), ("client_secret", &*client.secret)];
        let form = [&credentials[..], &[("grant_type", "client_credentials"), (field, value)]].concat();
        let answer = Answer::of(ask(&fixture, &form)).await;
        refused(&answer, 400, "invalid_request", "INVALID_FIELD");
    }
    assert_eq!(fixture.count(ISSUED, &[]).await, 0);
}

#[tokio::test]
async fn a_client_that_asks_for_a_token_with_every_call_is_told_to_keep_the_one_it_has() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let answers = join_all((0..70).map(|_| Answer::of(client.asks(&fixture, "")))).await;
    let (given, late): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(given.len() >= 60 && !late.is_empty(), "{} {}", given.len(), late.len());
    for answer in late {
        refused(answer, 429, "temporarily_unavailable", "TOO_MANY_ATTEMPTS");
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert_eq!(fixture.count(ISSUED, &[]).await, i64::try_from(given.len()).unwrap());
    // What it does for a user counts by itself, and so does another client.
    delegated(&fixture, &client, &fixture.token(demo::OWNER).await).await;
    super::client_tokens::client(&fixture, &["properties:view"], &[]).await.token(&fixture, "").await;
}

#[tokio::test]
async fn a_token_promises_no_more_than_the_time_of_its_key() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let soon =
        "update identity.tenant_api_keys set expires_at = now() + interval '200 seconds' where id = $1";
    let id: uuid::Uuid = client.id.parse().unwrap();
    assert_eq!(fixture.execute(soon, &[&id]).await, 1);
    let answer = Answer::of(client.asks(&fixture, "")).await;
    let seconds = answer.ok()["expires_in"].as_u64().unwrap();
    assert!((100..=200).contains(&seconds), "{seconds}");
    let claims = claims(answer.body["access_token"].as_str().unwrap());
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), seconds);
}

#[tokio::test]
async fn a_client_may_say_more_than_once_that_a_token_is_for_this_system_by_any_of_its_names() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let grant = ("grant_type", "client_credentials");
    let form = [grant, ("client_id", &*client.id), ("client_secret", &*client.secret)];
    for targets in [
        vec![("resource", ADDRESS), ("resource", "https://id.example/"), ("audience", ADDRESS)],
        vec![("audience", ADDRESS), ("audience", "authenticated"), ("resource", "")],
    ] {
        let form = [&form[..], &targets].concat();
        Answer::of(ask(&fixture, &form)).await.ok();
        for other in ["audience", "resource"] {
            let form = [&form[..], &[(other, "https://other.example")]].concat();
            refused(&Answer::of(ask(&fixture, &form)).await, 400, "invalid_target", "TARGET_UNKNOWN");
        }
    }
    assert_eq!(fixture.count(ISSUED, &[]).await, 2);
}

#[tokio::test]
async fn a_key_that_is_revoked_ends_its_tokens_at_once_in_every_service() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view", "api_keys:manage"], &[]).await;
    let token = client.token(&fixture, "").await;
    let (properties, keys) = ("/v1/properties", tenant_path("/api-keys"));
    for path in [properties, &keys] {
        fixture.get(path, &token).await.ok();
    }
    let owner = fixture.token(demo::OWNER).await;
    fixture.delete(&tenant_path(&format!("/api-keys/{}", client.id)), &owner).await.ok();
    fixture.get(&keys, &token).await.refused(401, "SESSION_ENDED");
    // Booking hears of it.
    waits::until_so("booking refuses it", async || fixture.get(properties, &token).await.status == 401).await;
    fixture.get(properties, &token).await.refused(401, "SESSION_ENDED");
    refused(&Answer::of(client.asks(&fixture, "")).await, 401, "invalid_client", "CLIENT_INVALID");
    let operator = fixture.token(demo::OPERATOR).await;
    let told = fixture.post("/v1/auth/introspect", &operator, &json!({"token": token})).await;
    assert_eq!(told.ok()["active"], json!(false));
}

#[tokio::test]
async fn a_key_with_addresses_gives_tokens_there_and_they_are_good_there() {
    let fixture = start().await;
    let client = client(&fixture, &["properties:view"], &["192.0.2.0/24"]).await;
    let from =
        |request: RequestBuilder, address: &str| Answer::of(request.header("x-forwarded-for", address));
    let elsewhere = from(client.asks(&fixture, ""), "192.0.3.1").await;
    refused(&elsewhere, 400, "unauthorized_client", "ADDRESS_NOT_ALLOWED");
    assert_eq!(fixture.count(REFUSED, &[&Some(demo::TENANT)]).await, 1);
    let there = from(client.asks(&fixture, ""), "192.0.2.1").await;
    let token = there.ok()["access_token"].as_str().unwrap();
    let properties = || fixture.request(Method::GET, "/v1/properties").bearer_auth(token);
    for _ in 0..2 {
        from(properties(), "192.0.2.9").await.ok();
        from(properties(), "192.0.3.9").await.refused(403, "ADDRESS_NOT_ALLOWED");
    }
}

/// Nobody guesses a secret: a client that has it is not locked out by whoever fails under its
/// name or behind its address.
#[tokio::test]
async fn an_address_that_fails_too_often_is_told_so_and_a_client_behind_it_gets_its_token() {
    let limits = identity::Limits { address: 3, ..identity::Policy::default().limits };
    let gateway =
        gateway::Policy { trusted_proxies: TrustedProxies::loopback(), ..gateway::Policy::default() };
    let identity = identity::Policy { limits, ..identity::Policy::default() };
    let fixture = Fixture::start_under(Policies { gateway, identity, ..Policies::default() }).await;
    let client = client(&fixture, &["properties:view"], &[]).await;
    let from =
        |request: RequestBuilder, address: &str| Answer::of(request.header("x-forwarded-for", address));
    let wrong = Client { secret: fixture.api_key.clone(), ..client.clone() };
    let anonymous = || ask(&fixture, &[("grant_type", "client_credentials")]);
    for request in [wrong.asks(&fixture, ""), anonymous(), anonymous()] {
        refused(&from(request, "6.6.6.6").await, 401, "invalid_client", "CLIENT_INVALID");
    }
    for request in [wrong.asks(&fixture, ""), anonymous()] {
        let limited = from(request, "6.6.6.6").await;
        refused(&limited, 429, "temporarily_unavailable", "TOO_MANY_ATTEMPTS");
        assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 60);
    }
    refused(&from(anonymous(), "7.7.7.7").await, 401, "invalid_client", "CLIENT_INVALID");
    assert_eq!(fixture.count(ISSUED, &[]).await, 0);
    for address in ["6.6.6.6", "7.7.7.7"] {
        from(client.asks(&fixture, ""), address).await.ok();
    }
}

#[tokio::test]
async fn a_client_configures_itself_by_the_address_of_the_issuer_if_it_is_one() {
    let fixture = start().await;
    let [openid, oauth] =
        ["openid-configuration", "oauth-authorization-server"].map(|name| format!("/.well-known/{name}"));
    let get = |path: String| Answer::of(fixture.request(Method::GET, &path));
    let (one, other) = (get(openid.clone()).await, get(oauth).await);
    let body = one.ok();
    assert_eq!(body, other.ok());
    assert_eq!(one.headers["cache-control"], "public, max-age=300");
    assert_eq!(body["issuer"], ADDRESS);
    // What is named is served.
    for (name, method) in [("token_endpoint", Method::POST), ("jwks_uri", Method::GET)] {
        let path = body[name].as_str().unwrap().strip_prefix(ADDRESS).unwrap();
        assert_ne!(Answer::of(fixture.request(method, path)).await.status, 404, "{name}");
    }
    for grant in body["grant_types_supported"].as_array().unwrap() {
        let answer = Answer::of(ask(&fixture, &[("grant_type", grant.as_str().unwrap())])).await;
        assert_ne!(answer.body["error"], "unsupported_grant_type", "{grant}");
    }
    assert_eq!(body["token_endpoint_auth_signing_alg_values_supported"], json!(["ES256", "RS256", "EdDSA"]));

    let named = Fixture::start().await;
    let answer = Answer::of(named.request(Method::GET, &openid)).await;
    answer.refused(404, "ISSUER_WITHOUT_ADDRESS");
}
