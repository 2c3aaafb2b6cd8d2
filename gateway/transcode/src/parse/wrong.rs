//! What is wrong with a body, and where.

use std::borrow::Cow;

use crate::error::InputError;
use crate::json::read::{Reader, SyntaxError};
use crate::plan::Message;
use crate::scalar::Unfit;

/// What is wrong, and with which field; the path is put together on the way up.
#[derive(Debug)]
pub struct Wrong {
    path: Vec<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    Value(Cow<'static, str>),
    UnknownName(String),
    Syntax(SyntaxError),
}

impl Wrong {
    pub fn value(what: impl Into<Cow<'static, str>>) -> Self {
        Self { path: Vec::new(), what: What::Value(what.into()) }
    }

    /// The error for the caller; the reader knows lines and columns.
    pub fn into_error(self, reader: &Reader<'_>) -> InputError {
        match self.what {
            What::Syntax(SyntaxError { what, at }) => {
                let (line, column) = reader.line_column(at);
                InputError::request(format!(
                    "the body is not valid JSON: {what} at line {line} column {column}"
                ))
            }
            What::Value(what) => about(&self.path, what),
            What::UnknownName(what) => about(&self.path, what),
        }
    }

    /// Is about something within a field.
    pub fn within(mut self, name: &str) -> Self {
        self.path.push(name.to_owned());
        self
    }

    pub fn is_unknown_enum(&self) -> bool {
        self.path.is_empty() && matches!(self.what, What::UnknownName(_))
    }
}

impl From<Unfit> for Wrong {
    fn from(unfit: Unfit) -> Self {
        let what = match unfit {
            Unfit::UnknownName(what) => What::UnknownName(what),
            Unfit::Other(what) => What::Value(what),
        };
        Self { path: Vec::new(), what }
    }
}

impl From<SyntaxError> for Wrong {
    fn from(error: SyntaxError) -> Self {
        Self { path: Vec::new(), what: What::Syntax(error) }
    }
}

/// The rest of a sentence about a name that is not a field's.
pub fn unknown_field(message: &Message) -> String {
    let names: Vec<&str> = message.fields.iter().map(|field| &*field.name).collect();
    match names.as_slice() {
        [] => "is not a field; there are none here".to_owned(),
        names => format!("is not a field; there are {}", names.join(", ")),
    }
}

/// `inner_first` is the path from the value outwards.
fn about(inner_first: &[String], what: impl std::fmt::Display) -> InputError {
    if inner_first.is_empty() {
        return InputError::request(format!("the body {what}"));
    }
    let path: Vec<&str> = inner_first.iter().rev().map(String::as_str).collect();
    InputError::field(path.join("."), what.to_string())
}
