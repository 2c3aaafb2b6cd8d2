//! Names of types that say nothing of what the type is, and have better ones by now. Tests may
//! have them: what they name is on the same page.

use crate::texts;

const GONE: [&str; 9] = ["Act", "Begun", "Deed", "Kept", "Linked", "Look", "Told", "Wanted", "Would"];

/// The name of the type that begins in a line.
fn declared(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = ["pub(crate) ", "pub(super) ", "pub "]
        .into_iter()
        .find_map(|seen| line.strip_prefix(seen))
        .unwrap_or(line);
    let name =
        ["struct ", "enum ", "type ", "trait "].into_iter().find_map(|kind| line.strip_prefix(kind))?;
    name.split(|mark: char| !mark.is_alphanumeric()).next()
}

#[test]
fn names_that_were_given_up_do_not_come_back() {
    let (mut found, mut read) = (Vec::new(), 0);
    for source in texts::sources() {
        if source.place.contains("/tests") || source.place.contains("/benches/") {
            continue;
        }
        let (code, _) = source.text.split_once("#[cfg(test)]").unwrap_or((&source.text, ""));
        for name in code.lines().filter_map(declared) {
            read += 1;
            if GONE.contains(&name) {
                found.push(format!("{} {name}", source.place));
            }
        }
    }
    assert!(found.is_empty(), "these names say nothing of the type: {found:#?}");
    assert!(read > 500, "only {read} types were read");
}

#[test]
fn a_type_is_read_by_its_first_line() {
    assert_eq!(declared("    pub(crate) struct Told<S> {"), Some("Told"));
    assert_eq!(declared("pub type Kept = ();"), Some("Kept"));
    assert_eq!(declared("    type Error = Status;"), Some("Error"));
    assert_eq!(declared("let told = Told::default();"), None);
}
