//! The master key: what does not fit the database writes nothing, and one follows another
//! while everything goes on.

use std::collections::BTreeSet;
use std::process::Output;

use devdb::TestDatabase;
use frontdesk::demo;
use frontdesk::system::{Policies, System};
use identity::MasterKey;
use serde_json::{Value as Json, json};
use tokio_postgres::Client;

use super::run::{FREE, Folder, assert_one_sentence, dev, frontdesk};
use crate::authenticator::App;
use crate::fixture::{Answer, Fixture, MASTER_KEY, system_keyed};

pub const OLD: &str = MASTER_KEY;
pub const NEW: &str = "cd";

/// The groups of commands that write, with those of each that only read.
const GROUPS: [(&str, &[&str]); 9] = [
    ("user", &["list", "links", "help"]),
    ("tenant", &["list", "help"]),
    ("member", &["list", "help"]),
    ("api-key", &["list", "help"]),
    ("property", &["list", "help"]),
    ("customer", &["list", "help"]),
    ("keys", &["list", "help"]),
    ("mail", &["list", "help"]),
    ("master-key", &["check", "help"]),
];

/// The others, as somebody types them.
const WRITING: [&str; 22] = [
    "user create x@new.example",
    "user create owner@alpine.example",
    "user password owner@alpine.example",
    "user grant owner@alpine.example --platform-scope platform:operate",
    "user revoke operator@frontdesk.example --platform-scope platform:operate",
    "user disable owner@alpine.example",
    "user enable owner@alpine.example",
    "user reset-factors owner@alpine.example",
    "user link owner@alpine.example --issuer i --subject s",
    "user unlink --issuer i --subject s",
    "tenant create new",
    "member create TENANT viewer@alpine.example --role owner",
    "member remove TENANT viewer@alpine.example",
    "api-key create TENANT --name second",
    "api-key rotate TENANT KEY",
    "api-key revoke TENANT KEY",
    "property create TENANT Barn --time-zone Europe/Berlin --max-guests 2",
    "customer create TENANT --name Anna",
    "customer import TENANT -",
    "keys rotate --now",
    "keys revoke KID",
    "mail retry 0d000000-0000-7000-8000-0000000000aa",
];

pub struct Stage {
    database: TestDatabase,
    pub sql: Client,
}

impl Stage {
    /// The demo, as a system has left it that ran under the old key.
    pub async fn set() -> Self {
        access::install_crypto();
        let database = TestDatabase::create(&[&identity::MIGRATIONS, &booking::MIGRATIONS]).await;
        demo::seed(&database.url).await.unwrap();
        demo::create_api_key(&database.url, demo::TENANT).await.unwrap();
        let sql = pg::connect(&database.url).await.unwrap();
        let stage = Self { database, sql };
        stage.start(&[OLD]).await.unwrap().stop().await.unwrap();
        stage
    }

    pub async fn start(&self, keys: &[&str]) -> Result<System, frontdesk::Failure> {
        let keys = MasterKey::from_text(&list(keys)).unwrap();
        Box::pin(system_keyed(&self.database.url, Policies::default(), keys)).await
    }

    pub fn run(&self, keys: &[&str], args: &[&str]) -> Output {
        let keys = list(keys);
        let env = [
            ("DATABASE_URL", &*self.database.url),
            ("FRONTDESK_MASTER_KEY", &keys),
            ("NEW_PASSWORD", "a fine new password"),
            ("IDENTITY_LISTEN", "127.0.0.1:0"),
        ];
        frontdesk(args, &env).output().unwrap()
    }

    /// What a command says of each key.
    #[track_caller]
    pub fn keys(&self, keys: &[&str], args: &[&str]) -> Vec<Json> {
        let output = self.run(keys, &[args, &["--json"]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8(output.stdout).unwrap();
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Every row of every table.
    pub async fn rows(&self) -> Vec<(String, String)> {
        let tables = "select format('%I.%I', table_schema, table_name) from information_schema.tables \
            where table_type = 'BASE TABLE' and table_schema in ('identity', 'public') order by 1";
        let mut rows = Vec::new();
        for table in self.sql.query(tables, &[]).await.unwrap() {
            let table: String = table.get(0);
            let sum = format!(
                "select coalesce(string_agg(md5(t::text), '' order by md5(t::text)), '') from {table} t"
            );
            rows.push((table, self.sql.query_one(&sum, &[]).await.unwrap().get(0)));
        }
        rows
    }

    pub async fn one(&self, query: &str) -> String {
        self.sql.query_one(query, &[]).await.unwrap().get(0)
    }
}

fn list(keys: &[&str]) -> String {
    keys.iter().map(|key| key.repeat(32)).collect::<Vec<_>>().join(",")
}

pub fn id(key: &str) -> String {
    MasterKey::from_text(&key.repeat(32)).unwrap().id()
}

pub async fn sign_in(system: &System) -> Json {
    let body = json!({"email": demo::OWNER, "password": demo::PASSWORD});
    let url = format!("http://{}/v1/auth/login", system.gateway);
    Answer::of(reqwest::Client::new().post(url).json(&body)).await.ok().clone()
}

async fn refresh(system: &System, token: &Json) -> Answer {
    let url = format!("http://{}/v1/auth/refresh", system.gateway);
    Answer::of(reqwest::Client::new().post(url).json(&json!({"refresh": token}))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_command_and_no_start_writes_anything_under_a_key_that_does_not_fit() {
    let stage = Stage::set().await;
    let mut typed = BTreeSet::new();
    let kid = stage.one("select kid from identity.signing_keys").await;
    let key = stage.one("select id::text from identity.tenant_api_keys").await;
    let tenant = demo::TENANT.to_string();
    let before = stage.rows().await;
    let starts = WRITING.iter().chain(&["master-key rotate", "identity"]);
    for command in starts {
        let filled = command.replace("TENANT", &tenant).replace("KEY", &key).replace("KID", &kid);
        let words: Vec<&str> = filled.split(' ').collect();
        typed.insert((words[0].to_owned(), words.get(1).copied().unwrap_or_default().to_owned()));
        let words =
            if words[1..].contains(&"-") { [&words[..], &["--format", "csv"]].concat() } else { words };
        let output = stage.run(&[NEW], &words);
        let parts = ["does not fit this database", "nothing was written", &id(OLD), &id(NEW)];
        assert_one_sentence(&output, 1, &parts);
        assert_eq!(stage.rows().await, before, "{command}");
        if words[0] != "identity" {
            assert!(output.stdout.is_empty(), "{command}");
        }
    }
    // No other command writes.
    for (group, reading) in GROUPS {
        let help = String::from_utf8(frontdesk(&[group, "--help"], &[]).output().unwrap().stdout).unwrap();
        let commands = help.split("Commands:").nth(1).unwrap().split("Options:").next().unwrap();
        let names = commands.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
        for name in names.filter(|name| !name.is_empty() && !reading.contains(name)) {
            assert!(typed.contains(&(group.to_owned(), name.to_owned())), "{group} {name} is not tried");
        }
    }
    // The key that fits lets the same commands write, and reads need none.
    assert!(stage.run(&[OLD], &["tenant", "create", "new"]).status.success());
    assert_ne!(stage.rows().await, before);
    assert!(stage.run(&[NEW], &["tenant", "list"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_knows_no_key_is_compared_by_its_signing_key() {
    let stage = Stage::set().await;
    stage.sql.batch_execute("delete from identity.master_keys").await.unwrap();
    let before = stage.rows().await;
    for (keys, part) in [(&[NEW][..], "does not fit"), (&[NEW, OLD], "is new to this database")] {
        assert_one_sentence(&stage.run(keys, &["identity"]), 1, &[part, "nothing was written"]);
        assert_one_sentence(&stage.run(keys, &["keys", "rotate", "--now"]), 1, &[part]);
        assert_one_sentence(&stage.run(keys, &["tenant", "create", "new"]), 1, &[part]);
        assert_eq!(stage.rows().await, before, "{part}");
    }
    stage.start(&[OLD, NEW]).await.unwrap().stop().await.unwrap();
    assert_eq!(stage.one("select string_agg(id, ' ') from identity.master_keys").await, id(OLD));
    // And one that is rotated before any start.
    stage.sql.batch_execute("delete from identity.master_keys").await.unwrap();
    let keys = stage.keys(&[NEW, OLD], &["master-key", "rotate"]);
    assert_eq!((&keys[0]["part"], &keys[1]["part"]), (&json!("seals"), &json!("opens")), "{keys:?}");
    stage.start(&[OLD, NEW]).await.unwrap().stop().await.unwrap();
}

/// Before, the demo and a key of its tenant were stored, and then identity did not start.
#[tokio::test(flavor = "multi_thread")]
async fn dev_stores_no_demo_in_a_database_of_another_master_key() {
    let stage = Stage::set().await;
    let folder = Folder::new("dev-of-another-key");
    for known in [true, false] {
        if !known {
            stage.sql.batch_execute("delete from identity.master_keys").await.unwrap();
        }
        let before = stage.rows().await;
        let env = [("DATABASE_URL", &*stage.database.url)];
        let output = dev(folder.path(), &["--gateway", FREE], &env).output().unwrap();
        assert_one_sentence(&output, 1, &["does not fit this database", "secrets.json", "--data-dir"]);
        assert_eq!(stage.rows().await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_master_key_follows_another_while_everything_goes_on() {
    let stage = Stage::set().await;
    let both = stage.start(&[OLD, NEW]).await.unwrap();
    let [first, second] = [sign_in(&both).await, sign_in(&both).await];
    assert_one_sentence(&stage.run(&[NEW, OLD], &["identity"]), 1, &["is new to this database", &id(NEW)]);

    let keys = stage.keys(&[NEW, OLD], &["master-key", "rotate"]);
    assert_eq!(
        (&keys[0]["id"], &keys[0]["part"], &keys[0]["sealed_values"]),
        (&json!(id(NEW)), &json!("seals"), &json!(1))
    );
    assert_eq!(
        (&keys[1]["id"], &keys[1]["part"], &keys[1]["sealed_values"]),
        (&json!(id(OLD)), &json!("opens"), &json!(0))
    );
    assert_eq!((&keys[1]["in_use"], &keys[1]["may_go"]), (&json!(true), &json!(false)), "{keys:?}");
    // Again: nothing is left, and nothing changes.
    let stored = "select string_agg(md5(t::text), '') from (select * from identity.signing_keys) t";
    let (sealed, events) = (stage.one(stored).await, "select count(*)::text from identity.audit_events");
    let written = stage.one(events).await;
    let again = stage.keys(&[NEW, OLD], &["master-key", "rotate"]);
    assert_eq!(again[0]["sealed_values"], 1, "{again:?}");
    assert_eq!((stage.one(stored).await, stage.one(events).await), (sealed, written));

    // Those that still have the old key first go on beside those that have the new one first,
    // and what they tell each other of revocations is the same.
    let next = stage.start(&[NEW, OLD]).await.unwrap();
    let marks = async |system: &System| {
        let url = format!("http://{}/v1/auth/scopes", system.gateway);
        let token = first["access"].as_str().unwrap();
        Answer::of(reqwest::Client::new().get(url).bearer_auth(token)).await.ok()["marks"].clone()
    };
    let (told, other) = (marks(&both).await, marks(&next).await);
    assert!(told == other && !told.as_array().unwrap().is_empty(), "{told} {other}");
    let first = refresh(&next, &first["refresh"]).await.ok()["refresh"].clone();
    let first = refresh(&both, &first).await.ok()["refresh"].clone();
    sign_in(&both).await;
    both.stop().await.unwrap();
    assert_one_sentence(&stage.run(&[OLD], &["identity"]), 1, &["does not fit this database", &id(NEW)]);

    let refreshed = the_old_key_goes_when_nothing_is_of_it(&stage, &next, &first).await;
    next.stop().await.unwrap();

    // Alone, the new key opens everything, and the old one has no way back.
    let alone = stage.start(&[NEW]).await.unwrap();
    refresh(&alone, &refreshed).await.ok();
    refresh(&alone, &second["refresh"]).await.refused(401, "REFRESH_TOKEN_INVALID");
    sign_in(&alone).await;
    assert_one_sentence(&stage.run(&[OLD, NEW], &["identity"]), 1, &["was given up", &id(NEW)]);
}

/// What an app makes its codes of is sealed anew, too.
#[tokio::test(flavor = "multi_thread")]
async fn codes_of_second_factors_are_taken_after_the_key_that_sealed_them_is_gone() {
    let stage = Stage::set().await;
    let post = async |system: &System, path: &str, token: &str, body: Json| {
        let request = reqwest::Client::new().post(format!("http://{}{path}", system.gateway));
        Answer::of(request.bearer_auth(token).json(&body)).await
    };
    let old = stage.start(&[OLD]).await.unwrap();
    let login = sign_in(&old).await;
    let token = login["access"].as_str().unwrap();
    let app = App::of(post(&old, "/v1/auth/factors", token, json!({})).await.ok());
    post(&old, &app.path("/verify"), token, json!({"code": app.code(0)})).await.ok();
    old.stop().await.unwrap();

    stage.start(&[OLD, NEW]).await.unwrap().stop().await.unwrap();
    let keys = stage.keys(&[NEW, OLD], &["master-key", "rotate"]);
    let sealed = [&keys[0]["sealed_values"], &keys[1]["sealed_values"]];
    assert_eq!(sealed, [&json!(2), &json!(0)], "the signing key and the factor: {keys:?}");
    let alone = stage.start(&[NEW]).await.unwrap();
    let login = sign_in(&alone).await;
    let code = json!({"code": app.code(1)});
    post(&alone, &app.path("/verify"), login["access"].as_str().unwrap(), code).await.ok();
    alone.stop().await.unwrap();
}

/// The old key is needed as long as a refresh token may be of it; returns one of the new key.
async fn the_old_key_goes_when_nothing_is_of_it(stage: &Stage, next: &System, first: &Json) -> Json {
    // Tokens that were made after the key was said to be in use, and before that was said again.
    let used = "update identity.master_keys set used_at = now() - interval '5 minutes' where id = $1";
    stage.sql.execute(used, &[&id(OLD)]).await.unwrap();
    stage
        .sql
        .batch_execute("update identity.sessions set rotated_at = rotated_at - interval '4 minutes'")
        .await
        .unwrap();
    let old = &stage.keys(&[NEW, OLD], &["master-key", "check"])[1];
    assert_eq!((&old["in_use"], &old["sessions"], &old["may_go"]), (&json!(false), &json!(3), &json!(false)));
    assert!(old["needed_because"].as_str().unwrap().contains("refresh tokens of 3 sessions"), "{old}");
    let refreshed = refresh(next, first).await.ok()["refresh"].clone();
    stage
        .sql
        .batch_execute(
            "update identity.sessions set ended_at = now(), ended_because = 'logout' where counter = 0",
        )
        .await
        .unwrap();
    let old = &stage.keys(&[NEW, OLD], &["master-key", "check"])[1];
    assert_eq!((&old["sessions"], &old["may_go"]), (&json!(0), &json!(true)), "{old}");
    refreshed
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_logins_are_counted_on_while_the_master_key_is_replaced() {
    let stage = Stage::set().await;
    let wrong = async |system: &System| {
        let body = json!({"email": demo::OWNER, "password": "not the password"});
        let url = format!("http://{}/v1/auth/login", system.gateway);
        Answer::of(reqwest::Client::new().post(url).json(&body)).await
    };
    let both = stage.start(&[OLD, NEW]).await.unwrap();
    for _ in 0..5 {
        wrong(&both).await.refused(401, "LOGIN_FAILED");
    }
    both.stop().await.unwrap();
    stage.keys(&[NEW, OLD], &["master-key", "rotate"]);
    let next = stage.start(&[NEW, OLD]).await.unwrap();
    wrong(&next).await.refused(429, "TOO_MANY_ATTEMPTS");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_master_key_is_given_up_with_what_it_sealed() {
    let fixture = Fixture::start().await;
    let refresh_token = sign_in(&fixture.system).await["refresh"].clone();
    let stage = Stage { sql: pg::connect(&fixture.database.url).await.unwrap(), database: fixture.database };
    fixture.system.stop().await.unwrap();
    let keys = stage.keys(&[NEW], &["master-key", "rotate", "--old-key-is-lost"]);
    assert_eq!((&keys[0]["part"], &keys[0]["sealed_values"]), (&json!("seals"), &json!(1)), "{keys:?}");
    let system = stage.start(&[NEW]).await.unwrap();
    sign_in(&system).await;
    refresh(&system, &refresh_token).await.refused(401, "REFRESH_TOKEN_INVALID");
    let event =
        "select string_agg(subject, ' ') from identity.audit_events where action = 'master_key_rotated'";
    assert_eq!(stage.one(event).await, id(NEW));
}
