//! Which build a process is. Where the commit comes from is the program's business.

use std::fmt;

/// A build of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// The number of the release.
    pub number: &'static str,
    /// The commit that was built, or in words why none is known.
    pub commit: &'static str,
}

impl Version {
    /// What `/version` answers.
    pub fn json(self) -> String {
        let Self { number, commit } = self;
        format!("{}\n", serde_json::json!({"version": number, "commit": commit}))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} ({})", self.number, self.commit)
    }
}
