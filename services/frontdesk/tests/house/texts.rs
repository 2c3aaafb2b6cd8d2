//! What people read: documents, scripts, the comments of protos, and the string
//! literals of the sources, which become messages.

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

/// Documents, scripts and protos.
pub fn documents() -> Vec<Text> {
    let mut texts: Vec<Text> = ["README.md", "ARCHITECTURE.md", "Makefile"]
        .map(|path| Text { place: path.into(), text: crates::text(path) })
        .into();
    for folder in ["deploy", "proto/frontdesk"] {
        add(&crates::root().join(folder), &mut texts);
    }
    texts
}

fn add(folder: &Path, texts: &mut Vec<Text>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            add(&path, texts);
        } else {
            let place = path.strip_prefix(crates::root()).unwrap().display().to_string();
            texts.push(Text { text: crates::text(&place), place });
        }
    }
}

/// String literals of all crates, tests left out.
pub fn literals() -> Vec<Text> {
    let mut texts = Vec::new();
    for Crate { name, folder, .. } in crates::all() {
        let root = if folder.join("src/lib.rs").exists() { "lib.rs" } else { "main.rs" };
        for file in Sources::of(&folder.join("src"), root).files {
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
