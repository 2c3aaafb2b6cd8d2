//! R9: the migrations of a service's folder are those that its crate applies, in
//! order, word for word, and their numbers have no gap.

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
                let stem = file.strip_suffix(".sql").unwrap_or_else(|| panic!("{name}/{file} is no SQL"));
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
