//! What the clocks of several servers may be trusted for.

use jiff::SignedDuration;

/// How far they are apart at most, generously.
pub const APART: SignedDuration = SignedDuration::from_mins(5);

/// How long the longest change may be under way.
const LONGEST_CHANGE: SignedDuration = SignedDuration::from_mins(1);

/// How old something has to be, so that nothing older is stored any more: it has the time at
/// which its change began, by the clock of a server.
pub const SETTLED: SignedDuration = SignedDuration::from_secs(APART.as_secs() + LONGEST_CHANGE.as_secs());
