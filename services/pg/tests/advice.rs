//! What is said of databases that cannot be used: one sentence each, with the way
//! out, from what a real server answers.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::net::{SocketAddr, TcpListener};

use devdb::{PrivateServer, Programs, ServerOptions, Tcp};
use pg::migrate::{self, MigrationSet};

/// A server that takes TCP connections with the password `right`.
async fn server(name: &str) -> (PrivateServer, SocketAddr) {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let dir = std::env::temp_dir().join(format!("frontdesk-advice-{name}-{}", std::process::id()));
    let tcp = Some(Tcp { addr, password: "right".to_owned() });
    let programs = Programs::of_tests().unwrap();
    let options = ServerOptions { dir, ephemeral: true, durable: false, tcp, programs };
    (PrivateServer::start(options).await.unwrap(), addr)
}

/// What is said of a connection string, in which the password never is.
async fn said(url: &str) -> String {
    let fault = pg::connect(url).await.unwrap_err();
    let said = fault.advice().to_string();
    assert!(!said.contains("secret"), "{said}");
    said
}

#[tokio::test]
async fn who_cannot_be_reached_is_told_from_who_is_not_known() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let refused = said(&format!("postgresql://u:secret@{closed}/d")).await;
    assert!(refused.starts_with("nothing takes connections there"), "{refused}");
    let unknown = said("postgresql://u:secret@nowhere.invalid/d").await;
    assert!(unknown.starts_with("its host is not known"), "{unknown}");
    let socket = said("postgresql:///d?host=/nowhere&user=u").await;
    assert!(socket.starts_with("there is no socket of a server there"), "{socket}");
}

#[tokio::test]
async fn each_refusal_at_the_door_says_what_to_correct() {
    let (server, addr) = server("door").await;
    let owner = pg::connect(&server.url("postgres")).await.unwrap();
    let roles = "create role crowded login password 'right' connection limit 0";
    owner.batch_execute(roles).await.unwrap();
    let url = |user: &str, password: &str, database: &str| {
        format!("postgresql://{user}:{password}@{addr}/{database}")
    };
    let password = said(&url("frontdesk", "secret", "postgres")).await;
    assert!(password.starts_with("the password is wrong"), "{password}");
    let database = said(&url("frontdesk", "right", "nowhere")).await;
    assert!(database.starts_with("there is no such database"), "{database}");
    let crowd = said(&url("crowded", "right", "postgres")).await;
    assert!(crowd.starts_with("it takes no more connections"), "{crowd}");
    let role = said(&server.url("postgres").replace("user=frontdesk", "user=nobody")).await;
    assert!(role.starts_with("it does not let this user in") && role.contains("nobody"), "{role}");
    server.stop();
}

#[tokio::test]
async fn a_server_that_insists_on_tls_is_told_from_a_wrong_password() {
    let (server, addr) = server("tls").await;
    let owner = pg::connect(&server.url("postgres")).await.unwrap();
    let url = format!("postgresql://frontdesk:right@{addr}/postgres");
    let file: String = owner.query_one("select current_setting('hba_file')", &[]).await.unwrap().get(0);
    let rules = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("hostnossl all all all reject\n{rules}")).unwrap();
    owner.batch_execute("select pg_reload_conf()").await.unwrap();
    let mut insists = String::new();
    for _ in 0..100 {
        match pg::connect(&url).await {
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
            Err(fault) => {
                insists = fault.advice().to_string();
                break;
            }
        }
    }
    assert!(insists.starts_with("it does not let this user in") && insists.contains("TLS"), "{insists}");
    server.stop();
}

#[tokio::test]
async fn a_migration_that_is_refused_says_who_may_make_it() {
    static ROLES: MigrationSet = MigrationSet {
        name: "roles",
        history_table: "public.roles_history",
        migrations: &[("V1__roles", "create role made_by_migration")],
    };
    static EXTENSION: MigrationSet = MigrationSet {
        name: "extension",
        history_table: "public.extension_history",
        migrations: &[("V1__extension", "create extension no_such_extension")],
    };
    let (server, _) = server("migrations").await;
    let owner = pg::connect(&server.url("postgres")).await.unwrap();
    owner.batch_execute("create role weak login; grant create on schema public to weak").await.unwrap();
    let stopped =
        async |url: &str, set: &'static MigrationSet| migrate::up(url, &[set]).await.unwrap_err().to_string();
    let weak = server.url("postgres").replace("user=frontdesk", "user=weak");
    let privilege = stopped(&weak, &ROLES).await;
    assert!(privilege.contains("the login role lacks a privilege"), "{privilege}");
    assert!(privilege.contains("V1__role"), "the migration is named: {privilege}");
    let extension = stopped(&server.url("postgres"), &EXTENSION).await;
    assert!(extension.contains("an extension is not installed"), "{extension}");
    owner.batch_execute("alter role weak set default_transaction_read_only = on").await.unwrap();
    let standby = stopped(&weak, &ROLES).await;
    assert!(standby.contains("it takes no changes"), "{standby}");
    server.stop();
}
