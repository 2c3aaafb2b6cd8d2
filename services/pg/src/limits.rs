//! What the time that a call was given leaves for its statements. The server ends them a
//! little before whoever waits for the call gives up, so that the answer still arrives, says
//! that nothing was stored, and nobody works for a caller who is gone. A wait for a lock is
//! part of a statement, and ends with it.

use std::time::Duration;

use crate::settings::STATEMENT_LIMIT;

/// How much sooner a statement ends: its answer takes a way back.
const MARGIN: Duration = Duration::from_millis(5);
/// The server takes 0 for no limit.
const LEAST: Duration = Duration::from_millis(1);

/// A limit for the statements of a transaction, shorter than that of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits(Duration);

impl Limits {
    /// Those of the call under way, if its time is shorter than what every statement has.
    pub(crate) fn of_this_call() -> Option<Self> {
        boot::time_left().and_then(Self::of)
    }

    fn of(left: Duration) -> Option<Self> {
        let limit = left.saturating_sub(MARGIN).max(LEAST);
        (limit < STATEMENT_LIMIT).then_some(Self(limit))
    }

    /// What sets them, after a `begin`.
    pub(crate) fn sql(self) -> String {
        format!("; set local statement_timeout = '{}ms'", self.0.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_shorter_than_the_time_and_never_above_that_of_the_service() {
        let sql = |millis| Limits::of(Duration::from_millis(millis)).map(Limits::sql);
        assert_eq!(sql(10_000), None);
        assert_eq!(sql(5_005), None);
        assert_eq!(sql(5_004).as_deref(), Some("; set local statement_timeout = '4999ms'"));
        assert_eq!(sql(200).as_deref(), Some("; set local statement_timeout = '195ms'"));
        assert_eq!(sql(0).as_deref(), Some("; set local statement_timeout = '1ms'"));
    }
}
