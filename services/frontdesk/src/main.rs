//! Starts the program and turns its result into an exit code.

use std::process::ExitCode;

use boot::Log;
use frontdesk::stderr;

fn main() -> ExitCode {
    access::install_crypto();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            stderr::last_words(format!("frontdesk: the runtime cannot be started: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(frontdesk::cli::main());
    // What still runs ends first, with its last lines of the log.
    drop(runtime);
    Log::finish();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let lines: Vec<String> =
                failure.sentence.lines().map(|line| format!("frontdesk: {line}")).collect();
            if !lines.is_empty() {
                stderr::last_words(lines.join("\n"));
            }
            ExitCode::from(failure.code)
        }
    }
}
