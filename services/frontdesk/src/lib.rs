//! The one program: every role, the development system, operator commands.
//! Rules of the business are in the services.

mod admin;
pub mod cli;
pub mod demo;
mod dev;
mod doctor;
mod migrate;
pub mod roles;
mod smoke;
pub mod system;
mod token;

/// Why a command failed: a sentence for stderr and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// What happened, why, and what to do.
    pub sentence: String,
    /// The process's exit code.
    pub code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(sentence: impl ToString) -> Self {
        Self { sentence: sentence.to_string(), code: 1 }
    }

    /// A failure with an exit code of its own.
    pub fn with_code(code: u8, sentence: impl ToString) -> Self {
        Self { sentence: sentence.to_string(), code }
    }
}
