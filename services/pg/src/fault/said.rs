//! What a server's answer means. A server answers in the language of whoever set it up
//! (`lc_messages`, which no service may set): the code and the routine that refused are the
//! same in all of them, and nothing is decided by the message. It is shown.

use tokio_postgres::error::{DbError, Severity};

use super::kind::{Constraint, Kind};

/// The function of Postgres in which row-level security refuses a row; a view's condition
/// has a code of its own.
const ROW_SECURITY: &str = "ExecWithCheckOptions";
/// Where `raise exception` of a function of ours or of another program ends.
const RAISED: &str = "exec_stmt_raise";
/// Where the server that a call came to passes on what another one said that has the rows.
const OF_A_SHARD: &str = "ReportResultError";
/// Where Postgres refuses a right to something that it names, and to a sequence: any other
/// function's words may be anybody's.
const NO_RIGHT: &str = "aclcheck_error";
const NO_RIGHT_TO_SEQUENCE: &str = "nextval_internal";
/// Where the value of a setting is refused that is a text. Of those that are set here, only
/// that of `role` can be.
const NOT_A_ROLE: &str = "call_string_check_hook";
/// Where an enum refuses a word. None of ours is one: somebody made it of a column of text.
const NOT_A_LABEL: &str = "enum_in";
/// Where a statement is refused whose columns have changed since it was prepared; the code is
/// that of whatever a server cannot do.
const PREPARED_BEFORE: &str = "RevalidateCachedQuery";
/// Where a parameter of a plan has another type than that for which it was planned: the
/// executor's own, and those of functions of PL/pgSQL.
const PARAMETER: &str = "ExecEvalParamExtern";
const PARAMETER_OF_FUNCTION: &str = "plpgsql_param_eval_";

/// What a server said, as far as it counts.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Said<'a> {
    pub(super) sqlstate: &'a str,
    /// The function of Postgres that refused; empty where something between says it.
    pub(super) routine: &'a str,
    /// Whether the connection ends with it.
    pub(super) is_fatal: bool,
    pub(super) message: &'a str,
    pub(super) constraint: &'a str,
    pub(super) column: &'a str,
}

impl<'a> Said<'a> {
    pub(super) fn of(answer: &'a DbError) -> Self {
        Self {
            sqlstate: answer.code().code(),
            routine: answer.routine().unwrap_or_default(),
            is_fatal: match answer.parsed_severity() {
                Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
                // A pooler may leave out the field that is the same in every language.
                None => answer.severity() == "FATAL",
            },
            message: answer.message(),
            constraint: answer.constraint().unwrap_or("unnamed"),
            column: answer.column().unwrap_or("unnamed"),
        }
    }

    /// Whether it says that a server was lost, in place of the first answer that is still
    /// waited for: of what was sent together, the rest may have been done.
    pub(super) fn is_of_a_loss(self) -> bool {
        // What Postgres or an extension says of another server has a routine: it ends what was sent.
        self.routine.is_empty() && self.sqlstate.starts_with("08") || self.is_of_a_pooler()
    }

    /// Whether something between ends a connection that was let in. Postgres names the routine
    /// whenever it ends one itself.
    fn is_of_a_pooler(self) -> bool {
        // What is said of whoever is not let in.
        let is_of_a_login = matches!(self.sqlstate.get(..2), Some("28" | "3D" | "53"));
        self.is_fatal && self.routine.is_empty() && !is_of_a_login
    }

    pub(super) fn kind(self) -> Kind {
        let Self { sqlstate, routine, .. } = self;
        match sqlstate {
            _ if self.is_of_a_pooler() => Kind::Unavailable,
            "23P01" => self.refused_by(Constraint::Exclusion),
            "23505" => self.refused_by(Constraint::Unique),
            "23514" => self.refused_by(Constraint::Check),
            "23503" | "23001" => self.refused_by(Constraint::ForeignKey),
            "23502" => Kind::NotNull { column: self.column.to_owned() },
            // The code is that of a column of the wrong type.
            "42804" if routine == PARAMETER || routine.starts_with(PARAMETER_OF_FUNCTION) => {
                Kind::StaleSession
            }
            "42703" | "42P01" | "42883" | "42704" | "42P10" | "3F000" | "42804" => self.drift(),
            // The role that a transaction is in is not there.
            "22023" if routine == NOT_A_ROLE => self.drift(),
            "22P02" if routine == NOT_A_LABEL => self.drift_but_for_a_value(),
            "0A000" if routine == PREPARED_BEFORE => Kind::StaleStatement,
            "0A000" if routine == RAISED => Kind::Refused,
            "26000" | "42P05" => Kind::StaleStatement,
            "40001" | "40P01" => Kind::Contention,
            "40003" => Kind::OutcomeUnknown,
            "55P03" => Kind::LockTimeout,
            "57014" => Kind::StatementTimeout,
            "57P01" | "57P02" | "57P03" | "57P05" => Kind::Unavailable,
            // `PgBouncer` has it for all that it says itself, and names no routine.
            "08P01" if !routine.is_empty() => Kind::Other,
            "25006" => Kind::ReadOnly,
            "53400" => Kind::Other,
            "42501" => match routine {
                ROW_SECURITY => Kind::RowSecurity,
                RAISED => Kind::Refused,
                // The words are those of the server that has the row.
                OF_A_SHARD if self.message.contains("row-level security policy") => Kind::RowSecurity,
                _ => Kind::NoRight { object: self.right(), is_given: false },
            },
            _ => match sqlstate.get(..2) {
                Some("08") => Kind::Unavailable,
                Some("22") => Kind::InvalidValue,
                Some("53") => Kind::Overloaded,
                Some(class) if is_of_a_rule(class) => Kind::Refused,
                _ => Kind::Other,
            },
        }
    }

    /// The right that a role lacks, as far as it may be told.
    fn right(self) -> String {
        let names_it = self.routine.starts_with(NO_RIGHT) || self.routine == NO_RIGHT_TO_SEQUENCE;
        let words = if names_it { format!(" ({})", self.message) } else { String::new() };
        format!("a right of its role{words}")
    }

    fn refused_by(self, kind: Constraint) -> Kind {
        Kind::Constraint { kind, name: self.constraint.to_owned() }
    }

    /// The same where the words end with a value, which may be a person's.
    fn drift_but_for_a_value(self) -> Kind {
        let words = self.message.split_once(": ").map_or("a word of an enum", |(words, _)| words);
        Kind::SchemaDrift { object: words.to_owned() }
    }

    /// What is lacking, in the server's words. In English they end with what the sentence
    /// around them says by itself.
    fn drift(self) -> Kind {
        Kind::SchemaDrift { object: self.message.trim_end_matches(" does not exist").to_owned() }
    }
}

/// Whether errors of a class come of what a database computes for a row. Classes that
/// begin with 5 to 9 or I to Z are not the standard's: those that Postgres does not use
/// itself are a program's own, for `raise … using errcode`.
fn is_of_a_rule(class: &str) -> bool {
    matches!(class, "21" | "27" | "38" | "39" | "44" | "54" | "P0")
        || (class.starts_with(|first| matches!(first, '5'..='9' | 'I'..='Z'))
            && !matches!(class, "53" | "55" | "57" | "58" | "72" | "XX"))
}
