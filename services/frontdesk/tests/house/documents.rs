//! Every file that ARCHITECTURE.md and README.md name exists: below the top of the
//! repository, or in the folder of system tests that the page is about.

use crate::crates;

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
fn a_path_is_told_from_a_content_type_and_a_route() {
    let text =
        "`gateway/src/edge.rs` `application/json` `/v1/me` `booking/races.rs` `x.rs` `gateway/` `a b/c.rs`";
    assert_eq!(paths(text).collect::<Vec<_>>(), ["gateway/src/edge.rs", "booking/races.rs", "gateway/"]);
}
