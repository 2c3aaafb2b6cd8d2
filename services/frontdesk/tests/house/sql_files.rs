//! R8, the half that needs no database: every `.sql` file of a service is named by
//! its sources, as `sql/NAME.sql` or by a declaration as `NAME`. The compiler says
//! so the other way round; that each fits the schema and binds its tenant is in
//! `tests/system/whole/statements.rs`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::crates;
use crate::rooms::SERVICES;
use crate::texts;

/// Names of `.sql` files below a folder, with their folders, without the ending.
fn files(folder: &Path, below: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            files(&entry.path(), &format!("{name}/"), found);
        } else if let Some(stem) = name.strip_suffix(".sql") {
            found.push(stem.to_owned());
        }
    }
}

#[test]
fn every_sql_file_of_a_service_is_named_by_its_sources() {
    let literals = texts::literals();
    let mut read = 0;
    for service in SERVICES {
        let own = literals.iter().filter(|literal| literal.place.starts_with(&format!("{service}/")));
        let own: BTreeSet<&str> = own.map(|literal| literal.text.as_str()).collect();
        let mut found = Vec::new();
        files(&crates::root().join("services").join(service).join("src"), "", &mut found);
        read += found.len();
        for file in found {
            let (_, name) =
                file.split_once("sql/").unwrap_or_else(|| panic!("{service}/{file} is in no sql/"));
            let named = own.contains(name) || own.contains(&*format!("sql/{name}.sql"));
            assert!(named, "{service}/src/{file}.sql is in no list of statements");
        }
    }
    assert!(read > 100, "only {read} files were read");
}
