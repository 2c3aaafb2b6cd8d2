//! Defaults of the role and the database that a session gets: what statements rely on
//! holds whatever they are.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use boot::State;
use devdb::TestDatabase;
use pg::migrate::{self, MigrationSet};
use pg::{Columns, Database, Kind, PoolOptions};
use tokio_postgres::types::Type;
use uuid::Uuid;

static SET: MigrationSet = MigrationSet {
    name: "defaults",
    history_table: "public.defaults_history",
    migrations: &[(
        "V1__rows",
        "create table rows (id int, at timestamptz default '03/04/2026 00:00:00'::timestamp, note text default 'a\\b'); \
         insert into rows values (1); select pg_sleep(0.05)",
    )],
};

/// A setting, something hostile that it can be set to, what it has to be in a transaction of a
/// service, and the version that brought it.
const HOSTILE: &[(&str, &str, &str, u32)] = &[
    ("search_path", "elsewhere", "public, pg_temp", 0),
    ("row_security", "off", "on", 0),
    ("timezone", "Asia/Kathmandu", "UTC", 0),
    ("datestyle", "SQL, DMY", "ISO, MDY", 0),
    ("intervalstyle", "sql_standard", "postgres", 0),
    ("bytea_output", "escape", "hex", 0),
    ("extra_float_digits", "-15", "1", 0),
    ("standard_conforming_strings", "off", "on", 0),
    ("transform_null_equals", "on", "off", 0),
    ("array_nulls", "off", "on", 0),
    ("quote_all_identifiers", "on", "off", 0),
    ("exit_on_error", "on", "off", 0),
    ("client_encoding", "LATIN1", "UTF8", 0),
    // Of statements that are a transaction by themselves.
    ("default_transaction_isolation", "serializable", "read committed", 0),
    ("transaction_isolation", "", "read committed", 0),
    ("statement_timeout", "10ms", "5s", 0),
    ("lock_timeout", "1ms", "2s", 0),
    ("idle_in_transaction_session_timeout", "10ms", "10s", 0),
    ("idle_session_timeout", "10min", "0", 140_000),
    ("transaction_timeout", "10s", "0", 170_000),
    ("enable_seqscan", "", "off", 0),
    ("enable_indexscan", "off", "on", 0),
    ("enable_indexonlyscan", "off", "on", 0),
    ("enable_bitmapscan", "off", "on", 0),
    ("enable_nestloop", "off", "on", 0),
    ("enable_sort", "off", "on", 0),
    ("geqo", "on", "off", 0),
    ("from_collapse_limit", "1", "8", 0),
    ("join_collapse_limit", "1", "8", 0),
    ("jit", "on", "off", 0),
    ("max_parallel_workers_per_gather", "4", "0", 0),
    ("plan_cache_mode", "force_generic_plan", "auto", 0),
    // A crash would lose what was acknowledged. The server of tests is told so as a whole.
    ("synchronous_commit", "off", "on", 0),
    // Left alone; why, `settings.rs` says.
    ("default_transaction_deferrable", "on", "on", 0),
    ("work_mem", "64kB", "64kB", 0),
    ("random_page_cost", "40", "40", 0),
    ("enable_hashjoin", "off", "off", 0),
    ("check_function_bodies", "off", "off", 0),
];

/// A login whose defaults are to be anything.
struct Login {
    /// A superuser's.
    owner: tokio_postgres::Client,
    name: String,
    url: String,
    /// The role that services switch to.
    role: &'static str,
}

impl Login {
    async fn create(test: &TestDatabase, attributes: &str) -> Self {
        let owner = pg::connect(&test.url).await.unwrap();
        let id = Uuid::now_v7().simple();
        let (name, role) = (format!("hostile_{id}"), format!("served_{id}"));
        let create = format!(
            "create role {role} nologin; create role {name} login {attributes}; grant {role} to {name}"
        );
        owner.batch_execute(&create).await.unwrap();
        let url = test.url.replace("user=frontdesk", &format!("user={name}"));
        Self { owner, name, url, role: String::leak(role) }
    }

    fn open(&self, more: &str) -> Database {
        let Self { url, role, .. } = self;
        let url = format!("{url}{more}");
        let options = PoolOptions { url, role, application_name: "defaults", max_size: 1 };
        Database::new(options).unwrap()
    }

    /// Changes a default of it, and ends its connections, as time would.
    async fn set(&self, setting: &str) {
        let Self { owner, name, .. } = self;
        owner.batch_execute(&format!("alter role {name} set {setting}")).await.unwrap();
        let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where usename = '{name}'");
        owner.batch_execute(&end).await.unwrap();
    }
}

async fn value(database: &Database, setting: &str) -> String {
    let tx = database.begin(Uuid::nil()).await.unwrap();
    let query = "select current_setting($1) as value";
    let rows = tx.run_text(query, &[(&setting, Type::TEXT)]).await.unwrap();
    tx.commit().await.unwrap();
    Columns::first(&rows, |row| row.next("value")).unwrap().unwrap()
}

#[tokio::test]
async fn whatever_role_and_database_set_a_transaction_is_the_same() {
    let test = TestDatabase::create(&[]).await;
    let hostile = Login::create(&test, "superuser").await;
    let Login { owner, name: login, url, .. } = &hostile;
    let name: String = owner.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let version: String = owner.query_one("show server_version_num", &[]).await.unwrap().get(0);
    let version: u32 = version.parse().unwrap();
    let known: Vec<_> = HOSTILE.iter().filter(|(.., since)| version >= *since).collect();
    for (number, who) in [format!("role {login}"), format!("database {name}")].iter().enumerate() {
        for (setting, hostile, ..) in known.iter().filter(|(_, hostile, ..)| !hostile.is_empty()) {
            let value =
                if *setting == "search_path" { (*hostile).to_owned() } else { format!("'{hostile}'") };
            owner.batch_execute(&format!("alter {who} set {setting} = {value}")).await.unwrap();
        }
        if number == 0 {
            migrate::up(url, &[&SET]).await.unwrap();
            let stored = "select extract(epoch from at)::int8, note from public.rows";
            let row = owner.query_one(stored, &[]).await.unwrap();
            assert_eq!((row.get::<_, i64>(0), row.get::<_, &str>(1)), (1_772_582_400, "a\\b"));
        }
        let database = hostile.open("");
        let tx = database.begin(Uuid::nil()).await.unwrap();
        let query = "select name, current_setting(name) as value from unnest($1::text[]) name";
        let names: Vec<&str> = known.iter().map(|(name, ..)| *name).collect();
        let rows = tx.run_text(query, &[(&names, Type::TEXT_ARRAY)]).await.unwrap();
        let found =
            Columns::all(&rows, |row| Ok((row.next::<String>("name")?, row.next::<String>("value")?)));
        for ((setting, found), (_, _, wanted, _)) in found.unwrap().iter().zip(&known) {
            assert_eq!(found, wanted, "{setting} as {who} has it");
        }
        tx.commit().await.unwrap();
        owner.batch_execute(&format!("alter {who} reset all")).await.unwrap();
    }
    // Nor is it the role that the login becomes by default.
    owner.batch_execute(&format!("alter role {login} set role = 'pg_monitor'")).await.unwrap();
    assert_eq!(value(&hostile.open(""), "role").await, hostile.role);
}

/// Else a standby that commits wait for could take over without what was acknowledged.
#[tokio::test]
async fn a_commit_waits_for_the_standby_whatever_role_and_database_set() {
    let test = TestDatabase::create(&[]).await;
    let hostile = Login::create(&test, "").await;
    let name: String = hostile.owner.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    for who in [format!("role {}", hostile.name), format!("database {name}")] {
        for (level, wanted) in
            [("off", "on"), ("local", "on"), ("remote_write", "on"), ("remote_apply", "remote_apply")]
        {
            let set = format!("alter {who} set synchronous_commit = {level}");
            hostile.owner.batch_execute(&set).await.unwrap();
            let found = value(&hostile.open(""), "synchronous_commit").await;
            assert_eq!(found, wanted, "{level} as {who} has it");
        }
        hostile.owner.batch_execute(&format!("alter {who} reset all")).await.unwrap();
    }
}

/// Whoever looks as the owner sees what keeps a service from its start, whose login is another.
#[tokio::test]
async fn what_a_login_of_a_service_has_for_a_default_is_told_to_the_owner() {
    let test = TestDatabase::create(&[]).await;
    let hostile = Login::create(&test, "").await;
    let roles: &'static [&'static str] = Box::leak(Box::new([hostile.role]));
    let told = async || {
        let checks = pg::checks::checks(&test.url, roles, &[]);
        checks.into_iter().find(|check| check.name == "database").unwrap().run().await
    };
    let Login { owner, name, .. } = &hostile;
    assert!(told().await.iter().all(|one| !one.found.contains(name.as_str())));
    for (setting, value, state) in
        [("session_replication_role", "replica", State::Bad), ("synchronous_commit", "off", State::Odd)]
    {
        let set = format!("alter role {name} set {setting} = {value}");
        owner.batch_execute(&set).await.unwrap();
        let told = told().await;
        let of_login = told.iter().find(|one| one.found.contains(&format!("as {name} has it"))).unwrap();
        assert!(of_login.state == state && of_login.found.contains(setting), "{of_login:?}");
        let cure = format!("alter role {name} reset {setting}");
        assert!(of_login.fix.contains(&cure), "{of_login:?}");
        owner.batch_execute(&cure).await.unwrap();
    }
    assert!(told().await.iter().all(|one| !one.found.contains(name.as_str())));
}

/// Whoever runs the server, or wrote the connection string, knows what a commit is to wait for.
#[tokio::test]
async fn what_was_chosen_for_the_server_or_in_the_connection_string_is_left() {
    let test = TestDatabase::create(&[]).await;
    assert_eq!(value_as(&test, "").await, "off", "the server of tests is fast");
    assert_eq!(value_as(&test, "&options=-c%20synchronous_commit%3Doff").await, "off");
    assert_eq!(value_as(&test, "&options=-c%20synchronous_commit%3Dlocal").await, "local");
}

async fn value_as(test: &TestDatabase, more: &str) -> String {
    value(&Login::create(test, "").await.open(more), "synchronous_commit").await
}

/// No trigger would fire and no foreign key hold, and only a superuser takes it back: every way
/// in is refused with the statement that does.
#[tokio::test]
async fn a_login_by_whose_default_no_trigger_fires_is_refused_with_what_takes_it_back() {
    let test = TestDatabase::create(&[]).await;
    let hostile = Login::create(&test, "").await;
    let Login { owner, name: login, url, .. } = &hostile;
    let name: String = owner.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    for (who, source) in [
        (format!("role {login}"), "user"),
        (format!("database {name}"), "database"),
        (format!("role {login} in database {name}"), "database user"),
    ] {
        let setting = format!("alter {who} set session_replication_role = replica");
        owner.batch_execute(&setting).await.unwrap();
        let cure = format!("alter {who} reset session_replication_role");
        let sentence = format!(
            "session_replication_role is replica ({source}): no trigger fires, and no foreign key holds: \
             as a superuser: `{cure}`"
        );
        let fault = hostile.open("").begin(Uuid::nil()).await.unwrap_err();
        let is_named = matches!(fault.kind(), Kind::SchemaDrift { object } if object.contains("session_replication_role"));
        assert!(is_named, "{fault}");
        assert_eq!(fault.advice().to_string(), sentence);
        let client = pg::connect(url).await.unwrap();
        assert_eq!(pg::relied_on(&client).await.unwrap_err().advice().to_string(), sentence);
        assert_eq!(migrate::up(url, &[&SET]).await.unwrap_err().to_string(), sentence);
        let checks = pg::checks::checks(url, &["served"], &[]);
        let server = checks.into_iter().find(|check| check.name == "database").unwrap().run().await;
        let bad = server.iter().find(|one| one.state == State::Bad).unwrap();
        assert!(
            bad.found.contains("session_replication_role is replica") && bad.fix.contains(&cure),
            "{bad:?}"
        );
        owner.batch_execute(&cure).await.unwrap();
        value(&hostile.open(""), "role").await;
    }
}

/// What a service was started with goes on. A new connection stores nothing, unless it may take
/// the setting back by itself.
#[tokio::test]
async fn a_default_that_comes_while_a_service_runs_is_refused_or_set() {
    let test = TestDatabase::create(&[]).await;
    for (attributes, expected) in [("", "refused"), ("superuser", "origin")] {
        let hostile = Login::create(&test, attributes).await;
        let database = hostile.open("");
        assert_eq!(value(&database, "session_replication_role").await, "origin");
        hostile.set("session_replication_role = replica").await;
        let mut found = String::new();
        for _ in 0..20 {
            let query = "select current_setting('session_replication_role') as value";
            let rows = match database.begin(Uuid::nil()).await {
                Ok(tx) => tx.run_text(query, &[]).await,
                Err(fault) => Err(fault),
            };
            found = match rows {
                Ok(rows) => Columns::first(&rows, |row| row.next("value")).unwrap().unwrap(),
                Err(fault) if matches!(fault.kind(), Kind::NoRight { .. }) => {
                    let said = fault.advice().to_string();
                    assert!(said.contains("`frontdesk doctor` names it"), "{said}");
                    "refused".to_owned()
                }
                // The connection from before, which was ended.
                Err(_) => continue,
            };
            break;
        }
        assert_eq!(found, expected);
    }
}
