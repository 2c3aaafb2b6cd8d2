//! Roles that a tenant defines, and those that are built in.

use frontdesk::demo;
use serde_json::json;

use crate::fixture::{Fixture, tenant_path};

#[tokio::test]
async fn a_role_has_a_name_of_its_own_and_scopes_of_tenants_only() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let roles = tenant_path("/roles");
    let role = json!({"name": "front-desk", "scopes": ["bookings:view"]});
    fixture.post(&roles, &owner, &role).await.ok();
    fixture.post(&roles, &owner, &role).await.refused(409, "ALREADY_EXISTS");
    let built_in = json!({"name": "owner", "scopes": ["bookings:view"]});
    fixture.post(&roles, &owner, &built_in).await.refused(409, "ALREADY_EXISTS");
    let platform = json!({"name": "x", "scopes": ["platform:operate"]});
    fixture.post(&roles, &owner, &platform).await.refused(400, "INVALID_FIELD");
}

#[tokio::test]
async fn a_role_in_use_stays_and_a_built_in_one_does_not_change() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let role = json!({"name": "front-desk", "scopes": ["bookings:view"]});
    fixture.post(&tenant_path("/roles"), &owner, &role).await.ok();
    let viewer = tenant_path(&format!("/members/{}", fixture.user_id(demo::VIEWER).await));
    fixture.patch(&viewer, &owner, &json!({"role": "front-desk"})).await.ok();
    fixture.delete(&tenant_path("/roles/front-desk"), &owner).await.refused(409, "ROLE_IN_USE");
    let less = json!({"scopes": ["members:view"]});
    fixture.patch(&tenant_path("/roles/viewer"), &owner, &less).await.refused(409, "ROLE_IN_USE");
}
