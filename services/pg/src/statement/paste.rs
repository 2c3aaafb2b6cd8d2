//! A statement as it can be pasted into psql: example values as psql's own
//! variables, and the text with its names, since psql puts its variables in for
//! `:name` too. Nothing stays stored.

use std::fmt::{self, Display};

use super::Statement;
use crate::tx::TENANT;

/// Prints what [`Statement::for_psql`] promises.
struct ForPsql<'a>(&'a Statement);

impl Statement {
    /// A script for psql with an example value for each parameter. It undoes what
    /// the statement does.
    pub fn for_psql(&self) -> impl Display {
        ForPsql(self)
    }
}

impl Display for ForPsql<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for parameter in self.0.parameters() {
            writeln!(out, "\\set {} '{}'", parameter.name, parameter.example.replace('\'', "''"))?;
        }
        writeln!(out, "begin;")?;
        if self.0.parameters().iter().any(|parameter| parameter.name == "tenant") {
            writeln!(out, "select set_config('{TENANT}', (:tenant)::text, true);")?;
        }
        writeln!(out, "{};", self.0.source.trim_end())?;
        writeln!(out, "rollback;")
    }
}
