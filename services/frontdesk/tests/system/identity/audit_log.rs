//! The audit log.

use frontdesk::demo;
use serde_json::json;

use crate::fixture::{Fixture, tenant_path};
use crate::pages::rows;

#[tokio::test]
async fn the_audit_log_tells_what_happened_to_those_who_may_read_it() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    fixture.try_login(demo::MANAGER, "wrong-password").await.refused(401, "LOGIN_FAILED");
    let made =
        fixture.post(&tenant_path("/api-keys"), &owner, &json!({"name": "audited"})).await.ok().clone();
    let foreign = fixture.token(demo::OTHER_OWNER).await;
    let pages = fixture.pages(&owner, &tenant_path("/audit-events?page_size=3")).await;
    let events = rows(&pages, "audit_events");
    let find = |action: &str, success: bool| {
        events
            .iter()
            .find(|event| event["action"] == action && event["success"] == success)
            .unwrap_or_else(|| panic!("{action}"))
    };
    assert_eq!(find("api_key_created", true)["subject"], made["api_key"]["id"]);
    let failed = find("login", false);
    assert_eq!(failed["address"], "127.0.0.1");
    assert!(!failed["request_id"].as_str().unwrap().is_empty());
    let text = json!(events).to_string();
    assert!(!text.contains(made["secret"].as_str().unwrap()) && !text.contains("wrong-password"), "{text}");
    let others = fixture.get("/v1/me", &foreign).await.ok()["user"]["id"].as_str().unwrap().to_owned();
    assert!(!text.contains(&others), "another tenant's events");
    fixture.get(&tenant_path("/audit-events"), &foreign).await.refused(403, "TENANT_ACCESS_DENIED");
}
