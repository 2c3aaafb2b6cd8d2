//! A socket before Postgres' own, for the tests beside: it counts what goes through it, and
//! it can be cut.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use crate::fixture::Fixture;

/// How a transaction in a tenant, or in several, begins.
const BEGIN: &[u8] = b"set local app.tenant";
/// How it ends. What is told to other processes after it is not a turn of the call.
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
    /// The first statement of each transaction in a tenant.
    transactions: Mutex<Vec<String>>,
    /// Ends every connection that there is, whatever it is doing.
    cut: watch::Sender<()>,
}

/// What a client sends over one connection.
#[derive(Default)]
struct Sent {
    /// What is not a whole message yet.
    rest: Vec<u8>,
    /// Texts of prepared statements, by their names.
    statements: HashMap<Vec<u8>, String>,
    in_tenant: bool,
    /// Whether the next statement is the first one of its transaction.
    at_first: bool,
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

    /// Transactions that began with a statement that has these words: those of a call are
    /// told by it from those of the background, which has some in the same tenant.
    pub fn transactions(&self, words: &str) -> usize {
        self.counted.transactions.lock().unwrap().iter().filter(|first| first.contains(words)).count()
    }

    /// Cuts every connection, without a word to either side; what the server has been sent
    /// it has still to read.
    pub fn cut(&self) {
        self.counted.cut.send_replace(());
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.dir);
    }
}

impl Sent {
    /// The next whole message: its type and what it holds. Those that begin a connection
    /// have no type, and their length begins with a zero.
    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let kind = *self.rest.first()?;
        let at = usize::from(kind != 0);
        let length: [u8; 4] = self.rest.get(at..at + 4)?.try_into().unwrap();
        let end = at + usize::try_from(u32::from_be_bytes(length)).unwrap();
        (self.rest.len() >= end).then(|| (kind, self.rest.drain(..end).skip(at + 4).collect()))
    }

    /// Takes what was sent; gives the first statements of transactions in it, and whether
    /// one was committed.
    fn take(&mut self, bytes: &[u8]) -> (Vec<String>, bool) {
        self.rest.extend_from_slice(bytes);
        let (mut first, mut committed) = (Vec::new(), false);
        while let Some((kind, message)) = self.next() {
            let has = |words: &[u8]| message.windows(words.len()).any(|part| part == words);
            let mut texts = message.split(|byte| *byte == 0);
            let mut text = || texts.next().unwrap_or_default();
            let statement = match kind {
                b'Q' => {
                    committed |= has(COMMIT);
                    if has(BEGIN) {
                        (self.in_tenant, self.at_first) = (true, true);
                    }
                    continue;
                }
                // To prepare: a name and a text.
                b'P' => {
                    let (name, text) = (text().to_owned(), String::from_utf8_lossy(text()).into_owned());
                    self.statements.insert(name, text.clone());
                    text
                }
                // To run: a name for what comes of it, and the statement's.
                b'B' => {
                    text();
                    self.statements.get(text()).cloned().unwrap_or_default()
                }
                _ => continue,
            };
            if std::mem::take(&mut self.at_first) {
                first.push(statement);
            }
        }
        (first, committed)
    }
}

async fn relay(mut client: UnixStream, mut server: UnixStream, counted: Arc<Counted>) {
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    let (mut server_spoke, mut sent) = (true, Sent::default());
    let mut cut = counted.cut.subscribe();
    loop {
        tokio::select! {
            _ = cut.changed() => return,
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let (first, committed) = sent.take(&asked[..length]);
                counted.transactions.lock().unwrap().extend(first);
                if std::mem::take(&mut server_spoke) && sent.in_tenant {
                    counted.turns.fetch_add(1, Ordering::SeqCst);
                }
                sent.in_tenant &= !committed;
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
