//! Subjects of other issuers, and the users that they are.

use std::fmt;

use jiff::Timestamp;

use super::field::InvalidField;

/// Most bytes of an issuer or subject.
const LONGEST: usize = 255;

/// Whom an issuer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Who issues, as its tokens say in `iss`.
    pub issuer: String,
    /// Whom it means, as they say in `sub`.
    pub subject: String,
}

/// One that is a user here.
#[derive(Debug)]
pub struct LinkedSubject {
    /// Whom an issuer means.
    pub of: Subject,
    /// Since when.
    pub created_at: Timestamp,
}

impl Subject {
    /// One that may be linked.
    pub fn checked(issuer: &str, subject: &str) -> Result<Self, InvalidField> {
        for (field, text) in [("issuer", issuer), ("subject", subject)] {
            if text.trim().is_empty() || text.len() > LONGEST {
                return Err(InvalidField::new(field, format!("takes 1 to {LONGEST} bytes")));
            }
        }
        Ok(Self { issuer: issuer.to_owned(), subject: subject.to_owned() })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} of {}", self.subject, self.issuer)
    }
}
