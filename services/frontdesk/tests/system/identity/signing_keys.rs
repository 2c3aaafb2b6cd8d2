//! Signing keys: published, rotated, retired.

use std::time::Duration;

use frontdesk::demo;
use identity::Policy;
use reqwest::Method;
use serde_json::json;

use crate::fixture::{Answer, Fixture, system};

#[tokio::test(flavor = "multi_thread")]
async fn keys_rotate_under_load_on_two_replicas_without_a_failed_call() {
    let fixture = Fixture::start().await;
    let other = system(&fixture.database.url, Policy::default()).await;
    let gateways = [fixture.system.gateway, other.gateway];
    let client = reqwest::Client::new();
    let stop = std::sync::atomic::AtomicBool::new(false);
    let calls = async {
        let mut made = 0;
        let mut kids = std::collections::BTreeSet::new();
        while !stop.load(std::sync::atomic::Ordering::Relaxed) {
            let body = json!({"email": demo::MANAGER, "password": demo::PASSWORD});
            let login = client.post(format!("http://{}/v1/auth/login", gateways[made % 2])).json(&body);
            let token = Answer::of(login).await.ok()["access"].as_str().unwrap().to_owned();
            kids.insert(jsonwebtoken::decode_header(&token).unwrap().kid.unwrap());
            // Signed by one replica, verified by both, in identity and in booking.
            for gateway in gateways {
                for path in ["/v1/me", "/v1/properties"] {
                    Answer::of(client.get(format!("http://{gateway}{path}")).bearer_auth(&token)).await.ok();
                }
            }
            made += 1;
        }
        (made, kids.len())
    };
    let rotations = async {
        for _ in 0..2 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let rotated = tokio::process::Command::new(env!("CARGO_BIN_EXE_frontdesk"))
                .args(["keys", "rotate", "--now"])
                .env("DATABASE_URL", &fixture.database.url)
                .env("FRONTDESK_MASTER_KEY", crate::fixture::MASTER_KEY.repeat(32))
                .output()
                .await
                .unwrap();
            assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
            tokio::time::sleep(Duration::from_secs(6)).await;
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
    };
    let ((made, kids), ()) = tokio::join!(calls, rotations);
    assert!(made > 20 && kids >= 3, "{made} logins, {kids} keys");
}

#[tokio::test]
async fn the_jwks_is_cacheable_and_holds_public_keys_only() {
    let fixture = Fixture::start().await;
    let answer = Answer::of(fixture.request(Method::GET, "/.well-known/jwks.json")).await;
    let key = &answer.ok()["keys"][0];
    assert_eq!(
        (key["kty"].as_str(), key["alg"].as_str(), key["use"].as_str()),
        (Some("EC"), Some("ES256"), Some("sig"))
    );
    assert!(key.get("d").is_none());
    assert_eq!(answer.headers["cache-control"], "public, max-age=300");
}
