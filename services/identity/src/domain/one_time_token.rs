//! What the links in letters are for, and how long they work.

use jiff::SignedDuration;

use super::words::written;

written! {
    /// What a token does.
    pub enum Purpose {
        /// Sets a new password.
        Recover = "recover",
    }
}

impl Purpose {
    /// How long it works.
    pub fn life(self) -> SignedDuration {
        match self {
            Self::Recover => SignedDuration::from_hours(1),
        }
    }

    /// The page of the platform that takes it.
    pub fn page(self) -> &'static str {
        match self {
            Self::Recover => "recover-password",
        }
    }
}
