//! The protos of the tests, compiled.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use prost_reflect::DescriptorPool;

/// The descriptors of files in this folder, or in another one beside it.
pub fn compile(files: &[&str], beside: Option<&Path>) -> DescriptorPool {
    let here = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protos"));
    let mut compiler = protox::Compiler::new(beside.into_iter().chain([here])).unwrap();
    compiler.include_imports(true).open_files(files).unwrap();
    DescriptorPool::decode(&*compiler.encode_file_descriptor_set()).unwrap()
}
