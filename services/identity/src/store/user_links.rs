//! Which subject of another issuer is which user.

use pg::{Columns, Fault};

use super::change::Change;
use super::database::Store;
use crate::domain::ids::UserId;
use crate::domain::user_link::{LinkedSubject, Subject};

pg::statements! {
    /// The user that a subject is.
    FindUserLink<'a> = "find_user_link" (issuer: &'a str, subject: &'a str);
    /// The subjects that a user is.
    ListUserLinks = "list_user_links" (user: UserId);
    /// Links a subject, unless it is linked.
    InsertUserLink<'a> = "insert_user_link" (
        issuer: &'a str, subject: &'a str, user: UserId, at: jiff::Timestamp
    );
    /// Ends a link.
    DeleteUserLink<'a> = "delete_user_link" (issuer: &'a str, subject: &'a str);
}

impl Store {
    /// The user that a subject is.
    pub async fn find_user_link(&self, of: &Subject) -> Result<Option<UserId>, Fault> {
        let Subject { issuer, subject } = of;
        Columns::first(&self.run(&FindUserLink { issuer, subject }).await?, |row| row.next("user_id"))
    }

    /// The subjects that a user is.
    pub async fn list_user_links(&self, user: UserId) -> Result<Vec<LinkedSubject>, Fault> {
        Columns::all(&self.run(&ListUserLinks { user }).await?, |row| {
            let of = Subject { issuer: row.next("issuer")?, subject: row.next("subject")? };
            Ok(LinkedSubject { of, created_at: row.next("created_at")? })
        })
    }
}

impl Change {
    /// Links a subject; nothing if it is linked already.
    pub async fn insert_user_link(&self, of: &Subject, user: UserId) -> Result<bool, Fault> {
        let Subject { issuer, subject } = of;
        let insert = InsertUserLink { issuer, subject, user, at: self.at() };
        Ok(!self.query(&insert).await?.is_empty())
    }

    /// Ends a link; the user, if there was one.
    pub async fn delete_user_link(&self, of: &Subject) -> Result<Option<UserId>, Fault> {
        let Subject { issuer, subject } = of;
        Columns::first(&self.query(&DeleteUserLink { issuer, subject }).await?, |row| row.next("user_id"))
    }
}
