//! What the links in letters are for, and how long they work.

use jiff::SignedDuration;

use super::words::written;

written! {
    /// What a token does.
    pub enum Purpose {
        /// Sets a new password.
        Recover = "recover",
        /// Says that the mail of the account's address is read.
        ConfirmEmail = "confirm_email",
        /// Gives the account another address.
        ChangeEmail = "change_email",
    }
}

impl Purpose {
    /// How long it works.
    pub fn life(self) -> SignedDuration {
        match self {
            Self::Recover => SignedDuration::from_hours(1),
            Self::ConfirmEmail | Self::ChangeEmail => SignedDuration::from_hours(24),
        }
    }

    /// How many that were sent before go on beside a new one. Anybody can ask for one that
    /// recovers a password, five times in an hour, and is not to end the link that its owner
    /// has asked for: in the hour that this works there are fewer than ten others. The links of
    /// addresses are asked for by who has signed in.
    pub fn kept(self) -> i64 {
        match self {
            Self::Recover => 9,
            Self::ConfirmEmail | Self::ChangeEmail => 0,
        }
    }

    /// The page of the platform that takes it.
    pub fn page(self) -> &'static str {
        match self {
            Self::Recover => "recover-password",
            Self::ConfirmEmail | Self::ChangeEmail => "confirm-email",
        }
    }
}
