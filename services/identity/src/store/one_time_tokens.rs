//! Tokens of links that work once.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::database::Store;
use super::users::user;
use crate::domain::ids::UserId;
use crate::domain::one_time_token::Purpose;
use crate::domain::user::User;

pg::statements! {
    /// Stores a token, in place of those before it that are not kept.
    InsertOneTimeToken<'a> = "insert_one_time_token" (
        secret_hash: &'a [u8], purpose: &'a str, replaced_of: Option<UserId>, user: Option<UserId>,
        email: &'a str, at: Timestamp, expires_at: Timestamp, kept: i64
    );
    /// Whose a token is that works.
    FindOneTimeToken<'a> = "find_one_time_token" (secret_hash: &'a [u8], purpose: &'a str, now: Timestamp);
    /// Uses a token up, and ends those of its kind beside it.
    UseOneTimeToken<'a> = "use_one_time_token" (secret_hash: &'a [u8], purpose: &'a str, now: Timestamp);
    /// Ends the links that would change whose the account is.
    EndLinks = "end_links" (user: UserId, at: Timestamp);
    /// Uses up a token that confirms an address.
    UseEmailToken<'a> = "use_email_token" (secret_hash: &'a [u8], now: Timestamp);
}

/// An address that is confirmed by a token.
#[derive(Debug)]
pub struct ConfirmedEmail {
    /// Whose it is.
    pub user: UserId,
    /// The address.
    pub new: String,
    /// The address of the account until now; may be the same.
    pub old: String,
}

impl Store {
    /// The user of a token that works at a time.
    pub async fn find_one_time_token(
        &self,
        secret_hash: &[u8],
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<Option<User>, Fault> {
        let find = FindOneTimeToken { secret_hash, purpose: purpose.word(), now };
        Columns::first(&self.run(&find).await?, user)
    }
}

impl Change {
    /// Stores a token in place of those before it of a user, but for as many as its kind keeps;
    /// one that is nobody's is never found.
    pub async fn insert_one_time_token(
        &self,
        secret_hash: &[u8],
        purpose: Purpose,
        (replaced_of, user): (Option<UserId>, Option<UserId>),
        email: &str,
    ) -> Result<(), Fault> {
        let (at, expires_at, kept) = (self.at(), self.at() + purpose.life(), purpose.kept());
        let purpose = purpose.word();
        let insert =
            InsertOneTimeToken { secret_hash, purpose, replaced_of, user, email, at, expires_at, kept };
        self.query(&insert).await.map(drop)
    }

    /// Uses a token up, with those of its kind beside it, and says whose it was.
    pub async fn use_one_time_token(
        &self,
        secret_hash: &[u8],
        purpose: Purpose,
    ) -> Result<Option<UserId>, Fault> {
        let used = UseOneTimeToken { secret_hash, purpose: purpose.word(), now: self.at() };
        Columns::first(&self.query(&used).await?, |row| row.next("user_id"))
    }

    /// Ends the links that would change whose the account is.
    pub async fn end_links(&self, user: UserId) -> Result<(), Fault> {
        self.query(&EndLinks { user, at: self.at() }).await.map(drop)
    }

    /// Uses up a token that confirms an address, and says which.
    pub async fn use_email_token(&self, secret_hash: &[u8]) -> Result<Option<ConfirmedEmail>, Fault> {
        Columns::first(&self.query(&UseEmailToken { secret_hash, now: self.at() }).await?, |row| {
            Ok(ConfirmedEmail {
                user: row.next("user_id")?,
                new: row.next("new_email")?,
                old: row.next("old_email")?,
            })
        })
    }
}
