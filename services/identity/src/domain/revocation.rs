//! Marks of what was revoked: what they are about. Who is told of them, and how, is not
//! known here. One of a kind that is not known here is about everything; so the mark of a table
//! that was emptied, `everything`, needs no kind of its own.

use super::words::words;

words! {
    /// What a mark is about.
    pub enum MarkKind {
        /// A session that is over.
        Session = "session",
        /// A user who was changed, or whose memberships were.
        User = "user",
        /// A role of a tenant.
        Role = "role",
        /// An API key.
        ApiKey = "api_key",
        /// A tenant.
        Tenant = "tenant",
        /// A signing key that is trusted no more.
        SigningKey = "signing_key",
    }
}

/// Something that was revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Where its transaction is in the order of their commits.
    pub position: i64,
    /// What it is about; `None` if this version does not know.
    pub kind: Option<MarkKind>,
    /// Which one.
    pub subject: String,
}

/// Something that a change of this process has revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnMark {
    /// What it is about; `None` if this version does not know.
    pub kind: Option<MarkKind>,
    /// Which one.
    pub subject: String,
}

/// Marks after a position.
#[derive(Debug, Default)]
pub struct MarksAfter {
    /// The position of the last transaction that revoked something.
    pub head: i64,
    /// Which run of which server said so: another one may have lost what the one before had.
    pub epoch: String,
    /// Marks up to this position are not kept any more.
    pub forgotten: i64,
    /// The marks, in the order of their positions.
    pub marks: Vec<Mark>,
}
