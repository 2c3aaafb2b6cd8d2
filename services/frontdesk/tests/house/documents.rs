//! Every file that ARCHITECTURE.md and README.md name exists: below the top of the
//! repository, or in the folder of system tests that the page is about; one that is
//! named without a folder is somewhere. And every test that the table of attacks tells
//! by words of its name.

use std::collections::BTreeSet;

use crate::crates;
use crate::texts;

/// Where else ARCHITECTURE.md looks for a file, for its tables of tests.
const TESTS: &str = "services/frontdesk/tests/system";

/// Names in backticks that are paths of files or folders.
fn paths(document: &str) -> impl Iterator<Item = &str> {
    document.split('`').skip(1).step_by(2).filter(|name| {
        let file = name.rsplit_once('.').is_some_and(|(stem, ending)| {
            !stem.is_empty()
                && ["rs", "sql", "proto", "md", "json", "toml", "sh", "html", "example"].contains(&ending)
        });
        let plain = name.chars().all(|mark| mark.is_alphanumeric() || "_-./".contains(mark));
        plain
            && name.contains('/')
            && !name.starts_with(['/', '.'])
            && (file || crates::root().join(name.split('/').next().unwrap()).is_dir())
    })
}

#[test]
fn every_file_that_a_document_names_exists() {
    let (mut seen, mut missing) = (0, Vec::new());
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = crates::text(document);
        for path in paths(&text) {
            seen += 1;
            let found = [crates::root().join(path), crates::root().join(TESTS).join(path)];
            if !found.iter().any(|file| file.exists()) {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(seen > 80, "only {seen} paths were seen");
}

#[test]
fn every_file_that_is_named_without_a_folder_is_somewhere() {
    let names: BTreeSet<String> =
        texts::sources().iter().map(|source| source.place.rsplit('/').next().unwrap().to_owned()).collect();
    let mut missing = Vec::new();
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = crates::text(document);
        let quoted = text.split('`').skip(1).step_by(2);
        let bare = quoted.filter(|name| texts::is_a(name, "rs") && !name.contains(['/', ' ']));
        missing.extend(bare.filter(|name| !names.contains(*name)).map(|name| format!("{document}: {name}")));
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The tests that a cell names: a file in backticks, and after it words of the names of
/// its tests, with commas between.
fn named_tests(cell: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = cell.split('`').collect();
    let mut found = Vec::new();
    for pair in parts[1..].chunks(2).filter(|pair| texts::is_a(pair[0], "rs") && pair.len() == 2) {
        let words = pair[1].split(',').map(str::trim).filter(|words| !words.is_empty());
        found.extend(words.map(|words| (pair[0].to_owned(), words.replace(' ', "_"))));
    }
    found
}

#[test]
fn every_test_of_the_table_of_attacks_is_there() {
    let text = crates::text("ARCHITECTURE.md");
    let (_, table) = text.split_once("| vector | kept by |").expect("the table of attacks");
    let (table, _) = table.split_once("\n\n").unwrap();
    let (mut seen, mut missing) = (0, Vec::new());
    for (file, words) in table.lines().filter_map(|row| row.split('|').nth(2)).flat_map(named_tests) {
        seen += 1;
        let path = if crates::root().join(&file).exists() { file.clone() } else { format!("{TESTS}/{file}") };
        let source = crates::text(&path);
        let mut tests = source.lines().filter_map(|line| line.split_once("fn ")?.1.split_once('('));
        if !tests.any(|(name, _)| name.contains(&words)) {
            missing.push(format!("{file}: {words}"));
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
    assert!(seen > 15, "only {seen} are named");
}

#[test]
fn tests_are_named_by_words_behind_their_file() {
    let cell = "`a/b.rs` one word, another, `c.rs`, and `d/e.rs` last";
    let named = named_tests(cell);
    let named: Vec<(&str, &str)> = named.iter().map(|(file, words)| (&**file, &**words)).collect();
    assert_eq!(named, [("a/b.rs", "one_word"), ("a/b.rs", "another"), ("c.rs", "and"), ("d/e.rs", "last")]);
}

#[test]
fn a_path_is_told_from_a_content_type_and_a_route() {
    let text =
        "`gateway/src/edge.rs` `application/json` `/v1/me` `booking/races.rs` `x.rs` `gateway/` `a b/c.rs`";
    assert_eq!(paths(text).collect::<Vec<_>>(), ["gateway/src/edge.rs", "booking/races.rs", "gateway/"]);
}
