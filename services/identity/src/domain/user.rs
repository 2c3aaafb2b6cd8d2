//! Users: people and service accounts.

use jiff::Timestamp;

use super::ids::UserId;
use super::words::words;

words! {
    /// What kind of user it is.
    pub enum UserKind {
        /// Somebody.
        Person = "person",
        /// A program.
        Service = "service",
    }
}

/// A user as others may see it.
#[derive(Debug, Clone)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Its e-mail address, in normal form.
    pub email: String,
    /// Name shown to people; may be empty.
    pub display_name: String,
    /// What kind of user it is.
    pub kind: UserKind,
    /// When it was created.
    pub created_at: Timestamp,
    /// Since when it cannot sign in.
    pub disabled_at: Option<Timestamp>,
    /// When a link that was sent to the address was used first.
    pub email_confirmed_at: Option<Timestamp>,
}

/// A user with what a login needs.
#[derive(Debug, Clone)]
pub struct Login {
    /// The user.
    pub user: User,
    /// PHC string; a user without one cannot sign in.
    pub password_hash: Option<String>,
    /// How often the password has been set.
    pub password_version: i32,
}
