//! A backup is whole or is none: by the login that `deploy/backup.sql` makes, and by an
//! owner without superuser, as that file says. What is restored of it is the same database,
//! with its grants or after a repair.

use std::process::Output;

use serde_json::json;

use super::crashes::login;
use crate::cluster::Cluster;
use crate::fixture::{Answer, case, path_of, system};
use crate::program::run::{frontdesk, text};

/// A file of `deploy/`.
fn script(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

/// The statements that a comment of `deploy/backup.sql` has for psql.
fn lifting() -> String {
    let text = script("backup.sql");
    let (_, behind) = text.split_once("<<'SQL'\n").unwrap();
    let (statements, _) = behind.split_once("--   SQL").unwrap();
    statements.replace("--   ", "")
}

/// Connection string of a login of a cluster.
pub fn url_of(cluster: &Cluster, login: &str, database: &str) -> String {
    cluster.url(database).replace("user=frontdesk", &format!("user={login}"))
}

fn psql(cluster: &Cluster, url: &str, name: &str, statements: &str) {
    let file = cluster.folder().join(name);
    std::fs::write(&file, statements).unwrap();
    cluster.run("psql", &["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", file.to_str().unwrap()]);
}

fn repaired(url: &str) -> Output {
    frontdesk(&["doctor", "--repair", "--apply"], &[("DATABASE_URL", url)]).output().unwrap()
}

/// Each table and sequence, with a sum of all that is in it.
async fn contents(cluster: &Cluster, database: &str) -> Vec<String> {
    let sql = cluster.sql(database).await;
    let names = "select c.relkind = 'S', c.oid::regclass::text from pg_class c \
        where c.relkind in ('r', 'S') and c.relnamespace in ('public'::regnamespace, 'identity'::regnamespace) order by 2";
    let mut contents = Vec::new();
    for row in sql.query(names, &[]).await.unwrap() {
        let (is_sequence, name): (bool, String) = (row.get(0), row.get(1));
        let all = if is_sequence {
            format!("select last_value::text from {name}")
        } else {
            format!(
                "select count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' order by t::text)), '') from {name} t"
            )
        };
        let all: String = sql.query_one(&all, &[]).await.unwrap().get(0);
        contents.push(format!("{name} {all}"));
    }
    contents
}

/// What of the schema is not as the migrations made it.
async fn missing(cluster: &Cluster, database: &str) -> Vec<String> {
    let sql = cluster.sql(database).await;
    let mut missing = Vec::new();
    for service in [&identity::SCHEMA, &booking::SCHEMA] {
        missing.extend(pg::schema::drift(&sql, service).await.unwrap().missing());
    }
    missing
}

/// A server with the database of `deploy/database.sql` and the demo's data.
pub async fn seeded() -> Cluster {
    let cluster = Cluster::start().await;
    psql(&cluster, &cluster.url("postgres"), "database.sql", &script("database.sql"));
    let owner = url_of(&cluster, "frontdesk_owner", "frontdesk");
    pg::migrate::up(&owner, &[&identity::MIGRATIONS, &booking::MIGRATIONS]).await.unwrap();
    frontdesk::demo::seed(&cluster.url("frontdesk")).await.unwrap();
    assert_eq!(missing(&cluster, "frontdesk").await, Vec::<String>::new());
    cluster
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_whole_and_what_is_restored_of_it_works() {
    access::install_crypto();
    let (old, new) = tokio::join!(seeded(), Cluster::start());
    let owner = url_of(&old, "frontdesk_owner", "frontdesk");
    let [whole, by_owner] =
        ["whole.dump", "owner.dump"].map(|name| old.folder().join(name).to_str().unwrap().to_owned());
    let dump = |url: &str, file: &str| old.output("pg_dump", &["--format", "custom", "-f", file, "-d", url]);

    // Bound by row-level security like everybody else, the owner gets no dump at all.
    let refused = dump(&owner, &by_owner);
    assert!(!refused.status.success() && text(&refused.stderr).contains("row-level security"), "{refused:?}");
    psql(&old, &old.url("postgres"), "backup.sql", &script("backup.sql"));
    let made = dump(&url_of(&old, "frontdesk_backup", "frontdesk"), &whole);
    assert!(made.status.success(), "{made:?}");
    psql(&old, &owner, "lift.sql", &lifting());
    let made = dump(&owner, &by_owner);
    assert!(made.status.success(), "{made:?}");
    assert!(!missing(&old, "frontdesk").await.is_empty(), "nothing was lifted");
    let forced = repaired(&owner);
    assert!(forced.status.success(), "{forced:?}");
    assert_eq!(missing(&old, "frontdesk").await, Vec::<String>::new());

    psql(&new, &new.url("postgres"), "database.sql", &script("database.sql"));
    let create = "create database bare owner frontdesk_owner";
    new.sql("postgres").await.batch_execute(create).await.unwrap();
    let services = "create role services login in role frontdesk_identity, frontdesk_booking";
    new.sql("postgres").await.batch_execute(services).await.unwrap();
    let before = contents(&old, "frontdesk").await;
    assert!(before.iter().filter(|table| !table.contains(" 0 ")).count() > 12, "{before:?}");
    for (database, file, more) in
        [("frontdesk", &whole, &["--no-owner"][..]), ("bare", &by_owner, &["--no-owner", "--no-acl"])]
    {
        let owner = url_of(&new, "frontdesk_owner", database);
        let restore = [&["--exit-on-error", "-d", owner.as_str()], more, &[file.as_str()]].concat();
        new.run("pg_restore", &restore);
        assert_eq!(contents(&new, database).await, before, "{database}");
        let missing = missing(&new, database).await;
        assert_eq!(missing.is_empty(), database == "frontdesk", "{missing:?}");
    }
    let bare = url_of(&new, "services", "bare");
    let mended = repaired(&url_of(&new, "frontdesk_owner", "bare"));
    assert!(mended.status.success(), "{mended:?}");
    assert_eq!(missing(&new, "bare").await, Vec::<String>::new());
    for url in [url_of(&new, "services", "frontdesk"), bare] {
        let system = system(&url, identity::Policy::default()).await;
        let token = login(&system).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("http://{}{}", system.gateway, path_of(case("REQUESTED"), "/approve"));
        let answer = Answer::of(client.post(url).bearer_auth(&token).json(&json!({}))).await;
        assert_eq!(answer.ok()["outcome"], "approved");
        system.stop().await.unwrap();
    }
}
