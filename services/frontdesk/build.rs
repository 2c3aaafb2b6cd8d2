//! Tells the program which commit it is built of: `SOURCE_COMMIT` of the environment,
//! or what the checkout says, whose files are read without git. A development build is
//! of no commit, or it would be built anew after each one.

#![expect(clippy::disallowed_methods, reason = "a build script has no settings")]

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_COMMIT");
    let commit = match env::var("SOURCE_COMMIT") {
        Ok(given) if !given.trim().is_empty() => given.trim().to_owned(),
        _ if env::var("PROFILE").is_ok_and(|profile| profile == "release") => {
            checked_out().unwrap_or_else(|| "unknown commit".to_owned())
        }
        _ => "development build".to_owned(),
    };
    // Cargo gives it to what it runs, too, where a name of ours would be taken for a setting.
    println!("cargo:rustc-env=BUILT_COMMIT={commit}");
}

/// The commit of the checkout that this is a part of, if it is one.
fn checked_out() -> Option<String> {
    // Asked when it runs: the script may have been built in another checkout.
    let git = Path::new(&env::var("CARGO_MANIFEST_DIR").ok()?).join("../../.git");
    let own = if git.is_dir() {
        git
    } else {
        // A work tree of its own: a file says where its part of the repository is.
        PathBuf::from(read(&git)?.strip_prefix("gitdir: ")?)
    };
    let head = read(&own.join("HEAD"))?;
    watch(&own.join("logs/HEAD"));
    let Some(name) = head.strip_prefix("ref: ") else { return Some(head) };
    let shared = read(&own.join("commondir")).map_or_else(|| own.clone(), |path| own.join(path));
    read(&shared.join(name)).or_else(|| {
        let packed = read(&shared.join("packed-refs"))?;
        let mut lines = packed.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(_, of)| *of == name).map(|(commit, _)| commit.to_owned())
    })
}

/// A file without the line break at its end; when it changes, this is run again.
fn read(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    watch(path);
    Some(text.trim_end().to_owned())
}

/// A file that is missing would have this run each time.
fn watch(path: &Path) {
    if path.exists() {
        println!("cargo:rerun-if-changed={}", path.display());
    }
}
