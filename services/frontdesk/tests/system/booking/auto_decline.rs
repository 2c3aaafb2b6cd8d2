//! Declining the requests that lost their dates to an approval.

use frontdesk::demo;
use serde_json::json;

use crate::fixture::{Fixture, Layout, path_of};

#[tokio::test]
async fn competing_requests_are_declined_only_where_the_tenant_wants_it() {
    for layout in [Layout::Standard, Layout::ConfirmedOnly] {
        let fixture = Fixture::start_in(layout).await;
        let token = fixture.manager().await;
        let stored =
            async |guest: u32, from: i32, to: i32| fixture.open_request(demo::TENANT, guest, from, to).await;
        let (plain, plain_rival) = (stored(11, 400, 405).await, stored(12, 404, 408).await);
        fixture.approve(&token, plain).await.ok();
        assert_eq!(fixture.get(&path_of(plain_rival, ""), &token).await.ok()["status"], "requested");

        let settings = fixture.patch("/v1/booking-settings", &token, &json!({"auto_decline": true})).await;
        assert_eq!(settings.ok()["auto_decline"], true);
        let winner = stored(11, 500, 505).await;
        let (rival, same_guest, next_door) =
            (stored(12, 504, 508).await, stored(11, 503, 506).await, stored(13, 505, 507).await);
        fixture.approve(&token, winner).await.ok();
        let read = fixture.get(&path_of(rival, ""), &token).await;
        assert_eq!(
            (&read.ok()["status"], &read.body["decline_reason"]),
            (&json!("declined"), &json!("dates_taken")),
            "{layout:?}"
        );
        assert_eq!(read.body["decline_reason_code"], "dates_unavailable", "{layout:?}");
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
        fixture.approve(&token, loser).await.refused(409, "BOOKING_OVERLAP");
        assert_eq!(
            fixture.get(&path_of(bystander, ""), &token).await.ok()["status"],
            "requested",
            "{layout:?}"
        );
    }
}
