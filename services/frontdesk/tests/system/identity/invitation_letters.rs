//! Letters of invitations: how many go to an address and come from a tenant, and who is counted.

use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, Fixture, tenant_path};
use crate::mailbox::Mailbox;

const OPEN: &str = "select count(*) from identity.invitations where state = 'open'";

async fn start() -> (Fixture, Mailbox) {
    let mailbox = Mailbox::open().await;
    (Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await, mailbox)
}

async fn invite(fixture: &Fixture, by: &str, email: &str) -> Answer {
    let body = json!({"email": email, "role": "viewer"});
    fixture.post(&tenant_path("/invitations"), by, &body).await
}

/// Before, nothing limited the letters of a tenant, and whatever was refused counted against
/// the address for everybody else.
#[tokio::test(flavor = "multi_thread")]
async fn an_address_gets_so_many_letters_and_a_tenant_sends_so_many() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let path = tenant_path("/invitations");
    let nobody = json!({"email": "a@x.example", "role": "no-such-role"});
    let brought = json!({"email": "a@x.example", "role": "viewer", "return_token": true});
    for _ in 0..11 {
        fixture.post(&path, &owner, &nobody).await.refused(404, "ROLE_NOT_FOUND");
        fixture.post(&path, &owner, &brought).await.ok();
    }
    let answers = join_all((0..12).map(|_| invite(&fixture, &owner, "a@x.example"))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 10, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.refused(429, "TOO_MANY_ATTEMPTS");
        let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3000..=3600).contains(&seconds), "{seconds}");
    }
    // Whoever sends the link is not counted, and one that is refused takes nobody's place.
    fixture.post(&path, &owner, &brought).await.ok();
    let events = "select count(*) from identity.audit_events where action = 'member_invited'";
    assert_eq!(fixture.count(events, &[]).await, 22);

    // An eleventh letter, to another address, is counted for the tenant alone.
    invite(&fixture, &owner, "b@x.example").await.ok();
    let almost = "update identity.login_failures set failures = 199 where failures = 11";
    assert_eq!(fixture.execute(almost, &[]).await, 1);
    invite(&fixture, &owner, "c@x.example").await.ok();
    let open = fixture.count(OPEN, &[]).await;
    invite(&fixture, &owner, "d@x.example").await.refused(429, "TOO_MANY_ATTEMPTS");
    assert_eq!(fixture.count(OPEN, &[]).await, open, "an invitation without its letter");
    // So is one that is asked for by whoever has the link.
    let brought = json!({"email": "e@x.example", "role": "viewer", "return_token": true});
    let token = fixture.post(&path, &owner, &brought).await.ok()["token"].clone();
    let request = fixture.request(Method::POST, "/v1/invitations/letter").json(&json!({"token": token}));
    Answer::of(request).await.refused(429, "TOO_MANY_ATTEMPTS");
    let request = fixture.request(Method::POST, "/v1/invitations/lookup").json(&json!({"token": token}));
    Answer::of(request).await.ok();

    // Another tenant sends its own.
    let other = fixture.token(demo::OTHER_OWNER).await;
    let path = format!("/v1/tenants/{}/invitations", demo::OTHER_TENANT);
    let body = json!({"email": "d@x.example", "role": "viewer"});
    fixture.post(&path, &other, &body).await.ok();
}

#[tokio::test]
async fn a_tenant_has_so_many_open_invitations() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let full = "insert into identity.invitations (tenant_id, id, email, role, secret_hash, proves_address, created_at, expires_at) \
        select $1, gen_random_uuid(), n || '@x.example', 'viewer', sha256(n::text::bytea), true, now(), now() + interval '1 day' \
        from generate_series(1, 100) n";
    fixture.execute(full, &[&demo::TENANT]).await;
    invite(&fixture, &owner, "more@x.example").await.refused(409, "QUOTA_REACHED");
    assert_eq!(fixture.count(OPEN, &[]).await, 100);
    assert_eq!(fixture.count("select count(*) from identity.outbox", &[]).await, 0);
}

/// Before, an account whose address an earlier version had stored was none.
#[tokio::test]
async fn an_account_is_found_however_its_address_is_stored() {
    let (fixture, mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let stored = "update identity.users set email = 'x@xn--mnchen-3ya.example' where email = $1";
    fixture.execute(stored, &[&demo::OTHER_OWNER]).await;
    invite(&fixture, &owner, "x@m\u{fc}nchen.example").await.ok();
    let token = mailbox.letter("x@xn--mnchen-3ya.example", 1).await.token("invitation");
    let body = json!({"token": token});
    let offer = Answer::of(fixture.request(Method::POST, "/v1/invitations/lookup").json(&body)).await;
    assert_eq!(offer.ok()["has_account"], Json::Bool(true));
}

/// Before, a link that was sent again was sent for three days, however soon it was over.
#[tokio::test]
async fn a_letter_that_is_asked_for_again_ends_with_the_invitation() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let brought = json!({"email": "later-1@x.example", "role": "viewer", "return_token": true});
    let invited = fixture.post(&tenant_path("/invitations"), &owner, &brought).await.ok()["token"].clone();
    let soon = "update identity.invitations set expires_at = now() + interval '1 hour'";
    fixture.execute(soon, &[]).await;
    let request = fixture.request(Method::POST, "/v1/invitations/letter").json(&json!({"token": invited}));
    Answer::of(request).await.ok();
    let together = "select count(*) from identity.outbox o join identity.invitations i on i.expires_at = o.expires_at \
        where i.tenant_id = o.of_tenant";
    assert_eq!(fixture.count(together, &[]).await, 1);
}

/// Before, whoever sent the links made as many as a hundred that are open leave room for, day
/// after day.
#[tokio::test]
async fn a_tenant_makes_so_many_links_in_a_day_that_its_members_send() {
    let (fixture, _mailbox) = start().await;
    let (owner, other) = (fixture.token(demo::OWNER).await, fixture.token(demo::OTHER_OWNER).await);
    let brought = json!({"email": "a@x.example", "role": "viewer", "return_token": true});
    let path = tenant_path("/invitations");
    for _ in 0..3 {
        fixture.post(&path, &owner, &brought).await.ok();
    }
    let almost = "update identity.login_failures set failures = 999 where failures = 3";
    assert_eq!(fixture.execute(almost, &[]).await, 3);
    fixture.post(&path, &owner, &brought).await.ok();
    let open = fixture.count(OPEN, &[]).await;
    let another = json!({"email": "b@x.example", "role": "viewer", "return_token": true});
    let refused = fixture.post(&path, &owner, &another).await;
    refused.refused(429, "TOO_MANY_ATTEMPTS");
    let seconds: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((86_000..=86_400).contains(&seconds), "{seconds}");
    assert_eq!(fixture.count(OPEN, &[]).await, open);
    // A letter, and another tenant, are counted apart.
    invite(&fixture, &owner, "b@x.example").await.ok();
    fixture.post(&format!("/v1/tenants/{}/invitations", demo::OTHER_TENANT), &other, &brought).await.ok();
    fixture.execute("update identity.login_failures set window_ends_at = now()", &[]).await;
    fixture.post(&path, &owner, &brought).await.ok();
}
