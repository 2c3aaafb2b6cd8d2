//! Defaults of the role and the database that a session gets: what statements rely on
//! holds whatever they are.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use devdb::TestDatabase;
use pg::migrate::{self, MigrationSet};
use pg::{Columns, Database, PoolOptions};
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

/// A setting, something hostile that it can be set to, and what it has to be in a
/// transaction of a service.
const HOSTILE: &[[&str; 3]] = &[
    ["search_path", "elsewhere", "public, pg_temp"],
    ["row_security", "off", "on"],
    ["timezone", "Asia/Kathmandu", "UTC"],
    ["datestyle", "SQL, DMY", "ISO, MDY"],
    ["intervalstyle", "sql_standard", "postgres"],
    ["bytea_output", "escape", "hex"],
    ["extra_float_digits", "-15", "1"],
    ["standard_conforming_strings", "off", "on"],
    ["transform_null_equals", "on", "off"],
    ["array_nulls", "off", "on"],
    ["quote_all_identifiers", "on", "off"],
    ["client_encoding", "LATIN1", "UTF8"],
    ["default_transaction_isolation", "serializable", "serializable"],
    ["transaction_isolation", "", "read committed"],
    ["statement_timeout", "10ms", "5s"],
    ["lock_timeout", "1ms", "2s"],
    ["idle_in_transaction_session_timeout", "10ms", "10s"],
    ["enable_indexscan", "off", "on"],
    ["enable_bitmapscan", "off", "on"],
    ["jit", "on", "off"],
    ["plan_cache_mode", "force_generic_plan", "auto"],
];

#[tokio::test]
async fn whatever_role_and_database_set_a_transaction_is_the_same() {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner.batch_execute("create role served nologin; create role hostile login superuser").await.unwrap();
    let name: String = owner.query_one("select current_database()::text", &[]).await.unwrap().get(0);
    let url = test.url.replace("user=frontdesk", "user=hostile");
    for (number, who) in [("role hostile".to_owned()), format!("database {name}")].iter().enumerate() {
        for [setting, hostile, _] in HOSTILE.iter().filter(|[_, hostile, _]| !hostile.is_empty()) {
            let value =
                if *setting == "search_path" { (*hostile).to_owned() } else { format!("'{hostile}'") };
            owner.batch_execute(&format!("alter {who} set {setting} = {value}")).await.unwrap();
        }
        if number == 0 {
            migrate::up(&url, &[&SET]).await.unwrap();
            let stored = "select extract(epoch from at)::int8, note from public.rows";
            let row = owner.query_one(stored, &[]).await.unwrap();
            assert_eq!((row.get::<_, i64>(0), row.get::<_, &str>(1)), (1_772_582_400, "a\\b"));
        }
        let options =
            PoolOptions { url: url.clone(), role: "served", application_name: "defaults", max_size: 1 };
        let database = Database::new(options).unwrap();
        let tx = database.begin(Uuid::nil()).await.unwrap();
        let query = "select name, current_setting(name) as value from unnest($1::text[]) name";
        let names: Vec<&str> = HOSTILE.iter().map(|[name, ..]| *name).collect();
        let rows = tx.run_text(query, &[(&names, Type::TEXT_ARRAY)]).await.unwrap();
        let found =
            Columns::all(&rows, |row| Ok((row.next::<String>("name")?, row.next::<String>("value")?)));
        for ((setting, found), [_, _, wanted]) in found.unwrap().iter().zip(HOSTILE) {
            assert_eq!(found, wanted, "{setting} as {who} has it");
        }
        tx.commit().await.unwrap();
        owner.batch_execute(&format!("alter {who} reset all")).await.unwrap();
    }
}
