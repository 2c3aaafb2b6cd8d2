//! What `frontdesk doctor` prints: a line for each finding, or one JSON object.

use boot::{Finding, State};
use serde_json::{Value as Json, json};

use crate::{Failure, stdout};

/// The findings so far.
pub struct Report {
    as_json: bool,
    findings: Vec<Json>,
    made: usize,
    bad: usize,
}

impl Report {
    pub fn new(as_json: bool) -> Self {
        Self { as_json, findings: Vec::new(), made: 0, bad: 0 }
    }

    /// Adds what a check found, printing it unless it goes into the JSON object.
    pub fn add(&mut self, name: &str, findings: Vec<Finding>) -> Result<(), Failure> {
        for Finding { state, found, fix } in findings {
            let word = word(state);
            self.made += 1;
            self.bad += usize::from(state == State::Bad);
            if self.as_json {
                self.findings.push(json!({"check": name, "state": word, "found": found, "fix": fix}));
                continue;
            }
            stdout::line(format_args!("{word:<8} {name}: {found}"))?;
            if !fix.is_empty() {
                stdout::line(format_args!("         fix: {fix}"))?;
            }
        }
        Ok(())
    }

    /// The end of the report; a failure if a check failed.
    pub fn end(self) -> Result<(), Failure> {
        let Self { as_json, findings, made, bad } = self;
        if as_json {
            stdout::line(json!({"healthy": bad == 0, "checks": findings}))?;
        }
        if bad == 0 { Ok(()) } else { Err(Failure::new(format!("{bad} of {made} checks failed"))) }
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Good => "ok",
        State::Odd => "warning",
        State::Bad => "FAILED",
        State::LeftOut => "left out",
    }
}
