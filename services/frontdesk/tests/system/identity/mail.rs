//! Letters: delivered by SMTP, tried again, and given up.

use frontdesk::demo;
use identity::operator::Operator;
use identity::{MailPolicy, MailSender, Policy};
use reqwest::Method;
use serde_json::json;

use crate::figures::Figures;
use crate::fixture::{Answer, Fixture, system};
use crate::mailbox::Mailbox;
use crate::waits::until_so;

/// Asks for a letter to a new user with this address.
async fn letter_to(fixture: &Fixture, email: &str) {
    let user = "insert into identity.users (id, email, display_name, kind, created_at) \
        values (gen_random_uuid(), $1, '', 'person', now())";
    fixture.execute(user, &[&email]).await;
    let request = fixture.request(Method::POST, "/v1/auth/recovery");
    Answer::of(request.json(&json!({"email": email}))).await.ok();
}

async fn until(fixture: &Fixture, what: &str, sql: &str, wanted: i64) {
    until_so(what, async || fixture.count(sql, &[]).await == wanted).await;
}

const DEAD: &str = "select count(*) from identity.outbox where dead_at is not null";
const TRIED: &str = "select count(*) from identity.outbox where dead_at is null and failure <> ''";

fn operator(fixture: &Fixture) -> Operator {
    let database = pg::Config { url: fixture.database.url.clone(), pool_size: 1 };
    Operator::new(&database.open(identity::ROLE, "frontdesk-test").unwrap()).unwrap()
}

#[tokio::test]
async fn an_address_that_nobody_has_is_a_dead_letter_and_keeps_no_other_one_waiting() {
    let mailbox = Mailbox::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await;
    for email in ["never@x.example", "later@x.example", "taken@x.example"] {
        letter_to(&fixture, email).await;
    }
    let taken = mailbox.letter("taken@x.example", 1).await;
    assert!(taken.head.contains("From: Frontdesk <no-reply@frontdesk.example>"), "{}", taken.head);
    until(&fixture, "one is dead", DEAD, 1).await;
    until(&fixture, "one is tried again", TRIED, 1).await;
    until(&fixture, "what was delivered is gone", "select count(*) from identity.outbox", 2).await;
    let operator = operator(&fixture);
    let dead = operator.list_dead_letters().await.unwrap();
    assert_eq!(
        (dead.len(), dead[0].recipient.as_str(), dead[0].kind.as_str()),
        (1, "never@x.example", "recover")
    );
    assert!(dead[0].failure.contains("550") || dead[0].failure.contains("no such mailbox"), "{dead:?}");

    // What was refused for now comes when it is taken; its turn comes earlier here.
    let mended =
        "update identity.outbox set recipient = 'mended@x.example', due_at = now() where dead_at is null";
    assert_eq!(fixture.execute(mended, &[]).await, 1);
    mailbox.letter("mended@x.example", 1).await;
    fixture.execute("update identity.outbox set recipient = 'found@x.example'", &[]).await;
    assert!(operator.retry_mail(dead[0].id, jiff::Timestamp::now()).await.unwrap());
    mailbox.letter("found@x.example", 1).await;
    until(&fixture, "nothing is left", "select count(*) from identity.outbox", 0).await;
    assert!(!operator.retry_mail(dead[0].id, jiff::Timestamp::now()).await.unwrap());
    let figures = Figures::of(&fixture.system).await;
    for (outcome, times) in [("delivered", 3), ("delayed", 1), ("dead", 1)] {
        let name = format!("frontdesk_mail_attempts_total{{part=\"identity\",outcome=\"{outcome}\"}}");
        assert_eq!(figures.read(&name).await, times, "{outcome}");
    }
    let took = "frontdesk_mail_delivery_seconds_count{part=\"identity\"}";
    assert_eq!(figures.read(took).await, 3);
}

#[tokio::test]
async fn a_letter_waits_sealed_while_no_server_is_there_and_dies_after_three_days() {
    let mailbox = Mailbox::open().await;
    // A port at which nobody listens.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sender: MailSender = format!("smtp://{nobody}").parse().unwrap();
    let mail = MailPolicy { sender, ..mailbox.policy() };
    let fixture = Fixture::start_with(Policy { mail: Some(mail), ..Policy::default() }).await;
    letter_to(&fixture, "x@x.example").await;
    until(&fixture, "it is tried", TRIED, 1).await;
    let clear = "select count(*) from identity.outbox o where position('token'::bytea in o.sealed) > 0 \
        or position('password'::bytea in o.sealed) > 0";
    assert_eq!(fixture.count(clear, &[]).await, 0, "a letter can be read in the database");
    assert_eq!(fixture.count(DEAD, &[]).await, 0);
    let old = "update identity.outbox set created_at = now() - interval '73 hours', due_at = now()";
    fixture.execute(old, &[]).await;
    until(&fixture, "it is dead", DEAD, 1).await;
    assert_eq!(mailbox.count("x@x.example"), 0);
}

/// Before, a link of an hour was sent for three days, and again by hand.
#[tokio::test]
async fn a_letter_ends_with_its_link_and_others_are_tried_again_all_at_once() {
    let mailbox = Mailbox::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await;
    for email in ["later-1@x.example", "later-2@x.example", "later-3@x.example"] {
        letter_to(&fixture, email).await;
    }
    until(&fixture, "all are tried", TRIED, 3).await;
    let lives = "select count(*) from identity.outbox where expires_at = created_at + interval '1 hour'";
    assert_eq!(fixture.count(lives, &[]).await, 3);
    let over = "update identity.outbox set expires_at = now(), due_at = now(), \
        recipient = replace(recipient, 'later', 'taken')";
    fixture.execute(over, &[]).await;
    until(&fixture, "all are dead", DEAD, 3).await;
    let (operator, now) = (operator(&fixture), jiff::Timestamp::now());
    let dead = operator.list_dead_letters().await.unwrap();
    assert!(dead.iter().all(|letter| letter.failure.contains("no longer works")), "{dead:?}");
    assert!(!operator.retry_mail(dead[0].id, now).await.unwrap());
    assert_eq!(operator.retry_all_mail(now).await.unwrap(), 0);
    let two = "update identity.outbox set expires_at = now() + interval '1 hour' \
        where recipient <> 'taken-3@x.example'";
    fixture.execute(two, &[]).await;
    assert_eq!(operator.retry_all_mail(now).await.unwrap(), 2);
    for email in ["taken-1@x.example", "taken-2@x.example"] {
        mailbox.letter(email, 1).await;
    }
    until(&fixture, "one is left", "select count(*) from identity.outbox", 1).await;
    assert_eq!(mailbox.count("taken-3@x.example"), 0);
}

/// Before, no letter was taken any more: one more than the last integer is none.
#[tokio::test]
async fn a_count_that_another_program_has_put_at_its_end_keeps_no_letter_waiting() {
    let mailbox = Mailbox::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await;
    let counted = "insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, attempts) \
        select gen_random_uuid(), 'recover', 'later-' || n || '@x.example', 'x', now(), now() - interval '1 day', n \
        from unnest(array[2147483647, 2147483646, -2147483648]) n";
    fixture.execute(counted, &[]).await;
    letter_to(&fixture, "x@x.example").await;
    mailbox.letter("x@x.example", 1).await;
    let tried =
        "select count(*) from identity.outbox where due_at > now() and attempts in (2147483647, -2147483647)";
    until(&fixture, "all three are tried", tried, 3).await;
}

#[tokio::test]
async fn what_waits_and_what_is_dead_is_told_with_the_age_of_the_oldest() {
    let mailbox = Mailbox::open().await;
    let fixture = Fixture::start_with(Policy { mail: Some(mailbox.policy()), ..Policy::default() }).await;
    let figures = Figures::of(&fixture.system).await;
    let of = |name: &str| format!("frontdesk_mail_{name}{{part=\"identity\"}}");
    until_so("nothing waits", async || figures.now(&of("waiting")).await == Some(0.0)).await;
    assert_eq!(figures.now(&of("oldest_age_seconds")).await, Some(0.0));
    // The last one is of a tenant that is to be deleted: nobody is waiting for it.
    let letters = "insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, dead_at, of_tenant) \
        select gen_random_uuid(), 'recover', 'x@x.example', 'x', now() - age, now() + interval '1 hour', dead, tenant \
        from (values \
            (interval '2 hours', null::timestamptz, null::uuid), \
            (interval '1 hour', null, null), \
            (interval '9 hours', now(), null), \
            (interval '5 hours', null, $1) \
        ) l (age, dead, tenant)";
    let to_be_deleted =
        "update identity.tenants set deleted_at = now(), purge_at = now() + interval '30 days' where id = $1";
    assert_eq!(fixture.execute(to_be_deleted, &[&demo::TENANT]).await, 1);
    fixture.execute(letters, &[&demo::TENANT]).await;
    until_so("two wait", async || figures.now(&of("waiting")).await == Some(2.0)).await;
    assert_eq!(figures.now(&of("dead")).await, Some(1.0));
    let age = figures.now(&of("oldest_age_seconds")).await.unwrap();
    assert!((7200.0..7260.0).contains(&age), "{age}");
}

/// Before, what waited when `MAIL_SENDER` was taken away stayed for ever, with its address.
#[tokio::test]
async fn where_nobody_takes_letters_those_that_wait_are_forgotten_after_their_time() {
    let fixture = Fixture::start().await;
    let letters = "insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at, dead_at, expires_at) \
        select gen_random_uuid(), 'recover', what || '@x.example', 'x', now() - age, now(), dead, over \
        from (values \
            ('old', interval '73 hours', null::timestamptz, null::timestamptz), \
            ('over', interval '2 hours', null, now() - interval '1 hour'), \
            ('new', interval '71 hours', null, now() + interval '1 hour'), \
            ('dead', interval '73 hours', now(), null) \
        ) l (what, age, dead, over)";
    fixture.execute(letters, &[]).await;
    let _replica = system(&fixture.database.url, Policy::default()).await;
    until(&fixture, "two are left", "select count(*) from identity.outbox", 2).await;
    let left = "select count(*) from identity.outbox where recipient in ('new@x.example', 'dead@x.example')";
    assert_eq!(fixture.count(left, &[]).await, 2);
}

#[tokio::test]
async fn for_whoever_develops_letters_are_files_of_their_own() {
    let folder = std::env::temp_dir().join(format!("frontdesk-letters-{}", std::process::id()));
    let mailbox = Mailbox::open().await;
    let mail = MailPolicy { sender: MailSender::Folder(folder.clone()), ..mailbox.policy() };
    let fixture = Fixture::start_with(Policy { mail: Some(mail), ..Policy::default() }).await;
    let request = fixture.request(Method::POST, "/v1/auth/recovery");
    Answer::of(request.json(&json!({"email": demo::VIEWER}))).await.ok();
    until(&fixture, "it is written", "select count(*) from identity.outbox", 0).await;
    let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    let text = std::fs::read_to_string(&files[0]).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(files.len(), 1);
    assert!(text.contains("To: viewer@alpine.example") && text.contains("Set a new password"), "{text}");
}
