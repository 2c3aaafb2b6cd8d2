//! What a change reads after it has waited: another program holds a row, changes what
//! is around it, and commits while the change waits. What is decided then is decided by
//! what is so now, in every layout.

use frontdesk::demo;
use serde_json::json;
use uuid::Uuid;

use super::help::foreign::{Foreign, GUEST, STRANGER, link, mark, range};
use super::help::rival::Rival;
use crate::fixture::{Answer, Fixture, LAKE_HOUSE, Layout, path_of};

/// Those in which a request can stand beside what is sold.
const OPEN: [Layout; 2] = [Layout::Standard, Layout::ConfirmedOnly];

const FREED: &str = "update inventory_ranges set state = 'cancelled' where source_id = $1";

/// Approves while another program holds a booking, does something to it, and commits.
async fn approve_behind(fixture: &Fixture, token: &str, id: Uuid, booking: Uuid, does: &[&str]) -> Answer {
    let rival = Rival::begin(fixture).await;
    rival.lock("bookings", booking).await;
    let meanwhile = async {
        rival.blocks(fixture, 1).await;
        for statement in does {
            assert!(rival.sql.execute(*statement, &[&booking]).await.unwrap() > 0, "{statement}");
        }
        rival.commit().await;
    };
    let (answer, ()) = tokio::join!(fixture.approve(token, id), meanwhile);
    answer
}

#[tokio::test]
async fn an_approval_that_waited_for_a_cancel_sees_that_the_nights_are_free() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        for (from, marked) in [(300, false), (320, true)] {
            let booking = Foreign::sold(STRANGER, from + 3, from + 8).store(&fixture).await.unwrap();
            let id = fixture.open_request(demo::TENANT, GUEST, from, from + 5).await;
            if marked {
                mark(&fixture, id).await;
            }
            let cancel = "update bookings set status = 'cancelled' where id = $1";
            let approved = approve_behind(&fixture, &token, id, booking, &[cancel, FREED]).await;
            let outcome = if marked { "healed" } else { "approved" };
            assert_eq!(approved.ok()["outcome"], outcome, "{layout:?}");
        }
    }
}

/// A night is taken by whom it is taken after the wait, and named as such.
#[tokio::test]
async fn an_approval_that_waited_names_what_is_in_the_way_now() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let booking = Foreign::sold(STRANGER, 303, 308).store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
        let blocked = "update inventory_ranges set kind = 'block', source_id = null where source_id = $1";
        let cancel = "update bookings set status = 'cancelled' where id = $1";
        let refused = approve_behind(&fixture, &token, id, booking, &[cancel, blocked]).await;
        refused.refused(409, "BOOKING_OVERLAP");
        assert_eq!(refused.body["metadata"]["conflict_kind"], "block", "{layout:?}");
    }
}

/// The guest's own booking is given to nobody, moved away, or moved here, while it waits.
#[tokio::test]
async fn an_approval_that_waited_for_the_guests_booking_follows_it_as_it_is_now() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let moves = [
            "update bookings set check_in = check_in + 100, check_out = check_out + 100 where id = $1",
            "update inventory_ranges set start_date = start_date + 100, end_date = end_date + 100 where source_id = $1",
        ];
        let booking = Foreign::sold(GUEST, 303, 308).store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
        let approved = approve_behind(&fixture, &token, id, booking, &moves).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
        assert_ne!(approved.body["booking_id"], booking.to_string());

        // The linked one is cancelled, with its range: the link is over.
        let booking = Foreign::sold(GUEST, 330, 335).store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 330, 335).await;
        link(&fixture, id, booking).await;
        let cancel = "update bookings set status = 'cancelled' where id = $1";
        let approved = approve_behind(&fixture, &token, id, booking, &[cancel, FREED]).await;
        assert_eq!(approved.ok()["outcome"], "approved", "{layout:?}");
        assert_ne!(approved.body["booking_id"], booking.to_string());

        // One that had no range has got it in the meantime: nothing obstructs it.
        let booking = Foreign { ranged: false, ..Foreign::sold(GUEST, 360, 365) };
        let booking = booking.store(&fixture).await.unwrap();
        assert!(range(&fixture, LAKE_HOUSE, Some(Uuid::now_v7()), 362, 363).await);
        let id = fixture.open_request(demo::TENANT, GUEST, 360, 365).await;
        let given = "with gone as (update inventory_ranges set state = 'cancelled' \
            where start_date = (select check_in + 2 from bookings where id = $1) and state = 'active') \
            update bookings set updated_at = now() where id = $1";
        let healed = approve_behind(&fixture, &token, id, booking, &[given]).await;
        assert_eq!(healed.ok()["booking_id"], booking.to_string(), "{layout:?}");
    }
}

/// A version is that of what is read after the wait.
#[tokio::test]
async fn a_call_that_waited_compares_the_version_that_the_row_has_now() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let booking = Foreign::sold(GUEST, 330, 335).store(&fixture).await.unwrap();
        let id = fixture.open_request(demo::TENANT, GUEST, 330, 335).await;
        link(&fixture, id, booking).await;
        let read = fixture.get(&path_of(id, ""), &token).await;
        let etag = read.ok()["etag"].as_str().unwrap().to_owned();
        let rival = Rival::begin(&fixture).await;
        rival.lock("bookings", booking).await;
        let meanwhile = async {
            rival.blocks(&fixture, 1).await;
            for statement in ["update bookings set status = 'cancelled' where id = $1", FREED] {
                rival.sql.execute(statement, &[&booking]).await.unwrap();
            }
            rival.commit().await;
        };
        let body = json!({ "etag": etag });
        let (answer, ()) =
            tokio::join!(async { fixture.post(&path_of(id, "/approve"), &token, &body).await }, meanwhile);
        answer.refused(409, "ETAG_MISMATCH");
        let bookings = "select count(*) from bookings where guest_id = $1 and status = 'confirmed'";
        let guest = Uuid::from_u128(u128::from(GUEST));
        assert_eq!(fixture.count(bookings, &[&guest]).await, 0, "{layout:?}");
    }
}

/// Whoever confirms, declines or reviews by a link goes by what the link is now.
#[tokio::test]
async fn a_decision_that_waited_for_its_request_sees_what_became_of_the_booking() {
    for layout in OPEN {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let cancel = "update bookings set status = 'cancelled' where id = $1";
        // An approval that is asked for again, where a request is no booking itself.
        let mut cases = Vec::new();
        if layout == Layout::Standard {
            let id = fixture.open_request(demo::TENANT, GUEST, 300, 305).await;
            let booking = fixture.approve(&token, id).await.ok()["booking_id"].clone();
            cases.push(("/approve", id, booking));
        }
        for (from, step) in [(320, "/decline"), (340, "/review")] {
            let booking = Foreign::sold(GUEST, from, from + 3).store(&fixture).await.unwrap();
            let id = fixture.open_request(demo::TENANT, GUEST, from, from + 5).await;
            link(&fixture, id, booking).await;
            cases.push((step, id, booking.to_string().into()));
        }
        for (step, id, booking) in cases {
            let booking: Uuid = booking.as_str().unwrap().parse().unwrap();
            let rival = Rival::begin(&fixture).await;
            rival.lock(layout.requests(), id).await;
            let meanwhile = async {
                rival.blocks(&fixture, 1).await;
                rival.sql.execute(cancel, &[&booking]).await.unwrap();
                rival.commit().await;
            };
            let body = json!({"decline_reason": "x"});
            let body = if step == "/decline" { body } else { json!({}) };
            let (answer, ()) =
                tokio::join!(async { fixture.post(&path_of(id, step), &token, &body).await }, meanwhile);
            let reason = if step == "/approve" { "REQUEST_INCONSISTENT" } else { "INVALID_TRANSITION" };
            answer.refused(409, reason);
            assert_eq!(answer.body["metadata"]["inconsistency"], "booking_cancelled", "{layout:?} {step}");
        }
    }
}

/// Whoever makes a request waits for its guest before the property, or a merge, an approve
/// and the new request could wait for each other in a circle.
#[tokio::test]
async fn a_new_stay_that_waits_for_its_guest_leaves_the_property_to_others() {
    let fixture = Fixture::start().await;
    let token = fixture.manager().await;
    let rules = json!({"stay_rules": {"turnover_days": 1}});
    fixture.patch(&format!("/v1/properties/{LAKE_HOUSE}"), &token, &rules).await.ok();
    let request = json!({
        "property_id": LAKE_HOUSE, "guest_id": super::help::new_request::GUEST,
        "check_in": "2031-05-01", "check_out": "2031-05-04",
    });
    let mut booking = request.clone();
    (booking["check_in"], booking["check_out"]) = ("2031-06-01".into(), "2031-06-04".into());
    for (path, body) in [("/v1/booking-requests", request), ("/v1/bookings", booking)] {
        let rival = Rival::begin(&fixture).await;
        rival.lock("customers", super::help::new_request::GUEST.parse().unwrap()).await;
        let meanwhile = async {
            rival.blocks(&fixture, 1).await;
            let property = "select id from properties where id = $1 for update nowait";
            assert_eq!(rival.sql.query(property, &[&LAKE_HOUSE]).await.unwrap().len(), 1, "{path}");
            rival.roll_back().await;
        };
        let (made, ()) = tokio::join!(async { fixture.post(path, &token, &body).await }, meanwhile);
        made.ok();
    }
}
