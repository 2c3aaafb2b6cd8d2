//! Invitations: who becomes a member, and who learns what.

use frontdesk::demo;
use futures::future::join_all;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::booking::help::rival::Rival;
use crate::fixture::{Answer, Fixture, tenant_path};
use crate::mailbox::Mailbox;

const PAGE: &str = "invitation";
const NEW: &str = "nora@new.example";

async fn start() -> (Fixture, Mailbox) {
    let mailbox = Mailbox::open().await;
    let policy = Policy { mail: Some(mailbox.policy()), ..Policy::default() };
    (Fixture::start_with(policy).await, mailbox)
}

async fn public(fixture: &Fixture, path: &str, body: &Json) -> Answer {
    Answer::of(fixture.request(Method::POST, path).json(body)).await
}

async fn join(fixture: &Fixture, token: &str) -> Answer {
    let body = json!({"token": token, "display_name": "Nora New", "password": "a password of hers"});
    public(fixture, "/v1/invitations/join", &body).await
}

/// Invites somebody new, as if the link had come by a letter.
async fn invite_new(fixture: &Fixture, by: &str, email: &str, role: &str) -> (String, String) {
    let (token, id) = invite(fixture, by, email, role).await;
    by_letter(fixture, email).await;
    (token, id)
}

async fn by_letter(fixture: &Fixture, email: &str) {
    let sent = "update identity.invitations set proves_address = true where email = $1";
    fixture.execute(sent, &[&email]).await;
}

/// Invites somebody and returns the token, as whoever sends the link.
async fn invite(fixture: &Fixture, by: &str, email: &str, role: &str) -> (String, String) {
    let body = json!({"email": email, "role": role, "return_token": true});
    let invited = fixture.post(&tenant_path("/invitations"), by, &body).await.ok().clone();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    (text(&invited["token"]), text(&invited["invitation"]["id"]))
}

const MEMBERS: &str = "select count(*) from identity.memberships where tenant_id = $1";

/// The whole way of a colleague, without any operator.
#[tokio::test]
async fn a_colleague_is_invited_joins_by_the_letter_forgets_the_password_and_recovers_it() {
    let (fixture, mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let body = json!({"email": " Nora@New.example", "role": "manager", "language": "de"});
    let invited = fixture.post(&tenant_path("/invitations"), &owner, &body).await.ok().clone();
    assert_eq!((invited["token"].as_str(), invited["invitation"]["email"].as_str()), (Some(""), Some(NEW)));
    let letter = mailbox.letter(NEW, 1).await;
    assert!(letter.head.contains("Subject: Einladung zu Alpine Stays"), "{}", letter.head);
    assert!(letter.body.contains("Olga Owner") && letter.body.contains("manager"), "{}", letter.body);
    let token = letter.token(PAGE);
    let offer = public(&fixture, "/v1/invitations/lookup", &json!({"token": token})).await.ok().clone();
    assert_eq!(
        (offer["tenant_name"].as_str(), offer["has_account"].as_bool()),
        (Some("Alpine Stays"), Some(false))
    );
    assert_eq!(fixture.count(MEMBERS, &[&demo::TENANT]).await, 3, "nobody is a member who has not accepted");

    let joined = join(&fixture, &token).await.ok().clone();
    assert_eq!((joined["user"]["email"].as_str(), joined["role"].as_str()), (Some(NEW), Some("manager")));
    join(&fixture, &token).await.refused(404, "LINK_INVALID");
    let session =
        fixture.try_login(NEW, "a password of hers").await.ok()["access"].as_str().unwrap().to_owned();
    fixture.get("/v1/properties", &session).await.ok();

    public(&fixture, "/v1/auth/recovery", &json!({"email": NEW})).await.ok();
    let token = mailbox.letter(NEW, 2).await.token("recover-password");
    let body = json!({"token": token, "password": "one that she remembers"});
    public(&fixture, "/v1/auth/recovery/password", &body).await.ok();
    fixture.get("/v1/me", &session).await.refused(401, "SESSION_ENDED");
    let session =
        fixture.try_login(NEW, "one that she remembers").await.ok()["access"].as_str().unwrap().to_owned();
    fixture.get("/v1/properties", &session).await.ok();

    let log = fixture.get(&tenant_path("/audit-events"), &owner).await;
    let actions = log.ok()["audit_events"].as_array().unwrap().clone();
    for action in ["member_invited", "invitation_accepted"] {
        assert!(actions.iter().any(|event| event["action"] == action), "{action}: {actions:?}");
    }
    assert!(!json!(actions).to_string().contains(NEW), "an address is in the audit log");
}

/// Before, `AddMember` told 404 from 200 with a name, and made members of people unasked (I1).
#[tokio::test]
async fn who_invites_learns_nothing_of_who_has_an_account_and_the_person_stays_as_before() {
    let (fixture, mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let victim = fixture.token(demo::OTHER_OWNER).await;
    let mut answers = Vec::new();
    for email in [demo::OTHER_OWNER, "nobody@harbour.example"] {
        let body = json!({"email": email, "role": "viewer"});
        let mut answer = fixture.post(&tenant_path("/invitations"), &owner, &body).await.ok().clone();
        for field in ["id", "email", "created_at", "expires_at"] {
            answer["invitation"][field].take();
        }
        answers.push(answer);
        mailbox.letter(email, 1).await;
    }
    assert_eq!(answers[0], answers[1]);
    fixture.get("/v1/properties", &victim).await.ok();
    fixture.login(demo::OTHER_OWNER).await;
    let log = fixture.get(&tenant_path("/audit-events?page_size=200"), &owner).await.ok().to_string();
    let id = fixture.user_id(demo::OTHER_OWNER).await;
    assert!(!log.contains(&id), "what somebody does elsewhere is told: {log}");

    // From joining on, what is done through the tenant is told, and nothing else.
    let token = mailbox.letter(demo::OTHER_OWNER, 1).await.token(PAGE);
    join(&fixture, &token).await.refused(409, "ALREADY_EXISTS");
    let accepted = fixture.post("/v1/invitations/accept", &victim, &json!({"token": token})).await;
    assert_eq!(accepted.ok(), &json!({"tenant_id": demo::TENANT.to_string(), "role": "viewer"}));
    fixture.login(demo::OTHER_OWNER).await;
    let log = fixture.get(&tenant_path("/audit-events?page_size=200"), &owner).await;
    let log = log.ok()["audit_events"].as_array().unwrap().clone();
    let of: Vec<&Json> =
        log.iter().filter(|event| event["user_id"] == id).map(|event| &event["action"]).collect();
    assert_eq!(of, ["invitation_accepted"], "{log:?}");
}

#[tokio::test]
async fn an_invitation_is_for_one_address_and_its_link_works_once() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (token, _) = invite(&fixture, &owner, demo::OTHER_OWNER, "viewer").await;
    let body = json!({"token": token});
    let operator = fixture.token(demo::OPERATOR).await;
    fixture.post("/v1/invitations/accept", &operator, &body).await.refused(403, "INVITATION_FOR_ANOTHER");
    public(&fixture, "/v1/invitations/accept", &body).await.refused(401, "CREDENTIALS_MISSING");
    let other = fixture.token(demo::OTHER_OWNER).await;
    fixture.post("/v1/invitations/accept", &other, &body).await.ok();
    fixture.post("/v1/invitations/accept", &other, &body).await.refused(404, "LINK_INVALID");
    public(&fixture, "/v1/invitations/decline", &body).await.refused(404, "LINK_INVALID");
    public(&fixture, "/v1/invitations/lookup", &body).await.refused(404, "LINK_INVALID");
    let member = json!({"email": demo::OTHER_OWNER, "role": "agent", "return_token": true});
    fixture.post(&tenant_path("/invitations"), &owner, &member).await.refused(409, "ALREADY_EXISTS");
    assert_eq!(fixture.count(MEMBERS, &[&demo::TENANT]).await, 4);
}

#[tokio::test]
async fn what_is_declined_revoked_replaced_or_over_makes_no_member() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let open = async || {
        let listed = fixture.get(&tenant_path("/invitations"), &owner).await;
        listed.ok()["invitations"].as_array().unwrap().len()
    };
    let (declined, _) = invite_new(&fixture, &owner, NEW, "viewer").await;
    public(&fixture, "/v1/invitations/decline", &json!({"token": declined})).await.ok();
    let (revoked, id) = invite_new(&fixture, &owner, NEW, "viewer").await;
    assert_eq!(open().await, 1);
    let path = tenant_path(&format!("/invitations/{id}"));
    fixture.delete(&path, &owner).await.ok();
    fixture.delete(&path, &owner).await.refused(404, "INVITATION_NOT_FOUND");
    let (replaced, _) = invite_new(&fixture, &owner, NEW, "viewer").await;
    let (old, _) = invite_new(&fixture, &owner, NEW, "viewer").await;
    assert_eq!(open().await, 1);
    fixture.execute("update identity.invitations set expires_at = now() where state = 'open'", &[]).await;
    assert_eq!(open().await, 0);
    for token in [&declined, &revoked, &replaced, &old] {
        join(&fixture, token).await.refused(404, "LINK_INVALID");
    }
    assert_eq!(fixture.count(MEMBERS, &[&demo::TENANT]).await, 3);
    let users = "select count(*) from identity.users where email = $1";
    assert_eq!(fixture.count(users, &[&NEW]).await, 0);
}

#[tokio::test]
async fn what_somebody_offered_ends_with_what_they_may_offer() {
    let (fixture, _mailbox) = start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let manager = fixture.user_id(demo::MANAGER).await;
    let member = tenant_path(&format!("/members/{manager}"));
    let promote = json!({"role": "owner"});
    for (n, ended) in ["another role", "removed", "disabled", "key"].into_iter().enumerate() {
        if ended == "removed" || ended == "another role" {
            fixture.patch(&member, &owner, &promote).await.ok();
        }
        let email = format!("new-{n}@x.example");
        let by = if ended == "disabled" { demo::OWNER } else { demo::MANAGER };
        let token = if ended == "key" {
            let scopes = json!({"name": "k", "scopes": ["members:manage", "bookings:view", "members:view"]});
            let key = fixture.post(&tenant_path("/api-keys"), &owner, &scopes).await.ok().clone();
            fixture
                .post(&tenant_path("/roles"), &owner, &json!({"name": "r", "scopes": ["bookings:view"]}))
                .await
                .ok();
            let request = fixture.request(Method::POST, &tenant_path("/invitations"));
            let request = request.header("x-tenant-api-key", key["secret"].as_str().unwrap());
            let body = json!({"email": email, "role": "r", "return_token": true});
            let token = Answer::of(request.json(&body)).await.ok()["token"].as_str().unwrap().to_owned();
            let path = tenant_path(&format!("/api-keys/{}", key["api_key"]["id"].as_str().unwrap()));
            fixture.delete(&path, &owner).await.ok();
            by_letter(&fixture, &email).await;
            token
        } else {
            let by = fixture.token(by).await;
            invite_new(&fixture, &by, &email, "owner").await.0
        };
        match ended {
            "another role" => drop(fixture.patch(&member, &owner, &json!({"role": "manager"})).await.ok()),
            "removed" => drop(fixture.delete(&member, &owner).await.ok()),
            "disabled" => {
                let disable = "update identity.users set disabled_at = now() where email = $1";
                fixture.execute(disable, &[&demo::OWNER]).await;
            }
            _ => {}
        }
        join(&fixture, &token).await.refused(404, "LINK_INVALID");
        if ended == "disabled" {
            let path = format!("/v1/users/{}/enable", "0d000000-0000-7000-8000-000000000101");
            fixture.post(&path, &operator, &json!({})).await.ok();
            join(&fixture, &token).await.ok();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_acceptance_and_revocation_at_once_one_wins_and_of_two_acceptances_one() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let members = async || fixture.count(MEMBERS, &[&demo::TENANT]).await;
    for n in 0..8 {
        let email = format!("new-{n}@x.example");
        let (token, id) = invite_new(&fixture, &owner, &email, "viewer").await;
        let before = members().await;
        let path = tenant_path(&format!("/invitations/{id}"));
        let (first, second, revoked) =
            tokio::join!(join(&fixture, &token), join(&fixture, &token), fixture.delete(&path, &owner));
        let won = [&first, &second, &revoked].iter().filter(|answer| answer.status == 200).count();
        assert_eq!(won, 1, "{first:?} {second:?} {revoked:?}");
        assert_eq!(members().await - before, i64::from(revoked.status != 200));
    }
}

/// An owner who is being thrown out would come back by an invitation of their own.
#[tokio::test(flavor = "multi_thread")]
async fn who_is_removed_leaves_no_invitation_behind() {
    let (fixture, _mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let manager = fixture.user_id(demo::MANAGER).await;
    let member = tenant_path(&format!("/members/{manager}"));
    for n in 0..6 {
        super::members::add(&fixture, demo::MANAGER, "owner").await;
        fixture.patch(&member, &owner, &json!({"role": "owner"})).await.ok();
        let token = fixture.token(demo::MANAGER).await;
        let body = json!({"email": format!("own-{n}@x.example"), "role": "owner", "return_token": true});
        let path = tenant_path("/invitations");
        let (invited, removed) =
            tokio::join!(fixture.post(&path, &token, &body), fixture.delete(&member, &owner));
        removed.ok();
        let open = "select count(*) from identity.invitations where state = 'open'";
        assert_eq!(fixture.count(open, &[]).await, 0, "{invited:?}");
    }
}

#[tokio::test]
async fn anybody_leaves_but_the_last_owner() {
    let (fixture, _mailbox) = start().await;
    let leave = tenant_path("/leave");
    let viewer = fixture.token(demo::VIEWER).await;
    fixture.post(&leave, &viewer, &json!({})).await.ok();
    fixture.post(&leave, &viewer, &json!({})).await.refused(404, "MEMBER_NOT_FOUND");
    fixture.get("/v1/properties", &viewer).await.refused(400, "TENANT_REQUIRED");
    let owner = fixture.token(demo::OWNER).await;
    fixture.post(&leave, &owner, &json!({})).await.refused(409, "LAST_OWNER");
    assert_eq!(fixture.count(MEMBERS, &[&demo::TENANT]).await, 2);
    // Of two owners who go at once one stays.
    super::members::add(&fixture, demo::OTHER_OWNER, "owner").await.ok();
    let other = fixture.token(demo::OTHER_OWNER).await;
    let nothing = json!({});
    let both = join_all([&owner, &other].map(|token| fixture.post(&leave, token, &nothing))).await;
    let left = both.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(left, 1, "{both:?}");
}

/// Before, a tenant that made an operator a member decided where the operator's calls went.
#[tokio::test]
async fn no_tenant_is_inferred_for_a_platform_operator() {
    let (fixture, _mailbox) = start().await;
    super::members::add(&fixture, demo::OPERATOR, "viewer").await.ok();
    let operator = fixture.token(demo::OPERATOR).await;
    fixture.get("/v1/properties", &operator).await.refused(400, "TENANT_REQUIRED");
    let me = fixture.get("/v1/me", &operator).await.ok().clone();
    assert_eq!(
        (me["current_tenant_id"].as_str(), me["memberships"].as_array().unwrap().len()),
        (Some(""), 1)
    );
}

#[tokio::test]
async fn without_a_mail_server_the_caller_brings_the_link() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let body = json!({"email": NEW, "role": "viewer"});
    fixture.post(&tenant_path("/invitations"), &owner, &body).await.refused(409, "MAIL_NOT_SET_UP");
    assert_eq!(fixture.count("select count(*) from identity.invitations", &[]).await, 0);
    // With the link that an owner brings whoever has the account of the address accepts.
    let (token, _) = invite(&fixture, &owner, demo::OTHER_OWNER, "viewer").await;
    let other = fixture.token(demo::OTHER_OWNER).await;
    fixture.post("/v1/invitations/accept", &other, &json!({"token": token})).await.ok();
    let (token, _) = invite(&fixture, &owner, NEW, "viewer").await;
    let body = json!({"token": token});
    public(&fixture, "/v1/invitations/letter", &body).await.refused(409, "MAIL_NOT_SET_UP");
    join(&fixture, &token).await.refused(409, "INVITATION_NEEDS_LETTER");
    // An operator, who can create users, is believed about the address.
    let operator = fixture.token(demo::OPERATOR).await;
    let request = fixture.request(Method::POST, &tenant_path("/invitations")).bearer_auth(operator);
    let request = request.header("x-tenant-id", demo::TENANT.to_string());
    let body = json!({"email": NEW, "role": "viewer", "return_token": true});
    let invited = Answer::of(request.json(&body)).await.ok().clone();
    join(&fixture, invited["token"].as_str().unwrap()).await.ok();
    assert_eq!(fixture.count("select count(*) from identity.outbox", &[]).await, 0);
}

/// An owner who has the link sent by nobody else could make accounts in others' names, and
/// learn who has one.
#[tokio::test]
async fn a_link_that_the_inviter_has_makes_no_account_and_tells_of_none() {
    let (fixture, mailbox) = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let before = fixture.count("select count(*) from identity.users", &[]).await;
    let mut tokens = Vec::new();
    for email in [demo::OTHER_OWNER, NEW] {
        let (token, _) = invite(&fixture, &owner, email, "viewer").await;
        let body = json!({"token": token});
        let offer = public(&fixture, "/v1/invitations/lookup", &body).await.ok().clone();
        let told = (offer["has_account"].as_bool(), offer["needs_letter"].as_bool());
        assert_eq!(told, (Some(false), Some(true)), "{email}");
        join(&fixture, &token).await.refused(409, "INVITATION_NEEDS_LETTER");
        let sent = public(&fixture, "/v1/invitations/letter", &body).await;
        assert_eq!(sent.ok(), &json!({}), "{email}");
        for path in ["lookup", "letter", "decline"] {
            let path = format!("/v1/invitations/{path}");
            public(&fixture, &path, &body).await.refused(404, "LINK_INVALID");
        }
        tokens.push(mailbox.letter(email, 1).await.token(PAGE));
    }
    assert_eq!(fixture.count("select count(*) from identity.users", &[]).await, before);
    join(&fixture, &tokens[0]).await.refused(409, "ALREADY_EXISTS");
    join(&fixture, &tokens[1]).await.ok();
    assert_eq!(fixture.count("select count(*) from identity.users", &[]).await, before + 1);
}

/// Before, whether the maker could still offer was looked at before the acceptance, and not in it.
#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_not_accepted_beside_the_end_of_its_key_or_its_maker() {
    let (fixture, _mailbox) = start().await;
    let (owner, other) = (fixture.token(demo::OWNER).await, fixture.token(demo::OTHER_OWNER).await);
    let new = json!({"name": "k", "scopes": ["bookings:view", "members:manage"]});
    let role = json!({"name": "guide", "scopes": ["bookings:view"]});
    fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
    let key = fixture.post(&tenant_path("/api-keys"), &owner, &new).await.ok().clone();
    let secret = key["secret"].as_str().unwrap();
    let key: Uuid = key["api_key"]["id"].as_str().unwrap().parse().unwrap();
    let maker: Uuid = fixture.user_id(demo::OWNER).await.parse().unwrap();
    let path = tenant_path("/invitations");
    for (table, id, end) in
        [("identity.tenant_api_keys", key, "revoked_at"), ("identity.users", maker, "disabled_at")]
    {
        let body = json!({"email": demo::OTHER_OWNER, "role": "guide", "return_token": true});
        let request = fixture.request(Method::POST, &path).json(&body);
        let by_key = table.ends_with("keys");
        let request =
            if by_key { request.header("x-tenant-api-key", secret) } else { request.bearer_auth(&owner) };
        let token = Answer::of(request).await.ok()["token"].clone();
        let before = fixture.count(MEMBERS, &[&demo::TENANT]).await;
        let rival = Rival::begin(&fixture).await;
        rival.lock(table, id).await;
        let accept = json!({"token": token});
        let (accepted, ()) = tokio::join!(fixture.post("/v1/invitations/accept", &other, &accept), async {
            rival.blocks(&fixture, 1).await;
            let end = format!("update {table} set {end} = now() where id = $1");
            rival.sql.execute(&end, &[&id]).await.unwrap();
            rival.commit().await;
        });
        accepted.refused(404, "LINK_INVALID");
        assert_eq!(fixture.count(MEMBERS, &[&demo::TENANT]).await, before);
    }
}
