//! Importing customers from a file that comes bit by bit: results come while it does,
//! nobody's memory fills, and whatever ends it is told.

use std::convert::Infallible;
use std::io::Write;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::HttpBody;
use frontdesk_proto::booking::v1::customer_service_client::CustomerServiceClient;
use frontdesk_proto::booking::v1::import_customers_response::Content;
use frontdesk_proto::booking::v1::{ImportCustomersRequest, ImportOutcome};
use http_body::{Body, Frame};
use reqwest::{Method, Response};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::fixture::{Answer, Fixture, channel, signed};

const PATH: &str = "/v1/customers/import";
const PATIENCE: Duration = Duration::from_secs(10);

/// A file whose parts a test sends when it likes.
struct Parts(mpsc::Receiver<Bytes>);

impl Body for Parts {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}

/// Lines of a file, for so many customers.
fn guests(count: usize) -> String {
    (0..count).map(|n| format!("Guest {n},{n}\n")).collect::<Vec<_>>().concat()
}

/// An import over REST whose file is still being sent.
struct Import {
    file: mpsc::Sender<Bytes>,
    answer: Response,
    text: String,
}

impl Import {
    async fn start(fixture: &Fixture, token: &str, first: &str) -> Self {
        Self::start_in(fixture, token, "identity", first.as_bytes()).await
    }

    /// With a file in an encoding.
    async fn start_in(fixture: &Fixture, token: &str, encoding: &str, first: &[u8]) -> Self {
        let (file, parts) = mpsc::channel(1);
        file.send(Bytes::copy_from_slice(first)).await.unwrap();
        let request =
            fixture.request(Method::POST, PATH).bearer_auth(token).header("content-type", "text/csv");
        let request = request.header("content-encoding", encoding);
        let answer = timeout(PATIENCE, request.body(reqwest::Body::wrap(Parts(parts))).send()).await;
        let answer = answer.expect("the answer begins while the file comes").unwrap();
        assert_eq!(answer.status(), 200);
        Self { file, answer, text: String::new() }
    }

    async fn send(&self, part: &str) {
        self.file.send(Bytes::copy_from_slice(part.as_bytes())).await.unwrap();
    }

    /// The next message; `None` when the answer has ended.
    async fn next(&mut self) -> Option<Json> {
        self.next_within(PATIENCE).await
    }

    async fn next_within(&mut self, time: Duration) -> Option<Json> {
        loop {
            if let Some(end) = self.text.find('\n') {
                let line: String = self.text.drain(..=end).collect();
                return Some(serde_json::from_str(&line).unwrap());
            }
            let chunk = timeout(time, self.answer.chunk()).await.expect("a message in time").unwrap()?;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    async fn outcome(&mut self) -> String {
        let message = self.next().await.unwrap();
        message["result"]["outcome"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned()
    }

    /// The rest of the answer, of a file that has ended.
    async fn end(mut self) -> Vec<Json> {
        // Nothing more is sent.
        let (file, _) = mpsc::channel(1);
        self.file = file;
        let mut messages = Vec::new();
        while let Some(message) = self.next().await {
            messages.push(message);
        }
        messages
    }
}

#[tokio::test]
async fn a_line_has_its_result_while_the_file_is_still_coming() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, "name,external_id\nA,1\nB").await;
    assert_eq!(import.outcome().await, "created");
    import.send("ert,2\n").await;
    assert_eq!(import.outcome().await, "created");
    import.send("A,1\n").await;
    assert_eq!(import.outcome().await, "unchanged");
    let read = fixture.customers(&token, "?external_id=2").await;
    assert_eq!(read.ok()["customers"][0]["name"], "Bert");
    let summary = json!({"summary": {"created": 2, "updated": 0, "unchanged": 1, "refused": 0, "merged": 0}});
    assert_eq!(import.end().await, [summary]);
}

#[tokio::test]
async fn over_grpc_too_at_the_service_and_through_the_gateway() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (at, id) in [(fixture.system.booking, "1"), (fixture.system.gateway, "2")] {
        let mut client = CustomerServiceClient::new(channel(at));
        let (file, mut parts) = mpsc::channel(2);
        let part = |content_type: &str, data: &str| ImportCustomersRequest {
            file: Some(HttpBody { content_type: content_type.to_owned(), data: data.as_bytes().to_vec() }),
            ..Default::default()
        };
        file.send(part("application/x-ndjson", &format!("{{\"external_id\":\"{id}\",\"na"))).await.unwrap();
        file.send(part("", "me\":\"A\"}\n")).await.ok();
        let sent = futures::stream::poll_fn(move |context| parts.poll_recv(context));
        let mut told = client.import_customers(signed(sent, &token)).await.unwrap().into_inner();
        let Some(Content::Result(first)) = told.message().await.unwrap().unwrap().content else {
            panic!("no result")
        };
        assert_eq!((first.line, first.outcome(), &*first.external_id), (1, ImportOutcome::Created, id));
        // What only the first message can say.
        let other = ImportCustomersRequest { source: "other".to_owned(), ..part("", "{}\n") };
        file.send(other).await.unwrap();
        let refused = told.message().await.unwrap_err();
        assert_eq!(frontdesk_proto::reason_of(&refused), Some(frontdesk_proto::ErrorReason::InvalidField));
        assert!(
            refused.message().contains("`source`") && refused.message().contains("after one line"),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_file_that_breaks_off_loses_its_last_line_and_no_other() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut client = TcpStream::connect(fixture.system.gateway).await.unwrap();
    let part = "name,external_id\nA,1\nB,23";
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ncontent-type: text/csv\r\n\
         transfer-encoding: chunked\r\n\r\n{:x}\r\n{part}\r\n",
        part.len()
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !String::from_utf8_lossy(&answer).contains("created") {
        assert_ne!(timeout(PATIENCE, client.read_buf(&mut answer)).await.unwrap().unwrap(), 0);
    }
    drop(client);
    // The import has ended when there is room again.
    let count = || fixture.count("select count(*) from customers where external_id is not null", &[]);
    for _ in 0..20 {
        assert_eq!(count().await, 1, "half a line was stored");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_file_in_gzip_is_inflated_as_it_comes_and_a_broken_one_is_told() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let lines = guests(300);
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(format!("name,external_id\n{lines}").as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let whole = Import::start_in(&fixture, &token, "gzip", &packed).await.end().await;
    assert_eq!((whole.len(), &whole[300]["summary"]["created"]), (301, &json!(300)));
    let mut broken = Import::start_in(&fixture, &token, "gzip", &packed).await;
    assert_eq!(broken.outcome().await, "unchanged");
    broken.file.send(Bytes::from_static(b"and something else")).await.unwrap();
    let last = broken.end().await.pop().unwrap();
    assert_eq!(last["error"]["code"], "MALFORMED_REQUEST", "{last}");
    let told = last["error"]["message"].as_str().unwrap();
    assert!(told.contains("not gzip") && told.contains("What was answered is done"), "{told}");
    let request = fixture.request(Method::POST, PATH).bearer_auth(&token).header("content-type", "text/csv");
    let plain = request.try_clone().unwrap().header("content-encoding", "gzip").body("name,external_id\n");
    Answer::of(plain).await.refused(400, "MALFORMED_REQUEST");
    let zstd = request.header("content-encoding", "zstd").body("x");
    Answer::of(zstd).await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
}

#[tokio::test]
async fn there_are_so_many_imports_and_no_more() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let header = "name,external_id\nA,1\n";
    let mut open = vec![Import::start(&fixture, &token, header).await];
    open.push(Import::start(&fixture, &token, header).await);
    let request = || {
        let request = fixture.request(Method::POST, PATH).bearer_auth(&token);
        Answer::of(request.header("content-type", "text/csv").body(header))
    };
    let refused = request().await;
    refused.refused(503, "OVERLOADED");
    assert_eq!(refused.body["metadata"]["setting"], "IMPORT_LIMIT_TENANT");
    assert!(refused.headers.contains_key("retry-after"));
    open.pop().unwrap().end().await;
    request().await.ok();
}

#[tokio::test]
async fn an_import_that_ends_names_the_line_that_it_could_not_store() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, "name,external_id\nA,1\n").await;
    assert_eq!(import.outcome().await, "created");
    fixture.sql.batch_execute("alter table customers rename column notes to remarks").await.unwrap();
    import.send("\nB,2\n").await;
    let error = import.next().await.unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["metadata"]["line"]),
        (&json!("SCHEMA_DRIFT"), &json!("4"))
    );
    let message = error["error"]["message"].as_str().unwrap();
    assert!(message.contains("It was line 4 of the file. The import ended after one line"), "{message}");
}

/// A line that is refused without a look at the database.
const WRONG: &str = ",\n";

#[tokio::test(flavor = "multi_thread")]
async fn results_that_nobody_reads_hold_up_their_import_and_nobody_else() {
    let booking = booking::Policy { most_imports: 100, most_imports_of_tenant: 100, ..Default::default() };
    let fixture = Fixture::start_under(Policies { booking, ..Policies::default() }).await;
    let token = fixture.manager().await;
    let part = Bytes::from(WRONG.repeat(16 * 1024));
    let (came, mut open) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for _ in 0..12 {
        let import = Import::start(&fixture, &token, "name,external_id\n,\n").await;
        let (file, part, came) = (import.file.clone(), part.clone(), Arc::clone(&came));
        tokio::spawn(async move {
            while file.send(part.clone()).await.is_ok() {
                came.fetch_add(part.len(), Ordering::Relaxed);
            }
        });
        open.push(import);
    }
    // Each is read from until the way back is full, and then no more.
    let mut before = 0;
    let standing = async {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let now = came.load(Ordering::Relaxed);
            if now == before {
                return now;
            }
            before = now;
        }
    };
    let came =
        timeout(Duration::from_secs(25), standing).await.expect("an import that nobody reads is read on");
    assert!(came < open.len() * 8 * 1024 * 1024, "{came} bytes");
    // Others have their calls, with bodies and answers of some size.
    let long = json!({"name": "A", "notes": "x".repeat(4000)});
    for _ in 0..100 {
        let made = fixture.post("/v1/customers", &token, &long);
        timeout(Duration::from_secs(5), made).await.expect("calls of others go on").ok();
    }
    let listed = fixture.customers(&token, "?page_size=200").await;
    assert!(listed.ok()["customers"].as_array().unwrap().len() >= 100);
}

#[tokio::test]
async fn a_caller_who_may_no_longer_and_a_file_that_stands_still_end_an_import() {
    let fixture = Fixture::start().await;
    let (token, owner) = (fixture.manager().await, fixture.token(demo::OWNER).await);
    let silent = Import::start(&fixture, &owner, "name,external_id\nA,1\n").await;
    let mut revoked = Import::start(&fixture, &token, "name,external_id\nB,2\n").await;
    assert_eq!(revoked.outcome().await, "created");
    let manager = "update identity.users set disabled_at = now() where email = $1";
    assert_eq!(fixture.execute(manager, &[&demo::MANAGER]).await, 1);
    let ended = async {
        for n in 3.. {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if revoked.file.send(Bytes::from(format!("C,{n}\n"))).await.is_err() {
                break;
            }
            let message = revoked.next().await.unwrap();
            if message["error"].is_object() {
                return message;
            }
        }
        revoked.next().await.unwrap()
    };
    let error = timeout(2 * PATIENCE, ended).await.unwrap();
    assert_eq!(error["error"]["code"], "SESSION_ENDED", "{error}");
    // A result, and after half a minute the end.
    let mut silent = silent;
    assert_eq!(silent.outcome().await, "created");
    let end = silent.next_within(Duration::from_secs(40)).await.unwrap();
    assert_eq!(end["error"]["code"], "REQUEST_TIMEOUT", "{end}");
    fixture.get("/v1/me", &owner).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_reads_no_result_loses_its_room_and_is_told_why() {
    let booking = booking::Policy { most_imports_of_tenant: 1, ..Default::default() };
    let fixture = Fixture::start_under(Policies { booking, ..Policies::default() }).await;
    let token = fixture.manager().await;
    let (file, mut parts) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut data = b"name,external_id\n".to_vec();
        loop {
            let part = HttpBody { content_type: "text/csv".to_owned(), data };
            let part = ImportCustomersRequest { file: Some(part), ..Default::default() };
            if file.send(part).await.is_err() {
                return;
            }
            data = WRONG.repeat(16 * 1024).into_bytes();
        }
    });
    let sent = futures::stream::poll_fn(move |context| parts.poll_recv(context));
    // At the service, where no gateway ends what nobody reads.
    let mut client = CustomerServiceClient::new(channel(fixture.system.booking));
    let mut unread = client.import_customers(signed(sent, &token)).await.unwrap().into_inner();
    let request = || {
        let request = fixture.request(Method::POST, PATH).bearer_auth(&token);
        Answer::of(request.header("content-type", "text/csv").body("name,external_id\nA,1\n"))
    };
    request().await.refused(503, "OVERLOADED");
    let room = async {
        while request().await.status != 200 {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    timeout(Duration::from_secs(45), room).await.expect("there is room again");
    let end = loop {
        match unread.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("no reason"),
            Err(end) => break end,
        }
    };
    assert_eq!(frontdesk_proto::reason_of(&end), Some(frontdesk_proto::ErrorReason::Overloaded));
    assert!(end.message().contains("not read for 30 seconds"), "{end:?}");
}

#[tokio::test]
async fn blank_lines_keep_no_import_open() {
    let fixture = Fixture::start().await;
    let (token, owner) = (fixture.manager().await, fixture.token(demo::OWNER).await);
    let start = async |token: &str, first: &str| {
        let mut import = Import::start(&fixture, token, &format!("name,external_id\n{first}\n")).await;
        assert_eq!(import.outcome().await, "created");
        let file = import.file.clone();
        tokio::spawn(async move {
            while file.send(Bytes::from_static(b"\n")).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        });
        import
    };
    let mut endless = start(&owner, "A,1").await;
    let mut revoked = start(&token, "B,2").await;
    let manager = "update identity.users set disabled_at = now() where email = $1";
    assert_eq!(fixture.execute(manager, &[&demo::MANAGER]).await, 1);
    let end = revoked.next_within(Duration::from_secs(15)).await.unwrap();
    assert_eq!(end["error"]["code"], "SESSION_ENDED", "{end}");
    let end = endless.next_within(Duration::from_secs(40)).await.unwrap();
    assert_eq!(end["error"]["code"], "REQUEST_TIMEOUT", "{end}");
    assert!(end["error"]["message"].as_str().unwrap().contains("No line of the file came"), "{end}");
}

#[tokio::test]
async fn an_import_outlives_the_connections_of_its_database_and_stores_each_line_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, &format!("name,external_id\n{}", guests(400))).await;
    let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity \
               where datname = current_database() and application_name = 'frontdesk-booking'";
    for n in 0..400 {
        let outcome = import.outcome().await;
        assert!(["created", "unchanged"].contains(&outcome.as_str()), "{n}: {outcome}");
        if n % 100 == 50 {
            assert!(fixture.count(cut, &[]).await > 0);
        }
    }
    let last = import.end().await.pop().unwrap();
    assert_eq!(last["summary"]["refused"], 0, "{last}");
    let stored = "select count(*) from customers where external_id is not null";
    assert_eq!(fixture.count(stored, &[]).await, 400);
    let told = "select count(*) from booking_events where action = 'customer_created'";
    assert_eq!(fixture.count(told, &[]).await, 400);
}

#[tokio::test]
async fn a_server_that_stops_ends_its_imports_with_a_word() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, "name,external_id\nA,1\n").await;
    assert_eq!(import.outcome().await, "created");
    let Fixture { system, database: _database, .. } = fixture;
    let (stopped, end) = tokio::join!(system.stop(), import.next());
    stopped.unwrap();
    let end = end.unwrap();
    assert_eq!(end["error"]["code"], "UPSTREAM_UNAVAILABLE", "{end}");
    assert!(end["error"]["message"].as_str().unwrap().contains("after one line"), "{end}");
}

#[tokio::test]
async fn a_server_that_stops_does_not_wait_for_a_line_that_is_tried_again() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, "name,external_id\nA,1\n").await;
    assert_eq!(import.outcome().await, "created");
    fixture.sql.batch_execute("begin; lock table customers").await.unwrap();
    import.send("B,2\n").await;
    // Longer than a line waits for a lock, shorter than it is tried again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let Fixture { system, database: _database, sql: _locking, .. } = fixture;
    let (stopped, end) = tokio::join!(system.stop(), import.next());
    stopped.unwrap();
    let end = end.unwrap();
    assert_eq!(end["error"]["code"], "UPSTREAM_UNAVAILABLE", "{end}");
    assert_eq!(end["error"]["metadata"]["line"], "3", "{end}");
}
