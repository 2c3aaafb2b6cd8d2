//! A server that speaks another language, as `initdb` sets it up where the machine does:
//! what it refuses means the same.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use devdb::{PrivateServer, Programs, ServerOptions};
use pg::migrate::{self, MigrationSet};
use pg::{Database, Fault, Kind, PoolOptions};
use uuid::Uuid;

static EXTENSION: MigrationSet = MigrationSet {
    name: "extension",
    history_table: "public.extension_history",
    migrations: &[("V1__extension", "create extension no_such_extension")],
};

const SCHEMA: &str = "
    create role served nologin;
    create table rows (tenant text, size int);
    alter table rows enable row level security;
    create policy own on rows using (tenant = current_setting('app.tenant'));
    create table closed (id int);
    create table ruled (id int);
    grant select, insert on rows, ruled to served;
    create function sized() returns trigger language plpgsql as
        $$ begin if new.size > 5 then new.size := 5; end if; return new; end $$;
    create trigger sized before insert on rows for each row execute function sized();
    create function refuse() returns trigger language plpgsql as
        $$ begin raise 'row-level security' using errcode = '42501'; end $$;
    create trigger refuse before insert on ruled for each row execute function refuse();
";

/// Programs of a server that speaks German where its translations are installed. Which
/// languages the machine has besides does not matter.
fn german(folder: &Path) -> Programs {
    let real = Programs::of_tests().unwrap();
    fs::create_dir_all(folder).unwrap();
    for name in ["initdb", "postgres"] {
        let file = folder.join(name);
        let script = format!("#!/bin/sh\nLANGUAGE=de exec '{}' \"$@\"\n", real.path(name).display());
        fs::write(&file, script).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder.to_str().unwrap().parse().unwrap()
}

async fn run(database: &Database, tenant: Uuid, sql: &str) -> Result<(), Fault> {
    let tx = database.begin(tenant).await?;
    tx.run_text(sql, &[]).await?;
    tx.commit().await
}

#[tokio::test]
async fn what_a_server_refuses_means_the_same_in_its_language() {
    let folder = std::env::temp_dir().join(format!("frontdesk-language-{}", std::process::id()));
    let programs = german(&folder.join("bin"));
    let dir = folder.join("server");
    let options = ServerOptions { dir, ephemeral: true, durable: false, tcp: None, programs };
    let server = PrivateServer::start(options).await.unwrap();
    let url = server.url("postgres");
    let owner = pg::connect(&url).await.unwrap();
    let spoken = owner.batch_execute("select from nowhere").await.unwrap_err();
    let spoken = spoken.as_db_error().unwrap().message().to_owned();
    if spoken.contains("does not exist") {
        println!("this machine's Postgres has no translations; it says: {spoken}");
    }
    owner.batch_execute(SCHEMA).await.unwrap();
    let options = PoolOptions { url: url.clone(), role: "served", application_name: "german", max_size: 1 };
    let database = Database::new(options).unwrap();
    let tenant = Uuid::from_u128(1);
    let refused = async |sql: &str| run(&database, tenant, sql).await.unwrap_err();

    let insert = format!("insert into rows values ('{tenant}', 1)");
    run(&database, tenant, &insert).await.unwrap();
    assert_eq!(*refused("insert into rows values ('other', 1)").await.kind(), Kind::RowSecurity);
    assert_eq!(*refused("insert into ruled values (1)").await.kind(), Kind::Refused);
    let closed = refused("select from closed").await;
    assert!(matches!(closed.kind(), Kind::NoRight { .. }) && closed.lacks("closed"), "{closed}");
    let gone = refused("select from nowhere").await;
    assert!(matches!(gone.kind(), Kind::SchemaDrift { .. }) && gone.lacks("nowhere"), "{gone}");
    // The trigger's function was planned in this session for the column as it was.
    owner.batch_execute("alter table rows alter column size type bigint").await.unwrap();
    assert_eq!(*refused(&insert).await.kind(), Kind::StaleSession);
    run(&database, tenant, &insert).await.unwrap();
    let said = migrate::up(&url, &[&EXTENSION]).await.unwrap_err().to_string();
    assert!(said.contains("an extension is not installed on the server"), "{said}");
    owner.batch_execute("drop owned by served; drop role served").await.unwrap();
    let options = PoolOptions { url: url.clone(), role: "served", application_name: "german", max_size: 1 };
    let roleless = Database::new(options).unwrap();
    let no_role = run(&roleless, tenant, "select").await.unwrap_err();
    assert!(matches!(no_role.kind(), Kind::SchemaDrift { .. }) && no_role.lacks("served"), "{no_role}");
    server.stop();
    fs::remove_dir_all(&folder).unwrap();
}
