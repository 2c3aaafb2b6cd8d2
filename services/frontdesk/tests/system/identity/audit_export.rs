//! The audit log as lines of JSON, from its beginning or from where the last export ended.

use frontdesk::demo;
use frontdesk_proto::identity::v1::audit_service_client::AuditServiceClient;
use frontdesk_proto::identity::v1::revocation_service_client::RevocationServiceClient;
use frontdesk_proto::identity::v1::{ExportAuditEventsRequest, WatchRequest};
use frontdesk_proto::{ErrorReason, reason_of};
use reqwest::Method;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::client_tokens::client;
use crate::fixture::{Fixture, channel, signed, tenant_path};
use crate::waits;

/// A system without the events of the demo, which are as old as the demo.
async fn start() -> Fixture {
    let fixture = Fixture::start().await;
    fixture.execute("delete from identity.audit_events", &[]).await;
    fixture
}

/// The lines of an export, each its item.
async fn export(fixture: &Fixture, token: &str, path: &str, after: &str) -> Vec<Json> {
    let request = fixture.request(Method::GET, &format!("{path}?after={after}")).bearer_auth(token);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let text = answer.text().await.unwrap();
    text.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids(items: &[Json]) -> Vec<Json> {
    items.iter().map(|item| item["audit_event"]["id"].clone()).collect()
}

/// Stores events of a tenant or of none, a second apart, the youngest an hour ago.
async fn store(fixture: &Fixture, tenant: Option<Uuid>, count: i32) {
    let insert = "insert into identity.audit_events (id, at, action, outcome, tenant_id, subject) \
        select gen_random_uuid(), now() - interval '1 hour' - n * interval '1 second', 'login', 'success', $1, n::text \
        from generate_series(1, $2::integer) n";
    assert_eq!(fixture.execute(insert, &[&tenant, &count]).await, u64::from(count.unsigned_abs()));
}

#[tokio::test]
async fn an_export_has_every_event_once_in_their_order_and_goes_on_where_one_broke_off() {
    let fixture = start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    // More than one statement reads.
    store(&fixture, Some(demo::TENANT), 1203).await;
    store(&fixture, Some(demo::OTHER_TENANT), 7).await;
    store(&fixture, None, 501).await;
    for (path, token, of) in [
        (tenant_path("/audit-events/export"), &owner, Some(demo::TENANT)),
        ("/v1/audit-events/export".to_owned(), &operator, None),
    ] {
        let all = export(&fixture, token, &path, "").await;
        let stored = "select id::text from identity.audit_events \
            where tenant_id is not distinct from $1 and at < now() - interval '10 minutes' order by at, id";
        let stored = fixture.sql.query(stored, &[&of]).await.unwrap();
        let stored: Vec<Json> = stored.iter().map(|row| row.get::<_, String>(0).into()).collect();
        assert!(stored.len() > 500, "{path}");
        assert_eq!(ids(&all), stored, "{path}");
        for at in [0, 499, 500, all.len() - 1] {
            let rest = export(&fixture, token, &path, all[at]["cursor"].as_str().unwrap()).await;
            assert_eq!(ids(&rest), stored[at + 1..], "{path} after {at}");
        }
    }
}

#[tokio::test]
async fn what_is_being_stored_comes_with_the_next_export() {
    let fixture = start().await;
    let owner = fixture.token(demo::OWNER).await;
    let path = tenant_path("/audit-events/export");
    assert_eq!(ids(&export(&fixture, &owner, &path, "").await), Vec::<Json>::new());
    fixture.token(demo::OWNER).await;
    let newest = fixture.get("/v1/auth/sessions", &owner).await.ok()["sessions"][0]["id"].clone();
    fixture.delete(&format!("/v1/auth/sessions/{}", newest.as_str().unwrap()), &owner).await.ok();
    let later = "update identity.audit_events set at = at - interval '10 minutes'";
    assert!(fixture.execute(later, &[]).await > 0);
    let exported = export(&fixture, &owner, &path, "").await;
    assert!(!exported.is_empty());
    // In the words of the list: the ids of sessions are their users' alone.
    let listed = fixture.get(&tenant_path("/audit-events"), &owner).await.ok()["audit_events"].clone();
    for item in &exported {
        let event = &item["audit_event"];
        assert!(listed.as_array().unwrap().contains(event), "{event}");
    }
    assert!(exported.iter().any(|item| item["audit_event"]["session_id"] != ""));
    assert!(exported.iter().any(|item| item["audit_event"]["action"] == "session_revoked"));
    assert!(!json!(exported).to_string().contains(newest.as_str().unwrap()), "{exported:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_export_ends_with_what_its_caller_was_let_in_by() {
    let fixture = start().await;
    // More than fits into the buffers of a connection.
    store(&fixture, Some(demo::TENANT), 40_000).await;
    let client = client(&fixture, &["audit:view"], &[]).await;
    let token = client.token(&fixture, "").await;
    let request = ExportAuditEventsRequest { tenant_id: demo::TENANT.to_string(), after: String::new() };
    let mut service = AuditServiceClient::new(channel(fixture.system.identity));
    let mut export = service.export_audit_events(signed(request, &token)).await.unwrap().into_inner();
    export.message().await.unwrap().unwrap();
    let mut told = RevocationServiceClient::new(channel(fixture.system.identity));
    let mut told = told.watch(WatchRequest::default()).await.unwrap().into_inner();
    let owner = fixture.token(demo::OWNER).await;
    fixture.delete(&tenant_path(&format!("/api-keys/{}", client.id)), &owner).await.ok();
    while told.message().await.unwrap().unwrap().marks.is_empty() {}
    let mut read = 1;
    let ended = loop {
        match export.message().await {
            Ok(Some(_)) => read += 1,
            Ok(None) => panic!("exported to the end"),
            Err(status) => break status,
        }
    };
    assert_eq!(reason_of(&ended), Some(ErrorReason::SessionEnded), "{ended:?}");
    assert!(read < 40_000, "{read}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_has_four_exports_at_once_and_one_that_is_left_makes_room() {
    let fixture = start().await;
    // More than fits into the buffers of a connection.
    store(&fixture, Some(demo::TENANT), 40_000).await;
    let owner = fixture.token(demo::OWNER).await;
    let begin = async |tenant: Uuid, token: &str| {
        let request = ExportAuditEventsRequest { tenant_id: tenant.to_string(), after: String::new() };
        let mut service = AuditServiceClient::new(channel(fixture.system.identity));
        let mut export = service.export_audit_events(signed(request, token)).await?.into_inner();
        export.message().await?;
        Ok::<_, tonic::Status>(export)
    };
    let mut open = Vec::new();
    for _ in 0..4 {
        open.push(begin(demo::TENANT, &owner).await.unwrap());
    }
    let refused = begin(demo::TENANT, &owner).await.unwrap_err();
    assert_eq!(reason_of(&refused), Some(ErrorReason::TooManyStreams), "{refused:?}");
    begin(demo::OTHER_TENANT, &fixture.token(demo::OTHER_OWNER).await).await.unwrap();
    open.pop();
    waits::until_so("there is room", async || begin(demo::TENANT, &owner).await.is_ok()).await;
}

/// An event has the time at which its change began, by the clock of the server that made it.
#[tokio::test]
async fn an_event_that_is_stored_after_younger_ones_were_is_exported_all_the_same() {
    let fixture = start().await;
    let operator = fixture.token(demo::OPERATOR).await;
    let path = "/v1/audit-events/export";
    let insert = async |subject: &str, ago: &str| {
        let insert = "insert into identity.audit_events (id, at, action, outcome, subject) \
            values (gen_random_uuid(), now() - $2::text::interval, 'logout', 'success', $1)";
        fixture.execute(insert, &[&subject, &ago]).await;
    };
    let exported = async |after: &str| {
        let items = export(&fixture, &operator, path, after).await;
        let of_this = items.iter().filter(|item| item["audit_event"]["action"] == "logout");
        let subjects: Vec<Json> = of_this.map(|item| item["audit_event"]["subject"].clone()).collect();
        (subjects, items.last().map(|item| item["cursor"].as_str().unwrap().to_owned()))
    };
    insert("first", "1 hour").await;
    insert("younger", "2 minutes").await;
    fixture.sql.batch_execute("begin").await.unwrap();
    insert("late, by a clock five minutes behind", "5 minutes 30 seconds").await;
    let (subjects, cursor) = exported("").await;
    assert_eq!(subjects, ["first"]);
    fixture.sql.batch_execute("commit").await.unwrap();
    let later = "update identity.audit_events set at = at - interval '10 minutes' where subject <> 'first'";
    assert!(fixture.execute(later, &[]).await >= 2);
    let (subjects, _) = exported(&cursor.unwrap()).await;
    assert_eq!(subjects, ["late, by a clock five minutes behind", "younger"]);
}

#[tokio::test]
async fn an_export_is_for_those_who_may_read_the_log_and_its_cursor_for_one_log() {
    let fixture = start().await;
    let (owner, operator) = (fixture.token(demo::OWNER).await, fixture.token(demo::OPERATOR).await);
    let (own, platform) = (tenant_path("/audit-events/export"), "/v1/audit-events/export");
    fixture.get(platform, &owner).await.refused(403, "SCOPE_MISSING");
    fixture.get(&own, &fixture.token(demo::OTHER_OWNER).await).await.refused(403, "TENANT_ACCESS_DENIED");
    let client = client(&fixture, &["properties:view"], &[]).await;
    fixture.get(&own, &client.token(&fixture, "").await).await.refused(403, "SCOPE_MISSING");
    store(&fixture, None, 1).await;
    let items = export(&fixture, &operator, platform, "").await;
    let cursor = items[0]["cursor"].as_str().unwrap();
    for bad in [cursor, "x"] {
        fixture.get(&format!("{own}?after={bad}"), &owner).await.refused(400, "INVALID_PAGE_TOKEN");
    }
}
