//! `Idempotency-Key`: the same call repeats the stored answer.

use frontdesk::demo;
use serde_json::{Value as Json, json};

use super::new_request::{GUEST, new_request};
use crate::fixture::{Fixture, Layout, case, path_of};

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
