//! What can be wrong with rules, requests and answers.

use http::Method;

/// An annotation that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("{method}: {cause}")]
pub struct RuleError {
    /// Full name of the method or service, or the alias of a prefix.
    pub method: String,
    /// What is wrong.
    pub cause: String,
}

/// No method is bound to the request.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No route has the path.
    #[error("no route has this path")]
    NotFound,
    /// Routes have the path, with other HTTP methods.
    #[error("the path takes other methods")]
    MethodNotAllowed {
        /// Those methods, sorted.
        allow: Vec<Method>,
    },
    /// The path is not well-formed.
    #[error("the path is not well-formed: {0}")]
    Malformed(&'static str),
}

/// A request that is not one of its method.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{description}")]
pub struct InputError {
    /// The field, as a path of proto names; empty when it is about the whole.
    pub field: String,
    /// What is wrong with it, as the rest of a sentence.
    pub description: String,
}

/// An answer that has no JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutputError {
    /// Its bytes are not a message.
    #[error("the answer is not in the wire format of its type")]
    Malformed,
    /// It has a value that JSON cannot express, such as a time in the year 10000
    /// or an `Any` of an unknown type.
    #[error("the answer has a value that JSON cannot express")]
    NoJson,
}

impl RuleError {
    pub(crate) fn new(method: impl Into<String>, cause: impl Into<String>) -> Self {
        Self { method: method.into(), cause: cause.into() }
    }
}

impl InputError {
    pub(crate) fn request(description: impl Into<String>) -> Self {
        Self { field: String::new(), description: description.into() }
    }

    pub(crate) fn field(field: impl Into<String>, description: impl Into<String>) -> Self {
        Self { field: field.into(), description: description.into() }
    }
}

/// A name from outside, short enough for a message.
pub(crate) fn clipped(name: &str) -> String {
    if name.chars().count() <= 64 { name.to_owned() } else { name.chars().take(64).chain(['…']).collect() }
}
