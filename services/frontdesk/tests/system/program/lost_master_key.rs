//! A master key that not everybody has, or nobody has any more.

use frontdesk::demo;
use reqwest::StatusCode;
use serde_json::json;

use super::master_key::{NEW, OLD, Stage, id, sign_in};
use super::run::assert_one_sentence;
use crate::fixture::Answer;

const NEWEST: &str = "ef";
const ROTATE: [&str; 2] = ["master-key", "rotate"];
const GIVE_UP: [&str; 3] = ["master-key", "rotate", "--old-key-is-lost"];
const FACTOR_OF_BEFORE: &str = "insert into identity.factors \
    (id, user_id, kind, name, secret_sealed, created_at, verified_at) \
    select gen_random_uuid(), id, 'totp', '', 'of the old key', now(), now() from identity.users where email = $1";
const SEALS: &str = "select id from identity.master_keys order by rotated_at desc limit 1";

/// Before, what the new key sealed was opened by nobody who did not have it.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_seals_when_every_identity_that_runs_has_it() {
    let stage = Stage::set().await;
    let (old, both) = (stage.start(&[OLD]).await.unwrap(), stage.start(&[OLD, NEW]).await.unwrap());
    let refused = ["another list of master keys", "nothing was changed", &id(NEW)];
    assert_one_sentence(&stage.run(&[NEW, OLD], &ROTATE), 1, &refused);
    assert_eq!(stage.one(SEALS).await, id(OLD));
    old.stop().await.unwrap();
    // One that was killed has not said that it ended.
    let killed = "insert into identity.master_key_lists (process, listed, said_at) \
        values (gen_random_uuid(), array[$1], now())";
    stage.sql.execute(killed, &[&id(OLD)]).await.unwrap();
    assert_one_sentence(&stage.run(&[NEW, OLD], &ROTATE), 1, &refused);
    // Its time passes.
    let later = "update identity.master_key_lists set said_at = said_at - interval '3 minutes' \
        where listed = array[$1]";
    assert_eq!(stage.sql.execute(later, &[&id(OLD)]).await.unwrap(), 1);
    assert_eq!(stage.keys(&[NEW, OLD], &ROTATE)[0]["part"], "seals");
    assert_eq!(stage.one(SEALS).await, id(NEW));
    sign_in(&both).await;
    // Nor is a key given up that one has, whatever the list of the command lacks.
    stage.sql.execute(FACTOR_OF_BEFORE, &[&demo::VIEWER]).await.unwrap();
    let refused = ["an identity that runs", "nothing was changed", &id(OLD)];
    assert_one_sentence(&stage.run(&[NEW], &GIVE_UP), 1, &refused);
    let secrets = "select string_agg(convert_from(secret_sealed, 'UTF8'), ' ') from identity.factors";
    assert_eq!(stage.one(secrets).await, "of the old key");
    both.stop().await.unwrap();
    let left = "select coalesce(string_agg(listed::text, ' '), '') from identity.master_key_lists";
    assert_eq!(stage.one(left).await, format!("{{{}}}", id(OLD)), "whoever stops says so");
}

/// Before, a key was dropped with which an identity went on to seal, for nobody to open.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_leaves_no_list_while_an_identity_that_runs_seals_with_it() {
    let stage = Stage::set().await;
    let seals = stage.start(&[OLD, NEW]).await.unwrap();
    assert_eq!(stage.keys(&[NEW, OLD], &ROTATE)[0]["part"], "seals");
    let parts = ["too early", "nothing was written", "first in its list", &id(OLD), &id(NEW)];
    assert_one_sentence(&stage.run(&[NEW], &["identity"]), 1, &parts);
    let dropped = "select count(*)::text from identity.master_keys where dropped_at is not null";
    assert_eq!(stage.one(dropped).await, "0");
    // One that has both seals with the new one, whatever it has behind it.
    stage.start(&[NEW, OLD]).await.unwrap().stop().await.unwrap();
    sign_in(&seals).await;
    seals.stop().await.unwrap();
    stage.start(&[NEW]).await.unwrap().stop().await.unwrap();
    assert_eq!(stage.one(dropped).await, "1");
}

/// Before, the key that signs was replaced, and everybody had to sign in again, for nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_there_is_not_given_up() {
    let stage = Stage::set().await;
    let before = stage.rows().await;
    for keys in [&[OLD][..], &[NEW, OLD], &[OLD, NEW]] {
        let parts = ["no master key is lost", "nothing was changed"];
        assert_one_sentence(&stage.run(keys, &GIVE_UP), 1, &parts);
        assert_eq!(stage.rows().await, before, "{keys:?}");
    }
}

/// Before, the start forgot the old key first and failed then, and the cure that was named for
/// it did nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_lost_in_the_middle_of_a_rotation_is_given_up_with_what_it_sealed() {
    let stage = Stage::set().await;
    let sealed = stage.one("select encode(private_key_sealed, 'hex') from identity.signing_keys").await;
    stage.keys(&[NEW, OLD], &ROTATE);
    // As if it had ended before anything was sealed anew.
    let interrupted = "update identity.signing_keys set private_key_sealed = decode($1, 'hex')";
    stage.sql.execute(interrupted, &[&sealed]).await.unwrap();
    stage.sql.execute(FACTOR_OF_BEFORE, &[&demo::VIEWER]).await.unwrap();
    let letter = "insert into identity.outbox (id, kind, recipient, sealed, created_at, due_at) \
        values (gen_random_uuid(), 'recover', 'x@x.example', 'of the old key', now(), now())";
    stage.sql.batch_execute(letter).await.unwrap();

    let before = stage.rows().await;
    let parts = ["too early", "nothing was written", "3 values", &id(OLD), &id(NEW), "--old-key-is-lost"];
    assert_one_sentence(&stage.run(&[NEW], &["identity"]), 1, &parts);
    assert_eq!(stage.rows().await, before);

    let keys = stage.keys(&[NEW], &GIVE_UP);
    assert_eq!((&keys[0]["part"], &keys[0]["sealed_values"]), (&json!("seals"), &json!(1)), "{keys:?}");
    assert_eq!(stage.one("select string_agg(secret_sealed::text, ' ') from identity.factors").await, "\\x");
    assert_eq!(stage.one("select count(*)::text from identity.outbox").await, "0");
    let system = stage.start(&[NEW]).await.unwrap();
    sign_in(&system).await;
    system.stop().await.unwrap();
    assert_one_sentence(&stage.run(&[NEW], &GIVE_UP), 1, &["no master key is lost"]);
}

/// Before, it was told to put back the key that left last, which does not open it, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_a_key_that_left_before_is_given_up_beside_the_one_that_leaves() {
    let stage = Stage::set().await;
    stage.keys(&[NEW, OLD], &ROTATE);
    stage.start(&[NEW]).await.unwrap().stop().await.unwrap();
    // As a version left it that did not look: the old key is gone, and what it sealed is there.
    stage.sql.execute(FACTOR_OF_BEFORE, &[&demo::VIEWER]).await.unwrap();
    stage.keys(&[NEWEST, NEW], &ROTATE);
    let left_before = format!("left earlier ({})", id(OLD));
    let parts = ["nothing was written", "1 values", &format!("put {} back", id(NEW)), &left_before];
    assert_one_sentence(&stage.run(&[NEWEST], &["identity"]), 1, &parts);
    // What it says, step by step.
    stage.keys(&[NEWEST, NEW], &ROTATE);
    assert_one_sentence(&stage.run(&[NEWEST], &["identity"]), 1, &parts);
    stage.keys(&[NEWEST, NEW], &GIVE_UP);
    assert_eq!(stage.one("select string_agg(secret_sealed::text, ' ') from identity.factors").await, "\\x");
    let system = stage.start(&[NEWEST]).await.unwrap();
    sign_in(&system).await;
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_a_key_that_left_before_is_opened_when_that_is_put_back_as_well() {
    let stage = Stage::set().await;
    let sealed = stage.one("select encode(private_key_sealed, 'hex') from identity.signing_keys").await;
    stage.keys(&[NEW, OLD], &ROTATE);
    stage.start(&[NEW]).await.unwrap().stop().await.unwrap();
    stage.keys(&[NEWEST, NEW], &ROTATE);
    // As a version left it that did not look.
    let left = "update identity.signing_keys set private_key_sealed = decode($1, 'hex')";
    stage.sql.execute(left, &[&sealed]).await.unwrap();
    let parts = ["1 values", &format!("put {} back", id(NEW)), &format!("left earlier ({})", id(OLD))];
    assert_one_sentence(&stage.run(&[NEWEST], &["identity"]), 1, &parts);
    stage.keys(&[NEWEST, NEW, OLD], &ROTATE);
    let system = stage.start(&[NEWEST]).await.unwrap();
    sign_in(&system).await;
    system.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn identity_starts_on_a_database_that_takes_no_changes_and_needs_none() {
    let stage = Stage::set().await;
    let read_only = "do $$ begin execute \
        format('alter database %I set default_transaction_read_only = on', current_database()); end $$";
    stage.sql.batch_execute(read_only).await.unwrap();
    let system = stage.start(&[OLD]).await.unwrap();
    let keys = format!("http://{}/.well-known/jwks.json", system.gateway);
    assert_eq!(reqwest::get(keys).await.unwrap().status(), StatusCode::OK);
    let body = json!({"email": demo::OWNER, "password": demo::PASSWORD});
    let login = format!("http://{}/v1/auth/login", system.gateway);
    let login = Answer::of(reqwest::Client::new().post(login).json(&body)).await;
    login.refused(503, "DB_READ_ONLY");
    // Another key would have to be written down.
    assert!(stage.start(&[NEW]).await.is_err() && stage.start(&[NEW, OLD]).await.is_err());
}
