//! The program that protobuf's conformance runner talks to: requests with their
//! length on stdin, responses on stdout. `run` starts both.
//!
//! Arguments: the folder of the suite's `.proto` files, and a folder in which the
//! descriptors and all requests with their responses are kept for the tests.

mod answer;

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [protos, kept] = arguments.as_slice() else {
        return Err(io::Error::other("usage: conformance PROTOS KEPT"));
    };
    let files = [
        "conformance/conformance.proto",
        "google/protobuf/test_messages_proto3.proto",
        "google/protobuf/test_messages_proto2.proto",
    ];
    let mut compiler = protox::Compiler::new([protos]).map_err(io::Error::other)?;
    compiler.include_imports(true).open_files(files).map_err(io::Error::other)?;
    let descriptors = compiler.encode_file_descriptor_set();
    std::fs::write(Path::new(kept).join("descriptors.bin"), &descriptors)?;
    // The runner starts the program once per part of the suite.
    let mut vectors = File::options().append(true).create(true).open(Path::new(kept).join("vectors.bin"))?;

    let testee = answer::Testee::new(&descriptors);
    let (mut stdin, mut stdout) = (io::stdin().lock(), io::stdout().lock());
    let mut length = [0; 4];
    while stdin.read_exact(&mut length).is_ok() {
        let mut request = vec![0; u32::from_le_bytes(length) as usize];
        stdin.read_exact(&mut request)?;
        let response = testee.answer(&request);
        stdout.write_all(&framed(&response)?)?;
        stdout.flush()?;
        if !response.starts_with(b"\x2a") {
            vectors.write_all(&framed(&request)?)?;
            vectors.write_all(&framed(&response)?)?;
        }
    }
    Ok(())
}

fn framed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    Ok([&length.to_le_bytes(), bytes].concat())
}
