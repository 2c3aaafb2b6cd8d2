//! Milliseconds, for what many calls write at once.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Milliseconds since the process first asked, and one: 0 is no time.
pub fn now() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    millis(BEGAN.elapsed()) + 1
}

/// A time in milliseconds.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX >> 1)
}
