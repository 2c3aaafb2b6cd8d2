//! Who may call a method: the access rule in its proto, read once for whoever
//! needs it (the access layer, the OpenAPI document, the tests). Who a caller is
//! and whether it satisfies a rule is `services/access`' business.

use prost_reflect::{MethodDescriptor, Value};

use crate::access::v1::{AccessRule, ApiKeyRequirement, access_rule};

/// Who may call one method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Anybody.
    Public,
    /// A user token or an API key.
    AnyCredential,
    /// A user token.
    SignedIn,
    /// All of these scopes, and an API key of the tenant if required.
    Scoped {
        /// Sorted as in the proto; never empty.
        scopes: Vec<String>,
        /// Whether an API key must come along.
        api_key_required: bool,
    },
}

impl Rule {
    /// The rule of a method; `None` when its proto has none, or one that grants
    /// nothing.
    pub fn of(method: &MethodDescriptor) -> Option<Self> {
        let extension = method.parent_pool().get_extension_by_name("frontdesk.access.v1.access")?;
        match &*method.options().get_extension(&extension) {
            Value::Message(message) => message.transcode_to().ok().and_then(Self::read),
            _ => None,
        }
    }

    /// Whether the method works on one tenant's data.
    pub fn needs_tenant(&self) -> bool {
        self.scopes().iter().any(|scope| !scope.starts_with("platform:"))
    }

    /// The scopes that a caller must hold.
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::Scoped { scopes, .. } => scopes,
            Self::Public | Self::AnyCredential | Self::SignedIn => &[],
        }
    }

    fn read(rule: AccessRule) -> Option<Self> {
        match rule.rule? {
            access_rule::Rule::Public(_) => Some(Self::Public),
            access_rule::Rule::AnyCredential(_) => Some(Self::AnyCredential),
            access_rule::Rule::SignedIn(_) => Some(Self::SignedIn),
            access_rule::Rule::Scoped(scoped) => {
                let api_key_required = scoped.api_key() == ApiKeyRequirement::Required;
                // Without scopes it would let anybody in.
                let named = !scoped.scopes.is_empty() && scoped.scopes.iter().all(|scope| !scope.is_empty());
                named.then_some(Self::Scoped { scopes: scoped.scopes, api_key_required })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::v1::Scoped;
    use crate::descriptors;

    #[test]
    fn every_method_has_a_rule() {
        let mut methods = 0;
        for service in descriptors().services() {
            for method in service.methods() {
                assert!(Rule::of(&method).is_some(), "{} has no access rule", method.full_name());
                methods += 1;
            }
        }
        assert!(methods > 50, "{methods}");
        let customers = descriptors().get_service_by_name("frontdesk.booking.v1.CustomerService").unwrap();
        let list = customers.methods().find(|method| method.name() == "ListCustomers").unwrap();
        let scopes = vec!["conversations:view".to_owned()];
        assert_eq!(Rule::of(&list), Some(Rule::Scoped { scopes, api_key_required: true }));
    }

    #[test]
    fn a_rule_that_grants_nothing_is_none() {
        assert_eq!(Rule::read(AccessRule { rule: None }), None);
        for scopes in [vec![], vec![String::new()]] {
            let scoped = access_rule::Rule::Scoped(Scoped { scopes, ..Default::default() });
            assert_eq!(Rule::read(AccessRule { rule: Some(scoped) }), None);
        }
    }
}
