//! Limits on logins: who is held to them, and what they cost others.

use std::time::Duration;

use boot::TrustedProxies;
use frontdesk::demo;
use frontdesk::system::Policies;
use futures::future::join_all;
use identity::{Limits, Policy};
use reqwest::Method;
use serde_json::json;

use crate::fixture::{ANON_KEY, Answer, Fixture, system, tenant_path};

const WRONG: &str = "wrong-password";

fn policy(pair: i32, account: i32, address: i32) -> Policy {
    let limits = Limits { pair, account, address, ..Policy::default().limits };
    Policy { limits, ..Policy::default() }
}

/// Tries until refused with 429, and says after how many tries.
async fn tries_until_limited(fixture: &Fixture, emails: &[&str]) -> usize {
    for tries in 0..50 {
        let answer = fixture.try_login(emails[tries % emails.len()], WRONG).await;
        if answer.status == 429 {
            answer.refused(429, "TOO_MANY_ATTEMPTS");
            assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
            return tries;
        }
        answer.refused(401, "LOGIN_FAILED");
    }
    panic!("never limited");
}

#[tokio::test]
async fn known_and_unknown_accounts_are_limited_after_the_same_count() {
    let fixture = Fixture::start_with(policy(5, 20, 100)).await;
    fixture.execute("update identity.users set disabled_at = now() where email = $1", &[&demo::VIEWER]).await;
    for email in [demo::MANAGER, "nobody@alpine.example", demo::VIEWER] {
        assert_eq!(tries_until_limited(&fixture, &[email]).await, 5, "{email}");
    }
    let right = fixture.try_login(demo::MANAGER, demo::PASSWORD).await;
    right.refused(429, "TOO_MANY_ATTEMPTS");
    fixture.try_login(demo::OWNER, demo::PASSWORD).await.ok();
    let limited = "select count(*) from identity.audit_events where action = 'login_limited'";
    assert_eq!(fixture.count(limited, &[]).await, 3, "a refusal that repeats is written down later");
    let known =
        "select count(*) from identity.audit_events where action = 'login_limited' and user_id is not null";
    assert_eq!(fixture.count(known, &[]).await, 2);
}

#[tokio::test]
async fn a_disabled_user_with_the_right_password_is_counted_like_a_wrong_one() {
    let fixture = Fixture::start_with(policy(3, 20, 100)).await;
    fixture.execute("update identity.users set disabled_at = now() where email = $1", &[&demo::VIEWER]).await;
    for _ in 0..3 {
        fixture.try_login(demo::VIEWER, demo::PASSWORD).await.refused(401, "LOGIN_FAILED");
    }
    fixture.try_login(demo::VIEWER, demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test]
async fn spellings_of_an_address_share_a_bucket() {
    let fixture = Fixture::start_with(policy(6, 20, 100)).await;
    let spellings = ["manager@alpine.example", " MANAGER@Alpine.example", "ｍanager@alpine.example"];
    assert_eq!(tries_until_limited(&fixture, &spellings).await, 6);
}

#[tokio::test]
async fn a_forwarding_header_of_a_stranger_changes_no_bucket() {
    let fixture = Fixture::start_with(policy(3, 0, 0)).await;
    for n in 0..4 {
        let body = json!({"email": demo::MANAGER, "password": WRONG});
        let request = fixture.request(Method::POST, "/v1/auth/login").json(&body);
        let answer = Answer::of(request.header("x-forwarded-for", format!("6.6.6.{n}"))).await;
        answer
            .refused(if n < 3 { 401 } else { 429 }, if n < 3 { "LOGIN_FAILED" } else { "TOO_MANY_ATTEMPTS" });
    }
}

/// Before, whoever a proxy named with a port or in another way than as a bare address was
/// taken for the proxy, and held everybody behind it to the limit.
#[tokio::test]
async fn clients_are_told_apart_as_proxies_name_them_and_never_taken_for_the_proxy() {
    let gateway =
        gateway::Policy { trusted_proxies: TrustedProxies::loopback(), ..gateway::Policy::default() };
    let policies = Policies { identity: policy(0, 0, 3), gateway, ..Policies::default() };
    let fixture = Fixture::start_under(policies).await;
    let login = async |header: &str, named: &str, password: &str| {
        let body = json!({"email": demo::MANAGER, "password": password});
        let request = fixture.request(Method::POST, "/v1/auth/login").json(&body);
        Answer::of(request.header(header, named)).await
    };
    let (written, rfc) = ("x-forwarded-for", "forwarded");
    for group in [
        [
            (written, "6.6.6.6:1"),
            (written, "6.6.6.6"),
            (rfc, "for=\"6.6.6.6:2\""),
            (rfc, "for=7.7.7.7, for=6.6.6.6"),
        ],
        [
            (written, "[2001:db8::1]:1"),
            (written, "2001:db8::2"),
            (rfc, "for=\"[2001:db8::3]\""),
            (rfc, "for=\"[2001:db8::4]:9\""),
        ],
        [(written, "_one"), (written, "6.6.6.5, unknown"), (rfc, "for=_two"), (rfc, "proto=https")],
    ] {
        for (header, named) in &group[..3] {
            login(header, named, WRONG).await.refused(401, "LOGIN_FAILED");
        }
        let (header, named) = group[3];
        login(header, named, demo::PASSWORD).await.refused(429, "TOO_MANY_ATTEMPTS");
    }
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();
    login(written, "6.6.6.5", demo::PASSWORD).await.ok();
    let unknown = "select count(*) from identity.audit_events where action = 'login' and address = ''";
    assert_eq!(fixture.count(unknown, &[]).await, 3);
}

#[tokio::test]
async fn strangers_cannot_lock_a_user_out_of_an_address_it_has_used() {
    let fixture = Fixture::start_with(policy(0, 10, 0)).await;
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();
    for _ in 0..30 {
        fixture.try_login(demo::MANAGER, WRONG).await.refused(401, "LOGIN_FAILED");
    }
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();
    // An account that this address has never signed in to is limited.
    assert_eq!(tries_until_limited(&fixture, &[demo::OWNER]).await, 10);
}

/// Before, a place in the queue was taken first: 32 of these waited, each with a row in the
/// audit log in the end, and the others were told that the server is busy.
#[tokio::test]
async fn who_is_over_a_limit_is_told_so_at_once_and_fills_neither_queue_nor_audit_log() {
    let limits = policy(5, 20, 100).limits;
    let policy = Policy { limits, repeats_every: Duration::from_millis(100), ..Policy::default() };
    let fixture = Fixture::start_with_costly_passwords(policy).await;
    assert_eq!(tries_until_limited(&fixture, &[demo::MANAGER]).await, 5);
    let blocked = join_all((0..50).map(|_| fixture.try_login(demo::MANAGER, WRONG)));
    let (blocked, good) = tokio::join!(blocked, fixture.try_login(demo::OWNER, demo::PASSWORD));
    good.ok();
    for answer in blocked {
        answer.refused(429, "TOO_MANY_ATTEMPTS");
    }
    let counted =
        "select coalesce(sum(times), 0)::bigint from identity.audit_events where action = 'login_limited'";
    let patience = std::time::Instant::now() + Duration::from_secs(20);
    while fixture.count(counted, &[]).await < 51 {
        assert!(std::time::Instant::now() < patience, "what repeats is not written down");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let rows = "select count(*) from identity.audit_events where action = 'login_limited'";
    assert!(fixture.count(rows, &[]).await < 20);
    let owner = fixture.token(demo::OWNER).await;
    let listed = fixture.get(&tenant_path("/audit-events?page_size=200"), &owner).await;
    let events = listed.ok()["audit_events"].as_array().unwrap();
    let limited = events.iter().filter(|event| event["action"] == "login_limited");
    assert_eq!(limited.map(|event| event["times"].as_i64().unwrap()).sum::<i64>(), 51);
}

#[tokio::test]
async fn every_surface_says_alike_when_to_try_again() {
    let fixture = Fixture::start_with(policy(1, 20, 100)).await;
    let body = json!({"email": demo::MANAGER, "password": WRONG});
    fixture.try_login(demo::MANAGER, WRONG).await.refused(401, "LOGIN_FAILED");
    let wait = |answer: &Answer| answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap();
    let supabase = fixture.request(Method::POST, "/auth/v1/token?grant_type=password");
    let supabase = Answer::of_a_stranger(supabase.header("apikey", ANON_KEY).json(&body)).await;
    assert_eq!(supabase.status, 429, "{}", supabase.body);
    let rest = fixture.try_login(demo::MANAGER, WRONG).await;
    rest.refused(429, "TOO_MANY_ATTEMPTS");
    // The second answer may have come a little later.
    assert!(wait(&rest) > 600 && (0..10).contains(&(wait(&supabase) - wait(&rest))), "{supabase:?} {rest:?}");
}

#[tokio::test]
async fn replicas_count_together() {
    let fixture = Fixture::start_with(policy(4, 20, 100)).await;
    let other = system(&fixture.database.url, policy(4, 20, 100)).await;
    for n in 0..5 {
        let gateway = if n % 2 == 0 { fixture.system.gateway } else { other.gateway };
        let body = json!({"email": demo::MANAGER, "password": WRONG});
        let request = reqwest::Client::new().post(format!("http://{gateway}/v1/auth/login")).json(&body);
        assert_eq!(Answer::of(request).await.status, if n < 4 { 401 } else { 429 });
    }
}

#[tokio::test]
async fn a_window_that_is_over_is_forgotten() {
    let fixture = Fixture::start_with(policy(2, 20, 100)).await;
    assert_eq!(tries_until_limited(&fixture, &[demo::MANAGER]).await, 2);
    fixture.execute("update identity.login_failures set window_ends_at = now()", &[]).await;
    fixture.try_login(demo::MANAGER, demo::PASSWORD).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flood_of_logins_is_shed_and_hurts_nobody_else() {
    let fixture = Fixture::start_with_costly_passwords(policy(0, 0, 0)).await;
    let token = fixture.manager().await;
    fixture.get("/v1/me", &token).await.ok();
    let flood = join_all((0..500).map(|_| fixture.try_login(demo::MANAGER, demo::PASSWORD)));
    let others = async {
        let mut answered = 0;
        for _ in 0..20 {
            fixture.get("/v1/me", &token).await.ok();
            fixture.get("/v1/properties", &token).await.ok();
            Answer::of(fixture.request(Method::GET, "/readyz")).await.ok();
            answered += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        answered
    };
    let (flood, answered) = tokio::join!(flood, others);
    assert_eq!(answered, 20);
    let shed: Vec<_> = flood.iter().filter(|answer| answer.status != 200).collect();
    assert!(!shed.is_empty(), "500 at once all went through the queue");
    for answer in shed {
        // For want of a turn at the hash, or already of a connection, on a slow machine.
        let code = answer.body["code"].as_str().unwrap_or_default();
        assert!(["OVERLOADED", "DB_OVERLOADED"].contains(&code), "{}", answer.body);
        answer.refused(503, code);
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert!(flood.iter().any(|answer| answer.status == 200));
}

/// Composed (NFKC), each of these letters is eighteen; `domain/email.rs` counts that none is.
#[tokio::test]
async fn a_text_that_is_longer_than_an_address_is_refused_wherever_one_is_sent() {
    let fixture = Fixture::start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let bomb = "\u{fdfa}".repeat(300_000);
    fixture.try_login(&bomb, WRONG).await.refused(400, "INVALID_FIELD");
    let invite = json!({"email": bomb, "role": "viewer"});
    fixture.post(&tenant_path("/invitations"), &owner, &invite).await.refused(400, "INVALID_FIELD");
    super::members::add(&fixture, &bomb, "viewer").await.refused(400, "INVALID_FIELD");
    let forgotten = fixture.request(Method::POST, "/v1/auth/recovery").json(&json!({"email": bomb}));
    Answer::of(forgotten).await.refused(400, "INVALID_FIELD");
    let user = json!({"email": bomb});
    let refused = fixture.post("/v1/users", &operator, &user).await;
    assert!(refused.refused(400, "INVALID_FIELD").body.to_string().len() < 2000);
    let scopes: Vec<String> = (0..65).map(|n| format!("scope:{n}")).collect();
    let role = json!({"name": "many", "scopes": scopes});
    fixture.post(&tenant_path("/roles"), &owner, &role).await.refused(400, "INVALID_FIELD");
}

#[tokio::test]
async fn a_long_password_is_refused_before_it_is_hashed_and_none_is_cut_off() {
    let fixture = Fixture::start().await;
    fixture.try_login(demo::MANAGER, &"x".repeat(1_000_000)).await.refused(400, "INVALID_FIELD");
    let manager = fixture.manager().await;
    let long = "ä".repeat(256);
    let change = json!({"current_password": demo::PASSWORD, "new_password": long});
    fixture.post("/v1/auth/password", &manager, &change).await.ok();
    fixture.try_login(demo::MANAGER, &long).await.ok();
    fixture.try_login(demo::MANAGER, &"ä".repeat(255)).await.refused(401, "LOGIN_FAILED");
}
