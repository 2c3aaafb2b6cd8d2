//! Several hosts in a connection string: which one is taken, and what is said when none is.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used)]

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use devdb::{PrivateServer, Programs, ServerOptions};
use pg::{Database, PoolOptions};
use tokio_postgres::Client;

async fn server(name: &str) -> (PrivateServer, PathBuf) {
    let dir = std::env::temp_dir().join(format!("frontdesk-hosts-{name}-{}", std::process::id()));
    let options = |ephemeral| ServerOptions {
        dir: dir.clone(),
        ephemeral,
        durable: false,
        tcp: None,
        programs: Programs::of_tests().unwrap(),
    };
    if name == "standby" {
        PrivateServer::start(options(false)).await.unwrap().stop();
        fs::write(dir.join("data/standby.signal"), "").unwrap();
    }
    (PrivateServer::start(options(true)).await.unwrap(), dir)
}

fn url(hosts: &[&str], parameters: &str) -> String {
    format!("postgresql:///postgres?user=frontdesk&host={}{parameters}", hosts.join(","))
}

/// The folder of the server that a connection string leads to.
async fn leads_to(url: &str) -> String {
    folder(&pg::connect(url).await.unwrap()).await
}

async fn folder(client: &Client) -> String {
    let query = "select current_setting('unix_socket_directories')";
    client.query_one(query, &[]).await.unwrap().get(0)
}

async fn said(url: &str) -> String {
    pg::connect(url).await.unwrap_err().advice().to_string()
}

#[tokio::test]
async fn a_primary_is_found_among_several_hosts_wherever_it_goes() {
    let ((primary, first), (_standby, second)) = (server("primary").await, server("standby").await);
    let [first, second] = [first, second].map(|dir| dir.display().to_string());
    let both = [second.as_str(), "/nowhere", &first];
    for (parameters, wanted) in [
        ("", &first),
        ("&target_session_attrs=read-write", &first),
        ("&target_session_attrs=primary", &first),
        ("&target_session_attrs=any", &second),
    ] {
        assert_eq!(leads_to(&url(&both, parameters)).await, *wanted, "{parameters}");
    }
    let chosen = url(&both, "&load_balance_hosts=random");
    assert_eq!(leads_to(&chosen).await, first);

    // Without a primary reads go on, unless somebody insists.
    assert_eq!(leads_to(&url(&[&second, "/nowhere"], "")).await, second);
    let alone = said(&url(&[&second], "&target_session_attrs=read-write")).await;
    assert!(alone.starts_with("it is a standby: set DATABASE_URL to the primary"), "{alone}");
    let none = said(&url(&[&second, "/nowhere"], "&target_session_attrs=primary")).await;
    assert!(
        none.contains(&format!("{second}:5432: it is a standby; /nowhere:5432: there is no socket")),
        "{none}"
    );

    // A pool follows, without being told.
    let options =
        PoolOptions { url: url(&both, ""), role: "frontdesk", application_name: "hosts", max_size: 1 };
    let database = Database::new(options).unwrap();
    database.ping().await.unwrap();
    primary.stop();
    let promoted = pg::connect(&url(&[&second], "")).await.unwrap();
    promoted.batch_execute("select pg_promote()").await.unwrap();
    // What is left of the first one's connections may fail once.
    let _lost = database.ping().await;
    database.ping().await.unwrap();
    assert_eq!(leads_to(&url(&both, "&target_session_attrs=primary")).await, second);
}

#[tokio::test]
async fn a_host_that_says_nothing_keeps_nobody_from_the_next() {
    let (_server, dir) = server("speaks").await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let hosts = url(&["127.0.0.1", &dir.display().to_string()], &format!("&port={port},5432"));
    let began = Instant::now();
    let database = Database::new(PoolOptions {
        url: hosts.clone(),
        role: "frontdesk",
        application_name: "hosts",
        max_size: 2,
    });
    let database = database.unwrap();
    database.ping().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(4));
    // The host that answered is asked first from then on.
    let began = Instant::now();
    let (one, other) = tokio::join!(database.ping(), database.ping());
    one.and(other).unwrap();
    assert!(began.elapsed() < Duration::from_secs(1));
    let nobody = said(&format!("postgresql://u@127.0.0.1:{port}/d?connect_timeout=2")).await;
    assert!(nobody.starts_with("it did not answer in time"), "{nobody}");
}
