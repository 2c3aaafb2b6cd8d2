//! A socket before Postgres' own, for the tests beside: it counts what goes through it, and
//! it can be cut.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;

use crate::fixture::Fixture;

/// With what a transaction of a call begins; those of readiness and of the background
/// have no tenant.
const BEGIN: &[u8] = b"set local app.tenant";
/// With what it ends. What is told to other processes after it is not a turn of the call.
const COMMIT: &[u8] = b"commit\0";

/// A socket before Postgres' own that counts.
pub struct Relay {
    dir: PathBuf,
    /// The fixture's database through it.
    pub url: String,
    counted: Arc<Counted>,
}

#[derive(Default)]
struct Counted {
    /// Each time a client speaks after the server did, in a transaction in a tenant.
    turns: AtomicUsize,
    /// Transactions in a tenant.
    transactions: AtomicUsize,
    /// Ends every connection that there is.
    cut: Notify,
}

impl Relay {
    pub async fn start(fixture: &Fixture, name: &str) -> Self {
        let behind = fixture.socket_folder().await;
        let dir = std::env::temp_dir().join(format!("frontdesk-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let listener = UnixListener::bind(dir.join(".s.PGSQL.5432")).unwrap();
        let counted = Arc::new(Counted::default());
        let url = fixture.database.url.replace(behind.to_str().unwrap(), dir.to_str().unwrap());
        assert_ne!(url, fixture.database.url);
        let (counts, behind) = (Arc::clone(&counted), behind.join(".s.PGSQL.5432"));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&behind).await.unwrap();
                tokio::spawn(relay(client, server, Arc::clone(&counts)));
            }
        });
        Self { dir, url, counted }
    }

    pub fn turns(&self) -> usize {
        self.counted.turns.load(Ordering::SeqCst)
    }

    pub fn transactions(&self) -> usize {
        self.counted.transactions.load(Ordering::SeqCst)
    }
}

impl Relay {
    /// Cuts every connection, without a word to either side; what the server has been sent
    /// it has still to read.
    pub fn cut(&self) {
        self.counted.cut.notify_waiters();
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
            () = counted.cut.notified() => return,
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
