//! Starts the program and turns its result into an exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    access::install_crypto();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("frontdesk: the runtime cannot be started: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(frontdesk::cli::main()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for line in failure.sentence.lines() {
                eprintln!("frontdesk: {line}");
            }
            ExitCode::from(failure.code)
        }
    }
}
