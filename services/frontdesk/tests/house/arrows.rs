//! Which crate may know which: a missing arrow is a rule, read from manifests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Crates of ours with those that they may depend on.
const ARROWS: [(&str, &str, &[&str]); 11] = [
    ("proto", "frontdesk-proto", &[]),
    ("services/boot", "boot", &["frontdesk-proto"]),
    ("services/upstream", "upstream", &[]),
    ("services/access", "access", &["frontdesk-proto", "upstream"]),
    ("services/pg", "pg", &["frontdesk-proto"]),
    ("services/devdb", "devdb", &["pg"]),
    ("services/identity", "identity", &["frontdesk-proto", "boot", "access", "pg"]),
    ("services/booking", "booking", &["frontdesk-proto", "boot", "access", "pg"]),
    ("gateway/transcode", "transcode", &[]),
    ("gateway", "gateway", &["frontdesk-proto", "boot", "transcode", "upstream"]),
    (
        "services/frontdesk",
        "frontdesk",
        &["frontdesk-proto", "boot", "access", "pg", "devdb", "upstream", "identity", "booking", "gateway"],
    ),
];

/// What a `domain` module must not know.
const FOREIGN_TO_DOMAINS: [&str; 5] = ["tonic", "tokio", "tokio_postgres", "pg::", "Timestamp::now"];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

#[test]
fn crates_depend_on_each_other_only_as_the_map_says() {
    let names: BTreeSet<&str> = ARROWS.iter().map(|(_, name, _)| *name).collect();
    for (folder, name, allowed) in ARROWS {
        let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{folder}");
        let (_, dependencies) = manifest.split_once("[dependencies]").unwrap();
        let (dependencies, _) = dependencies.split_once("[dev-dependencies]").unwrap_or((dependencies, ""));
        for line in dependencies.lines() {
            let Some(dependency) =
                line.split(['.', ' ', '=']).next().filter(|dependency| names.contains(dependency))
            else {
                continue;
            };
            assert!(allowed.contains(&dependency), "{name} must not depend on {dependency}");
        }
    }
}

#[test]
fn domains_know_no_database_no_wire_and_no_clock() {
    let mut read = 0;
    for service in ["identity", "booking"] {
        let source = root().join("services").join(service).join("src");
        let mut files = vec![source.join("domain.rs")];
        let mut folders = vec![source.join("domain")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            for foreign in FOREIGN_TO_DOMAINS {
                let used =
                    text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(foreign));
                assert!(!used, "{} uses {foreign}", file.display());
            }
            read += 1;
        }
    }
    assert!(read >= 7, "{read}");
}

#[test]
fn one_provider_of_cryptography_is_linked() {
    // The lock file also lists what only other targets and unused features need.
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--workspace",
            "--locked",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(output.stdout).unwrap();
    let linked: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    for other in ["ring", "rsa", "openssl-sys", "native-tls"] {
        assert!(!linked.contains(other), "{other} is linked");
    }
    assert!(linked.contains("aws-lc-rs") && linked.contains("tonic"), "{tree}");
}
