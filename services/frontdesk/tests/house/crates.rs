//! The crates of the workspace, from their manifests, and the documents that the
//! rules compare them with.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A crate of ours.
pub struct Crate {
    pub name: String,
    pub folder: PathBuf,
    /// Crates of ours that its manifest names, under dependencies and under
    /// dev-dependencies.
    pub dependencies: BTreeSet<String>,
    pub dev_dependencies: BTreeSet<String>,
}

/// The top of the repository.
pub fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// A file of the repository.
pub fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every member of the workspace.
pub fn all() -> Vec<Crate> {
    let workspace = text("Cargo.toml");
    let (_, members) = workspace.split_once("members = [").unwrap();
    let (members, _) = members.split_once(']').unwrap();
    let folders: Vec<&str> = members
        .split(',')
        .map(|member| member.trim().trim_matches('"'))
        .filter(|member| !member.is_empty())
        .collect();
    let manifests: Vec<(&str, String)> =
        folders.iter().map(|folder| (*folder, text(&format!("{folder}/Cargo.toml")))).collect();
    let names: BTreeSet<String> = manifests.iter().map(|(_, manifest)| package_name(manifest)).collect();
    manifests
        .iter()
        .map(|(folder, manifest)| {
            let section = |title: &str| -> BTreeSet<String> {
                keys(manifest, title).into_iter().filter(|key| names.contains(key)).collect()
            };
            let mut dependencies = section("dependencies");
            dependencies.extend(section("build-dependencies"));
            Crate {
                name: package_name(manifest),
                folder: root().join(folder),
                dependencies,
                dev_dependencies: section("dev-dependencies"),
            }
        })
        .collect()
}

fn package_name(manifest: &str) -> String {
    let (_, name) = manifest.split_once("name = \"").unwrap();
    name.split_once('"').unwrap().0.to_owned()
}

/// The keys of a table of a manifest, for every target or for one; all other tables are
/// left alone.
fn keys(manifest: &str, title: &str) -> Vec<String> {
    let mut table = "";
    let mut found = Vec::new();
    // `other = { package = "name" }` depends on `name`.
    let package = |line: &str| {
        let (_, name) = line.split_once("package = \"")?;
        name.split('"').next().map(str::to_owned)
    };
    for line in manifest.lines() {
        if let Some(opened) = line.strip_prefix('[') {
            table = opened.trim_end_matches(']');
            let of_target = table.find(&format!(".{title}")).filter(|_| table.starts_with("target."));
            table = of_target.map_or(table, |at| &table[at + 1..]);
            // `[dependencies.name]`
            found
                .extend(table.strip_prefix(title).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned));
        } else if table == title && !line.starts_with([' ', '#']) {
            let key = line.split(['.', ' ', '=']).next().filter(|key| !key.is_empty());
            found.extend(package(line).or_else(|| key.map(str::to_owned)));
        } else if table.strip_prefix(title).is_some_and(|rest| rest.starts_with('.')) {
            found.extend(package(line));
        }
    }
    found
}

#[test]
fn a_manifest_is_read_by_its_tables() {
    let manifest = "[package]\nname = \"x\"\n[dependencies]\na.workspace = true\nb = { path = \"..\" }\n# c = 1\n\
        [dev-dependencies]\nd = \"1\"\n[target.'cfg(unix)'.dependencies]\nf = \"1\"\n[dependencies.e]\nversion = \"1\"\n\
        package = \"g\"\n[dependencies]\nh = { package = \"i\", version = \"1\" }\n";
    assert_eq!(keys(manifest, "dependencies"), ["a", "b", "f", "e", "g", "i"]);
    assert_eq!(keys(manifest, "dev-dependencies"), ["d"]);
    assert_eq!(package_name(manifest), "x");
}
