//! Decisions under a condition: `etag` and `If-Match`.

use serde_json::json;

use crate::fixture::{Fixture, Layout, case, path_of};

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
