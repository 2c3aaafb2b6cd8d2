//! The access rules of a server's methods, by request path. How a rule is read
//! from a proto is not known here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use frontdesk_proto::{MethodContract, Refusal, Rule, StepUp, descriptors};
use http::HeaderMap;

use crate::unheeded::Unheeded;

/// The rules of a server's methods, by request path.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    by_path: HashMap<Arc<str>, Rule>,
    /// What users must have proved, of the methods that ask for it.
    step_ups: HashMap<String, StepUp>,
    /// Paths of the methods that answer with a stream.
    streams: HashSet<String>,
    /// Paths of the methods that are sent a stream: few, if any.
    sent_streams: Vec<String>,
    /// Paths of the methods that change something.
    changes: HashSet<String>,
    /// Paths of the methods that are users' alone, whoever acts for them.
    of_users_alone: HashSet<String>,
    unheeded: HashMap<String, Unheeded>,
}

impl Rules {
    /// The rules of all methods of these services. The error lists every
    /// service that is not in the descriptor set and every method whose rule is
    /// missing or grants nothing.
    pub fn of_services(services: &[&str]) -> Result<Self, String> {
        let pool = descriptors();
        let mut by_path = HashMap::new();
        let mut streams = HashSet::new();
        let mut sent_streams = Vec::new();
        let mut step_ups = HashMap::new();
        let mut unheeded = HashMap::new();
        let mut changes = HashSet::new();
        let mut of_users_alone = HashSet::new();
        let mut faults = Vec::new();
        for name in services {
            let Some(service) = pool.get_service_by_name(name) else {
                faults.push(format!("{name} is not in the descriptor set"));
                continue;
            };
            for method in service.methods() {
                let path = format!("/{name}/{}", method.name());
                match Rule::of(&method) {
                    Some(rule) => {
                        if method.is_server_streaming() {
                            streams.insert(path.clone());
                        }
                        if method.is_client_streaming() {
                            sent_streams.push(path.clone());
                        }
                        let contract = MethodContract::of(&method);
                        if contract.step_up.asks() {
                            step_ups.insert(path.clone(), contract.step_up);
                        }
                        if contract.changes {
                            changes.insert(path.clone());
                        }
                        if Rule::is_of_users_alone(&method) {
                            of_users_alone.insert(path.clone());
                        }
                        unheeded.insert(path.clone(), Unheeded::of(&contract));
                        by_path.insert(path.into(), rule);
                    }
                    None => faults.push(format!("the proto of {} names no access rule", method.full_name())),
                }
            }
        }
        if faults.is_empty() {
            Ok(Self { by_path, step_ups, streams, sent_streams, changes, of_users_alone, unheeded })
        } else {
            Err(faults.join("; "))
        }
    }

    /// The rule of a request path, `/package.Service/Method`.
    pub fn of_path(&self, path: &str) -> Option<&Rule> {
        self.by_path.get(path)
    }

    /// The rule of a request path, and the path as it is kept, for whoever has to remember it.
    pub fn named(&self, path: &str) -> Option<(&Arc<str>, &Rule)> {
        self.by_path.get_key_value(path)
    }

    /// What the user of a call must have proved.
    pub fn step_up(&self, path: &str) -> StepUp {
        self.step_ups.get(path).copied().unwrap_or_default()
    }

    /// Whether a path is a method that answers with a stream.
    pub fn streams(&self, path: &str) -> bool {
        self.streams.contains(path)
    }

    /// Whether a path is a method that is sent one message, and not a stream of them.
    pub fn takes_one_message(&self, path: &str) -> bool {
        self.sent_streams.iter().all(|streams| streams != path)
    }

    /// Whether a path is a method that changes something.
    pub fn changes(&self, path: &str) -> bool {
        self.changes.contains(path)
    }

    /// Whether a path is a method that is a user's alone.
    pub fn is_of_users_alone(&self, path: &str) -> bool {
        self.of_users_alone.contains(path)
    }

    /// Refuses a call with a condition that its method would not look at.
    pub fn check_conditions(&self, path: &str, headers: &HeaderMap) -> Result<(), Refusal> {
        self.unheeded.get(path).map_or(Ok(()), |unheeded| unheeded.check(headers))
    }

    /// Every path with its rule.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Rule)> {
        self.by_path.iter().map(|(path, rule)| (&**path, rule))
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
    fn streams_are_told_from_single_messages() {
        let rules = Rules::of_services(&["frontdesk.booking.v1.CustomerService"]).unwrap();
        assert!(!rules.takes_one_message("/frontdesk.booking.v1.CustomerService/ImportCustomers"));
        assert!(rules.takes_one_message("/frontdesk.booking.v1.CustomerService/ListCustomers"));
    }

    #[test]
    fn a_service_without_rules_is_refused_by_name() {
        let error = Rules::of_services(&["frontdesk.booking.v1.NoSuchService"]).unwrap_err();
        assert!(error.contains("NoSuchService"), "{error}");
    }
}
