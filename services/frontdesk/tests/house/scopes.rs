//! R7: the scopes that access rules ask for are those that roles can grant.

use std::collections::BTreeSet;

use frontdesk_proto::{Rule, descriptors};

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
