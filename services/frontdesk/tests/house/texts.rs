//! What people read: documents, scripts, the comments of protos and migrations, the texts of
//! the console, and the string literals of the sources, which become messages.

use std::fs;
use std::path::Path;

use proc_macro2::TokenTree;

use crate::crates::{self, Crate};
use crate::source::Sources;

/// A text and where it stands.
pub struct Text {
    pub place: String,
    pub text: String,
}

/// All of them.
pub fn all() -> Vec<Text> {
    let mut texts = documents();
    texts.extend(literals());
    texts
}

/// Documents, scripts, protos and pages.
pub fn documents() -> Vec<Text> {
    let mut texts: Vec<Text> = ["README.md", "ARCHITECTURE.md", "Makefile"]
        .map(|path| Text { place: path.into(), text: crates::text(path) })
        .into();
    for folder in [
        "deploy",
        "proto/frontdesk",
        "migrations",
        ".ci",
        "gateway/src/pages",
        "gateway/src/console",
        "gateway/console/src/text",
        "gateway/tests/clients",
    ] {
        add(&crates::root().join(folder), &mut texts);
    }
    // Literals of sources are read by themselves; a lock file and what the migrations
    // make are nobody's words.
    texts.retain(|text| !is_a(&text.place, "rs") && !is_a(&text.place, "schema"));
    texts.retain(|text| !text.place.ends_with("-lock.json"));
    for text in &mut texts {
        if is_a(&text.place, "sql") {
            // A sentence of a comment goes on in the next line.
            text.text = text.text.replace("\n-- ", " ");
        }
    }
    texts
}

/// Whether a path is that of a file of this kind.
pub fn is_a(path: &str, ending: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == ending)
}

/// Every source of the repository, generated ones left out.
pub fn sources() -> Vec<Text> {
    let mut texts = Vec::new();
    for folder in ["services", "gateway", "proto", "migrations"] {
        add(&crates::root().join(folder), &mut texts);
    }
    texts.retain(|text| is_a(&text.place, "rs"));
    texts
}

/// Every script for a shell, in whatever folder of ours.
pub fn scripts() -> Vec<Text> {
    let mut texts = Vec::new();
    for folder in [".ci", "deploy", "services", "gateway", "proto", "migrations"] {
        add(&crates::root().join(folder), &mut texts);
    }
    texts.retain(|text| text.text.starts_with("#!/bin/sh\n") || text.text.starts_with("#!/bin/bash\n"));
    texts
}

/// Adds the texts of a folder; what is built, generated or not ours is left out.
fn add(folder: &Path, texts: &mut Vec<Text>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        let place = path.strip_prefix(crates::root()).unwrap().display().to_string();
        if !path.is_dir() {
            texts.extend(fs::read_to_string(&path).ok().map(|text| Text { place, text }));
        } else if !["target", "generated", "node_modules"].iter().any(|name| place.ends_with(name)) {
            add(&path, texts);
        }
    }
}

/// String literals of all crates, tests left out.
pub fn literals() -> Vec<Text> {
    let mut texts = Vec::new();
    for Crate { name, folder, .. } in crates::all() {
        let roots = ["lib.rs", "main.rs"].into_iter().filter(|root| folder.join("src").join(root).exists());
        for file in roots.flat_map(|root| Sources::of(&folder.join("src"), root).files) {
            for token in file.code() {
                if let TokenTree::Literal(literal) = token
                    && let Some(text) = string(&literal.to_string())
                {
                    texts.push(Text { place: format!("{name}/{}", file.path), text });
                }
            }
        }
    }
    texts
}

/// What a string literal says.
fn string(source: &str) -> Option<String> {
    if source.starts_with('r') {
        return Some(source.trim_start_matches('r').trim_matches('#').trim_matches('"').to_owned());
    }
    let inner = source.strip_prefix('"')?.strip_suffix('"')?;
    let mut text = String::new();
    let mut lines = inner.split("\\\n");
    text.push_str(lines.next().unwrap_or_default());
    for line in lines {
        text.push_str(line.trim_start());
    }
    Some(text.replace("\\n", "\n").replace("\\\"", "\"").replace("\\'", "'"))
}

#[test]
fn literals_are_read_as_they_are_printed() {
    assert_eq!(string("\"say \\\"x\\\" \\\n      on\"").unwrap(), "say \"x\" on");
    assert_eq!(string("r#\"a \"b\"\"#").unwrap(), "a \"b");
    assert_eq!(string("7"), None);
}

#[test]
fn what_the_console_says_is_read_and_what_a_gateway_without_it_says() {
    let places: Vec<String> = documents().into_iter().map(|text| text.place).collect();
    for place in ["gateway/console/src/text/de.ts", "gateway/src/console/missing.html", "Makefile"] {
        assert!(places.iter().any(|found| found == place), "{place}");
    }
}
