//! Sessions of users.

use jiff::{SignedDuration, Timestamp};

use super::ids::{SessionId, UserId};
use super::proof::Method;
use super::words::written;

/// How long a session lives without a refresh.
pub const IDLE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How long a session lives at most.
pub const ABSOLUTE: SignedDuration = SignedDuration::from_hours(30 * 24);

written! {
    /// Why a session was ended.
    pub enum EndedBecause {
        /// Its user signed out.
        Logout = "logout",
        /// Its user ended it from another session.
        Revoked = "revoked",
        /// Somebody used an old refresh token.
        RefreshTokenReused = "refresh_token_reused",
        /// The password was changed or set.
        PasswordChanged = "password_changed",
        /// The user was disabled.
        UserDisabled = "user_disabled",
        /// A second factor was added, removed or reset.
        FactorsChanged = "factors_changed",
    }
}

/// A user who has signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignedIn {
    /// The user.
    pub user: UserId,
    /// The session; nil for a token of another issuer.
    pub session: SessionId,
}

/// Which of a user's sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// This one.
    One(SessionId),
    /// All but this one.
    AllBut(SessionId),
    /// All.
    All,
}

/// A session to start.
#[derive(Debug)]
pub struct NewSession<'client> {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The client's address; empty when it is unknown.
    pub address: &'client str,
    /// What the client calls itself.
    pub user_agent: &'client str,
    /// Of the password that was checked.
    pub password_version: i32,
    /// What its user has proved.
    pub by: Method,
}

/// A live session.
#[derive(Debug)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When its user signed in.
    pub created_at: Timestamp,
    /// When its newest refresh token was made.
    pub refreshed_at: Timestamp,
    /// The earlier of idle and absolute expiry.
    pub expires_at: Timestamp,
    /// The client's address at the sign-in.
    pub address: String,
    /// What the client called itself.
    pub user_agent: String,
}
