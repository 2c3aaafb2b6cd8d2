//! Operator commands: an empty database becomes usable without SQL.

use std::process::{Command, Output};

use devdb::TestDatabase;
use frontdesk::system::System;
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use crate::fixture::{Answer, MASTER_KEY, system};

struct Operator {
    database: TestDatabase,
}

impl Operator {
    fn run(&self, args: &[&str], env: &[(&str, &str)]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_frontdesk"))
            .args(args)
            .env_clear()
            .env("DATABASE_URL", &self.database.url)
            .env("FRONTDESK_MASTER_KEY", MASTER_KEY.repeat(32))
            .envs(env.iter().copied())
            .output()
            .unwrap()
    }

    #[track_caller]
    fn json(&self, args: &[&str], env: &[(&str, &str)]) -> Json {
        let output = self.run(&[args, &["--json"]].concat(), env);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

async fn login(system: &System, password: &str) -> Answer {
    let body = json!({"email": "first@new.example", "password": password});
    let url = format!("http://{}/v1/auth/login", system.gateway);
    Answer::of(reqwest::Client::new().request(Method::POST, url).json(&body)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_database_becomes_usable_without_sql() {
    access::install_crypto();
    let operator =
        Operator { database: TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await };
    let password = [("NEW_PASSWORD", "first-password")];
    let user = operator
        .json(&["user", "create", "First@New.example", "--platform-scope", "platform:operate"], &password);
    assert_eq!(
        operator.json(&["user", "create", "first@new.example"], &[])["id"],
        user["id"],
        "twice is once"
    );
    let tenant = operator.json(&["tenant", "create", "new", "--name", "New Stays"], &[]);
    assert_eq!(operator.json(&["tenant", "create", "new"], &[]), tenant);
    let member = operator.json(&["member", "create", "new", "first@new.example", "--role", "manager"], &[]);
    assert_eq!(member["role"], "manager");
    let member = operator.json(&["member", "create", "new", "first@new.example", "--role", "owner"], &[]);
    assert_eq!(member["role"], "owner");
    let key = operator.json(&["api-key", "create", "new", "--name", "first"], &[]);
    let again = operator.json(&["api-key", "create", "new", "--name", "first"], &[]);
    assert_eq!((&again["id"], &again["secret"]), (&key["id"], &Json::Null));

    let system = system(&operator.database.url, Policy::default()).await;
    let token = login(&system, "first-password").await.ok()["access"].as_str().unwrap().to_owned();
    let customers =
        reqwest::Client::new().get(format!("http://{}/v1/customers", system.gateway)).bearer_auth(&token);
    Answer::of(customers.header("x-tenant-api-key", key["secret"].as_str().unwrap())).await.ok();

    let removed = operator.run(&["member", "remove", "new", "first@new.example"], &[]);
    assert_eq!(removed.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&removed.stderr).contains("without an owner"));
    assert_eq!(
        operator.json(&["user", "password", "first@new.example"], &[("NEW_PASSWORD", "other pass word ")])["ended_sessions"],
        1
    );
    login(&system, "first-password").await.refused(401, "LOGIN_FAILED");
    let disable = ["user", "disable", "first@new.example", "--even-if-last-owner"];
    let refused = operator.run(&disable[..3], &[]);
    assert_eq!(refused.status.code(), Some(1));
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(why.contains("no owner who can sign in is left in New Stays"), "{why}");
    assert!(operator.run(&disable, &[]).status.success());
    login(&system, "other pass word ").await.refused(401, "LOGIN_FAILED");
    assert!(operator.run(&["user", "enable", "first@new.example"], &[]).status.success());
    login(&system, "other pass word").await.refused(401, "LOGIN_FAILED");
    login(&system, "other pass word ").await.ok();
    for list in
        [&["user", "list"][..], &["tenant", "list"], &["member", "list", "new"], &["api-key", "list", "new"]]
    {
        let output = operator.run(list, &[]);
        assert!(output.status.success() && !output.stdout.is_empty(), "{list:?}");
    }
}

#[tokio::test]
async fn a_user_is_made_as_the_service_would_and_gets_scopes_later() {
    access::install_crypto();
    let operator = Operator { database: TestDatabase::create(&[&identity::MIGRATIONS]).await };
    let env = [
        ("NEW_PASSWORD", "first-password"),
        ("PASSWORD_HASH_MEMORY_KIB", "64"),
        ("PASSWORD_HASH_PASSES", "1"),
    ];
    operator.json(&["user", "create", "first@new.example", "--platform-scope", "platform:operate"], &env);
    // As the service hashes: else a wrong password would be refused sooner or later than an
    // unknown user is.
    let sql = pg::connect(&operator.database.url).await.unwrap();
    let stored: String = sql.query_one("select password_hash from identity.users", &[]).await.unwrap().get(0);
    assert!(stored.contains("$m=64,t=1,p=1$"), "{stored}");
    let held = |command: &str, scope: &str| {
        operator.json(&["user", command, "first@new.example", "--platform-scope", scope], &[])["platform_scopes"].clone()
    };
    let more = ["user", "create", "first@new.example", "--platform-scope", "platform:users"];
    let refused = operator.run(&more, &[]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("frontdesk user grant"), "{refused:?}");
    assert_eq!(refused.status.code(), Some(1), "before, it was said to be done");
    assert_eq!(held("grant", "platform:users"), serde_json::json!(["platform:operate", "platform:users"]));
    assert!(operator.run(&more, &[]).status.success());
    assert_eq!(held("revoke", "platform:users"), serde_json::json!(["platform:operate"]));
    let weak = operator.run(&["user", "password", "first@new.example"], &[("NEW_PASSWORD", "Password1")]);
    assert!(String::from_utf8_lossy(&weak.stderr).contains("most people choose"), "{weak:?}");
}

#[tokio::test]
async fn a_command_that_cannot_do_its_work_says_why_in_one_sentence() {
    access::install_crypto();
    let operator = Operator { database: TestDatabase::create(&[&identity::MIGRATIONS]).await };
    for (args, part) in [
        (&["user", "create", "nonsense"][..], "e-mail address"),
        (&["user", "disable", "nobody@x.example"], "no such user"),
        (&["user", "password", "nobody@x.example"], "NEW_PASSWORD"),
        (&["tenant", "create", "Not A Slug"], "slug"),
        (&["member", "create", "nowhere", "a@b", "--role", "owner"], "no such tenant"),
        (&["api-key", "list", "nowhere"], "no such tenant"),
    ] {
        let output = operator.run(args, &[]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains(part), "{args:?}: {text}");
    }
}

#[tokio::test]
async fn a_password_file_that_cannot_be_read_creates_nothing() {
    access::install_crypto();
    let operator = Operator { database: TestDatabase::create(&[&identity::MIGRATIONS]).await };
    let env = [("NEW_PASSWORD_FILE", "/nonexistent")];
    for args in [&["user", "create", "x@new.example"][..], &["user", "password", "x@new.example"]] {
        let output = operator.run(args, &env);
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.contains("NEW_PASSWORD_FILE: /nonexistent cannot be read"), "{args:?}: {text}");
    }
    let list = operator.run(&["user", "list"], &[]);
    assert!(list.status.success() && list.stdout.is_empty(), "nobody was created");
}

#[tokio::test]
async fn a_signing_key_is_published_before_it_signs() {
    access::install_crypto();
    let operator =
        Operator { database: TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await };
    let system = system(&operator.database.url, Policy::default()).await;
    assert_eq!(operator.json(&["keys", "rotate"], &[])["step"], "published");
    assert_eq!(operator.json(&["keys", "rotate"], &[])["step"], "too_early");
    let list = operator.run(&["keys", "list"], &[]);
    let list = String::from_utf8(list.stdout).unwrap();
    assert!(list.contains(" active ") && list.contains(" standby "), "{list}");
    let sql = pg::connect(&operator.database.url).await.unwrap();
    sql.batch_execute("update identity.signing_keys set created_at = created_at - interval '11 minutes'")
        .await
        .unwrap();
    assert_eq!(operator.json(&["keys", "rotate"], &[])["step"], "activated");
    let jwks = reqwest::get(format!("http://{}/.well-known/jwks.json", system.gateway));
    tokio::time::sleep(std::time::Duration::from_secs(6)).await;
    drop(jwks);
    let jwks: Json = reqwest::get(format!("http://{}/.well-known/jwks.json", system.gateway))
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        jwks["keys"].as_array().unwrap().len(),
        2,
        "the retired key stays published while its tokens live"
    );
}
