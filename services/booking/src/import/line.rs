//! A line of a file, and what keeps a file from being read on.

use serde::Deserialize;

/// Most bytes of a record.
pub(super) const MAX_RECORD: usize = 64 * 1024;

/// A record of the file.
#[derive(Debug)]
pub struct Line {
    /// Number of its first line, from 1.
    pub number: u64,
    /// What it says, or why it cannot be read, as a sentence.
    pub record: Result<Record, String>,
}

/// What a record says; what it leaves out is empty.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Record {
    pub name: Text,
    pub email: Text,
    pub phone: Text,
    pub external_id: Text,
    pub source: Text,
    pub notes: Text,
}

/// A text that may be left out or `null`.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Option<String>")]
pub struct Text(pub String);

/// Why the file cannot be read on, as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(pub String);

impl From<Option<String>> for Text {
    fn from(text: Option<String>) -> Self {
        Self(text.unwrap_or_default())
    }
}

impl Record {
    /// The fields, as a header names them.
    pub const FIELDS: [&'static str; 6] = ["name", "email", "phone", "external_id", "source", "notes"];

    /// The field of a name.
    pub(super) fn field(&mut self, name: &str) -> Option<&mut String> {
        let Self { name: full, email, phone, external_id, source, notes } = self;
        let fields = [full, email, phone, external_id, source, notes];
        let at = Self::FIELDS.iter().position(|field| *field == name)?;
        fields.into_iter().nth(at).map(|text| &mut text.0)
    }
}
