//! What `deploy/release` does before it builds: it has the console built, or says that there is
//! none. What it calls stands in for itself here, and only notes that it was called.

use std::fs;
use std::process::{Command, Output};

use super::run::{Folder, text};

const TOP: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A checkout with nothing in it but what a release calls.
struct Checkout(Folder);

impl Checkout {
    fn new(name: &str, programs: &[&str]) -> Self {
        let checkout = Self(Folder::new(name));
        let top = checkout.0.path();
        for folder in ["bin", "deploy", "gateway/console/dist", "target/release"] {
            fs::create_dir_all(top.join(folder)).unwrap();
        }
        fs::copy(format!("{TOP}/deploy/release"), top.join("deploy/release")).unwrap();
        fs::write(top.join("gateway/console/dist/.gitignore"), "*").unwrap();
        let notes = format!("echo \"$(basename \"$0\") $*\" >>'{}/called'", top.display());
        for program in programs {
            checkout.script(&format!("bin/{program}"), &notes);
        }
        checkout.script("deploy/licences", "echo none");
        checkout.script("deploy/sbom", "echo '{}'");
        checkout.script("target/release/frontdesk", &notes);
        // The last word is what it writes, as far as it is no option.
        checkout.script("bin/objcopy", "for last; do :; done\ncp target/release/frontdesk \"$last\"");
        checkout
    }

    fn script(&self, name: &str, text: &str) {
        let place = self.0.path().join(name);
        fs::write(&place, format!("#!/bin/sh\n{text}\n")).unwrap();
        assert!(Command::new("chmod").arg("+x").arg(place).status().unwrap().success());
    }

    fn release(&self, arguments: &[&str]) -> Output {
        let bin = self.0.path().join("bin");
        for program in ["sh", "dirname", "basename", "mkdir", "cp", "ls", "find"] {
            let found = ["/usr/bin", "/bin"].iter().map(|folder| format!("{folder}/{program}"));
            let found = found.into_iter().find(|path| fs::exists(path).unwrap()).unwrap();
            if !bin.join(program).exists() {
                std::os::unix::fs::symlink(found, bin.join(program)).unwrap();
            }
        }
        let mut release = Command::new(self.0.path().join("deploy/release"));
        release.args(arguments).env_clear().env("PATH", &bin).output().unwrap()
    }

    /// What was called, a line each.
    fn called(&self) -> String {
        fs::read_to_string(self.0.path().join("called")).unwrap_or_default()
    }
}

#[test]
fn a_release_builds_the_console_first() {
    let checkout = Checkout::new("release", &["npm", "make", "cargo"]);
    let output = checkout.release(&[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let called = checkout.called();
    assert!(called.starts_with("make --no-print-directory console\ncargo build --release"), "{called}");
    assert!(checkout.0.path().join("target/dist/frontdesk").exists());
}

#[test]
fn a_release_without_the_console_has_to_be_asked_for() {
    let checkout = Checkout::new("release-without", &["cargo"]);
    let output = checkout.release(&["elsewhere"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).contains("--without-console"), "{}", text(&output.stderr));
    assert_eq!(checkout.called(), "", "nothing is built");
    // One that was built elsewhere, as for the image.
    let console = checkout.0.path().join("gateway/console/dist/index.html");
    fs::write(&console, "<html>").unwrap();
    assert!(checkout.release(&["elsewhere"]).status.success());
    assert!(console.exists() && checkout.0.path().join("elsewhere/frontdesk").exists());
    let output = checkout.release(&["--without-console", "another"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(!console.exists(), "it would be built in");
    assert!(checkout.0.path().join("another/frontdesk").exists());
}
