//! Lists of requests: filters by effective status, orders, pages, counts.

use frontdesk::demo;
use frontdesk_proto::booking::v1 as wire;
use frontdesk_proto::paging;
use prost::Message as _;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Fixture, Layout, case};

const REQUESTS: &str = "/api/v1/booking-requests";

fn ids(body: &Json) -> Vec<String> {
    body["booking_requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|request| request["id"].as_str().unwrap().to_owned())
        .collect()
}

/// While a version is rolled out: where a former token names the last row of its page,
/// the list goes on there, and otherwise the refusal says to begin again.
#[tokio::test]
async fn a_token_of_the_version_before_goes_on_or_says_to_begin_again() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for (list, rows, key) in
        [("booking-requests", "booking_requests", "created_at"), ("bookings", "bookings", "check_in")]
    {
        let first = fixture.get(&format!("/v1/{list}?page_size=2"), &token).await;
        let last = &first.ok()[rows][1];
        let id: Uuid = last["id"].as_str().unwrap().parse().unwrap();
        let former = paging::token(&[], last[key].as_str().unwrap(), id);
        let of_now = first.body["next_page_token"].as_str().unwrap();
        let [former, of_now] =
            [&*former, of_now].map(|place| format!("/v1/{list}?page_size=2&page_token={place}"));
        let expected = fixture.get(&of_now, &token).await.ok()[rows].clone();
        assert!(!expected.as_array().unwrap().is_empty());
        assert_eq!(fixture.get(&former, &token).await.ok()[rows], expected, "{list}");
    }
    let order = wire::ListBookingRequestsRequest {
        order: wire::BookingRequestOrder::CheckIn.into(),
        ..Default::default()
    };
    let former = paging::token(&order.encode_to_vec(), "2026-07-01", Uuid::nil());
    let refused =
        fixture.get(&format!("/v1/booking-requests?order=check_in&page_token={former}"), &token).await;
    refused.refused(400, "INVALID_PAGE_TOKEN");
    assert!(
        refused.body["message"].as_str().unwrap().ends_with("Start again without one."),
        "{}",
        refused.body
    );
}

#[tokio::test]
async fn a_fulfilled_request_is_confirmed_and_not_in_the_open_ones() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let listed = async |query: &str| ids(fixture.get(&format!("{REQUESTS}?{query}"), &token).await.ok());
    let open = listed("status=requested").await;
    let confirmed = listed("status=confirmed").await;
    for name in ["CONFIRMED_AT_SET", "APPROVED_BOOKING"] {
        let id = case(name).to_string();
        assert!(!open.contains(&id), "{name}");
        assert!(confirmed.contains(&id), "{name}");
        let read = fixture.get(&format!("{REQUESTS}/{id}"), &token).await;
        assert_eq!(read.ok()["status"], "confirmed");
        assert_eq!(read.body["stored_status"], "requested");
    }
    assert!(open.contains(&case("REQUESTED").to_string()));
    assert_eq!(listed("status=declined&status=cancelled").await.len(), 2);
}

#[tokio::test]
async fn a_request_that_was_confirmed_once_stays_cancelled() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = case("CONFIRMED");
    fixture.execute("update booking_requests set status = 'cancelled' where id = $1", &[&id]).await;
    assert_eq!(fixture.get(&format!("{REQUESTS}/{id}"), &token).await.ok()["status"], "cancelled");
    assert!(
        !ids(fixture.get(&format!("{REQUESTS}?status=confirmed"), &token).await.ok())
            .contains(&id.to_string())
    );
}

#[tokio::test]
async fn pages_cover_every_request_once_in_each_order() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    for customer in 0..7 {
        fixture.open_request(demo::TENANT, customer, 400, 402).await;
    }
    for order in ["newest_first", "oldest_first", "check_in"] {
        let whole = ids(fixture.get(&format!("{REQUESTS}?order={order}&page_size=200"), &token).await.ok());
        assert_eq!(whole.len(), 18);
        let pages = fixture.pages(&token, &format!("{REQUESTS}?order={order}&page_size=5")).await;
        let found: Vec<String> = pages.iter().flat_map(ids).collect();
        assert_eq!(found, whole, "{order}");
        for page in &pages[..pages.len() - 1] {
            let next = page["next_page_token"].as_str().unwrap();
            let other = format!("{REQUESTS}?order={order}&status=requested&page_token={next}");
            fixture.get(&other, &token).await.refused(400, "INVALID_PAGE_TOKEN");
        }
    }
}

#[tokio::test]
async fn filters_combine() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.open_request(demo::TENANT, 9, 500, 503).await.to_string();
    let read = fixture.get(&format!("{REQUESTS}/{id}"), &token).await.ok().clone();
    let text = |name: &str| read[name].as_str().unwrap().to_owned();
    let (guest, property) = (text("guest_id"), text("property_id"));
    let (check_in, check_out) = (text("check_in"), text("check_out"));
    for (query, found) in [
        (format!("guest_id={guest}&property_id={property}&status=requested"), true),
        (format!("guest_id={guest}&stay_from={check_in}&stay_to={check_out}"), true),
        (format!("guest_id={guest}&stay_from={check_out}"), false),
        (format!("guest_id={guest}&stay_to={check_in}"), false),
        (format!("guest_id={guest}&status=declined"), false),
        (format!("guest_id={guest}&created_from=2020-01-01T00:00:00Z"), true),
        (format!("guest_id={guest}&created_to=2020-01-01T00:00:00Z"), false),
    ] {
        let answer = fixture.get(&format!("{REQUESTS}?{query}"), &token).await;
        assert_eq!(ids(answer.ok()), if found { vec![id.clone()] } else { vec![] }, "{query}");
    }
}

#[tokio::test]
async fn counts_are_per_effective_status_and_follow_the_other_filters() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let counted = async |query: &str| {
            let list =
                fixture.get(&format!("/v1/booking-requests?include_counts=true&{query}"), &token).await;
            let of =
                |one: &Json| (one["status"].as_str().unwrap().to_owned(), one["count"].as_i64().unwrap());
            let counts = list.ok()["counts"].as_array().unwrap();
            assert!(counts.iter().all(|one| one["more"] == false));
            counts.iter().map(of).filter(|(_, count)| *count > 0).collect::<Vec<_>>()
        };
        let named = |name: &str, count| (name.to_owned(), count);
        let bookings = if layout == Layout::Standard { 0 } else { 4 };
        let all = counted("").await;
        let expected = [
            named("requested", 5),
            named("under_review", 1),
            named("confirmed", 3 + bookings),
            named("declined", 1),
            named("cancelled", 1),
        ];
        let sorted = |mut list: Vec<(String, i64)>| {
            list.sort();
            list
        };
        assert_eq!(sorted(all), sorted(expected.to_vec()), "{layout:?}");
        let one = counted("guest_id=0d000000-0000-7000-8000-000000000303&status=requested").await;
        let theirs = if layout == Layout::Standard { vec![] } else { vec![named("confirmed", 1)] };
        assert_eq!(sorted(one), sorted([vec![named("cancelled", 1)], theirs].concat()), "{layout:?}");
        let none = fixture.get("/v1/booking-requests", &token).await;
        assert_eq!(none.ok()["counts"], json!([]));
    }
}
