//! What the network policies of Kubernetes let out is what the settings of the roles name:
//! whoever sets one as its example has it reaches what it names.

use std::collections::{BTreeMap, BTreeSet};

use crate::{crates, settings};

const BASE: &str = "deploy/kubernetes/base/networkpolicy.yaml";
const TRACING: &str = "deploy/kubernetes/tracing/networkpolicy.yaml";

/// Settings whose addresses are names of something, or where others come from: no role calls
/// them.
const NAMED: [&str; 9] = [
    "ALLOWED_ORIGINS",
    "DIRECT_ORIGINS",
    "PASSKEY_ORIGINS",
    "PUBLIC_URL",
    "RUNBOOK_URL",
    "TLS_CLIENT_NAMES",
    "TOKEN_ISSUER",
    "TRUSTED_PROXIES",
    "GATEWAY_HOSTS",
];

/// Ports of a scheme whose address has none.
const USUAL: [(&str, u16); 5] =
    [("http", 80), ("https", 443), ("postgresql", 5432), ("smtp", 587), ("smtps", 465)];

/// A pooler's port, as README names it among several hosts.
const POOLER: u16 = 6432;

/// The ports to which each policy of a file lets calls out.
fn let_out(text: &str) -> BTreeMap<String, BTreeSet<u16>> {
    let mut found = BTreeMap::new();
    for policy in text.split("\n---\n") {
        let name = policy.lines().find_map(|line| line.strip_prefix("  name: ")).expect("a name");
        let rules = policy.split_once("\n  egress:\n").map_or("", |(_, rules)| rules);
        let ports = rules.lines().filter_map(|line| line.trim().strip_prefix("- {port: "));
        let ports = ports.map(|rest| rest.split(',').next().unwrap_or(rest).parse().expect("a port"));
        found.insert(name.to_owned(), ports.collect());
    }
    found
}

/// The ports of a text's addresses: `scheme://host`, with a port or without.
fn ports(text: &str) -> BTreeSet<u16> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("://") {
        let scheme = text[..at].rsplit(|mark: char| !mark.is_ascii_lowercase()).next().unwrap_or_default();
        let rest = text[at + "://".len()..].split(['/', '"', ' ', ',', '?']).next().unwrap_or_default();
        let host = rest.rsplit('@').next().unwrap_or(rest);
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let usual = || USUAL.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port);
        found.extend(Some(port.or_else(usual).unwrap_or_else(|| panic!("{scheme}: {text}"))));
    }
    found
}

#[test]
fn whatever_a_setting_names_as_its_example_can_be_called() {
    let base = let_out(&crates::text(BASE));
    let tracing = let_out(&crates::text(TRACING));
    let (mut cut_off, mut seen) = (Vec::new(), BTreeSet::new());
    for row in settings::table() {
        let name = row["name"].as_str().unwrap();
        // Where a role listens lets nobody out.
        if NAMED.contains(&name) || name.ends_with("_LISTEN") {
            continue;
        }
        let [example, takes] = ["example", "takes"].map(|field| row[field].as_str().unwrap());
        let mut called = ports(example);
        if name == "MAIL_SENDER" {
            called.extend(ports(takes));
        } else if example.split(',').all(|one| one.parse::<std::net::SocketAddr>().is_ok()) {
            called.extend(example.split(',').map(|one| one.parse::<std::net::SocketAddr>().unwrap().port()));
        }
        if name == "DATABASE_URL" {
            called.insert(POOLER);
        }
        for role in ["identity", "booking", "gateway", "migrate"] {
            if !row["read_by"].as_array().unwrap().iter().any(|reader| reader == role) {
                continue;
            }
            let mut allowed = base[&format!("frontdesk-{role}")].clone();
            if name.starts_with("OTEL_") {
                allowed.extend(&tracing["frontdesk-tracing"]);
            }
            for port in &called {
                seen.insert((name.to_owned(), role, *port));
                if !allowed.contains(port) {
                    cut_off.push(format!("{role}, {name}: {port}"));
                }
            }
        }
    }
    assert!(cut_off.is_empty(), "{cut_off:#?}");
    for known in [
        ("MAIL_SENDER", "identity", 465),
        ("TRUSTED_ISSUERS", "identity", 443),
        ("IDENTITY_ADDR", "booking", 50051),
    ] {
        assert!(seen.contains(&(known.0.to_owned(), known.1, known.2)), "{known:?} of {seen:?}");
    }
    assert!(seen.len() >= 16, "{seen:?}");
}

/// The component sets what its policy is for.
#[test]
fn traces_are_let_out_to_where_the_component_sends_them() {
    let component = crates::text("deploy/kubernetes/tracing/kustomization.yaml");
    let (_, endpoint) = component.split_once("- OTEL_EXPORTER_OTLP_ENDPOINT=").unwrap();
    let endpoint = endpoint.lines().next().unwrap();
    let policy = crates::text(TRACING);
    assert_eq!(ports(endpoint), let_out(&policy)["frontdesk-tracing"]);
    let (_, namespace) = policy.split_once("kubernetes.io/metadata.name: ").unwrap();
    assert!(endpoint.contains(&format!(".{}:", namespace.lines().next().unwrap())), "{endpoint}");
    for role in ["identity", "booking", "gateway"] {
        assert!(policy.contains(&format!("frontdesk-{role}")), "{role}");
    }
}

#[test]
fn ports_are_those_of_an_address_or_of_its_scheme() {
    assert_eq!(ports("postgresql://me:pw@a:6432/x?y"), [6432].into());
    assert_eq!(ports("smtp://, smtps:// or webhook:https:// with an address"), [443, 465, 587].into());
    assert_eq!(ports("[{\"jwks_url\":\"https://id.example.com/jwks.json\"}]"), [443].into());
    assert_eq!(ports("example.com and 7"), BTreeSet::new());
    let policies = "metadata:\n  name: a\nspec:\n  ingress:\n    - ports:\n        - {port: 1, protocol: TCP}\n  egress:\n    - ports:\n        - {port: 2, protocol: TCP}\n---\nmetadata:\n  name: b\n";
    let found = let_out(policies);
    assert_eq!((&found["a"], &found["b"]), (&[2].into(), &BTreeSet::new()));
}
