//! R1: the arrows between crates are those that ARCHITECTURE.md lists, no more
//! and no fewer. And one provider of cryptography.

use std::collections::BTreeSet;
use std::process::Command;

use crate::crates::{self, Crate};

/// One line a crate, as in ARCHITECTURE.md: `name -> what it uses; tests use: more`.
fn written(Crate { name, dependencies, dev_dependencies, .. }: &Crate) -> String {
    let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    let more: BTreeSet<String> = dev_dependencies.difference(dependencies).cloned().collect();
    format!("{name} -> {}; tests: {}", list(dependencies), list(&more))
}

/// The lines of the block, in any order and with any spaces.
fn listed(document: &str) -> BTreeSet<String> {
    let (_, block) = document.split_once("```arrows\n").expect("ARCHITECTURE.md has no block ```arrows");
    let (block, _) = block.split_once("\n```").unwrap();
    block
        .lines()
        .map(|line| {
            let (name, rest) = line.split_once("->").unwrap_or_else(|| panic!("no arrow in {line:?}"));
            let (normal, dev) = rest.split_once("; tests:").unwrap_or((rest, ""));
            let set = |names: &str| names.split_whitespace().map(str::to_owned).collect();
            written(&Crate {
                name: name.trim().to_owned(),
                folder: crates::root().to_owned(),
                dependencies: set(normal),
                dev_dependencies: set(dev),
            })
        })
        .collect()
}

#[test]
fn crates_depend_on_each_other_exactly_as_the_map_says() {
    let listed = listed(&crates::text("ARCHITECTURE.md"));
    let found: BTreeSet<String> = crates::all().iter().map(written).collect();
    let missing: Vec<&String> = found.difference(&listed).collect();
    let wrong: Vec<&String> = listed.difference(&found).collect();
    assert!(
        missing.is_empty() && wrong.is_empty(),
        "manifests say {missing:#?}, ARCHITECTURE.md says {wrong:#?}"
    );
}

#[test]
fn one_provider_of_cryptography_is_linked() {
    // The lock file also lists what only other targets and unused features need.
    let arguments = "tree --workspace --locked --offline --edges normal --prefix none --format {p}";
    let output =
        Command::new(env!("CARGO")).args(arguments.split(' ')).current_dir(crates::root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let linked: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    for other in ["ring", "rsa", "openssl-sys", "native-tls"] {
        assert!(!linked.contains(other), "{other} is linked");
    }
    assert!(linked.contains("aws-lc-rs") && linked.contains("tonic"), "{tree}");
}
