//! Statements in the trace of the call under way.

use boot::TracedStatement;

use crate::{Fault, Query};

/// The spans of statements that are sent together. They end when this is dropped.
#[derive(Debug)]
pub(crate) struct Traced(Vec<TracedStatement>);

impl Traced {
    /// Begins them. Without a trace there are none.
    pub(crate) fn of<'a>(queries: impl IntoIterator<Item = &'a dyn Query>) -> Self {
        let names = queries.into_iter().map(|query| query.declaration().name);
        Self(names.filter_map(boot::trace_statement).collect())
    }

    /// Ends them. What went wrong is said of all: one that fails takes the others with it.
    pub(crate) fn ended<T>(self, outcome: Result<T, Fault>) -> Result<T, Fault> {
        if outcome.is_err() {
            self.0.into_iter().for_each(TracedStatement::fail);
        }
        outcome
    }
}
