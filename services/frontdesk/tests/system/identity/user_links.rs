//! Whom a token of another issuer is about: a user only by a link, and without what that
//! user holds outside tenants.

use std::time::{Duration, Instant};

use frontdesk::demo;
use identity::{Policy, TrustedIssuers};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use super::trusted_issuers::SECRET;
use crate::fixture::{Fixture, tenant_path};

const PLAIN: &str = "https://plain.example";
const TRUSTED: &str = "https://trusted.example";

fn token(issuer: &str, subject: &str) -> String {
    let now = jsonwebtoken::get_current_timestamp();
    let claims = json!({
        "iss": issuer, "aud": "theirs", "sub": subject, "exp": now + 600, "iat": now, "auth_time": now,
    });
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
}

async fn command(fixture: &Fixture, args: &[&str]) -> std::process::Output {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"));
    command.args(args).env("DATABASE_URL", &fixture.database.url).output().await.unwrap()
}

async fn is_let_in_no_more(fixture: &Fixture, token: &str) {
    let since = Instant::now();
    loop {
        let answer = fixture.get("/v1/properties", token).await;
        if answer.status != 200 {
            answer.refused(401, "SUBJECT_NOT_LINKED");
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(1), "still let in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_is_a_user_by_its_link_and_never_by_an_equal_id() {
    let entries = json!([
        {"issuer": PLAIN, "audience": "theirs", "hs256_secret": SECRET},
        {"issuer": TRUSTED, "audience": "theirs", "hs256_secret": SECRET, "platform_scopes": true},
    ]);
    let trusted_issuers: TrustedIssuers = entries.to_string().parse().unwrap();
    let fixture = Fixture::start_with(Policy { trusted_issuers, ..Policy::default() }).await;
    let link = async |email, issuer, subject| {
        let linked =
            command(&fixture, &["user", "link", email, "--issuer", issuer, "--subject", subject]).await;
        assert!(linked.status.success(), "{linked:?}");
    };
    let operator = fixture.user_id(demo::OPERATOR).await;
    for subject in [&*operator, "248289761001"] {
        for path in ["/v1/me", "/v1/properties", "/v1/users"] {
            let refused = fixture.get(path, &token(PLAIN, subject)).await;
            refused.refused(401, "SUBJECT_NOT_LINKED");
            assert_eq!(refused.body["metadata"]["subject"], subject);
        }
    }
    link(demo::MANAGER, PLAIN, "248289761001").await;
    let manager = token(PLAIN, "248289761001");
    fixture.get("/v1/properties", &manager).await.ok();
    assert_eq!(fixture.get("/v1/me", &manager).await.ok()["user"]["email"], demo::MANAGER);
    fixture.get("/v1/me", &token(TRUSTED, "248289761001")).await.refused(401, "SUBJECT_NOT_LINKED");

    // Nor does another issuer speak for the address of the account, however fresh its proof.
    let body = json!({"email": "thief@evil.example"});
    fixture.post("/v1/me/email", &manager, &body).await.refused(401, "SIGN_IN_REQUIRED");

    // What the user holds outside tenants comes along only from an issuer that may carry it.
    for (issuer, status) in [(PLAIN, 403), (TRUSTED, 200)] {
        link(demo::OPERATOR, issuer, "root").await;
        let answer = fixture.get("/v1/users", &token(issuer, "root")).await;
        assert_eq!(answer.status, status, "{issuer}: {}", answer.body);
    }
    // What an operator sees as somebody else would not end with a session of another issuer.
    let seen = format!("/v1/users/{}/view-as", fixture.user_id(demo::MANAGER).await);
    let why = json!({"tenant_id": demo::TENANT, "reason": "asked for help"});
    fixture.post(&seen, &token(TRUSTED, "root"), &why).await.refused(401, "SIGN_IN_REQUIRED");

    // What was done with a token of another issuer is written down with that.
    link(demo::OWNER, PLAIN, "boss").await;
    fixture.post(&tenant_path("/api-keys"), &token(PLAIN, "boss"), &json!({"name": "k"})).await.ok();
    let by = "select count(*) from identity.audit_events where action = 'api_key_created' and issuer = $1";
    assert_eq!(fixture.count(by, &[&PLAIN]).await, 1);

    let listed = command(&fixture, &["user", "links", demo::OPERATOR, "--json"]).await;
    assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 2, "{listed:?}");
    let twice =
        command(&fixture, &["user", "link", demo::VIEWER, "--issuer", PLAIN, "--subject", "root"]).await;
    assert!(!twice.status.success(), "{twice:?}");

    let ended = command(&fixture, &["user", "unlink", "--issuer", PLAIN, "--subject", "248289761001"]).await;
    assert!(ended.status.success(), "{ended:?}");
    is_let_in_no_more(&fixture, &manager).await;
    let audited =
        "select count(*) from identity.audit_events where action in ('user_linked', 'user_unlinked')";
    assert_eq!(fixture.count(audited, &[]).await, 5);
}
