//! Sixteen clients who approve, decline, cancel and ask again, on one property and
//! on many, in every layout; then the books must balance.

use std::sync::atomic::{AtomicUsize, Ordering};

use frontdesk::demo;
use futures::future::join_all;
use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

use super::feed_order::assert_causal;
use super::help::covered::no_night_is_covered_for_two_guests;
use super::help::watcher::Watcher;
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout};

const CLIENTS: u64 = 16;
const STEPS: usize = 50;
const GUESTS: u64 = 4;
/// Days that are fought over.
const DAYS: u64 = 24;

/// Bookings that hold the same night of the same property.
const OVERLAPS: &str = "select count(*) from bookings a join bookings b \
    on a.tenant_id = b.tenant_id and a.property_id = b.property_id and a.id < b.id \
    and daterange(a.check_in, a.check_out) && daterange(b.check_in, b.check_out) \
    where a.status in (SOLD) and b.status in (SOLD)";

/// Requests that read as confirmed and have no booking of their guest that stands.
const PHANTOMS: &str = "select count(*) from REQUESTS r where (r.status = 'confirmed' \
    or r.status in ('requested', 'under_review') and (r.confirmed_at is not null or r.approved_booking_id is not null)) \
    and not exists (select from bookings b where b.tenant_id = r.tenant_id and b.guest_id = r.guest_id \
    and b.property_id = r.property_id and daterange(b.check_in, b.check_out) && daterange(r.check_in, r.check_out) \
    and b.status in (SOLD) and b.id = coalesce(r.approved_booking_id, r.id))";

/// Sold bookings whose nights no active range keeps, and active ranges of nobody.
const UNKEPT: &str = "select count(*) from bookings b where b.status in (SOLD) and not exists ( \
    select from inventory_ranges i where i.tenant_id = b.tenant_id and i.source_id = b.id and i.state = 'active' \
    and (i.start_date, i.end_date) = (b.check_in, b.check_out))";
const LEFT_BEHIND: &str = "select count(*) from inventory_ranges i where i.state = 'active' and i.kind = 'booking' \
    and i.property_id = any ($1) and not exists (select from bookings b where b.tenant_id = i.tenant_id \
    and b.id = i.source_id and b.status in (SOLD))";

/// Requests whose last event does not fit what they read as.
const UNTOLD: &str = "select count(*) from REQUESTS r join lateral (select e.action from booking_events e \
    where e.tenant_id = r.tenant_id and e.booking_request_id = r.id order by e.at desc, e.id desc limit 1) e on true \
    where case e.action when 'approved' then 'confirmed' when 'healed' then 'confirmed' when 'created' then 'requested' \
    when 'fulfilment_lost' then case when r.status = 'under_review' then r.status else 'requested' end when 'review_started' then 'under_review' when 'auto_declined' then 'declined' \
    else e.action end <> case when r.status in ('requested', 'under_review') \
    and (r.confirmed_at is not null or r.approved_booking_id is not null) then 'confirmed' else r.status end";

/// A small generator, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Refusals that have stored nothing and ask to try again. On a slow machine they
/// meet those who wait behind a dozen deadlocks: one lock too long, all of them too
/// long, or three times the victim.
const TRY_AGAIN: [(&str, u16); 3] = [("LOCK_TIMEOUT", 503), ("STATEMENT_TIMEOUT", 504), ("CONTENTION", 503)];

/// A call as a client makes it that does what such a refusal says.
async fn insist(call: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..10 {
        let answer = call().await;
        let Some((code, status)) = TRY_AGAIN.into_iter().find(|(code, _)| answer.body["code"] == *code)
        else {
            return answer;
        };
        answer.refused(status, code);
    }
    panic!("ten times in a row others were in the way");
}

/// What the clients share.
struct Churn {
    fixture: Fixture,
    layout: Layout,
    token: String,
    houses: Vec<Uuid>,
    /// Requests that were made, oldest first.
    known: Mutex<Vec<String>>,
    approved: AtomicUsize,
}

impl Churn {
    async fn prepare(layout: Layout, properties: usize, auto_decline: bool) -> Self {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        fixture.patch("/v1/booking-settings", &token, &json!({"auto_decline": auto_decline})).await.ok();
        let mut houses = vec![LAKE_HOUSE];
        for n in 1..properties {
            let body = json!({"name": format!("House {n}"), "time_zone": "Europe/Berlin", "max_guests": 2});
            let made = fixture.post("/v1/properties", &token, &body).await;
            houses.push(made.ok()["id"].as_str().unwrap().parse::<Uuid>().unwrap());
        }
        for guest in 0..GUESTS {
            fixture
                .execute(
                    "insert into customers (tenant_id, id, name, email, phone, created_at) values ($1, $2, 'Test Guest', '', '', now())",
                    &[&demo::TENANT, &Uuid::from_u128(u128::from(guest + 1))],
                )
                .await;
        }
        Self { fixture, layout, token, houses, known: Mutex::default(), approved: AtomicUsize::new(0) }
    }

    async fn client(&self, number: u64) {
        let mut dice = Dice(number + 1);
        for _ in 0..STEPS {
            let what = dice.roll(100);
            let picked = self.pick(&mut dice).await;
            match picked.filter(|_| what >= 25) {
                None => self.ask(&mut dice).await,
                Some(id) => self.step(what, &id).await,
            }
        }
    }

    /// One of the youngest requests, which are fought over.
    async fn pick(&self, dice: &mut Dice) -> Option<String> {
        let known = self.known.lock().await;
        if known.is_empty() {
            return None;
        }
        let back = dice.roll(24).min(known.len() as u64 - 1);
        known.get(known.len() - 1 - usize::try_from(back).unwrap()).cloned()
    }

    /// Makes a request. The literal constraint may refuse it.
    async fn ask(&self, dice: &mut Dice) {
        let first = jiff::civil::date(2031, 1, 1);
        let check_in = first + jiff::Span::new().days(i64::try_from(dice.roll(DAYS)).unwrap());
        let check_out = check_in + jiff::Span::new().days(i64::try_from(1 + dice.roll(5)).unwrap());
        let body = json!({
            "property_id": self.houses[usize::try_from(dice.roll(self.houses.len() as u64)).unwrap()],
            "guest_id": Uuid::from_u128(u128::from(1 + dice.roll(GUESTS))),
            "check_in": check_in.to_string(), "check_out": check_out.to_string(),
        });
        let made = insist(async || self.fixture.post("/v1/booking-requests", &self.token, &body).await).await;
        if self.layout == Layout::Literal && made.status == 409 {
            made.refused(409, "BOOKING_OVERLAP");
        } else {
            self.known.lock().await.push(made.ok()["id"].as_str().unwrap().to_owned());
        }
    }

    /// Decides on a request, or cancels it or its booking.
    async fn step(&self, what: u64, id: &str) {
        let path = format!("/v1/booking-requests/{id}");
        let (step, body) = match what {
            25..65 => (format!("{path}/approve"), json!({})),
            65..72 => (format!("{path}/review"), json!({})),
            72..78 => (format!("{path}/decline"), json!({"decline_reason": "x"})),
            78..88 => (format!("{path}/cancel"), json!({})),
            _ => {
                let read = self.fixture.get(&path, &self.token).await;
                let booking = read.ok()["approved_booking_id"].as_str().unwrap().to_owned();
                if booking.is_empty() {
                    return;
                }
                (format!("/v1/bookings/{booking}/cancel"), json!({}))
            }
        };
        let answer = insist(async || self.fixture.post(&step, &self.token, &body).await).await;
        if answer.status == 200 && answer.body["outcome"] == "approved" {
            self.approved.fetch_add(1, Ordering::Relaxed);
        }
        let code = answer.body["code"].as_str().unwrap_or("OK");
        assert!(matches!(code, "OK" | "INVALID_TRANSITION" | "BOOKING_OVERLAP"), "{}", answer.body);
    }

    /// The books: rows, ranges, events, the feed and the list of inconsistencies.
    async fn assert_balanced(&self) {
        let Self { fixture, layout, token, houses, .. } = self;
        let sql = |text: &str| {
            text.replace("REQUESTS", layout.requests())
                .replace("SOLD", "'confirmed', 'checked_in', 'checked_out'")
        };
        // What the demo left half done before is not ours.
        let of = " and r.property_id <> '0d000000-0000-7000-8000-000000000201'";
        assert_eq!(fixture.count(&sql(OVERLAPS), &[]).await, 0, "two guests in one bed");
        assert_eq!(fixture.count(&(sql(PHANTOMS) + of), &[]).await, 0, "confirmed with nothing behind it");
        assert_eq!(fixture.count(&sql(UNKEPT), &[]).await, 0, "sold nights without a range");
        assert_eq!(fixture.count(&sql(LEFT_BEHIND), &[houses]).await, 0, "ranges of nobody");
        assert_eq!(fixture.count(&(sql(UNTOLD) + of), &[]).await, 0, "events and rows disagree");
        assert_causal(&fixture.sql).await;
        let read = async |path: &str| fixture.get(path, token).await.ok().clone();
        assert!(no_night_is_covered_for_two_guests(read).await > 10);
        let found = fixture.get("/v1/diagnostics/inconsistencies?page_size=200", token).await;
        let ours = found.ok()["inconsistencies"].as_array().unwrap().iter().filter(|one| {
            !one["booking_request_id"].as_str().unwrap().starts_with("0d000000-")
                // A guest's second request for the same nights waits to be healed. One that
                // shares some of them is fulfilled in part, and somebody else may have got
                // the rest: it is named, with what staff can do.
                && one["kind"] != "related_booking_confirmed"
                && one["kind"] != "partly_covered"
        });
        assert_eq!(ours.count(), 0, "{}", found.body);
    }
}

async fn hammer(layout: Layout, properties: usize, auto_decline: bool) {
    let churn = Churn::prepare(layout, properties, auto_decline).await;
    // Whoever watches gives the numbers.
    let watcher = Watcher::start(churn.fixture.system.booking, &churn.token);
    join_all((0..CLIENTS).map(|number| churn.client(number))).await;
    let approved = churn.approved.load(Ordering::Relaxed);
    assert!(approved > 10, "too little happened: {approved}");
    watcher.has_heard_everything(&churn.fixture.sql).await;
    churn.assert_balanced().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_on_one_property_sells_no_night_twice_in_the_standard_layout() {
    hammer(Layout::Standard, 1, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_with_auto_decline_sells_no_night_twice() {
    hammer(Layout::Standard, 1, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_on_many_properties_sells_no_night_twice_in_the_standard_layout() {
    hammer(Layout::Standard, 8, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_on_one_property_sells_no_night_twice_in_the_literal_layout() {
    hammer(Layout::Literal, 1, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_on_many_properties_sells_no_night_twice_in_the_literal_layout() {
    hammer(Layout::Literal, 8, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_on_one_property_sells_no_night_twice_in_the_confirmed_only_layout() {
    hammer(Layout::ConfirmedOnly, 1, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn churn_on_many_properties_sells_no_night_twice_in_the_confirmed_only_layout() {
    hammer(Layout::ConfirmedOnly, 8, false).await;
}
