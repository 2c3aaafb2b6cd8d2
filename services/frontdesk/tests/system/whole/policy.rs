//! Every RPC in the descriptor set, called by those who may not.

mod bound_tokens;

use access::{Aal, Rule, Rules, StepUp};
use frontdesk::demo;
use frontdesk_proto::{ErrorReason, MethodContract, Refusal, descriptors, reason_of};
use tonic::client::Grpc;
use tonic::metadata::MetadataMap;
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

use crate::declared::Declared;
use crate::fixture::{Fixture, channel};

/// Calls a method with an empty message; what it answers does not matter.
async fn call(service: &Declared, path: &str, metadata: &[(&'static str, &str)]) -> Result<(), Status> {
    let mut grpc = Grpc::new(service.clone());
    grpc.ready().await.unwrap();
    let mut request = Request::new(());
    let map: &mut MetadataMap = request.metadata_mut();
    for (name, value) in metadata {
        map.append(*name, value.parse().unwrap());
    }
    grpc.unary(request, path.parse().unwrap(), ProstCodec::<(), ()>::default()).await.map(drop)
}

/// Every path with its rule, and where it is served.
fn methods(fixture: &Fixture) -> Vec<(Declared, String, Rule)> {
    let all: Vec<&str> = identity::SERVICES.into_iter().chain(booking::SERVICES).collect();
    let described = descriptors().services().filter(|service| {
        service.full_name().starts_with("frontdesk.identity.")
            || service.full_name().starts_with("frontdesk.booking.")
    });
    assert_eq!(described.count(), all.len(), "a service of the descriptor set is not served");
    let rules = Rules::of_services(&all).unwrap();
    let (identity, booking) = (channel(fixture.system.identity), channel(fixture.system.booking));
    let service = |path: &str| if path.contains(".identity.") { &identity } else { &booking };
    let methods: Vec<_> =
        rules.iter().map(|(path, rule)| (service(path).clone(), path.to_owned(), rule.clone())).collect();
    assert!(methods.len() >= 13, "{}", methods.len());
    methods
}

/// What the rule of a method asks to be proved.
fn step_up(path: &str) -> StepUp {
    let all: Vec<&str> = identity::SERVICES.into_iter().chain(booking::SERVICES).collect();
    Rules::of_services(&all).unwrap().step_up(path)
}

#[track_caller]
fn assert_refused(result: Result<(), Status>, reason: ErrorReason, path: &str) {
    let status = result.expect_err(path);
    assert_eq!(reason_of(&status), Some(reason), "{path}: {status:?}");
    assert_eq!(status.code(), reason.wire().code, "{path}");
}

#[tokio::test]
async fn no_credential_and_no_valid_token_reach_nothing_but_public_methods() {
    let fixture = Fixture::start().await;
    let before = fixture.snapshot().await;
    for (service, path, rule) in methods(&fixture) {
        if rule == Rule::Public {
            continue;
        }
        assert_refused(call(&service, &path, &[]).await, ErrorReason::CredentialsMissing, &path);
        for token in ["garbage", "e30.e30.e30", "eyJhbGciOiJub25lIn0.e30."] {
            let metadata = [("authorization", &*format!("Bearer {token}"))];
            assert_refused(call(&service, &path, &metadata).await, ErrorReason::TokenInvalid, &path);
        }
        let basic = [("authorization", "Basic eDp5")];
        assert_refused(call(&service, &path, &basic).await, ErrorReason::TokenInvalid, &path);
        let key = [("x-tenant-api-key", "fdk_wrong")];
        assert_refused(call(&service, &path, &key).await, ErrorReason::ApiKeyInvalid, &path);
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_member_of_another_tenant_gets_nowhere() {
    let fixture = Fixture::start().await;
    let token = format!("Bearer {}", fixture.token(demo::OTHER_OWNER).await);
    let (tenant, nowhere) = (demo::TENANT.to_string(), uuid::Uuid::now_v7().to_string());
    let before = fixture.snapshot().await;
    for (service, path, rule) in methods(&fixture) {
        if rule == Rule::Public {
            continue;
        }
        let foreign = call(&service, &path, &[("authorization", &token), ("x-tenant-id", &tenant)]).await;
        let unknown = call(&service, &path, &[("authorization", &token), ("x-tenant-id", &nowhere)]).await;
        let texts = [&foreign, &unknown].map(|result| result.as_ref().unwrap_err().message().to_owned());
        assert_eq!(texts[0], texts[1], "{path}: the answer tells whether the tenant exists");
        assert_refused(foreign, ErrorReason::TenantAccessDenied, &path);

        let with_key = [("authorization", &*token), ("x-tenant-api-key", &*fixture.api_key)];
        assert_refused(call(&service, &path, &with_key).await, ErrorReason::TenantAccessDenied, &path);
        let key_elsewhere =
            [("x-tenant-api-key", &*fixture.api_key), ("x-tenant-id", &*demo::OTHER_TENANT.to_string())];
        assert_refused(call(&service, &path, &key_elsewhere).await, ErrorReason::ApiKeyInvalid, &path);
        let twice = [
            ("authorization", &*token),
            ("x-tenant-id", &tenant),
            ("x-tenant-id", &*demo::OTHER_TENANT.to_string()),
        ];
        assert_refused(call(&service, &path, &twice).await, ErrorReason::InvalidHeader, &path);
    }
    assert_eq!(fixture.snapshot().await, before);
}

/// Somebody who is invited is nobody in the tenant yet, and a member of a suspended one
/// nobody any more; in one that is to be deleted operators are nobody, too.
#[tokio::test]
async fn who_is_invited_and_who_is_suspended_get_nowhere() {
    let fixture = Fixture::start().await;
    let owner = fixture.token(demo::OWNER).await;
    let invite = serde_json::json!({"email": demo::OTHER_OWNER, "role": "owner", "return_token": true});
    fixture.post(&crate::fixture::tenant_path("/invitations"), &owner, &invite).await.ok();
    let invited = format!("Bearer {}", fixture.token(demo::OTHER_OWNER).await);
    let owner = format!("Bearer {owner}");
    let tenant = demo::TENANT.to_string();
    let before = fixture.snapshot().await;
    for (service, path, rule) in methods(&fixture) {
        if rule != Rule::Public {
            let named = [("authorization", &*invited), ("x-tenant-id", &*tenant)];
            assert_refused(call(&service, &path, &named).await, ErrorReason::TenantAccessDenied, &path);
        }
    }
    let operator = format!("Bearer {}", fixture.token(demo::OPERATOR).await);
    for (closes, reason) in [
        ("suspended_at = now()", ErrorReason::TenantSuspended),
        ("deleted_at = now(), purge_at = now() + interval '1 day'", ErrorReason::TenantDeleted),
    ] {
        let close = format!("update identity.tenants set {closes} where id = $1");
        fixture.execute(&close, &[&demo::TENANT]).await;
        let is_closed = async || {
            let answer = fixture.get("/v1/properties", &owner["Bearer ".len()..]).await;
            answer.status == 403 && answer.body["code"] == reason.name()
        };
        crate::waits::until_so("the tenant is closed", is_closed).await;
        for (service, path, rule) in methods(&fixture) {
            if rule == Rule::Public {
                continue;
            }
            let of_tenant =
                matches!(&rule, Rule::Scoped { scopes, .. } if !scopes[0].starts_with("platform:"));
            let named = [("authorization", &*owner), ("x-tenant-id", &*tenant)];
            assert_refused(call(&service, &path, &named).await, reason, &path);
            let key = [("x-tenant-api-key", &*fixture.api_key)];
            assert_refused(call(&service, &path, &key).await, reason, &path);
            if of_tenant {
                let inferred = [("authorization", &*owner)];
                assert_refused(call(&service, &path, &inferred).await, reason, &path);
            }
            if of_tenant && reason == ErrorReason::TenantDeleted {
                let named = [("authorization", &*operator), ("x-tenant-id", &*tenant)];
                assert_refused(call(&service, &path, &named).await, reason, &path);
            }
        }
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_caller_without_the_scope_is_told_which() {
    let fixture = Fixture::start().await;
    let viewer = format!("Bearer {}", fixture.token(demo::VIEWER).await);
    let before = fixture.snapshot().await;
    for (service, path, rule) in methods(&fixture) {
        // Anybody may call it, and one of them answers for ever.
        if rule == Rule::Public {
            continue;
        }
        let key = call(&service, &path, &[("x-tenant-api-key", &fixture.api_key)]).await;
        match rule {
            Rule::Public | Rule::AnyCredential => {}
            Rule::SignedIn => assert_refused(key, ErrorReason::SignInRequired, &path),
            Rule::Scoped { scopes, .. } => {
                assert_refused(key, ErrorReason::ScopeMissing, &path);
                if scopes.iter().any(|scope| !scope.ends_with(":view")) {
                    let status = call(&service, &path, &[("authorization", &viewer)]).await.unwrap_err();
                    assert!(status.message().contains(&scopes[0]), "{path}: {}", status.message());
                    assert_refused(Err(status), ErrorReason::ScopeMissing, &path);
                }
            }
        }
    }
    assert_eq!(fixture.snapshot().await, before);
}

/// What the operator of the demo sends with this token, who holds every scope.
async fn call_with(fixture: &Fixture, (service, path): (&Declared, &str), token: &str) -> Result<(), Status> {
    let (token, tenant) = (format!("Bearer {token}"), demo::TENANT.to_string());
    let metadata =
        [("authorization", &*token), ("x-tenant-id", &*tenant), ("x-tenant-api-key", &*fixture.api_key)];
    call(service, path, &metadata).await
}

#[tokio::test]
async fn whoever_has_proved_one_of_two_factors_gets_past_no_rule_that_asks_for_both() {
    let fixture = Fixture::start().await;
    fixture.protect(demo::OPERATOR).await;
    let token = fixture.token(demo::OPERATOR).await;
    let before = fixture.snapshot().await;
    let mut refused = 0;
    for (service, path, rule) in methods(&fixture) {
        let asks = step_up(&path).aal != Aal::Unspecified || matches!(rule, Rule::Scoped { .. });
        if asks {
            let answer = call_with(&fixture, (&service, &path), &token).await;
            assert_refused(answer, ErrorReason::StepUpRequired, &path);
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
    assert_eq!(fixture.snapshot().await, before);
}

/// An operator, who holds every scope, is asked what a tenant asks of its owners.
#[tokio::test]
async fn whoever_has_no_second_factor_gets_past_no_rule_with_a_scope_where_the_tenant_asks_for_one() {
    let fixture = Fixture::start().await;
    let token = fixture.token(demo::OPERATOR).await;
    fixture
        .execute("update identity.tenants set second_factor = 'all' where id = $1", &[&demo::TENANT])
        .await;
    let before = fixture.snapshot().await;
    let mut refused = 0;
    for (service, path, rule) in methods(&fixture) {
        if matches!(rule, Rule::Scoped { .. }) {
            let answer = call_with(&fixture, (&service, &path), &token).await;
            assert_refused(answer, ErrorReason::StepUpRequired, &path);
            refused += 1;
        }
    }
    assert!(refused > 60, "{refused}");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn whoever_has_proved_anything_an_hour_ago_gets_past_no_rule_that_asks_for_a_fresh_proof() {
    let fixture = Fixture::start().await;
    let login = fixture.login(demo::OPERATOR).await;
    let earlier = "update identity.sessions set created_at = created_at - interval '1 hour'";
    fixture.execute(earlier, &[]).await;
    let refreshed = fixture.refresh(&login["refresh"]).await.ok().clone();
    let before = fixture.snapshot().await;
    let mut refused = 0;
    for (service, path, _) in methods(&fixture) {
        if step_up(&path).fresh.is_some() {
            let answer = call_with(&fixture, (&service, &path), refreshed["access"].as_str().unwrap()).await;
            assert_refused(answer, ErrorReason::StepUpRequired, &path);
            refused += 1;
        }
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn an_operator_works_in_every_tenant_and_each_use_is_audited() {
    let fixture = Fixture::start().await;
    let token = fixture.token(demo::OPERATOR).await;
    let list = async |tenant: &str| {
        let request = fixture.request(reqwest::Method::GET, "/v1/properties").bearer_auth(&token);
        crate::fixture::Answer::of(request.header("x-tenant-id", tenant)).await
    };
    assert_eq!(list(&demo::TENANT.to_string()).await.ok()["properties"].as_array().unwrap().len(), 3);
    assert_eq!(list(&demo::OTHER_TENANT.to_string()).await.ok()["properties"].as_array().unwrap().len(), 1);
    list(&uuid::Uuid::now_v7().to_string()).await.refused(403, "TENANT_ACCESS_DENIED");
    fixture.get("/v1/properties", &token).await.refused(400, "TENANT_REQUIRED");
    let audited = "select count(*) from identity.audit_events where action = 'operator_access' \
        and request_id <> '' and method = 'frontdesk.booking.v1.PropertyService/ListProperties' \
        and tenant_id = $1 and address <> ''";
    for tenant in [demo::TENANT, demo::OTHER_TENANT] {
        assert_eq!(fixture.count(audited, &[&tenant]).await, 1);
    }
}

/// Before, an operator who was a member, in whatever role, left no trace.
#[tokio::test]
async fn an_operator_with_a_role_leaves_a_trace_of_each_call_that_the_role_does_not_allow() {
    let fixture = Fixture::start().await;
    let token = fixture.token(demo::OPERATOR).await;
    let join = "insert into identity.memberships (tenant_id, user_id, role, created_at) \
        select $1, id, 'agent', now() from identity.users where email = $2";
    fixture.execute(join, &[&demo::TENANT, &demo::OPERATOR]).await;
    let call = async |method: reqwest::Method, path: &str, body: serde_json::Value| {
        let request = fixture.request(method, path).bearer_auth(&token);
        let request = if body.is_null() { request } else { request.json(&body) };
        crate::fixture::Answer::of(request.header("x-tenant-id", demo::TENANT.to_string())).await
    };
    let nothing = || serde_json::Value::Null;
    let audit = crate::fixture::tenant_path("/audit-events");
    let role = serde_json::json!({"name": "night", "scopes": ["bookings:view"]});
    // An agent may do these.
    call(reqwest::Method::GET, "/v1/properties", nothing()).await.ok();
    call(reqwest::Method::GET, "/v1/me", nothing()).await.ok();
    // And these not, each time.
    call(reqwest::Method::POST, &crate::fixture::tenant_path("/roles"), role).await.ok();
    for _ in 0..2 {
        call(reqwest::Method::GET, &crate::fixture::tenant_path("/api-keys"), nothing()).await.ok();
    }
    let events = call(reqwest::Method::GET, &audit, nothing()).await;
    let events = events.ok()["audit_events"].as_array().unwrap();
    let of = events.iter().filter(|event| event["action"] == "operator_access");
    let methods: Vec<&str> = of.map(|event| event["method"].as_str().unwrap()).collect();
    let [list, create] = ["ApiKeyService/ListApiKeys", "TenantService/CreateRole"]
        .map(|name| format!("frontdesk.identity.v1.{name}"));
    assert_eq!(methods, [&*list, &*list, &*create], "newest first: {events:?}");
}

#[tokio::test]
async fn a_method_that_does_not_exist_is_refused_before_anything_else() {
    let fixture = Fixture::start().await;
    for path in
        ["/frontdesk.booking.v1.BookingRequestService/Nothing", "/frontdesk.identity.v1.AuthService/login"]
    {
        let addr = if path.contains("identity") { fixture.system.identity } else { fixture.system.booking };
        assert!(call(&channel(addr), path, &[]).await.is_err(), "{path}");
    }
    // At the port of the wrong part.
    let path = "/frontdesk.identity.v1.AuthService/login";
    let refused =
        Refusal::from_status(&call(&channel(fixture.system.booking), path, &[]).await.unwrap_err()).unwrap();
    assert_eq!(refused.reason(), ErrorReason::RouteNotFound);
    assert!(refused.message().contains(booking::SERVICES[0]), "{refused:?}");
}

#[tokio::test]
async fn a_change_refuses_the_conditions_that_it_does_not_look_at() {
    let fixture = Fixture::start().await;
    let token = format!("Bearer {}", fixture.protect(demo::OPERATOR).await.token());
    let tenant = demo::TENANT.to_string();
    let contract = |path: &str| {
        let (service, name) = path.trim_start_matches('/').split_once('/').unwrap();
        let service = descriptors().get_service_by_name(service).unwrap();
        MethodContract::of(&service.methods().find(|method| method.name() == name).unwrap())
    };
    let before = fixture.snapshot().await;
    for (header, value) in [("idempotency-key", "once"), ("if-match", "\"never\""), ("if-match", "*")] {
        let mut refused = 0;
        for (service, path, _) in methods(&fixture) {
            let MethodContract { changes, idempotency_key, if_match, .. } = contract(&path);
            if !changes {
                continue;
            }
            let metadata = [
                ("authorization", &*token),
                ("x-tenant-id", &tenant),
                ("x-tenant-api-key", &fixture.api_key),
                (header, value),
            ];
            let answer = call(&service, &path, &metadata).await;
            let takes = if header == "if-match" { if_match } else { idempotency_key };
            if !takes {
                let named = Refusal::from_status(answer.as_ref().expect_err(&path)).unwrap();
                assert!(named.metadata().any(|one| one == ("header", header)), "{path}: {named:?}");
                assert_refused(answer, ErrorReason::InvalidHeader, &path);
                refused += 1;
            } else if let Err(status) = answer {
                assert_ne!(reason_of(&status), Some(ErrorReason::InvalidHeader), "{path}: {status:?}");
            }
        }
        assert!(refused > 10, "{header}: {refused}");
    }
    assert_eq!(fixture.snapshot().await, before);
}
