//! The table of settings is written once: what documents say of it is printed by
//! the program.

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

/// The rows of the table.
pub fn table() -> Vec<Json> {
    serde_json::from_str(&frontdesk(&["settings", "--json"])).unwrap()
}

#[test]
fn the_block_of_the_readme_is_the_table() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, rest) = readme.split_once(BEGIN).unwrap();
    let (block, _) = rest.split_once(END).unwrap();
    assert!(
        block == frontdesk(&["settings", "--markdown"]),
        "put the output of `frontdesk settings --markdown` between the markers of README.md"
    );
}

#[test]
fn the_example_of_an_environment_file_is_the_table() {
    let example = fs::read_to_string(root().join("deploy/env.example")).unwrap();
    assert!(example == frontdesk(&["settings", "--env"]), "frontdesk settings --env > deploy/env.example");
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
