//! The access rules, read from the descriptor set.

use std::collections::{HashMap, HashSet};

use frontdesk_proto::access::v1::{AccessRule, ApiKeyRequirement, access_rule};
use frontdesk_proto::descriptors;
use prost_reflect::Value;

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
    /// Whether the method works on one tenant's data.
    pub fn needs_tenant(&self) -> bool {
        matches!(self, Self::Scoped { scopes, .. } if scopes.iter().any(|scope| !scope.starts_with("platform:")))
    }
}

/// The rules of a server's methods, by request path.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    by_path: HashMap<String, Rule>,
    /// Paths of the methods that answer with a stream.
    streams: HashSet<String>,
}

impl Rules {
    /// The rules of all methods of these services. The error lists every
    /// service that is not in the descriptor set and every method whose rule is
    /// missing or grants nothing.
    pub fn of_services(services: &[&str]) -> Result<Self, String> {
        let pool = descriptors();
        let Some(extension) = pool.get_extension_by_name("frontdesk.access.v1.access") else {
            return Err("the descriptor set lacks frontdesk.access.v1.access".to_owned());
        };
        let mut by_path = HashMap::new();
        let mut streams = HashSet::new();
        let mut faults = Vec::new();
        for name in services {
            let Some(service) = pool.get_service_by_name(name) else {
                faults.push(format!("{name} is not in the descriptor set"));
                continue;
            };
            for method in service.methods() {
                let options = method.options();
                let rule = match &*options.get_extension(&extension) {
                    Value::Message(message) => message.transcode_to().ok().and_then(read),
                    _ => None,
                };
                match rule {
                    Some(rule) => {
                        if method.is_server_streaming() {
                            streams.insert(format!("/{name}/{}", method.name()));
                        }
                        by_path.insert(format!("/{name}/{}", method.name()), rule);
                    }
                    None => faults.push(format!("{} has no access rule in its proto", method.full_name())),
                }
            }
        }
        if faults.is_empty() { Ok(Self { by_path, streams }) } else { Err(faults.join("; ")) }
    }

    /// The rule of a request path, `/package.Service/Method`.
    pub fn of_path(&self, path: &str) -> Option<&Rule> {
        self.by_path.get(path)
    }

    /// Whether a path is a method that answers with a stream.
    pub fn streams(&self, path: &str) -> bool {
        self.streams.contains(path)
    }

    /// Every path with its rule.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.by_path.iter().map(|(path, rule)| (path.as_str(), rule))
    }
}

fn read(rule: AccessRule) -> Option<Rule> {
    match rule.rule? {
        access_rule::Rule::Public(_) => Some(Rule::Public),
        access_rule::Rule::AnyCredential(_) => Some(Rule::AnyCredential),
        access_rule::Rule::SignedIn(_) => Some(Rule::SignedIn),
        access_rule::Rule::Scoped(scoped) => {
            let api_key_required = scoped.api_key() == ApiKeyRequirement::Required;
            let named = !scoped.scopes.is_empty() && scoped.scopes.iter().all(|scope| !scope.is_empty());
            named.then_some(Rule::Scoped { scopes: scoped.scopes, api_key_required })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_method_of_every_package_has_a_rule() {
        let services: Vec<String> = descriptors()
            .services()
            .map(|service| service.full_name().to_owned())
            .filter(|name| name.starts_with("frontdesk."))
            .collect();
        let names: Vec<&str> = services.iter().map(String::as_str).collect();
        let rules = Rules::of_services(&names).unwrap();
        assert_eq!(
            rules.of_path("/frontdesk.booking.v1.CustomerService/ListCustomers"),
            Some(&Rule::Scoped { scopes: vec!["conversations:view".to_owned()], api_key_required: true })
        );
    }

    #[test]
    fn a_service_without_rules_is_refused_by_name() {
        let error = Rules::of_services(&["frontdesk.booking.v1.NoSuchService"]).unwrap_err();
        assert!(error.contains("NoSuchService"), "{error}");
        assert_eq!(read(AccessRule { rule: None }), None);
        let nothing = access_rule::Rule::Scoped(frontdesk_proto::access::v1::Scoped::default());
        assert_eq!(
            read(AccessRule { rule: Some(nothing) }),
            None,
            "a scoped rule without scopes would let anybody in"
        );
    }
}
