//! One row of the table of settings.

use std::fmt;

/// A setting: an environment variable, what it takes and what it is for. Rows
/// are constants beside the `Config` that holds their value; reading one puts it
/// into the table (see [`super::Settings`]).
#[derive(Debug, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// What the variable takes.
    pub form: Form,
    /// What happens when the variable is not set.
    pub unset: Unset,
    /// A value that is accepted, as somebody would write it.
    pub example: &'static str,
    /// One sentence for whoever sets it.
    pub meaning: &'static str,
    /// Whether the value must not be printed. A secret may also come from the
    /// file that `NAME_FILE` names.
    pub secret: bool,
}

/// What a variable takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// A whole number in a range.
    Number {
        /// The least value.
        least: i64,
        /// The greatest value.
        most: i64,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// Where to listen.
    Listen,
    /// What a type of its own reads, described for people.
    Described(&'static str),
}

/// What happens when a variable is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// The start is refused.
    Refused,
    /// This value is used.
    Default(&'static str),
    /// What is the case then, described for people; for example `none`.
    Means(&'static str),
}

impl Setting {
    /// The variable that names a file with the secret.
    pub fn file_variable(&self) -> Option<String> {
        self.secret.then(|| format!("{}_FILE", self.name))
    }

    /// The variable, with its `_FILE` form if it has one: `NAME` or `NAME_FILE`.
    pub(super) fn either_variable(&self) -> String {
        match self.file_variable() {
            Some(file) => format!("{} or {file}", self.name),
            None => self.name.to_owned(),
        }
    }

    /// What is wrong with a value, with what would be right.
    pub(super) fn complaint(&self, value: &str, cause: Option<&str>) -> String {
        let shown = if self.secret { String::new() } else { format!(" `{value}`") };
        let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
        format!(
            "{} has a value{shown} that cannot be used{cause}: it takes {}, for example {}.",
            self.name, self.form, self.example
        )
    }
}

impl fmt::Display for Form {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => out.write_str("text"),
            Self::Number { least, most } => write!(out, "a whole number from {least} to {most}"),
            Self::Word(words) => out.write_str(&words.join(" or ")),
            Self::Listen => {
                out.write_str("host:port with an IP address or localhost; the port alone means 127.0.0.1")
            }
            Self::Described(form) => out.write_str(form),
        }
    }
}
