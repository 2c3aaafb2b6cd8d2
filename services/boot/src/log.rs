//! The log: text on a terminal, JSON lines elsewhere, always on stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Without `LOG`.
const DEFAULT_FILTER: &str = "info,refinery_core=warn";
/// Whatever `LOG` says: below these levels libraries print parameters of
/// statements and headers of requests, which are people's data and secrets.
const ALWAYS: [&str; 6] =
    ["tokio_postgres=warn", "h2=info", "hyper=info", "hyper_util=info", "reqwest=info", "tower=info"];

/// Starts the log. `LOG` takes tracing's filter syntax, `LOG_FORMAT` is `text`
/// or `json`.
pub fn init() {
    let filter = EnvFilter::try_from_env("LOG").unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let held = ALWAYS.iter().filter_map(|directive| directive.parse().ok());
    let filter = held.fold(filter, EnvFilter::add_directive);
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
