//! R9: the migrations of a service's folder are those that its crate applies, in
//! order, word for word, and their numbers have no gap. The crate's list is made of the
//! folder when it is built (`migrations/build.rs`), so what can fail here is a gap, a
//! name of another form, or a build that did not see the last file. And booking's suit
//! databases without the table of requests.

use std::fs;

use pg::migrate::MigrationSet;

use crate::crates;

#[test]
fn the_folder_of_migrations_is_the_list_in_the_crate() {
    for MigrationSet { name, migrations, .. } in [&identity::MIGRATIONS, &booking::MIGRATIONS] {
        let folder = crates::root().join("migrations").join(name);
        let mut files: Vec<(u32, String)> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|file| {
                let stem = file.strip_suffix(".sql").unwrap_or_else(|| panic!("{name}/{file} is not SQL"));
                let version = stem.strip_prefix('V').and_then(|rest| rest.split_once("__"));
                let (version, _) =
                    version.unwrap_or_else(|| panic!("{name}/{file} is not V<number>__<name>"));
                (version.parse().unwrap(), stem.to_owned())
            })
            .collect();
        files.sort();
        let numbers: Vec<u32> = files.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (1..).take(files.len()).collect::<Vec<u32>>(), "{name}");
        let listed: Vec<&str> = migrations.iter().map(|(name, _)| *name).collect();
        assert_eq!(files.iter().map(|(_, stem)| stem.as_str()).collect::<Vec<_>>(), listed, "{name}");
        for (stem, text) in *migrations {
            let file = folder.join(format!("{stem}.sql"));
            assert_eq!(fs::read_to_string(&file).unwrap(), *text, "{stem} is another file's text");
        }
    }
}

/// The single-table layout has no `booking_requests`; there `migrate up` would end at a
/// migration that takes it for granted. The first two make the table.
#[test]
fn what_a_migration_does_to_requests_suits_both_layouts() {
    let (mut seen, mut blind) = (0, Vec::new());
    for (name, text) in booking::MIGRATIONS.migrations.iter().skip(2) {
        let code = text.lines().filter(|line| !line.trim_start().starts_with("--"));
        let code = code.collect::<Vec<_>>().join("\n");
        if code.contains("booking_requests") {
            seen += 1;
            if !code.contains("to_regclass(") {
                blind.push(*name);
            }
        }
    }
    assert!(seen > 3, "only {seen} name the table");
    assert_eq!(blind, [""; 0], "they do not ask whether there is a table booking_requests");
}
