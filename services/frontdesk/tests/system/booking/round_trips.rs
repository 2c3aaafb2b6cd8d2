//! How often an approval waits for the database, counted on the wire.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use frontdesk::demo;
use identity::Policy;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use crate::fixture::{Answer, Fixture, path_of, system};

/// A socket before Postgres' own that counts turns: each time a client speaks
/// after the server did.
struct Relay {
    dir: PathBuf,
    turns: Arc<AtomicUsize>,
}

impl Relay {
    fn start(behind: &Path) -> Self {
        let dir = std::env::temp_dir().join(format!("frontdesk-turns-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let listener = UnixListener::bind(dir.join(".s.PGSQL.5432")).unwrap();
        let turns = Arc::new(AtomicUsize::new(0));
        let (counted, behind) = (Arc::clone(&turns), behind.join(".s.PGSQL.5432"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&behind).await.unwrap();
                tokio::spawn(relay(client, server, Arc::clone(&counted)));
            }
        });
        Self { dir, turns }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

async fn relay(mut client: UnixStream, mut server: UnixStream, turns: Arc<AtomicUsize>) {
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    let mut server_spoke = true;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                if std::mem::take(&mut server_spoke) {
                    turns.fetch_add(1, Ordering::SeqCst);
                }
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

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_approval_waits_for_the_database_twice() {
    let fixture = Fixture::start().await;
    let socket = fixture.socket_folder().await;
    let relay = Relay::start(&socket);
    let url = fixture.database.url.replace(socket.to_str().unwrap(), relay.dir.to_str().unwrap());
    assert_ne!(url, fixture.database.url);
    let behind = system(&url, Policy::default()).await;
    let token = fixture.manager().await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut fewest = usize::MAX;
    for n in 0..40 {
        let id = fixture.open_request(demo::TENANT, 1, 1000 + n, 1001 + n).await;
        let url = format!("http://{}{}", behind.gateway, path_of(id, "/approve"));
        let before = relay.turns.load(Ordering::SeqCst);
        Answer::of(client.post(url).bearer_auth(&token).json(&json!({}))).await.ok();
        // Readiness and the sweeper ask now and then, and new connections prepare:
        // the quietest approval counts.
        fewest = fewest.min(relay.turns.load(Ordering::SeqCst) - before);
    }
    assert_eq!(fewest, 2);
}
