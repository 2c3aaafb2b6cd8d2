//! Identity's errors and what the caller reads.

use frontdesk_proto::{ErrorReason, Refusal};
use pg::{Fault, HasFault};
use tonic::Status;

use crate::password::PasswordError;
use crate::secrets::SecretsError;

/// Why a use case did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller is told why.
    #[error("{}", .0.message())]
    Refused(Refusal),
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] Fault),
    /// A password was not checked.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A key cannot be used.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// A token was not signed.
    #[error("signing: {0}")]
    Signing(String),
}

impl HasFault for Error {
    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Database(fault) => Some(fault),
            Self::Refused(_) | Self::Password(_) | Self::Secrets(_) | Self::Signing(_) => None,
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => refusal,
            Error::Database(fault) => {
                tracing::warn!(%fault, "database failed");
                fault.refusal()
            }
            Error::Password(error) => error.into(),
            Error::Secrets(_) | Error::Signing(_) => {
                tracing::error!(%error, "identity failed");
                Self::new(
                    ErrorReason::Internal,
                    "The identity service failed. The request id finds the cause in the log.",
                )
            }
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        Refusal::from(error).into()
    }
}
