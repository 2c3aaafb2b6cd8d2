//! `Idempotency-Key`: the same call repeats the stored answer.

use std::collections::BTreeSet;

use frontdesk::demo;
use frontdesk_proto::{MethodContract, descriptors};
use identity::Policy;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::help::new_request::{GUEST, new_request};
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, case, path_of, system};

async fn keyed(fixture: &Fixture, token: &str, path: &str, key: &str, body: &Json) -> Answer {
    fixture.post_with(path, token, ("idempotency-key", key), body).await
}

#[tokio::test]
async fn create_approve_decline_and_cancel_repeat_their_first_answer_and_write_once() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let august = new_request(GUEST, "2031-08-01", "2031-08-05");
        let first = keyed(&fixture, &token, "/v1/booking-requests", "create", &august).await;
        let id = first.ok()["id"].as_str().unwrap();
        let request = format!("/v1/booking-requests/{id}");
        for (path, key, body) in [
            ("/v1/booking-requests".to_owned(), "create", august),
            (format!("{request}/approve"), "approve", json!({"internal_note": "once"})),
            (format!("{request}/cancel"), "cancel", json!({})),
            (path_of(case("UNDER_REVIEW"), "/decline"), "decline", json!({"decline_reason": "x"})),
        ] {
            let first = keyed(&fixture, &token, &path, key, &body).await;
            let before = fixture.snapshot().await;
            let again = keyed(&fixture, &token, &path, key, &body).await;
            // The first answer: an approval is not `already_approved` the second time.
            assert_eq!(again.ok(), first.ok(), "{key} {layout:?}");
            assert_ne!(again.body["outcome"], "already_approved", "{layout:?}");
            assert_eq!(fixture.snapshot().await, before, "{key} {layout:?}");
        }
        let count = format!("select count(*) from {} where check_in = '2031-08-01'", layout.requests());
        let of_request = fixture.count(&count, &[]).await;
        assert_eq!(of_request, 1, "{layout:?}");
    }
}

/// Before, whoever of the tenant sent the key and the body got the answer that somebody else
/// had got.
#[tokio::test]
async fn the_answer_of_one_is_not_repeated_to_another_user_of_the_tenant() {
    let fixture = Fixture::start().await;
    let (manager, owner) = (fixture.manager().await, fixture.token(demo::OWNER).await);
    let august = new_request(GUEST, "2031-08-01", "2031-08-05");
    let path = "/v1/booking-requests";
    let first = keyed(&fixture, &manager, path, "shared", &august).await.ok().clone();
    let before = fixture.snapshot().await;
    keyed(&fixture, &owner, path, "shared", &august).await.refused(409, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(keyed(&fixture, &fixture.manager().await, path, "shared", &august).await.ok(), &first);
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_key_is_refused_with_another_body_or_method_and_for_another_call() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let approve = path_of(case("REQUESTED"), "/approve");
        let once = json!({"internal_note": "once"});
        keyed(&fixture, &token, &approve, "approve", &once).await.ok();
        let august = new_request(GUEST, "2031-08-01", "2031-08-05");
        keyed(&fixture, &token, "/v1/booking-requests", "create", &august).await.ok();
        let before = fixture.snapshot().await;
        for (path, key, body) in [
            (&approve, "approve", json!({"internal_note": "twice"})),
            (&approve, "create", json!({})),
            (&path_of(case("REQUESTED"), "/cancel"), "approve", once.clone()),
        ] {
            let reused = keyed(&fixture, &token, path, key, &body).await;
            reused.refused(409, "IDEMPOTENCY_KEY_REUSED");
        }
        assert_eq!(fixture.snapshot().await, before, "{layout:?}");
    }
}

#[tokio::test]
async fn a_refusal_does_not_keep_its_key() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let declined = path_of(case("DECLINED"), "/approve");
        for _ in 0..2 {
            let refused = keyed(&fixture, &token, &declined, "refused", &json!({})).await;
            refused.refused(409, "INVALID_TRANSITION");
        }
        // The same key does another call.
        keyed(&fixture, &token, &path_of(case("REQUESTED"), "/approve"), "refused", &json!({})).await.ok();
    }
}

#[tokio::test]
async fn a_key_is_up_to_255_visible_ascii_characters() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let approve = path_of(case("REQUESTED"), "/approve");
    for bad in ["", "ü", &"k".repeat(256), "a b"] {
        keyed(&fixture, &token, &approve, bad, &json!({})).await.refused(400, "INVALID_HEADER");
    }
    keyed(&fixture, &token, &approve, &"k".repeat(255), &json!({})).await.ok();
}

#[tokio::test]
async fn a_key_is_free_after_a_day_and_another_tenant_never_saw_it() {
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let decline = path_of(case("REQUESTED"), "/decline");
        let reason = json!({"decline_reason": "x"});
        keyed(&fixture, &token, &decline, "key", &reason).await.ok();
        let foreign = fixture.token(demo::OTHER_OWNER).await;
        let theirs = keyed(&fixture, &foreign, &decline, "key", &reason).await;
        theirs.refused(404, "BOOKING_REQUEST_NOT_FOUND");
        fixture.execute("update idempotency_keys set created_at = now() - interval '25 hours'", &[]).await;
        let approve = path_of(case("REQUESTED"), "/approve");
        let next_day = keyed(&fixture, &token, &approve, "key", &json!({})).await;
        next_day.refused(409, "INVALID_TRANSITION");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_used_by_16_clients_at_once_does_its_work_once() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let body = new_request(GUEST, "2031-09-01", "2031-09-05");
    let answers = futures::future::join_all(
        (0..16).map(async |_| keyed(&fixture, &token, "/v1/booking-requests", "burst", &body).await),
    )
    .await;
    for answer in &answers {
        assert_eq!(answer.ok(), &answers[0].body);
    }
    let stored = "select count(*) from booking_requests where check_in = '2031-09-01'";
    assert_eq!(fixture.count(stored, &[]).await, 1);
}

/// Makes each call twice with one key.
struct Twice<'f> {
    fixture: &'f Fixture,
    token: String,
    made: BTreeSet<&'static str>,
}

impl Twice<'_> {
    /// Makes a call of a method twice; returns its one answer.
    async fn call(&mut self, name: &'static str, method: Method, path: &str, body: Json) -> Json {
        self.made.insert(name);
        let call = || {
            let request = self.fixture.request(method.clone(), path).bearer_auth(&self.token);
            let request = request.header("idempotency-key", format!("key-of-{name}"));
            Answer::of(if body.is_null() { request } else { request.json(&body) })
        };
        let first = call().await;
        let before = self.fixture.snapshot().await;
        let again = call().await;
        assert_eq!(again.ok(), first.ok(), "{name}");
        assert_eq!(self.fixture.snapshot().await, before, "{name}");
        first.body
    }

    async fn post(&mut self, name: &'static str, path: &str, body: Json) -> Json {
        self.call(name, Method::POST, path, body).await
    }

    /// A booking from today on, of a customer of its own.
    async fn booking_of_today(&mut self, customer: u32) -> String {
        let id = self.fixture.open_request(demo::TENANT, customer, 0, 2).await;
        let approved = self.fixture.post(&path_of(id, "/approve"), &self.token, &json!({})).await;
        format!("/v1/bookings/{}", approved.ok()["booking_id"].as_str().unwrap())
    }

    async fn change_properties(&mut self) {
        let house = json!({"name": "Keyed", "time_zone": "Europe/Berlin", "max_guests": 2});
        let made = self.post("CreateProperty", "/v1/properties", house).await;
        let house = format!("/v1/properties/{}", made["id"].as_str().unwrap());
        self.call("UpdateProperty", Method::PATCH, &house, json!({"max_guests": 3})).await;
        let nights = json!({"start_date": "2031-01-10", "end_date": "2031-01-12"});
        let block = self.post("BlockProperty", &format!("{house}/blocks"), nights).await;
        let block = format!("{house}/blocks/{}", block["id"].as_str().unwrap());
        self.call("UnblockProperty", Method::DELETE, &block, Json::Null).await;
        let settings = json!({"auto_decline": true});
        self.call("UpdateBookingSettings", Method::PATCH, "/v1/booking-settings", settings).await;
    }

    async fn change_customers(&mut self) {
        let one = json!({"name": "One", "source": "pms", "external_id": "1"});
        let made = self.post("CreateCustomer", "/v1/customers", one).await;
        let customer = format!("/v1/customers/{}", made["id"].as_str().unwrap());
        self.call("UpdateCustomer", Method::PATCH, &customer, json!({"phone": "+49 1"})).await;
        self.post("ArchiveCustomer", &format!("{customer}/archive"), json!({})).await;
        self.post("UnarchiveCustomer", &format!("{customer}/unarchive"), json!({})).await;
        let twin = self.fixture.create_customer(&self.token, &json!({"name": "Twin"})).await;
        let twin = json!({"duplicate_id": twin.rsplit('/').next().unwrap()});
        self.post("MergeCustomers", &format!("{customer}/merge"), twin).await;
    }

    async fn decide(&mut self) {
        let august = new_request(GUEST, "2031-08-01", "2031-08-05");
        let made = self.post("CreateBookingRequest", "/v1/booking-requests", august).await;
        let request = format!("/v1/booking-requests/{}", made["id"].as_str().unwrap());
        self.post("StartReview", &format!("{request}/review"), json!({})).await;
        self.post("ApproveBookingRequest", &format!("{request}/approve"), json!({})).await;
        self.post("CancelBookingRequest", &format!("{request}/cancel"), json!({})).await;
        let other = path_of(case("UNDER_REVIEW"), "/decline");
        self.post("DeclineBookingRequest", &other, json!({"decline_reason": "x"})).await;
    }

    async fn resolve(&mut self) {
        let marked = self.fixture.open_request(demo::TENANT, 74, 400, 402).await;
        let table = self.fixture.layout.requests();
        let mark = format!("update {table} set confirmed_at = now() where id = $1");
        self.fixture.execute(&mark, &[&marked]).await;
        let resolve = format!("/v1/diagnostics/inconsistencies/{marked}/resolve");
        self.post("ResolveInconsistency", &resolve, json!({"choice": "clear_mark"})).await;
    }

    async fn stay(&mut self) {
        let sold = new_request(GUEST, "2031-11-01", "2031-11-05");
        self.post("CreateBooking", "/v1/bookings", sold).await;
        let missed = self.booking_of_today(71).await;
        self.post("MarkNoShow", &format!("{missed}/no-show"), json!({})).await;
        let dropped = self.booking_of_today(72).await;
        self.post("CancelBooking", &format!("{dropped}/cancel"), json!({})).await;
        let held = self.booking_of_today(73).await;
        self.post("CheckIn", &format!("{held}/check-in"), json!({})).await;
        self.post("CheckOut", &format!("{held}/check-out"), json!({})).await;
    }
}

#[tokio::test]
async fn every_change_that_takes_a_key_repeats_its_answer() {
    let takes_a_key = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let takes_a_key: BTreeSet<String> = takes_a_key
        .filter(|method| MethodContract::of(method).idempotency_key)
        .map(|method| method.name().to_owned())
        .collect();
    for layout in Layout::ALL {
        let fixture = Fixture::start_in(layout).await;
        let mut twice = Twice { fixture: &fixture, token: fixture.manager().await, made: BTreeSet::new() };
        twice.change_properties().await;
        twice.change_customers().await;
        twice.decide().await;
        twice.resolve().await;
        twice.stay().await;
        let made: BTreeSet<String> = twice.made.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(made, takes_a_key, "{layout:?}");
    }
}

#[tokio::test]
async fn a_block_is_stored_once_for_a_key() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let blocks = format!("/v1/properties/{LAKE_HOUSE}/blocks");
    let nights = json!({"start_date": "2031-01-10", "end_date": "2031-01-12"});
    let first = keyed(&fixture, &token, &blocks, "block", &nights).await.ok()["id"].clone();
    assert_eq!(keyed(&fixture, &token, &blocks, "block", &nights).await.ok()["id"], first);
    let others = json!({"start_date": "2031-02-10", "end_date": "2031-02-12"});
    keyed(&fixture, &token, &blocks, "block", &others).await.refused(409, "IDEMPOTENCY_KEY_REUSED");
}

/// However many keys are old, no statement deletes more than a thousand.
#[tokio::test]
async fn old_keys_are_deleted_a_thousand_at_a_time() {
    let fixture = Fixture::start().await;
    let limit = "create function at_most_a_thousand() returns trigger language plpgsql as $$ begin \
        if (select count(*) from gone) > 1000 then raise exception 'too many at once'; end if; return null; end $$; \
        create trigger at_most_a_thousand after delete on idempotency_keys referencing old table as gone \
        for each statement execute function at_most_a_thousand()";
    fixture.sql.batch_execute(limit).await.unwrap();
    let old = "insert into idempotency_keys (tenant_id, key, request_hash, answer, created_at) \
        select $1, 'old ' || n, '', '', now() - interval '25 hours' - n * interval '1 second' \
        from generate_series(1, 2500) as n";
    assert_eq!(fixture.execute(old, &[&demo::TENANT]).await, 2500);
    // What starts forgets at once.
    let second = system(&fixture.database.url, Policy::default()).await;
    let mut left = 2500;
    for _ in 0..300 {
        left = fixture.count("select count(*) from idempotency_keys", &[]).await;
        if left == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(left, 0);
    second.stop().await.unwrap();
}
