//! Changes under a condition: `etag` and `If-Match`.

use frontdesk::demo;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::help::new_request::{GUEST, new_request};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, case, path_of};

async fn etag(fixture: &Fixture, path: &str, token: &str) -> String {
    fixture.get(path, token).await.ok()["etag"].as_str().unwrap().to_owned()
}

/// Any call with `If-Match`, a line for each value.
async fn conditional(
    fixture: &Fixture,
    (method, path): (Method, &str),
    token: &str,
    lines: &[&str],
    body: Option<&Json>,
) -> Answer {
    let mut request = fixture.request(method, path).bearer_auth(token);
    for line in lines {
        request = request.header("if-match", *line);
    }
    Answer::of(if let Some(body) = body { request.json(body) } else { request }).await
}

#[tokio::test]
async fn a_stale_etag_decides_nothing() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let old = etag(&fixture, &path_of(id, ""), &token).await;
        fixture.post(&path_of(id, "/review"), &token, &json!({})).await.ok();
        let current = etag(&fixture, &path_of(id, ""), &token).await;
        let before = fixture.snapshot().await;
        for (step, mut body) in [
            ("/approve", json!({})),
            ("/decline", json!({"decline_reason": "x"})),
            ("/review", json!({})),
            ("/cancel", json!({})),
        ] {
            let header = format!("\"{old}\"");
            let stale = fixture.post_with(&path_of(id, step), &token, ("if-match", &header), &body).await;
            stale.refused(409, "ETAG_MISMATCH");
            assert_eq!(stale.body["metadata"]["current_etag"], current);
            for never in [&old, "never an etag", "2", &format!("W/\"{current}\"")] {
                body["etag"] = json!(never);
                fixture.post(&path_of(id, step), &token, &body).await.refused(409, "ETAG_MISMATCH");
            }
        }
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        let both = fixture
            .post_with(&path_of(id, "/approve"), &token, ("if-match", "\"9\""), &json!({"etag": current}))
            .await;
        both.refused(400, "INVALID_FIELD");
        let header = format!("\"{current}\"");
        fixture.post_with(&path_of(id, "/approve"), &token, ("if-match", &header), &json!({})).await.ok();
    }
}

#[tokio::test]
async fn if_match_is_a_list_of_which_one_is_enough_and_weak_tags_never_match() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = path_of(case("REQUESTED"), "/approve");
    let current = etag(&fixture, &path_of(case("REQUESTED"), ""), &token).await;
    let before = fixture.snapshot().await;
    let approve = async |lines: &[&str]| {
        conditional(&fixture, (Method::POST, &path), &token, lines, Some(&json!({}))).await
    };
    let weak = approve(&[&format!("W/\"{current}\"")]).await;
    weak.refused(409, "ETAG_MISMATCH");
    assert!(weak.body["message"].as_str().unwrap().contains("W/"), "{}", weak.body);
    approve(&["\"0\", \"1\""]).await.refused(409, "ETAG_MISMATCH");
    approve(&["\"0\"", "\"1\""]).await.refused(409, "ETAG_MISMATCH");
    for broken in [&["\"0"][..], &["*, \"1\""], &["*", "*"], &[""]] {
        let refused = approve(broken).await;
        refused.refused(400, "INVALID_HEADER");
        assert_eq!(refused.body["metadata"]["header"], "if-match");
    }
    assert_eq!(fixture.snapshot().await, before);
    approve(&[&format!("\"0\", \"{current}\"")]).await.ok();
    let again = etag(&fixture, &path_of(case("REQUESTED"), ""), &token).await;
    approve(&["\"0\"", &format!("W/\"x\", \"{again}\"")]).await.ok();
    approve(&["*"]).await.ok();
}

/// Other programs write these tables and count nothing.
#[tokio::test]
async fn a_tag_changes_whoever_writes_the_row() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = fixture.open_request(demo::TENANT, 1, 200, 202).await;
        let request = path_of(id, "");
        let requests = layout.requests();
        for change in [
            "check_out = check_out + 6",
            "guest_count = 3",
            "message = 'We are more.'",
            "confirmed_at = now()",
            "confirmed_at = null, approved_booking_id = null, decline_reason = 'x'",
        ] {
            let read = etag(&fixture, &request, &token).await;
            fixture.execute(&format!("update {requests} set {change} where id = $1"), &[&id]).await;
            assert_ne!(etag(&fixture, &request, &token).await, read, "{layout:?}: {change}");
            let header = format!("\"{read}\"");
            let stale =
                fixture.post_with(&path_of(id, "/approve"), &token, ("if-match", &header), &json!({})).await;
            stale.refused(409, "ETAG_MISMATCH");
            let known = fixture.request(Method::GET, &request).bearer_auth(&token);
            Answer::of(known.header("if-none-match", format!("W/{header}"))).await.ok();
        }
        let approved = fixture.approve(&token, id).await;
        let booking = format!("/v1/bookings/{}", approved.ok()["booking_id"].as_str().unwrap());
        let read = etag(&fixture, &booking, &token).await;
        fixture
            .execute(
                "update bookings set status = 'checked_in' where id = $1::text::uuid",
                &[&approved.body["booking_id"].as_str().unwrap()],
            )
            .await;
        assert_ne!(etag(&fixture, &booking, &token).await, read, "{layout:?}");
        let stale = fixture.post(&format!("{booking}/check-out"), &token, &json!({"etag": read})).await;
        stale.refused(409, "ETAG_MISMATCH");
        let property = format!("/v1/properties/{LAKE_HOUSE}");
        let read = etag(&fixture, &property, &token).await;
        fixture.execute("update properties set max_guests = 9 where id = $1", &[&LAKE_HOUSE]).await;
        let stale = fixture.patch(&property, &token, &json!({"max_guests": 5, "etag": read})).await;
        stale.refused(409, "ETAG_MISMATCH");
        assert_eq!(fixture.get(&property, &token).await.ok()["max_guests"], 9, "{layout:?}");
    }
}

#[tokio::test]
async fn blocks_and_settings_have_versions_too() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let settings = "/v1/booking-settings";
    let read = fixture.get(settings, &token).await.ok().clone();
    let store = |tag: String, body: Json| {
        let (fixture, token) = (&fixture, &token);
        async move { conditional(fixture, (Method::PATCH, settings), token, &[&tag], Some(&body)).await }
    };
    store("\"never\"".to_owned(), json!({"auto_decline": true})).await.refused(409, "ETAG_MISMATCH");
    assert_eq!(fixture.get(settings, &token).await.ok(), &read);
    let tag = format!("\"{}\"", read["etag"].as_str().unwrap());
    let stored = store(tag.clone(), json!({"auto_decline": true})).await;
    assert_ne!(stored.ok()["etag"], read["etag"]);
    store(tag, json!({"auto_decline": false})).await.refused(409, "ETAG_MISMATCH");
    // What was read is sent back with its version.
    let mut stale = read.clone();
    stale.as_object_mut().unwrap().remove("updated_at");
    fixture.patch(settings, &token, &stale).await.refused(409, "ETAG_MISMATCH");
    fixture.patch(settings, &token, &stored.body).await.ok();

    let dates = json!({"start_date": "2031-01-10", "end_date": "2031-01-12"});
    let block = fixture.post(&format!("/v1/properties/{LAKE_HOUSE}/blocks"), &token, &dates).await;
    let path = format!("/v1/properties/{LAKE_HOUSE}/blocks/{}", block.ok()["id"].as_str().unwrap());
    let before = fixture.snapshot().await;
    let never = conditional(&fixture, (Method::DELETE, &path), &token, &["\"never\""], None).await;
    never.refused(409, "ETAG_MISMATCH");
    assert_eq!(fixture.snapshot().await, before);
    fixture
        .execute(
            "update inventory_ranges set end_date = end_date - 1 where note = '' and kind = 'block'",
            &[],
        )
        .await;
    let before = fixture.snapshot().await;
    let tag = format!("\"{}\"", block.body["etag"].as_str().unwrap());
    let stale = conditional(&fixture, (Method::DELETE, &path), &token, &[&tag], None).await;
    stale.refused(409, "ETAG_MISMATCH");
    let current = format!("\"{}\"", stale.body["metadata"]["current_etag"].as_str().unwrap());
    assert_eq!(fixture.snapshot().await, before);
    let ended = conditional(&fixture, (Method::DELETE, &path), &token, &[&current], None).await;
    assert_eq!(ended.ok()["active"], false);
}

/// After a restore a tag is at most one too many, never one too few.
#[tokio::test]
async fn a_row_that_is_what_it_was_keeps_its_tag_wherever_it_is() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.create_request(&token, &new_request(GUEST, "2031-02-01", "2031-02-03")).await;
    let path = format!("/v1/booking-requests/{id}");
    let read = etag(&fixture, &path, &token).await;
    // As a restore does: other transaction ids, other places, the same rows.
    fixture
        .execute("create table kept as select * from booking_requests where id = $1::text::uuid", &[&id])
        .await;
    fixture.execute("update booking_requests set guest_count = 4 where id = $1::text::uuid", &[&id]).await;
    assert_ne!(etag(&fixture, &path, &token).await, read);
    fixture
        .execute(
            "update booking_requests r set guest_count = kept.guest_count from kept where kept.id = r.id",
            &[],
        )
        .await;
    assert_eq!(etag(&fixture, &path, &token).await, read);
}
