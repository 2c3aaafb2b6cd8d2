//! Importing customers from a file that comes bit by bit: results come while it does,
//! and nobody's memory fills. What ends an import is in `customer_import_ends.rs`.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use frontdesk::system::Policies;
use frontdesk_proto::HttpBody;
use frontdesk_proto::booking::v1::customer_service_client::CustomerServiceClient;
use frontdesk_proto::booking::v1::import_customers_response::Content;
use frontdesk_proto::booking::v1::{ImportCustomersRequest, ImportOutcome};
use reqwest::Method;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::help::import::{Import, PATH, WRONG, guests};
use crate::fixture::{Answer, Fixture, channel, signed};

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
