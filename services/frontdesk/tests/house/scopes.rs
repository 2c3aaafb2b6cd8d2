//! R7: the scopes that access rules ask for are those that roles can grant.

use std::collections::BTreeSet;

use frontdesk_proto::{MethodContract, Rule, StepUp, descriptors};

#[test]
fn scopes_of_access_rules_are_those_of_roles() {
    let mut asked = BTreeSet::new();
    for method in descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        if let Some(Rule::Scoped { scopes, .. }) = Rule::of(&method) {
            asked.extend(scopes);
        }
    }
    for reserved in identity::RESERVED_SCOPES.map(str::to_owned) {
        assert!(asked.insert(reserved.clone()), "{reserved} is asked for, so it is reserved no longer");
    }
    let granted: Vec<&str> = identity::TENANT_SCOPES.into_iter().chain(identity::PLATFORM_SCOPES).collect();
    let granted: BTreeSet<String> = granted.into_iter().map(str::to_owned).collect();
    assert_eq!(asked, granted, "on the left what rules ask for, on the right what roles and users can hold");
    assert!(asked.len() > 12, "{asked:?}");
}

/// What changes something of a user, a member, a role, a key or a tenant, and asks for no fresh
/// proof all the same: it takes nothing that cannot be given again, and gives nobody anything.
const WITHOUT_A_PROOF: [&str; 5] =
    ["RenameTenant", "RevokeApiKey", "RevokeInvitation", "UnlockUser", "UpdateUser"];

#[test]
fn changes_of_who_may_do_what_ask_for_a_fresh_proof_or_say_why_not() {
    let identity = descriptors().services().filter(|one| one.full_name().starts_with("frontdesk.identity."));
    let methods = identity.flat_map(|service| service.methods().collect::<Vec<_>>());
    let changes = methods.filter(|method| MethodContract::of(method).changes);
    let by_right = changes.filter(|method| matches!(Rule::of(method), Some(Rule::Scoped { .. })));
    let without = by_right.filter(|method| StepUp::of(method).fresh.is_none());
    let without: BTreeSet<String> = without.map(|method| method.name().to_owned()).collect();
    assert_eq!(without, WITHOUT_A_PROOF.map(str::to_owned).into());
}
