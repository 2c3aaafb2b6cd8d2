//! What ends an import before its file does, and that whatever ends it is told.

use std::time::Duration;

use bytes::Bytes;
use frontdesk::demo;
use frontdesk::system::Policies;
use frontdesk_proto::HttpBody;
use frontdesk_proto::booking::v1::ImportCustomersRequest;
use frontdesk_proto::booking::v1::customer_service_client::CustomerServiceClient;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::help::import::{Import, PATH, PATIENCE, WRONG};
use crate::fixture::{Answer, Fixture, channel, signed};

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
    assert!(message.contains("Line 4 has no result. The import ended after one line"), "{message}");
}

#[tokio::test]
async fn a_caller_who_may_no_longer_and_a_file_that_stands_still_end_an_import() {
    let booking = booking::Policy { most_imports_of_tenant: 3, ..Default::default() };
    let fixture = Fixture::start_under(Policies { booking, ..Policies::default() }).await;
    let (token, owner) = (fixture.manager().await, fixture.token(demo::OWNER).await);
    let silent = Import::start(&fixture, &owner, "name,external_id\nA,1\n").await;
    let mut revoked = Import::start(&fixture, &token, "name,external_id\nB,2\n").await;
    let mut waits = Import::start(&fixture, &token, "name,external_id\nD,0\n").await;
    for import in [&mut revoked, &mut waits] {
        assert_eq!(import.outcome().await, "created");
    }
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
    // So does one that nothing comes for.
    let error = waits.next_within(PATIENCE).await.unwrap();
    assert_eq!(error["error"]["code"], "SESSION_ENDED", "{error}");
    // A result, and after half a minute the end.
    let mut silent = silent;
    assert_eq!(silent.outcome().await, "created");
    let end = silent.next_within(Duration::from_secs(40)).await.unwrap();
    assert_eq!(end["error"]["code"], "REQUEST_TIMEOUT", "{end}");
    fixture.get("/v1/me", &owner).await.ok();
}

/// Before, lines went on to be stored until the caller was asked about, every five seconds.
#[tokio::test(flavor = "multi_thread")]
async fn no_line_is_stored_after_what_is_revoked_was_heard() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, "name,external_id\nA,1\n").await;
    assert_eq!(import.outcome().await, "created");
    let disable = "update identity.users set disabled_at = now() where email = $1";
    assert_eq!(fixture.execute(disable, &[&demo::MANAGER]).await, 1);
    // It ends unasked, and by then booking has heard.
    let error = import.next_within(Duration::from_secs(4)).await.expect("it ends before it is asked about");
    assert_eq!(error["error"]["code"], "SESSION_ENDED", "{error}");
    drop(import.file.send(Bytes::from("B,2\n")).await);
    assert_eq!(fixture.count("select count(*) from customers where external_id = '2'", &[]).await, 0);
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

/// Over HTTP/2 a connection whose streams nobody reads is alive all the same.
#[tokio::test(flavor = "multi_thread")]
async fn through_the_gateway_too_who_reads_nothing_is_let_go_and_who_is_slow_is_not() {
    let fixture = Fixture::start().await;
    let (token, owner) = (fixture.manager().await, fixture.token(demo::OWNER).await);
    let client = reqwest::Client::builder().http2_prior_knowledge().no_proxy().build().unwrap();
    let start = async |token: &str, first: &str| {
        let request = client.post(fixture.url(PATH)).bearer_auth(token);
        Import::start_by(request, format!("name,external_id\n{first}\n").as_bytes()).await
    };
    let mut stuck = start(&token, ",").await;
    let (file, part) = (stuck.file.clone(), Bytes::from(WRONG.repeat(16 * 1024)));
    tokio::spawn(async move { while file.send(part.clone()).await.is_ok() {} });
    let mut slow = start(&owner, "A,1").await;
    for n in 2..11 {
        slow.send("A").await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(slow.outcome().await, "created");
        slow.send(&format!(",{n}\n")).await;
    }
    let summary = slow.end().await.pop().unwrap();
    assert_eq!(summary["summary"]["created"], 10, "{summary}");
    let end = loop {
        let message = stuck.next().await.expect("a reason");
        if message["error"].is_object() {
            break message;
        }
    };
    assert_eq!(end["error"]["code"], "OVERLOADED", "{end}");
    assert!(end["error"]["message"].as_str().unwrap().contains("not read for 30 seconds"), "{end}");
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
async fn a_server_that_stops_ends_its_imports_with_a_word() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let mut import = Import::start(&fixture, &token, "name,external_id\nA,1\n").await;
    assert_eq!(import.outcome().await, "created");
    let Fixture { system, database: _database, .. } = fixture;
    let (stopped, end) = tokio::join!(system.stop(), import.next());
    stopped.unwrap();
    let end = end.unwrap();
    assert_eq!(end["error"]["code"], "SHUTTING_DOWN", "{end}");
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
    assert_eq!(end["error"]["code"], "SHUTTING_DOWN", "{end}");
    assert_eq!(end["error"]["metadata"]["line"], "3", "{end}");
}
