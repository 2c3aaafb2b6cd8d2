//! How a process learns that it should stop.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::Log;

/// How long calls in progress may go on after the stop was asked for.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(20);

/// A token that is cancelled at the first SIGINT or SIGTERM. The second one
/// ends the process at once with exit code 130.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        // First the stop: whoever reads the log may be gone already.
        cancelled.cancel();
        tracing::info!("stopping");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        Log::finish();
        std::process::exit(130);
    });
    Ok(token)
}
