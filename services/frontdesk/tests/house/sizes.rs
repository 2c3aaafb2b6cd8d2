//! A Rust file has at most 400 lines and a function at most 60, as `rustfmt` writes them:
//! longer ones are more than one thought. Tables are not: a table is as long as what it
//! lists, and is named here.

use std::collections::BTreeSet;

use crate::texts::{self, Text};

const FILE: usize = 400;
const FUNCTION: usize = 60;

/// Functions that are tables: a `match` or a list with a line or two for each case.
const TABLES: [&str; 3] = [
    "services/booking/src/layout/columns.rs migrated_type",
    "services/booking/src/rpc/inconsistencies.rs remedy",
    "services/pg/src/fault.rs refusal",
];

/// The functions of a source with their lines, from the line with `fn` to the brace
/// that closes below its first letter.
fn functions(text: &str) -> Vec<(&str, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = function(line) else { continue };
        let indent = &line[..line.len() - line.trim_start().len()];
        let closes = |line: &&str| {
            line.strip_prefix(indent)
                .is_some_and(|rest| rest == "}" || rest.starts_with(") ->") && rest.ends_with(';'))
        };
        let on_its_line = line.ends_with('}') || line.ends_with(';');
        let more =
            if on_its_line { Some(0) } else { lines[at + 1..].iter().position(closes).map(|more| more + 1) };
        found.push((name, more.unwrap_or_default() + 1));
    }
    found
}

/// The name of the function that begins in a line.
fn function(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub(crate) ", "pub(super) ", "pub ", "const ", "async ", "unsafe "] {
        rest = rest.strip_prefix(word).unwrap_or(rest);
    }
    let name = rest.strip_prefix("fn ")?;
    Some(&name[..name.find(['(', '<'])?])
}

#[test]
fn files_and_functions_are_one_thought_long() {
    let all = texts::sources();
    let (mut long, mut read) = (BTreeSet::new(), 0);
    for Text { place, text } in &all {
        if text.lines().count() > FILE {
            long.insert(place.clone());
        }
        for (name, lines) in functions(text) {
            read += 1;
            if lines > FUNCTION {
                long.insert(format!("{place} {name}"));
            }
        }
    }
    assert!(all.len() > 300 && read > 2000, "only {} files and {read} functions were read", all.len());
    let named: BTreeSet<String> = TABLES.iter().map(|one| (*one).to_owned()).collect();
    let new: Vec<&String> = long.difference(&named).collect();
    let gone: Vec<&String> = named.difference(&long).collect();
    assert!(new.is_empty(), "longer than {FILE} lines, or a function of more than {FUNCTION}: {new:#?}");
    assert!(gone.is_empty(), "not too long any more, delete it from the list: {gone:#?}");
}

#[test]
fn a_function_is_as_long_as_to_its_brace() {
    let text = "impl X {\n    pub async fn a<T>(\n        x: T,\n    ) -> u8 {\n        if x {\n        }\n    }\n\n    fn b() {}\n}\n\ntrait Y {\n    fn c(&self);\n    fn d(\n        &self,\n    ) -> u8;\n}\n";
    assert_eq!(functions(text), [("a", 6), ("b", 1), ("c", 1), ("d", 3)]);
}
