//! Keeps the committed code in `src/generated` equal to what the `.proto` files
//! say. With `FRONTDESK_GENERATE=1` (`make generate`) it writes the code. The
//! checks are written by what the last generated code knows of options, so that a
//! new option needs two runs, which `make generate` makes.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod checks;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost_reflect::DescriptorPool;

#[test]
fn generated_code_is_current() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let committed = root.join("src/generated");
    let fresh = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    generate(root, &fresh);
    #[expect(clippy::disallowed_methods, reason = "asks for the files to be written: `make generate`")]
    let generate = std::env::var_os("FRONTDESK_GENERATE").is_some();
    if generate {
        fs::create_dir_all(&committed).unwrap();
        for name in contents(&committed).into_keys() {
            fs::remove_file(committed.join(name)).unwrap();
        }
        for (name, bytes) in contents(&fresh) {
            fs::write(committed.join(name), bytes).unwrap();
        }
    }
    let (committed, fresh) = (contents(&committed), contents(&fresh));
    assert_eq!(committed.keys().collect::<Vec<_>>(), fresh.keys().collect::<Vec<_>>(), "run `make generate`");
    for (name, bytes) in fresh {
        assert!(committed[&name] == bytes, "src/generated/{name} is stale: run `make generate`");
    }
}

fn generate(root: &Path, out: &Path) {
    let _absent_on_the_first_run = fs::remove_dir_all(out);
    fs::create_dir_all(out).unwrap();
    let mut files = protos(&root.join("frontdesk"));
    files.push(root.join("third_party/google/rpc/error_details.proto"));
    files.push(root.join("third_party/google/rpc/status.proto"));
    files.sort();

    let mut compiler = protox::Compiler::new([root.to_path_buf(), root.join("third_party")]).unwrap();
    // With comments: `grpcurl describe` and the OpenAPI document show them.
    compiler.include_imports(true).include_source_info(true).open_files(&files).unwrap();
    // Encoding through prost_types would drop custom options, `google.api.http` among them.
    let descriptors = compiler.encode_file_descriptor_set();
    let pool = DescriptorPool::decode(descriptors.as_slice()).unwrap();
    fs::write(out.join("checks.rs"), checks::write(&pool)).unwrap();
    fs::write(out.join("descriptors.bin"), descriptors).unwrap();

    let mut compiler = protox::Compiler::new([root.to_path_buf(), root.join("third_party")]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(&files).unwrap();
    let mut config = tonic_prost_build::Config::new();
    config.enable_type_names();
    config.type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure()
        .out_dir(out)
        .include_file("mod.rs")
        .emit_rerun_if_changed(false)
        .codec_path("crate::Codec")
        .extern_path(".google.api", "crate::options_are_read_by_reflection")
        .extern_path(".google.api.HttpBody", "crate::HttpBody")
        .compile_fds_with_config(compiler.file_descriptor_set(), config)
        .unwrap();
}

fn protos(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(protos(&path));
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            found.push(path);
        }
    }
    found
}

fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}
