//! Roles that a tenant defines, and those that are built in.

use frontdesk::demo;
use serde_json::{Value as Json, json};

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

/// Before, who managed members no more still had invitations open.
#[tokio::test]
async fn what_members_offered_ends_when_their_role_grants_less() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (roles, invitations) = (tenant_path("/roles"), tenant_path("/invitations"));
    let desk = json!({"name": "front-desk", "scopes": ["bookings:view", "members:manage", "members:view"]});
    fixture.post(&roles, &owner, &desk).await.ok();
    fixture.post(&roles, &owner, &json!({"name": "guide", "scopes": ["bookings:view"]})).await.ok();
    let member = tenant_path(&format!("/members/{}", fixture.user_id(demo::VIEWER).await));
    fixture.patch(&member, &owner, &json!({"role": "front-desk"})).await.ok();
    let viewer = fixture.token(demo::VIEWER).await;
    for (by, email) in [(&viewer, "by-viewer@x.example"), (&owner, "by-owner@x.example")] {
        let body = json!({"email": email, "role": "guide", "return_token": true});
        fixture.post(&invitations, by, &body).await.ok();
    }
    let open = async || {
        let listed = fixture.get(&invitations, &owner).await.ok()["invitations"].as_array().unwrap().clone();
        let mut emails: Vec<String> =
            listed.iter().map(|one| one["email"].as_str().unwrap().to_owned()).collect();
        emails.sort();
        emails
    };
    let desk = tenant_path("/roles/front-desk");
    let more = json!({"scopes": ["bookings:view", "customers:view", "members:manage", "members:view"]});
    fixture.patch(&desk, &owner, &more).await.ok();
    assert_eq!(open().await, ["by-owner@x.example", "by-viewer@x.example"]);
    let less = json!({"scopes": ["bookings:view", "customers:view", "members:view"]});
    fixture.patch(&desk, &owner, &less).await.ok();
    assert_eq!(open().await, ["by-owner@x.example"]);
}

/// Before, whoever had been invited to a role that was deleted got what a new one of its name
/// grants, and one that was invited to little all that was given to the role since.
#[tokio::test]
async fn what_was_offered_is_the_role_as_it_was() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let (roles, invitations) = (tenant_path("/roles"), tenant_path("/invitations"));
    for name in ["deleted", "widened", "narrowed"] {
        let role = json!({"name": name, "scopes": ["bookings:view", "members:view"]});
        fixture.post(&roles, &owner, &role).await.ok();
    }
    let invite = async |role: &str| {
        let body = json!({"email": demo::OTHER_OWNER, "role": role, "return_token": true});
        fixture.post(&invitations, &owner, &body).await.ok()["token"].clone()
    };
    let other = fixture.token(demo::OTHER_OWNER).await;
    let accept =
        async |token: &Json| fixture.post("/v1/invitations/accept", &other, &json!({"token": token})).await;
    let token = invite("deleted").await;
    let deleted = tenant_path("/roles/deleted");
    fixture.delete(&deleted, &owner).await.ok();
    assert_eq!(fixture.get(&invitations, &owner).await.ok()["invitations"], json!([]));
    fixture.post(&roles, &owner, &json!({"name": "deleted", "scopes": ["tenant:manage"]})).await.ok();
    accept(&token).await.refused(404, "LINK_INVALID");

    let token = invite("widened").await;
    let more = json!({"scopes": ["bookings:view", "members:view", "tenant:manage"]});
    fixture.patch(&tenant_path("/roles/widened"), &owner, &more).await.ok();
    accept(&token).await.refused(404, "LINK_INVALID");

    // Of less nobody was offered too little.
    let token = invite("narrowed").await;
    fixture.patch(&tenant_path("/roles/narrowed"), &owner, &json!({"scopes": ["bookings:view"]})).await.ok();
    accept(&token).await.ok();
}

#[tokio::test]
async fn a_tenant_has_so_many_roles_and_live_keys_and_no_more() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let roles = "insert into identity.roles (tenant_id, name, scopes, created_at) \
        select $1, 'role-' || n, array['bookings:view'], now() from generate_series(1, 99) n";
    fixture.execute(roles, &[&demo::TENANT]).await;
    let keys = "insert into identity.tenant_api_keys (tenant_id, id, name, secret_hash, created_at, revoked_at) \
        select $1, gen_random_uuid(), 'key', sha256('key'), now(), case when n > 198 then now() end \
        from generate_series(1, 250) n";
    fixture.execute(keys, &[&demo::TENANT]).await;
    // With the key of the fixture these are as many as there may be.
    let [role, another] = ["last", "more"].map(|name| json!({"name": name, "scopes": ["bookings:view"]}));
    for path in [tenant_path("/roles"), tenant_path("/api-keys")] {
        fixture.post(&path, &owner, &role).await.ok();
        let refused = fixture.post(&path, &owner, &another).await;
        let limit = if path.ends_with("roles") { "100" } else { "200" };
        assert_eq!(refused.refused(409, "QUOTA_REACHED").body["metadata"]["limit"], limit);
    }
    fixture.delete(&tenant_path("/roles/last"), &owner).await.ok();
    fixture.post(&tenant_path("/roles"), &owner, &another).await.ok();
}
