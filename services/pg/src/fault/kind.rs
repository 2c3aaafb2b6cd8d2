//! What can be done about what went wrong at Postgres.

/// What can be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A constraint refused the row. What it means is known where it is declared.
    Constraint { kind: Constraint, name: String },
    /// A value is missing (23502).
    NotNull { column: String },
    /// A value cannot be stored or compared (class 22).
    InvalidValue,
    /// Row-level security refused the row (42501).
    RowSecurity,
    /// The role may not do what the statement does, and a grant is missing (42501); whether it
    /// is known as one that the migrations give.
    NoRight { object: String, is_given: bool },
    /// Something that this version needs is not in the database (42703, 42P01
    /// and their like, or a column of another type).
    SchemaDrift { object: String },
    /// A row holds what this version cannot show: another program wrote it.
    Unreadable { column: String, what: &'static str },
    /// A prepared statement is not there any more, or of columns that have changed (26000,
    /// 42P05, 0A000 of a plan); nothing ran.
    StaleStatement,
    /// A function in the database, a trigger's say, has been planned in this session for
    /// a column that has another type now; nothing was stored. Only a new session helps.
    StaleSession,
    /// A serialization failure or deadlock (40001, 40P01); nothing was stored.
    Contention,
    /// `lock_timeout` (55P03); nothing was stored.
    LockTimeout,
    /// `statement_timeout` or a cancel (57014); nothing was stored.
    StatementTimeout,
    /// No connection, a lost connection, a server that starts or stops.
    Unavailable,
    /// No pooled connection in time, or the server is out of something (53xxx).
    Overloaded,
    /// So many of the same wait for their turn already.
    Crowded { waiting: usize, of: Crowd },
    /// The time that was given for the call is over; nothing was stored.
    OutOfTime,
    /// A standby answered (25006).
    ReadOnly,
    /// Something in the database that is not known here refused the row: a trigger, a
    /// function, a view's condition, a limit of the server (classes 21, 27, 38, 39, 44,
    /// 54, P0, those that are left to programs, and 42501 if a program raised it); nothing
    /// was stored.
    Refused,
    /// The connection broke during COMMIT.
    OutcomeUnknown,
    /// A statement failed earlier, so this transaction cannot commit.
    RolledBack,
    /// Anything else; a defect of ours or of the server's set-up.
    Other,
}

/// What kind of constraint it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Constraint {
    /// 23P01
    Exclusion,
    /// 23505
    Unique,
    /// 23514
    Check,
    /// 23503, 23001
    ForeignKey,
}

/// What it is of that too many wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crowd {
    /// Changes of a tenant.
    Changes,
    /// Calls of a tenant, or of whoever calls outside tenants.
    Calls,
}
