//! The table of settings is written once: what documents say of it is printed by
//! the program, and put there with `FRONTDESK_GENERATE=1`.

use std::fs;
use std::process::Command;

use serde_json::Value as Json;

use crate::crates::root;

const BEGIN: &str = "<!-- settings: printed by `frontdesk settings --markdown` -->\n";
const END: &str = "<!-- end of settings -->";

fn frontdesk(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_frontdesk")).args(args).env_clear().output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Holds a document against what it should be, or writes it.
#[track_caller]
fn assert_current(path: &str, found: &str, wanted: &str) {
    if found == wanted {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "asks for the file to be written: `make generate`")]
    let generate = std::env::var_os("FRONTDESK_GENERATE").is_some();
    assert!(generate, "{path} is not what the program prints: run `make generate`");
    fs::write(root().join(path), wanted).unwrap();
}

/// The rows of the table.
pub fn table() -> Vec<Json> {
    serde_json::from_str(&frontdesk(&["settings", "--json"])).unwrap()
}

#[test]
fn the_block_of_the_readme_is_the_table() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let block = frontdesk(&["settings", "--markdown"]);
    assert_current("README.md", &readme, &[before, BEGIN, &block, END, after].concat());
}

#[test]
fn the_example_of_an_environment_file_is_the_table() {
    let example = fs::read_to_string(root().join("deploy/env.example")).unwrap();
    assert_current("deploy/env.example", &example, &frontdesk(&["settings", "--env"]));
}

#[test]
fn help_of_each_command_names_its_settings() {
    let table = table();
    assert!(table.len() >= 30, "{}", table.len());
    for setting in &table {
        let name = setting["name"].as_str().unwrap();
        for command in setting["read_by"].as_array().unwrap() {
            let mut args: Vec<&str> = command.as_str().unwrap().split(' ').collect();
            args.push("--help");
            assert!(frontdesk(&args).contains(&format!("  {name}")), "{args:?} does not name {name}");
        }
    }
}

#[test]
fn completions_and_manual_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(frontdesk(&["generate", "completions", shell]).contains("frontdesk"), "{shell}");
    }
    let dir = std::env::temp_dir().join(format!("frontdesk-man-{}", std::process::id()));
    frontdesk(&["generate", "man", dir.to_str().unwrap()]);
    let page = fs::read_to_string(dir.join("frontdesk-booking.1")).unwrap();
    fs::remove_dir_all(&dir).unwrap();
    assert!(page.contains("BOOKING_LISTEN") && page.contains("Exit codes"), "{page}");
}
