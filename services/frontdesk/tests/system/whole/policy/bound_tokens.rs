//! Every RPC, called by tokens that stand for less than a session of a user.

use access::{Aal, Rule};
use frontdesk::demo;
use frontdesk_proto::{ErrorReason, MethodContract, descriptors};
use prost_reflect::MethodDescriptor;

use super::{assert_refused, call, methods};
use crate::fixture::Fixture;
use crate::identity::client_tokens::client;
use crate::identity::delegation::delegated;
use crate::identity::view_as::view;

fn method(path: &str) -> MethodDescriptor {
    let (service, name) = path.trim_start_matches('/').split_once('/').unwrap();
    let service = descriptors().get_service_by_name(service).unwrap();
    service.methods().find(|method| method.name() == name).unwrap()
}

fn contract(path: &str) -> MethodContract {
    MethodContract::of(&method(path))
}

/// Whether a call lasts until its caller ends it, and says that it changes nothing.
fn is_only_read(path: &str) -> bool {
    method(path).is_server_streaming() && !contract(path).changes
}

/// Whether a method is a user's alone, whoever acts for the user.
fn of_users_alone(path: &str, rule: &Rule) -> bool {
    *rule == Rule::SignedIn && !path.ends_with("/GetMe") || contract(path).step_up.aal == Aal::Aal2
}

#[tokio::test]
async fn an_operator_who_sees_what_an_owner_sees_changes_nothing_in_any_method() {
    let fixture = Fixture::start().await;
    let (_, _, seen) = view(&fixture, demo::OWNER).await;
    let (token, tenant) = (format!("Bearer {seen}"), demo::TENANT.to_string());
    let before = fixture.snapshot().await;
    let everything = "select count(*) from identity.audit_events";
    let audited = fixture.count(everything, &[]).await;
    let (mut refused, mut read) = (0, 0);
    for (service, path, rule) in methods(&fixture) {
        let metadata = [("authorization", &*token), ("x-tenant-id", &*tenant)];
        if rule == Rule::Public || is_only_read(&path) {
            continue;
        }
        if !(contract(&path).changes || of_users_alone(&path, &rule)) {
            // Whatever it answers to an empty request, it is said to change nothing.
            let _ = call(&service, &path, &metadata).await;
            read += 1;
            continue;
        }
        assert_refused(call(&service, &path, &metadata).await, ErrorReason::ViewOnly, &path);
        let with_key = [metadata[0], ("x-tenant-api-key", &*fixture.api_key)];
        assert_refused(call(&service, &path, &with_key).await, ErrorReason::ViewOnly, &path);
        refused += 1;
    }
    assert!(refused > 30 && read > 20, "{refused} {read}");
    assert_eq!(fixture.snapshot().await, before);
    assert_eq!(fixture.count(everything, &[]).await, audited);
}

#[tokio::test]
async fn a_machine_gets_nowhere_without_its_scopes_in_another_tenant_or_as_a_user() {
    let fixture = Fixture::start().await;
    let client = client(&fixture, &["audit:view"], &[]).await;
    let token = format!("Bearer {}", client.token(&fixture, "").await);
    let other = demo::OTHER_TENANT.to_string();
    let before = fixture.snapshot().await;
    for (service, path, rule) in methods(&fixture) {
        if rule == Rule::Public {
            continue;
        }
        let elsewhere = [("authorization", &*token), ("x-tenant-id", &*other)];
        assert_refused(call(&service, &path, &elsewhere).await, ErrorReason::TenantAccessDenied, &path);
        let own = call(&service, &path, &[("authorization", &token)]).await;
        match rule {
            Rule::Public | Rule::AnyCredential => {}
            Rule::SignedIn => assert_refused(own, ErrorReason::SignInRequired, &path),
            Rule::Scoped { scopes, .. } if scopes == ["audit:view"] => {}
            Rule::Scoped { .. } => assert_refused(own, ErrorReason::ScopeMissing, &path),
        }
    }
    assert_eq!(fixture.snapshot().await, before);
}

#[tokio::test]
async fn a_client_that_acts_for_a_user_changes_no_account_and_has_no_scope_that_it_lacks_itself() {
    let fixture = Fixture::start().await;
    let client = client(&fixture, &["audit:view"], &[]).await;
    let owner = fixture.token(demo::OWNER).await;
    let token = delegated(&fixture, &client, &owner).await;
    let token = [("authorization", &*format!("Bearer {token}"))];
    let before = fixture.snapshot().await;
    for (service, path, rule) in methods(&fixture) {
        match rule {
            _ if of_users_alone(&path, &rule) => {
                assert_refused(call(&service, &path, &token).await, ErrorReason::NotByDelegation, &path);
            }
            Rule::Scoped { scopes, .. } if scopes != ["audit:view"] => {
                assert_refused(call(&service, &path, &token).await, ErrorReason::ScopeMissing, &path);
            }
            _ => {}
        }
    }
    assert_eq!(fixture.snapshot().await, before);
}
