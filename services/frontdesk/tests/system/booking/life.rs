//! The steps in the life of requests and bookings, their conditions, and what
//! they leave behind.

use frontdesk::demo;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, case, path_of};

const GUEST: &str = "0d000000-0000-7000-8000-000000000301";
const OTHER_GUEST: &str = "0d000000-0000-7000-8000-000000000302";

fn new_request(guest: &str, check_in: &str, check_out: &str) -> Json {
    json!({"property_id": LAKE_HOUSE, "guest_id": guest, "check_in": check_in, "check_out": check_out})
}

impl Fixture {
    async fn post_with(&self, path: &str, token: &str, header: (&str, &str), body: &Json) -> Answer {
        let request = self.request(reqwest::Method::POST, path).bearer_auth(token);
        Answer::of(request.header(header.0, header.1).json(body)).await
    }

    async fn stored(&self, token: &str, body: &Json) -> String {
        let answer = self.post("/v1/booking-requests", token, body).await;
        answer.ok()["id"].as_str().unwrap().to_owned()
    }

    async fn let_holds(&self, token: &str) {
        let path = format!("/v1/properties/{LAKE_HOUSE}");
        let changed = self.patch(&path, token, &json!({"hold_policy": "hold", "hold_hours": 2})).await;
        assert_eq!((&changed.ok()["hold_policy"], &changed.body["hold_hours"]), (&json!("hold"), &json!(2)));
    }
}

#[tokio::test]
async fn a_review_starts_once_and_its_request_can_be_approved() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let body = json!({"internal_note": "Calling the guest"});
        assert_eq!(fixture.post(&path_of(id, "/review"), &token, &body).await.ok()["status"], "under_review");
        let before = fixture.snapshot().await;
        fixture.post(&path_of(id, "/review"), &token, &body).await.ok();
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        fixture.post(&path_of(id, "/approve"), &token, &json!({"internal_note": "Fine"})).await.ok();
        let read = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(read.ok()["internal_note"], "Calling the guest\nFine", "{layout:?}");
        for name in ["CONFIRMED", "DECLINED", "CANCELLED"] {
            let answer = fixture.post(&path_of(case(name), "/review"), &token, &body).await;
            answer.refused(409, "INVALID_TRANSITION");
        }
    }
}

#[tokio::test]
async fn cancelling_a_confirmed_request_cancels_its_booking_and_frees_the_dates() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let approved = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
        let booking = approved.ok()["booking_id"].clone();
        let cancelled =
            fixture.post(&path_of(id, "/cancel"), &token, &json!({"internal_note": "Guest is ill"})).await;
        assert_eq!(cancelled.ok()["cancelled_booking_id"], booking, "{layout:?}");
        let read = fixture.get(&format!("/v1/bookings/{}", booking.as_str().unwrap()), &token).await;
        assert_eq!(read.ok()["status"], "cancelled", "{layout:?}");
        let request = fixture.get(&path_of(id, ""), &token).await;
        assert_eq!(
            (&request.ok()["status"], &request.body["internal_note"]),
            (&json!("cancelled"), &json!("Guest is ill"))
        );
        let before = fixture.snapshot().await;
        assert_eq!(
            fixture.post(&path_of(id, "/cancel"), &token, &json!({})).await.ok()["status"],
            "cancelled"
        );
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        let free = new_request(
            OTHER_GUEST,
            request.body["check_in"].as_str().unwrap(),
            request.body["check_out"].as_str().unwrap(),
        );
        let mut free = free;
        free["property_id"] = request.body["property_id"].clone();
        let next = fixture.stored(&token, &free).await;
        fixture.post(&format!("/v1/booking-requests/{next}/approve"), &token, &json!({})).await.ok();
    }
}

#[tokio::test]
async fn closed_requests_are_not_cancelled() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let refused = fixture.post(&path_of(case("DECLINED"), "/cancel"), &token, &json!({})).await;
        refused.refused(409, "INVALID_TRANSITION");
        assert_eq!(refused.body["metadata"]["state"], "already_declined");
        fixture.post(&path_of(case("UNDER_REVIEW"), "/cancel"), &token, &json!({})).await.ok();
        let twice = fixture.post(&path_of(case("UNDER_REVIEW"), "/approve"), &token, &json!({})).await;
        twice.refused(409, "INVALID_TRANSITION");
        assert_eq!(twice.body["metadata"]["state"], "cancelled");
        let nobody = fixture.post(&path_of(Uuid::now_v7(), "/cancel"), &token, &json!({})).await;
        nobody.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    }
}

#[tokio::test]
async fn a_stay_goes_from_check_in_to_check_out() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let begun = fixture.open_request(demo::TENANT, 1, -1, 3).await;
        let later = fixture.open_request(demo::TENANT, 2, 20, 23).await;
        let book = async |id: Uuid| {
            let answer = fixture.post(&path_of(id, "/approve"), &token, &json!({})).await;
            format!("/v1/bookings/{}", answer.ok()["booking_id"].as_str().unwrap())
        };
        let (begun_booking, later_booking) = (book(begun).await, book(later).await);
        let step = async |booking: &str, step: &str| {
            fixture.post(&format!("{booking}/{step}"), &token, &json!({})).await
        };
        for early in ["check-in", "no-show"] {
            let refused = step(&later_booking, early).await;
            refused.refused(409, "INVALID_TRANSITION");
            assert_eq!(refused.body["metadata"]["state"], "too_early");
        }
        step(&begun_booking, "check-out").await.refused(409, "INVALID_TRANSITION");
        assert_eq!(step(&begun_booking, "check-in").await.ok()["status"], "checked_in");
        assert_eq!(step(&begun_booking, "check-in").await.ok()["status"], "checked_in");
        step(&begun_booking, "cancel").await.refused(409, "INVALID_TRANSITION");
        fixture.post(&path_of(begun, "/cancel"), &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
        assert_eq!(fixture.get(&path_of(begun, ""), &token).await.ok()["status"], "confirmed", "{layout:?}");
        assert_eq!(step(&begun_booking, "check-out").await.ok()["status"], "checked_out");
        step(&begun_booking, "no-show").await.refused(409, "INVALID_TRANSITION");

        let absent = fixture.open_request(demo::TENANT, 3, -6, -2).await;
        let absent_booking = book(absent).await;
        assert_eq!(step(&absent_booking, "no-show").await.ok()["status"], "no_show");
        // The dates are free again.
        let free = fixture.open_request(demo::TENANT, 4, -6, -2).await;
        book(free).await;
        let history = fixture.get(&path_of(begun, "/history"), &token).await;
        let kinds: Vec<&Json> =
            history.ok()["events"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
        assert_eq!(kinds, ["approved", "checked_in", "checked_out"], "{layout:?}");
    }
}

#[tokio::test]
async fn bookings_are_listed_by_check_in_and_filtered() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let whole = fixture.get("/v1/bookings?page_size=200", &token).await;
    let whole: Vec<Json> = whole.ok()["bookings"].as_array().unwrap().clone();
    assert_eq!(whole.len(), 5);
    assert!(whole.is_sorted_by_key(|one| one["check_in"].as_str().unwrap().to_owned()));
    let (mut paged, mut next) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("/v1/bookings?limit=2&page_token={next}"), &token).await;
        paged.extend(page.ok()["bookings"].as_array().unwrap().clone());
        next = page.body["next_page_token"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(paged, whole);
    for (query, found) in [
        ("status=confirmed", 5),
        ("status=cancelled", 0),
        ("guest_id=0d000000-0000-7000-8000-000000000303", 1),
        ("property_id=0d000000-0000-7000-8000-000000000202", 0),
    ] {
        let list = fixture.get(&format!("/v1/bookings?{query}"), &token).await;
        assert_eq!(list.ok()["bookings"].as_array().unwrap().len(), found, "{query}");
    }
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    assert_eq!(fixture.get("/v1/bookings", &foreign).await.ok()["bookings"], json!([]));
    let id = whole[0]["id"].as_str().unwrap();
    fixture.get(&format!("/v1/bookings/{id}"), &foreign).await.refused(404, "BOOKING_NOT_FOUND");
    let cancel = fixture.post(&format!("/v1/bookings/{id}/cancel"), &foreign, &json!({})).await;
    cancel.refused(404, "BOOKING_NOT_FOUND");
}

#[tokio::test]
async fn a_hold_keeps_the_dates_until_its_request_is_decided() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.let_holds(&token).await;
    let first = fixture.stored(&token, &new_request(GUEST, "2031-03-01", "2031-03-08")).await;
    let read = fixture.get(&format!("/v1/booking-requests/{first}"), &token).await;
    assert_eq!(read.ok()["status"], "requested");
    assert!(read.body["hold_expires_at"].is_string());
    let before = fixture.snapshot().await;
    let second = fixture
        .post("/v1/booking-requests", &token, &new_request(OTHER_GUEST, "2031-03-07", "2031-03-09"))
        .await;
    second.refused(409, "BOOKING_OVERLAP");
    assert_eq!(fixture.snapshot().await, before, "nothing of the refused request was stored");

    // A request without a hold, stored before the policy, meets the hold.
    let rival = fixture.open_request(demo::TENANT, 5, 0, 1).await;
    fixture
        .execute(
            "update booking_requests set check_in = '2031-03-02', check_out = '2031-03-04' where id = $1",
            &[&rival],
        )
        .await;
    let refused = fixture.post(&path_of(rival, "/approve"), &token, &json!({})).await;
    refused.refused(409, "BOOKING_OVERLAP");
    assert_eq!(refused.body["metadata"]["conflict_kind"], "hold");

    let holds = fixture.get("/v1/bookings?status=requested", &token).await;
    let hold = holds.ok()["bookings"][0]["id"].as_str().unwrap().to_owned();
    let cancel = fixture.post(&format!("/v1/bookings/{hold}/cancel"), &token, &json!({})).await;
    cancel.refused(409, "INVALID_TRANSITION");
    assert_eq!(cancel.body["metadata"]["state"], "hold");

    let approved = fixture.post(&format!("/v1/booking-requests/{first}/approve"), &token, &json!({})).await;
    assert_eq!((&approved.ok()["booking_id"], &approved.body["outcome"]), (&json!(hold), &json!("approved")));
    let read = fixture.get(&format!("/v1/booking-requests/{first}"), &token).await;
    assert_eq!((&read.ok()["status"], &read.body["hold_expires_at"]), (&json!("confirmed"), &Json::Null));
}

#[tokio::test]
async fn declined_and_cancelled_holds_free_the_dates() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.let_holds(&token).await;
    for (step, body, status) in
        [("decline", json!({"decline_reason": "No"}), "declined"), ("cancel", json!({}), "cancelled")]
    {
        let id = fixture.stored(&token, &new_request(GUEST, "2031-04-01", "2031-04-08")).await;
        fixture.post(&format!("/v1/booking-requests/{id}/{step}"), &token, &body).await.ok();
        let holds = "select count(*) from bookings b join inventory_ranges i on i.source_id = b.id \
            where b.booking_request_id = $1::text::uuid and b.status = $2 and i.state = 'cancelled'";
        assert_eq!(fixture.count(holds, &[&id, &status]).await, 1, "{step}");
    }
    fixture.stored(&token, &new_request(OTHER_GUEST, "2031-04-01", "2031-04-08")).await;
}

#[tokio::test]
async fn a_hold_that_runs_out_expires_its_request() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    fixture.let_holds(&token).await;
    let id = fixture.stored(&token, &new_request(GUEST, "2031-05-01", "2031-05-08")).await;
    let kept = fixture.stored(&token, &new_request(GUEST, "2031-06-01", "2031-06-08")).await;
    fixture
        .execute("update booking_requests set hold_expires_at = now() - interval '1 second' where id = $1::text::uuid", &[&id])
        .await;
    let path = format!("/v1/booking-requests/{id}");
    let mut status = Json::Null;
    for _ in 0..100 {
        status = fixture.get(&path, &token).await.ok()["status"].clone();
        if status == "expired" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(status, "expired");
    assert_eq!(
        fixture.get(&format!("/v1/booking-requests/{kept}"), &token).await.ok()["status"],
        "requested"
    );
    let refused = fixture.post(&format!("{path}/approve"), &token, &json!({})).await;
    refused.refused(409, "INVALID_TRANSITION");
    assert_eq!(refused.body["metadata"]["state"], "expired");
    fixture.post(&format!("{path}/cancel"), &token, &json!({})).await.refused(409, "INVALID_TRANSITION");
    let history = fixture.get(&format!("{path}/history"), &token).await;
    assert_eq!(history.ok()["events"][1]["kind"], "expired");
    fixture.stored(&token, &new_request(OTHER_GUEST, "2031-05-01", "2031-05-08")).await;
}

#[tokio::test]
async fn competing_requests_are_declined_only_where_the_tenant_wants_it() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let stored =
            async |guest: u32, from: i32, to: i32| fixture.open_request(demo::TENANT, guest, from, to).await;
        let (plain, plain_rival) = (stored(11, 400, 405).await, stored(12, 404, 408).await);
        fixture.post(&path_of(plain, "/approve"), &token, &json!({})).await.ok();
        assert_eq!(fixture.get(&path_of(plain_rival, ""), &token).await.ok()["status"], "requested");

        let settings = fixture.patch("/v1/booking-settings", &token, &json!({"auto_decline": true})).await;
        assert_eq!(settings.ok()["auto_decline"], true);
        let winner = stored(11, 500, 505).await;
        let (rival, same_guest, next_door) =
            (stored(12, 504, 508).await, stored(11, 503, 506).await, stored(13, 505, 507).await);
        fixture.post(&path_of(winner, "/approve"), &token, &json!({})).await.ok();
        let read = fixture.get(&path_of(rival, ""), &token).await;
        assert_eq!(
            (&read.ok()["status"], &read.body["decline_reason"]),
            (&json!("declined"), &json!("dates_taken")),
            "{layout:?}"
        );
        for untouched in [same_guest, next_door, plain_rival] {
            assert_eq!(
                fixture.get(&path_of(untouched, ""), &token).await.ok()["status"],
                "requested",
                "{layout:?}"
            );
        }
        let history = fixture.get(&path_of(rival, "/history"), &token).await;
        assert_eq!(history.ok()["events"][0]["kind"], "auto_declined");
        // A refused approval declines nobody.
        let loser = stored(14, 500, 503).await;
        let bystander = stored(15, 501, 502).await;
        fixture.post(&path_of(loser, "/approve"), &token, &json!({})).await.refused(409, "BOOKING_OVERLAP");
        assert_eq!(
            fixture.get(&path_of(bystander, ""), &token).await.ok()["status"],
            "requested",
            "{layout:?}"
        );
    }
}

#[tokio::test]
async fn blocks_keep_dates_and_the_calendar_shows_them() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let blocks = format!("/v1/properties/{LAKE_HOUSE}/blocks");
        let body = json!({"start_date": "2031-01-10", "end_date": "2031-01-12", "note": "New boiler"});
        let block = fixture.post(&blocks, &token, &body).await;
        assert_eq!((&block.ok()["active"], &block.body["note"]), (&json!(true), &json!("New boiler")));
        fixture.post(&blocks, &token, &body).await.refused(409, "BOOKING_OVERLAP");
        let id = fixture.stored(&token, &new_request(GUEST, "2031-01-08", "2031-01-11")).await;
        let approve = format!("/v1/booking-requests/{id}/approve");
        let refused = fixture.post(&approve, &token, &json!({})).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "block", "{layout:?}");

        let calendar = format!("/v1/properties/{LAKE_HOUSE}/availability?from=2031-01-07&to=2031-01-13");
        let shown = fixture.get(&calendar, &token).await;
        let kinds: Vec<(&Json, &Json)> = shown.ok()["occupancies"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (&one["kind"], &one["blocking"]))
            .collect();
        let request = if layout == Layout::Literal { ("hold", true) } else { ("request", false) };
        assert_eq!(
            kinds,
            [(&json!(request.0), &json!(request.1)), (&json!("block"), &json!(true))],
            "{layout:?}"
        );
        let free: &[&str] = if layout == Layout::Literal {
            &["2031-01-07", "2031-01-12"]
        } else {
            &["2031-01-07", "2031-01-08", "2031-01-09", "2031-01-12"]
        };
        assert_eq!(shown.body["free_nights"], json!(free), "{layout:?}");
        assert!(!shown.body.to_string().contains(GUEST));

        let path = format!("{blocks}/{}", block.body["id"].as_str().unwrap());
        assert_eq!(fixture.delete(&path, &token).await.ok()["active"], false);
        fixture.delete(&path, &token).await.ok();
        fixture.post(&approve, &token, &json!({})).await.ok();
        // A block over a booking is refused, also where the booking has no range.
        fixture.execute("delete from inventory_ranges where start_date = '2031-01-08'", &[]).await;
        fixture.post(&blocks, &token, &body).await.refused(409, "BOOKING_OVERLAP");
        let foreign = fixture.token(demo::OTHER_OWNER).await;
        fixture.post(&blocks, &foreign, &body).await.refused(404, "PROPERTY_NOT_FOUND");
        fixture.delete(&path, &foreign).await.refused(404, "BLOCK_NOT_FOUND");
        fixture.get(&calendar, &foreign).await.refused(404, "PROPERTY_NOT_FOUND");
    }
}

#[tokio::test]
async fn properties_are_created_and_changed() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let body = json!({"name": " Boat House ", "time_zone": "Europe/Vienna", "max_guests": 4});
    let made = fixture.post("/v1/properties", &token, &body).await;
    assert_eq!(
        (&made.ok()["name"], &made.body["hold_policy"], &made.body["hold_hours"]),
        (&json!("Boat House"), &json!("none"), &json!(24))
    );
    fixture.post("/v1/properties", &token, &body).await.refused(409, "ALREADY_EXISTS");
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("two\nlines")),
        ("time_zone", json!("Mars/Base")),
        ("max_guests", json!(0)),
        ("hold_hours", json!(721)),
    ] {
        let mut wrong = body.clone();
        wrong["name"] = json!("Another");
        wrong[field] = value;
        let answer = fixture.post("/v1/properties", &token, &wrong).await;
        answer.refused(400, "INVALID_FIELD");
        assert_eq!(answer.body["violations"][0]["field"], field);
    }
    let path = format!("/v1/properties/{}", made.body["id"].as_str().unwrap());
    let changed = fixture.patch(&path, &token, &json!({"max_guests": 5, "etag": made.body["etag"]})).await;
    assert_eq!((&changed.ok()["max_guests"], &changed.body["name"]), (&json!(5), &json!("Boat House")));
    let stale = fixture.patch(&path, &token, &json!({"max_guests": 6, "etag": made.body["etag"]})).await;
    stale.refused(409, "ETAG_MISMATCH");
    assert_eq!(fixture.get(&path, &token).await.ok(), &changed.body);
    fixture.patch(&path, &token, &json!({"name": "Lake House"})).await.refused(409, "ALREADY_EXISTS");
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    fixture.patch(&path, &foreign, &json!({"max_guests": 1})).await.refused(404, "PROPERTY_NOT_FOUND");
}

#[tokio::test]
async fn customers_are_read_one_by_one_with_both_credentials() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let path = format!("/v1/customers/{GUEST}");
    let both = |path: &str| {
        let request = fixture.request(reqwest::Method::GET, path).bearer_auth(&token);
        Answer::of(request.header("x-tenant-api-key", &fixture.api_key))
    };
    assert_eq!(both(&path).await.ok()["name"], "Anna Adler");
    both("/v1/customers/0d000000-0000-7000-8000-000000000311").await.refused(404, "CUSTOMER_NOT_FOUND");
    fixture.get(&path, &token).await.refused(401, "API_KEY_REQUIRED");
}

#[tokio::test]
async fn a_stale_etag_decides_nothing() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let id = case("REQUESTED");
        let etag = fixture.get(&path_of(id, ""), &token).await.ok()["etag"].as_str().unwrap().to_owned();
        fixture.post(&path_of(id, "/review"), &token, &json!({})).await.ok();
        let before = fixture.snapshot().await;
        for (step, mut body) in [
            ("/approve", json!({})),
            ("/decline", json!({"decline_reason": "x"})),
            ("/review", json!({})),
            ("/cancel", json!({})),
        ] {
            let header = format!("\"{etag}\"");
            let stale = fixture.post_with(&path_of(id, step), &token, ("if-match", &header), &body).await;
            stale.refused(409, "ETAG_MISMATCH");
            assert_eq!(stale.body["metadata"]["current_etag"], "2");
            body["etag"] = json!(etag);
            fixture.post(&path_of(id, step), &token, &body).await.refused(409, "ETAG_MISMATCH");
            body["etag"] = json!("never an etag");
            fixture.post(&path_of(id, step), &token, &body).await.refused(409, "ETAG_MISMATCH");
        }
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
        let both = fixture
            .post_with(&path_of(id, "/approve"), &token, ("if-match", "\"9\""), &json!({"etag": "2"}))
            .await;
        both.refused(400, "INVALID_FIELD");
        fixture.post_with(&path_of(id, "/approve"), &token, ("if-match", "\"2\""), &json!({})).await.ok();
    }
}

#[tokio::test]
async fn an_idempotency_key_repeats_the_answer_and_nothing_else() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let keyed = async |path: &str, key: &str, body: &Json| {
            fixture.post_with(path, &token, ("idempotency-key", key), body).await
        };
        let body = new_request(GUEST, "2031-08-01", "2031-08-05");
        let first = keyed("/v1/booking-requests", "create-1", &body).await;
        let again = keyed("/v1/booking-requests", "create-1", &body).await;
        assert_eq!(again.ok(), first.ok(), "{layout:?}");
        let id = first.body["id"].as_str().unwrap();
        let count = format!("select count(*) from {} where check_in = '2031-08-01'", layout.requests());
        assert_eq!(fixture.count(&count, &[]).await, 1);

        let approve = format!("/v1/booking-requests/{id}/approve");
        let approved = keyed(&approve, "approve-1", &json!({"internal_note": "once"})).await;
        assert_eq!(approved.ok()["outcome"], "approved");
        let before = fixture.snapshot().await;
        let repeated = keyed(&approve, "approve-1", &json!({"internal_note": "once"})).await;
        assert_eq!(repeated.ok(), &approved.body, "the first answer, not `already approved`");
        // The same key with another body, method or version is refused.
        keyed(&approve, "approve-1", &json!({"internal_note": "twice"}))
            .await
            .refused(409, "IDEMPOTENCY_KEY_REUSED");
        keyed(&approve, "create-1", &json!({})).await.refused(409, "IDEMPOTENCY_KEY_REUSED");
        keyed(&format!("/v1/booking-requests/{id}/cancel"), "approve-1", &json!({"internal_note": "once"}))
            .await
            .refused(409, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");

        // A refusal is not stored: the key may be tried again.
        let declined = path_of(case("DECLINED"), "/approve");
        keyed(&declined, "refused-1", &json!({})).await.refused(409, "INVALID_TRANSITION");
        keyed(&declined, "refused-1", &json!({})).await.refused(409, "INVALID_TRANSITION");

        let cancel = format!("/v1/booking-requests/{id}/cancel");
        let cancelled = keyed(&cancel, "cancel-1", &json!({})).await;
        assert_eq!(keyed(&cancel, "cancel-1", &json!({})).await.ok(), cancelled.ok(), "{layout:?}");
        let decline = path_of(case("UNDER_REVIEW"), "/decline");
        let reason = json!({"decline_reason": "x"});
        let done = keyed(&decline, "decline-1", &reason).await;
        assert_eq!(keyed(&decline, "decline-1", &reason).await.ok(), done.ok(), "{layout:?}");

        for bad in ["", "ü", &"k".repeat(256), "a b"] {
            keyed(&approve, bad, &json!({})).await.refused(400, "INVALID_HEADER");
        }
        // After a day the key is free, and another tenant never saw it.
        fixture.execute("update idempotency_keys set created_at = now() - interval '25 hours'", &[]).await;
        keyed(&approve, "approve-1", &json!({"internal_note": "next day"}))
            .await
            .refused(409, "INVALID_TRANSITION");
        let foreign = fixture.token(demo::OTHER_OWNER).await;
        let theirs =
            fixture.post_with(&approve, &foreign, ("idempotency-key", "approve-1"), &json!({})).await;
        theirs.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_by_16_clients_at_once_does_its_work_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let body = new_request(GUEST, "2031-09-01", "2031-09-05");
    let answers = futures::future::join_all((0..16).map(async |_| {
        fixture.post_with("/v1/booking-requests", &token, ("idempotency-key", "burst"), &body).await
    }))
    .await;
    for answer in &answers {
        assert_eq!(answer.ok(), &answers[0].body);
    }
    let stored = "select count(*) from booking_requests where check_in = '2031-09-01'";
    assert_eq!(fixture.count(stored, &[]).await, 1);
}

#[tokio::test]
async fn history_is_paged_and_the_tenants_own() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let id = fixture.stored(&token, &new_request(GUEST, "2031-10-01", "2031-10-05")).await;
    let path = format!("/v1/booking-requests/{id}");
    fixture.post(&format!("{path}/review"), &token, &json!({})).await.ok();
    fixture.post(&format!("{path}/approve"), &token, &json!({})).await.ok();
    fixture.post(&format!("{path}/cancel"), &token, &json!({})).await.ok();
    let (mut kinds, mut next) = (Vec::new(), String::new());
    loop {
        let page = fixture.get(&format!("{path}/history?page_size=1&page_token={next}"), &token).await;
        let event = &page.ok()["events"][0];
        assert_eq!(event["actor"], "0d000000-0000-7000-8000-000000000102");
        kinds.push(event["kind"].as_str().unwrap().to_owned());
        next = page.body["next_page_token"].as_str().unwrap().to_owned();
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(kinds, ["created", "review_started", "approved", "cancelled"]);
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    fixture.get(&format!("{path}/history"), &foreign).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
    fixture.get(&format!("{path}/explain"), &foreign).await.refused(404, "BOOKING_REQUEST_NOT_FOUND");
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
