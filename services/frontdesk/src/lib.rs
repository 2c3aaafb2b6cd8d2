//! The one program: every role, the development system, operator commands.
//! Rules of the business are in the services.

pub mod cli;
mod cors;
mod dev;
mod doctor;
mod generate;
mod healthcheck;
mod help;
mod http_url;
mod migrate;
mod operator;
mod run;
mod runbook;
mod settings;
mod smoke;
mod statement;
pub mod stderr;
mod stdout;
pub mod system;
mod token;
mod version;

use boot::SettingsError;

pub use self::dev::demo;

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

    /// Nobody reads the result any more: no failure, and no message.
    fn quiet() -> Self {
        Self { sentence: String::new(), code: 0 }
    }

    /// A failure with an exit code of its own.
    pub fn with_code(code: u8, sentence: impl ToString) -> Self {
        Self { sentence: sentence.to_string(), code }
    }
}

/// Wrong settings end every command alike.
impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::new(error)
    }
}
