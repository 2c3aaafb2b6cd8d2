//! How often a call waits for the database, and how many transactions it begins,
//! counted on the wire.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use frontdesk::demo;
use frontdesk::system::System;
use identity::Policy;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::fixture::{Answer, Fixture, path_of, system};

/// With what a transaction of a call begins; those of readiness and of the background
/// have no tenant.
const BEGIN: &[u8] = b"set local app.tenant";
/// With what it ends. What is told to other processes after it is not a turn of the call.
const COMMIT: &[u8] = b"commit\0";

/// A socket before Postgres' own that counts.
struct Relay {
    dir: PathBuf,
    counted: Arc<Counted>,
}

#[derive(Default)]
struct Counted {
    /// Each time a client speaks after the server did, in a transaction in a tenant.
    turns: AtomicUsize,
    /// Transactions in a tenant.
    transactions: AtomicUsize,
}

impl Relay {
    fn start(behind: &Path, name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("frontdesk-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let listener = UnixListener::bind(dir.join(".s.PGSQL.5432")).unwrap();
        let counted = Arc::new(Counted::default());
        let (counts, behind) = (Arc::clone(&counted), behind.join(".s.PGSQL.5432"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&behind).await.unwrap();
                tokio::spawn(relay(client, server, Arc::clone(&counts)));
            }
        });
        Self { dir, counted }
    }

    fn turns(&self) -> usize {
        self.counted.turns.load(Ordering::SeqCst)
    }

    fn transactions(&self) -> usize {
        self.counted.transactions.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

async fn relay(mut client: UnixStream, mut server: UnixStream, counted: Arc<Counted>) {
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    let (mut server_spoke, mut in_tenant) = (true, false);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let sent = |words: &[u8]| asked[..length].windows(words.len()).filter(|sent| *sent == words).count();
                let begun = sent(BEGIN);
                in_tenant |= begun > 0;
                if std::mem::take(&mut server_spoke) && in_tenant {
                    counted.turns.fetch_add(1, Ordering::SeqCst);
                }
                in_tenant &= sent(COMMIT) == 0;
                counted.transactions.fetch_add(begun, Ordering::SeqCst);
                if server.write_all(&asked[..length]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                server_spoke = true;
                if client.write_all(&answered[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// A system behind a relay, and who calls it.
struct Watched {
    fixture: Fixture,
    relay: Relay,
    behind: System,
    token: String,
    client: reqwest::Client,
}

impl Watched {
    async fn start(name: &str) -> Self {
        let fixture = Fixture::start().await;
        let socket = fixture.socket_folder().await;
        let relay = Relay::start(&socket, name);
        let url = fixture.database.url.replace(socket.to_str().unwrap(), relay.dir.to_str().unwrap());
        assert_ne!(url, fixture.database.url);
        let behind = system(&url, Policy::default()).await;
        let token = fixture.manager().await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { fixture, relay, behind, token, client }
    }

    async fn post(&self, path: &str) -> Answer {
        let url = format!("http://{}{path}", self.behind.gateway);
        Answer::of(self.client.post(url).bearer_auth(&self.token).json(&json!({}))).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_approval_waits_for_the_database_twice() {
    let watched = Watched::start("turns").await;
    let mut fewest = usize::MAX;
    for n in 0..40 {
        let id = watched.fixture.open_request(demo::TENANT, 1, 1000 + n, 1001 + n).await;
        let before = watched.relay.turns();
        watched.post(&path_of(id, "/approve")).await.ok();
        // Readiness and the background ask now and then, and new connections prepare:
        // the quietest approval counts.
        fewest = fewest.min(watched.relay.turns() - before);
    }
    assert_eq!(fewest, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_changes_nothing_wakes_nobody_who_watches() {
    let watched = Watched::start("quiet").await;
    let id = watched.fixture.open_request(demo::TENANT, 1, 1000, 1001).await;
    watched.post(&path_of(id, "/approve")).await.ok();
    let url = format!("http://{}/v1/booking-requests/watch", watched.behind.gateway);
    let stream = watched.client.get(url).bearer_auth(&watched.token).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    // What the approval woke has been read by then.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = watched.relay.transactions();
    watched.post(&path_of(id, "/approve")).await.ok();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begun = watched.relay.transactions() - before;
    // The call, and the reader's own looks; one that was woken looks 20 times a second.
    assert!(begun <= 5, "{begun} transactions");
}

/// What keeps getting in the way of calls, how many transactions they begin, and what
/// they answer in the end. The trigger is taken away after each row.
const OBSTACLES: [(&str, &str, &str, usize); 4] = [
    ("before update on booking_requests", "raise exception 'x' using errcode = '40001'", "/approve", 3),
    // The row is not stored, as when dates are taken, and nobody is found to have them.
    ("before insert on bookings", "return null", "/approve", 3),
    // Refused when it is looked at with locks.
    ("before insert on inventory_ranges", "raise exception 'x' using errcode = '40P01'", "/approve", 3),
    ("before insert on booking_events", "raise exception 'x' using errcode = '40001'", "/cancel", 3),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_keeps_conflicting_begins_three_transactions() {
    let watched = Watched::start("transactions").await;
    // Connections are made and statements prepared before anything is counted.
    let first = watched.fixture.open_request(demo::TENANT, 1, 2000, 2001).await;
    watched.post(&path_of(first, "/approve")).await.ok();
    for (day, (event, does, step, transactions)) in (2001..).zip(OBSTACLES) {
        let id = watched.fixture.open_request(demo::TENANT, 1, day, day + 1).await;
        let make = format!(
            "create function obstacle() returns trigger language plpgsql as $$ begin {does}; end $$; \
             create trigger obstacle {event} for each row execute function obstacle()"
        );
        watched.fixture.sql.batch_execute(&make).await.unwrap();
        let before = watched.relay.transactions();
        watched.post(&path_of(id, step)).await.refused(503, "CONTENTION");
        assert_eq!(watched.relay.transactions() - before, transactions, "{event}: {does}");
        watched.fixture.sql.batch_execute("drop function obstacle() cascade").await.unwrap();
        let before = watched.relay.transactions();
        watched.post(&path_of(id, step)).await.ok();
        assert_eq!(watched.relay.transactions() - before, 1, "{event}: {does}");
    }
}
