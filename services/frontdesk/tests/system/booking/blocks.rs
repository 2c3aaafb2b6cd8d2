//! Blocks and the calendar that shows what takes the dates.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::help::new_request::{GUEST, new_request};
use crate::fixture::{Fixture, LAKE_HOUSE, Layout};

const CALENDAR: &str = "availability?from=2031-01-07&to=2031-01-13";

fn lake_house(rest: &str) -> String {
    format!("/v1/properties/{LAKE_HOUSE}/{rest}")
}

fn new_boiler() -> Json {
    json!({"start_date": "2031-01-10", "end_date": "2031-01-12", "note": "New boiler"})
}

/// Blocks the dates and returns the path of the block.
async fn block(fixture: &Fixture, token: &str) -> String {
    let block = fixture.post(&lake_house("blocks"), token, &new_boiler()).await;
    assert_eq!((&block.ok()["active"], &block.body["note"]), (&json!(true), &json!("New boiler")));
    lake_house(&format!("blocks/{}", block.body["id"].as_str().unwrap()))
}

/// A request whose last nights the block has.
async fn overlapping_request(fixture: &Fixture, token: &str) -> Uuid {
    let request = new_request(GUEST, "2031-01-08", "2031-01-11");
    fixture.create_request(token, &request).await.parse().unwrap()
}

#[tokio::test]
async fn a_block_keeps_its_dates_until_it_ends() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let block = block(&fixture, &token).await;
        fixture.post(&lake_house("blocks"), &token, &new_boiler()).await.refused(409, "BOOKING_OVERLAP");
        let id = overlapping_request(&fixture, &token).await;
        let refused = fixture.approve(&token, id).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "block", "{layout:?}");
        assert_eq!(fixture.delete(&block, &token).await.ok()["active"], false);
        fixture.delete(&block, &token).await.ok();
        fixture.approve(&token, id).await.ok();
    }
}

#[tokio::test]
async fn a_block_over_a_booking_is_refused_even_where_the_booking_has_no_range() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = overlapping_request(&fixture, &token).await;
        fixture.approve(&token, id).await.ok();
        fixture.post(&lake_house("blocks"), &token, &new_boiler()).await.refused(409, "BOOKING_OVERLAP");
        fixture.execute("delete from inventory_ranges where start_date = '2031-01-08'", &[]).await;
        fixture.post(&lake_house("blocks"), &token, &new_boiler()).await.refused(409, "BOOKING_OVERLAP");
    }
}

#[tokio::test]
async fn the_calendar_shows_what_takes_the_dates_and_no_guest() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        block(&fixture, &token).await;
        overlapping_request(&fixture, &token).await;
        let shown = fixture.get(&lake_house(CALENDAR), &token).await;
        let kinds: Vec<(&Json, &Json)> = shown.ok()["occupancies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (&one["kind"], &one["blocking"]))
            .collect();
        // The literal constraint covers open requests too.
        let (request, blocking) = if layout == Layout::Literal { ("hold", true) } else { ("request", false) };
        let expected = [(&json!(request), &json!(blocking)), (&json!("block"), &json!(true))];
        assert_eq!(kinds, expected, "{layout:?}");
        let free: &[&str] = if layout == Layout::Literal {
            &["2031-01-07", "2031-01-12"]
        } else {
            &["2031-01-07", "2031-01-08", "2031-01-09", "2031-01-12"]
        };
        assert_eq!(shown.body["free_nights"], json!(free), "{layout:?}");
        assert!(!shown.body.to_string().contains(GUEST));
    }
}

#[tokio::test]
async fn another_tenant_neither_sees_nor_changes_blocks() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let block = block(&fixture, &token).await;
        let foreign = fixture.token(demo::OTHER_OWNER).await;
        let before = fixture.snapshot().await;
        let blocks = lake_house("blocks");
        fixture.post(&blocks, &foreign, &new_boiler()).await.refused(404, "PROPERTY_NOT_FOUND");
        fixture.delete(&block, &foreign).await.refused(404, "BLOCK_NOT_FOUND");
        fixture.get(&lake_house(CALENDAR), &foreign).await.refused(404, "PROPERTY_NOT_FOUND");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
    }
}
