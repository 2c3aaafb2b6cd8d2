//! R4: the environment is read by `boot::Settings` alone. Clippy says so where it
//! is read, and can be told to look away; this cannot. That documents and help say
//! what the table says is in `settings.rs`.

use std::collections::BTreeSet;

use crate::crates::{self, Crate};
use crate::source::{Sources, names, renames};

/// The one reader, and who looks for the programs of Postgres in `PATH`.
const MAY: [&str; 2] = ["boot: settings.rs", "devdb: programs.rs"];

#[test]
fn the_environment_is_read_in_one_place() {
    let mut found = BTreeSet::new();
    for Crate { name, folder, .. } in crates::all() {
        for root in ["lib.rs", "main.rs"].into_iter().filter(|root| folder.join("src").join(root).exists()) {
            for file in Sources::of(&folder.join("src"), root).files {
                let code = file.code();
                let reads = ["var", "var_os", "vars", "vars_os"];
                if reads.iter().any(|read| names(&code, &["env", read])) || renames(&code, "env") {
                    found.insert(format!("{name}: {}", file.path));
                }
            }
        }
    }
    assert_eq!(found, MAY.map(str::to_owned).into());
}
