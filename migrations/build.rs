//! The build script of each service: lists its folder of migrations in the order of
//! their numbers, so that a migration is its file and nothing else.
//!
//! It runs in the folder of the package and names no other: a `target` that was copied
//! to another checkout would list the migrations of the one that it was built in.

use std::error::Error;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = format!("../../migrations/{}", env!("CARGO_PKG_NAME"));
    println!("cargo::rerun-if-changed={folder}");
    let mut found = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let number = name.strip_prefix('V').and_then(|rest| rest.split_once("__")?.0.parse::<u32>().ok());
        match number {
            Some(number) if path.extension() == Some(OsStr::new("sql")) => {
                found.push((number, name.to_owned()));
            }
            _ => return Err(format!("{} is not V<number>__<name>.sql", path.display()).into()),
        }
    }
    found.sort();
    let mut list = "&[\n".to_owned();
    for (_, name) in found {
        let file = format!("/{folder}/{name}.sql");
        writeln!(list, "    ({name:?}, include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), {file:?}))),")?;
    }
    list.push_str("]\n");
    #[expect(clippy::disallowed_methods, reason = "cargo's word to a build script, no setting")]
    let out = std::env::var_os("OUT_DIR").ok_or("cargo names no folder for output")?;
    fs::write(Path::new(&out).join("migrations.rs"), list)?;
    Ok(())
}
