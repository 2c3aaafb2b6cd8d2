//! The log: text on a terminal, JSON lines elsewhere, always on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Without `LOG`: notices of Postgres and each step of a migration stay out.
const DEFAULT_FILTER: &str = "info,tokio_postgres=warn,refinery_core=warn";

/// Starts the log. `LOG` takes tracing's filter syntax, `LOG_FORMAT` is `text`
/// or `json`.
pub fn init() {
    let filter = EnvFilter::try_from_env("LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let json = match std::env::var("LOG_FORMAT").as_deref() {
        Ok("json") => true,
        Ok("text") => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json { log.json().flatten_event(true).try_init() } else { log.try_init() };
    if let Err(error) = started {
        // Another part of this process, a test for example, has started it.
        tracing::debug!(%error, "log was started before");
    }
}
