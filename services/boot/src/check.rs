//! Checks of a deployment: each belongs to the part that knows what should be
//! there, and says what was found and what to do about it. `frontdesk doctor`
//! lists them and reports.
//!
//! A check is not readiness: it may take seconds, it also looks at what only an
//! operator can mend, and it runs when somebody asks.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::background::message_of;

/// How long a check may take.
const LIMIT: Duration = Duration::from_secs(10);

/// A question about a deployment.
pub struct Check {
    /// What is looked at.
    pub name: &'static str,
    run: BoxFuture<'static, Vec<Finding>>,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How good it is.
    pub state: State,
    /// What is the case.
    pub found: String,
    /// What to do; empty when there is nothing to do.
    pub fix: String,
}

/// How good a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// It works, and somebody should know.
    Odd,
    /// It does not work.
    Bad,
    /// It was not looked at.
    LeftOut,
}

impl Check {
    /// A check; nothing happens before it is run.
    pub fn new<R>(name: &'static str, run: impl Future<Output = R> + Send + 'static) -> Self
    where
        R: Into<Vec<Finding>> + 'static,
    {
        Self { name, run: run.map(Into::into).boxed() }
    }

    /// A check that cannot be made, because a setting is not there.
    pub fn left_out(name: &'static str, setting: &str) -> Self {
        Self::new(name, std::future::ready(Finding::left_out(format!("{setting} is not set"))))
    }

    /// Runs it. It has an answer in any case: one that takes longer than ten
    /// seconds, panics or finds nothing at all is bad.
    pub async fn run(self) -> Vec<Finding> {
        let caught = AssertUnwindSafe(self.run).catch_unwind();
        let found = match tokio::time::timeout(LIMIT, caught).await {
            Ok(Ok(findings)) if !findings.is_empty() => return findings,
            Ok(Ok(_)) => "the check found nothing".to_owned(),
            Ok(Err(panic)) => format!("the check panicked: {}", message_of(&*panic)),
            Err(_) => format!("the check was not over in {} s", LIMIT.as_secs()),
        };
        vec![Finding::bad(found, "mend what the other checks name, then look again")]
    }
}

impl Finding {
    /// As it should be.
    pub fn good(found: impl Into<String>) -> Self {
        Self { state: State::Good, found: found.into(), fix: String::new() }
    }

    /// It works, and somebody should know.
    pub fn odd(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Odd, found: found.into(), fix: fix.into() }
    }

    /// It does not work.
    pub fn bad(found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: State::Bad, found: found.into(), fix: fix.into() }
    }

    /// It was not looked at, and why.
    pub fn left_out(why: impl Into<String>) -> Self {
        Self { state: State::LeftOut, found: why.into(), fix: String::new() }
    }
}

impl From<Finding> for Vec<Finding> {
    fn from(finding: Finding) -> Self {
        vec![finding]
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Check").field("name", &self.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_check_has_an_answer_in_any_case() {
        let good = Finding::good("there");
        assert_eq!(Check::new("good", std::future::ready(good.clone())).run().await, [good]);
        let panics = Check::new("panics", async { panic!("oops") as Vec<Finding> });
        let hangs = Check::new("hangs", std::future::pending::<Finding>());
        let empty = Check::new("empty", async { Vec::new() });
        for (check, found) in [(panics, "panicked: oops"), (hangs, "not over in 10 s"), (empty, "nothing")] {
            let findings = check.run().await;
            assert_eq!(findings[0].state, State::Bad);
            assert!(findings[0].found.contains(found), "{findings:?}");
        }
    }
}
