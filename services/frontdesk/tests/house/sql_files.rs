//! R8, the half that needs no database: every `.sql` file of a service is that of a
//! statement which is declared beside it, or a part that is taken from there. The
//! compiler says so the other way round; that each fits the schema and binds its tenant
//! is in `tests/system/whole/statements.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::crates;
use crate::rooms::SERVICES;
use crate::texts::{self, Text};

/// Paths of `.sql` files below a folder, from the top of the repository.
fn files(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "sql") {
            found.insert(path.strip_prefix(crates::root()).unwrap().display().to_string());
        }
    }
}

/// The names of files of which a source makes statements, or takes parts:
/// `Book<'a> = "standard/book" | "single_table/book" (` and `include_str!("sql/x.sql")`.
fn taken(source: &str) -> impl Iterator<Item = &str> {
    let (source, _tests) = source.split_once("#[cfg(test)]").unwrap_or((source, ""));
    source.lines().map(str::trim).flat_map(|line| {
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_uppercase())
                && name.chars().all(|mark| mark.is_ascii_alphanumeric() || "<'>".contains(mark))
        };
        let declared = line.split_once(" = ").filter(|(name, _)| is_name(name));
        let declared = declared.and_then(|(_, rest)| rest.split_once(" (")).map_or("", |(names, _)| names);
        let included =
            line.split("include_str!(\"sql/").skip(1).filter_map(|rest| rest.split_once(".sql\")"));
        declared
            .split(" | ")
            .filter_map(|name| name.strip_prefix('"')?.strip_suffix('"'))
            .chain(included.map(|(name, _)| name))
    })
}

#[test]
fn every_sql_file_of_a_service_is_declared_beside_it() {
    let mut found = BTreeSet::new();
    for service in SERVICES {
        files(&crates::root().join("services").join(service).join("src"), &mut found);
    }
    let mut declared = BTreeSet::new();
    for Text { place, text } in &texts::sources() {
        let (folder, _) = place.rsplit_once('/').unwrap();
        declared.extend(taken(text).map(|name| format!("{folder}/sql/{name}.sql")));
    }
    let nobodys: Vec<&String> = found.difference(&declared).collect();
    assert!(nobodys.is_empty(), "no statement is declared with these files: {nobodys:#?}");
    assert!(found.len() > 150, "only {} files were read", found.len());
}

#[test]
fn a_word_is_not_a_declaration() {
    let source = "Book<'a> = \"one/book\" | \"two/book\" (\n  (\"part\", include_str!(\"sql/parts/part.sql\")),\n\
        let x = \"nobody\" (\n Kind = \"nobody\",\n#[cfg(test)]\n Lock = \"nobody\" (x)";
    assert_eq!(taken(source).collect::<Vec<_>>(), ["one/book", "two/book", "parts/part"]);
}

/// Of one that another program wrote at the end of its numbers, there is no next one.
#[test]
fn versions_are_counted_by_one_rule() {
    let (mut found, mut counted) = (BTreeSet::new(), 0);
    files(&crates::root().join("services/booking/src"), &mut found);
    for file in &found {
        let text = fs::read_to_string(crates::root().join(file)).unwrap();
        for (_, value) in text.lines().filter_map(|line| line.split_once("row_version = ")) {
            assert!(value.starts_with("{next_version."), "{file}: {value}");
            counted += 1;
        }
    }
    assert!(counted > 15, "only {counted} were read");
}
