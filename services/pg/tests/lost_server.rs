//! A pooler that has lost its server: it says so in place of the first answer that is still
//! waited for, and does not know what became of what was sent together.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use devdb::TestDatabase;
use pg::{Columns, Database, Fault, Kind, PoolOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use uuid::Uuid;

mod store {
    pg::statements! {
        InsertRow = "insert_row" (id: i32);
        CountRows = "count_rows" ();
        GetSocket = "get_socket" ();
    }

    pub fn statements() -> pg::Statements {
        pg::Statements::new(STATEMENTS.iter().copied()).unwrap()
    }
}
use store::{CountRows, GetSocket, InsertRow};

/// As `PgBouncer` says it: without a routine, and without the severity that no language changes.
const LOST: &[u8] = b"SFATAL\0C08P01\0Mserver conn crashed?\0\0";

/// With which message the server is lost, and what it answers when that is done.
#[derive(Clone, Copy)]
struct Loss {
    at: fn(&[u8]) -> bool,
    done: &'static [u8],
}

/// Not the one in `read committed`.
const COMMIT: Loss = Loss { at: |asked| asked.windows(7).any(|bytes| bytes == b"commit\0"), done: b"COMMIT" };
/// The values of a statement that was prepared.
const VALUES: Loss = Loss { at: |asked| asked.first() == Some(&b'B'), done: b"INSERT 0 1" };

/// A socket before the server's, whose server is lost before or after it has done something.
fn pooler(behind: String, loss: Loss, is_done: bool) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("frontdesk-pooler-{}", Uuid::now_v7()));
    std::fs::create_dir_all(&dir).unwrap();
    let listener = UnixListener::bind(dir.join(".s.PGSQL.5432")).unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(Path::new(&behind).join(".s.PGSQL.5432")).await.unwrap();
            tokio::spawn(pass_on(client, server, loss, is_done));
        }
    });
    dir
}

async fn pass_on(mut client: UnixStream, mut server: UnixStream, loss: Loss, is_done: bool) {
    let (mut asked, mut answered) = (vec![0; 65536], vec![0; 65536]);
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(length @ 1..) = read else { return };
                let is_lost = (loss.at)(&asked[..length]);
                if !is_lost || is_done {
                    server.write_all(&asked[..length]).await.unwrap();
                }
                if !is_lost {
                    continue;
                }
                let mut heard = Vec::new();
                while is_done && !heard.windows(loss.done.len()).any(|bytes| bytes == loss.done) {
                    assert_ne!(server.read_buf(&mut heard).await.unwrap(), 0, "the server has ended");
                }
                let length = u32::try_from(LOST.len() + 4).unwrap();
                client.write_all(&[b"E", &length.to_be_bytes()[..], LOST].concat()).await.unwrap();
                return;
            }
            read = server.read(&mut answered) => {
                let Ok(length @ 1..) = read else { return };
                client.write_all(&answered[..length]).await.unwrap();
            }
        }
    }
}

fn open(url: String) -> Database {
    let options = PoolOptions { url, role: "frontdesk", application_name: "lost", max_size: 1 };
    Database::new(options).unwrap().with(Arc::new(store::statements()))
}

async fn rows(database: &Database) -> i64 {
    let rows = database.run_global(&CountRows {}).await.unwrap();
    Columns::first(&rows, |row| row.next("n")).unwrap().unwrap()
}

/// What becomes of one call that is made through such a pooler, and how many rows there are
/// then.
async fn lost(
    loss: Loss,
    is_done: bool,
    call: impl AsyncFnOnce(Database) -> Result<(), Fault>,
) -> (Fault, i64) {
    let test = TestDatabase::create(&[]).await;
    let owner = pg::connect(&test.url).await.unwrap();
    owner.batch_execute("create table t (id int constraint t_pkey primary key, tenant text)").await.unwrap();
    let direct = open(test.url.clone());
    let folder = direct.run_global(&GetSocket {}).await.unwrap();
    let folder: String = Columns::first(&folder, |row| row.next("folder")).unwrap().unwrap();
    let pooler = pooler(folder.clone(), loss, is_done);
    let url = test.url.replace(&folder, pooler.to_str().unwrap());
    assert_ne!(url, test.url);
    let fault = call(open(url)).await.unwrap_err();
    std::fs::remove_dir_all(pooler).unwrap();
    (fault, rows(&direct).await)
}

#[tokio::test]
async fn a_change_that_a_pooler_lost_with_its_server_has_no_known_outcome() {
    for is_done in [false, true] {
        let stored = i64::from(is_done);
        // The statement is prepared first, so that the pooler speaks in place of its answer.
        let (fault, rows) = lost(COMMIT, is_done, async |database| {
            database.run(Uuid::nil(), &InsertRow { id: 1 }).await.map(drop)
        })
        .await;
        assert_eq!((fault.kind(), rows), (&Kind::OutcomeUnknown, stored), "{fault}");
        // Here it is prepared already, and it speaks in place of the answer to `begin`.
        let (fault, rows) = lost(COMMIT, is_done, async |database| {
            let tx = database.begin(Uuid::nil()).await?;
            tx.run(&InsertRow { id: 1 }).await?;
            drop(tx);
            database.run(Uuid::nil(), &InsertRow { id: 1 }).await.map(drop)
        })
        .await;
        assert_eq!((fault.kind(), rows), (&Kind::OutcomeUnknown, stored), "{fault}");
        let (fault, rows) = lost(COMMIT, is_done, async |database| {
            let tx = database.begin(Uuid::nil()).await?;
            tx.run(&InsertRow { id: 1 }).await?;
            tx.commit().await
        })
        .await;
        assert_eq!((fault.kind(), rows), (&Kind::OutcomeUnknown, stored), "{fault}");
        // A statement that is a transaction by itself.
        let (fault, rows) =
            lost(VALUES, is_done, async |database| database.run_global(&InsertRow { id: 1 }).await.map(drop))
                .await;
        assert_eq!((fault.kind(), rows), (&Kind::OutcomeUnknown, stored), "{fault}");
    }
    // For a call that only reads, nothing is in doubt, and it may be made again.
    let (fault, _) =
        lost(COMMIT, false, async |database| database.run(Uuid::nil(), &CountRows {}).await.map(drop)).await;
    assert_eq!(fault.kind(), &Kind::Unavailable, "{fault}");
    assert_eq!(fault.refusal().reason(), frontdesk_proto::ErrorReason::DbUnavailable);
}
