//! Users.

use jiff::Timestamp;
use pg::{Columns, Fault};

use super::change::Change;
use super::constraints::{USERS_EMAIL, USERS_KEY};
use super::database::{Store, lost_row};
use crate::domain::email::Email;
use crate::domain::ids::UserId;
use crate::domain::scopes::OPERATE;
use crate::domain::user::{Login, User, UserKind};
use crate::error::{Error, Existing};

/// What [`user`] reads.
pub(super) const COLUMNS: &str = "u.id, u.email, u.display_name, u.kind, u.created_at, u.disabled_at, \
    u.email_confirmed_at";

pg::statements! {
    /// A user with its scopes.
    GetUser = "get_user" (id: UserId);
    /// Users in the order of their addresses.
    ListUsers<'a> = "list_users" (after_email: &'a str, after_id: UserId, limit: i64);
    /// What a login needs, by the forms in which an address may be stored.
    FindLogin<'a> = "find_login" (stored: &'a [String]);
    /// What a login needs, by id.
    GetLogin = "get_login" (id: UserId);
    /// Stores a user.
    InsertUser<'a> = "insert_user" (
        id: UserId, email: &'a str, display_name: &'a str, kind: &'a str, password_hash: Option<&'a str>,
        platform_scopes: &'a [String], created_at: Timestamp, email_confirmed_at: Option<Timestamp>
    );
    /// Platform operators who can sign in, locked.
    LockOperators<'a> = "lock_operators" (operate: &'a str);
    /// The scopes of a user outside tenants, locked.
    LockPlatformScopes = "lock_platform_scopes" (id: UserId);
    /// Those of a user who can sign in, held.
    HoldPlatformScopes = "hold_platform_scopes" (id: UserId);
    /// Gives a user other scopes outside tenants.
    SetPlatformScopes<'a> = "set_platform_scopes" (id: UserId, scopes: &'a [String]);
    /// Gives a user another name.
    RenameUser<'a> = "rename_user" (id: UserId, display_name: &'a str);
    /// Gives somebody else another name.
    EditUser<'a> = "edit_user" (id: UserId, display_name: &'a str);
    /// Forgets who a user was.
    ForgetUser<'a> = "forget_user" (id: UserId, stored: &'a [String], at: Timestamp);
    /// Notes that the mail of a user's address is read.
    ConfirmEmail<'a> = "confirm_email" (id: UserId, email: &'a str, at: Timestamp);
    /// Gives a user another address, whose mail is read.
    ChangeEmail<'a> = "change_email" (id: UserId, old: &'a str, email: &'a str, at: Timestamp);
    /// Disables a user, unless it is.
    DisableUser = "disable_user" (id: UserId, at: Timestamp);
    /// Enables a user.
    EnableUser = "enable_user" (id: UserId);
    /// Sets a password, with a version only over the password of that version.
    SetPassword<'a> = "set_password" (id: UserId, hash: &'a str, version: Option<i32>, at: Timestamp);
    /// Stores a hash of the same password.
    RehashPassword<'a> = "rehash_password" (user: UserId, old: &'a str, new: &'a str);
}

impl Store {
    /// A user with the scopes that it holds outside tenants.
    pub async fn get_user(&self, id: UserId) -> Result<Option<(User, Vec<String>)>, Fault> {
        Columns::first(&self.run(&GetUser { id }).await?, |row| {
            Ok((user(row)?, row.next("platform_scopes")?))
        })
    }

    /// Users after an e-mail address and id.
    pub async fn list_users(
        &self,
        (after_email, after_id): (&str, UserId),
        limit: i64,
    ) -> Result<Vec<User>, Fault> {
        Columns::all(&self.run(&ListUsers { after_email, after_id, limit }).await?, user)
    }

    pub async fn find_login(&self, email: &Email) -> Result<Option<Login>, Fault> {
        Columns::first(&self.run(&FindLogin { stored: email.stored() }).await?, login)
    }

    pub async fn get_login(&self, id: UserId) -> Result<Option<Login>, Fault> {
        Columns::first(&self.run(&GetLogin { id }).await?, login)
    }

    /// Stores a hash with current parameters, unless the password has changed.
    pub async fn rehash_password(&self, user: UserId, old: &str, new: &str) -> Result<(), Fault> {
        self.run(&RehashPassword { user, old, new }).await.map(drop)
    }
}

impl Change {
    pub async fn insert_user(
        &self,
        new: &User,
        password_hash: Option<&str>,
        platform_scopes: &[String],
    ) -> Result<User, Error> {
        let User { id, email, display_name, kind, created_at, disabled_at: _, email_confirmed_at } = new;
        let insert = InsertUser {
            id: *id,
            email,
            display_name,
            kind: kind.word(),
            password_hash,
            platform_scopes,
            created_at: *created_at,
            email_confirmed_at: *email_confirmed_at,
        };
        let rows = self.query(&insert).await.map_err(|fault| {
            if fault.on_constraint(USERS_EMAIL) || fault.on_constraint(USERS_KEY) {
                Error::AlreadyExists(Existing::User)
            } else {
                fault.into()
            }
        })?;
        Ok(Columns::first(&rows, user)?.ok_or_else(|| lost_row("the inserted user"))?)
    }

    pub async fn get_login(&self, id: UserId) -> Result<Option<Login>, Fault> {
        Columns::first(&self.query(&GetLogin { id }).await?, login)
    }

    /// The scopes that a user holds outside tenants.
    pub async fn lock_platform_scopes(&self, id: UserId) -> Result<Option<Vec<String>>, Fault> {
        Columns::first(&self.query(&LockPlatformScopes { id }).await?, |row| row.next("platform_scopes"))
    }

    /// Those of a user who can sign in: they stay as they are until this change is stored.
    pub async fn hold_platform_scopes(&self, id: UserId) -> Result<Option<Vec<String>>, Fault> {
        Columns::first(&self.query(&HoldPlatformScopes { id }).await?, |row| row.next("platform_scopes"))
    }

    /// Platform operators who can sign in, locked: who removes one must see that another stays.
    pub async fn lock_operators(&self) -> Result<Vec<UserId>, Fault> {
        Columns::all(&self.query(&LockOperators { operate: OPERATE }).await?, |row| row.next("id"))
    }

    pub async fn set_platform_scopes(&self, id: UserId, scopes: &[String]) -> Result<(), Fault> {
        self.query(&SetPlatformScopes { id, scopes }).await.map(drop)
    }

    pub async fn rename_user(&self, id: UserId, display_name: &str) -> Result<Option<User>, Fault> {
        Columns::first(&self.query(&RenameUser { id, display_name }).await?, user)
    }

    /// Gives a user another name, also one who is disabled.
    pub async fn edit_user(&self, id: UserId, display_name: &str) -> Result<Option<User>, Fault> {
        Columns::first(&self.query(&EditUser { id, display_name }).await?, user)
    }

    /// Forgets who a user of this address was, and says whether that was known.
    pub async fn forget_user(&self, id: UserId, email: &Email) -> Result<bool, Fault> {
        let forget = ForgetUser { id, stored: email.stored(), at: self.at() };
        Ok(!self.query(&forget).await?.is_empty())
    }

    /// Notes that the mail of a user's address is read, and says whether it is the address.
    pub async fn confirm_email(&self, id: UserId, email: &str) -> Result<bool, Fault> {
        Ok(!self.query(&ConfirmEmail { id, email, at: self.at() }).await?.is_empty())
    }

    /// Gives a user another address, unless it has another one than before by now.
    pub async fn change_email(&self, id: UserId, old: &str, email: &str) -> Result<Option<User>, Error> {
        let rows = self.query(&ChangeEmail { id, old, email, at: self.at() }).await.map_err(|fault| {
            if fault.on_constraint(USERS_EMAIL) { Error::AlreadyExists(Existing::User) } else { fault.into() }
        })?;
        Ok(Columns::first(&rows, user)?)
    }

    pub async fn disable_user(&self, id: UserId) -> Result<Option<User>, Fault> {
        Columns::first(&self.query(&DisableUser { id, at: self.at() }).await?, user)
    }

    pub async fn enable_user(&self, id: UserId) -> Result<Option<User>, Fault> {
        Columns::first(&self.query(&EnableUser { id }).await?, user)
    }

    /// With a version, only while the password is still the one of that version.
    pub async fn set_password(&self, id: UserId, hash: &str, version: Option<i32>) -> Result<bool, Fault> {
        // A link that is stored beside it is waited for, and seen by whoever looks afterwards.
        self.lock_factors_of(id).await?;
        Ok(!self.query(&SetPassword { id, hash, version, at: self.at() }).await?.is_empty())
    }
}

pub(super) fn user(row: &mut Columns<'_>) -> Result<User, Fault> {
    Ok(User {
        id: row.next("id")?,
        email: row.next("email")?,
        display_name: row.next("display_name")?,
        kind: row.word("kind", UserKind::from_word)?,
        created_at: row.next("created_at")?,
        disabled_at: row.next("disabled_at")?,
        email_confirmed_at: row.next("email_confirmed_at")?,
    })
}

fn login(row: &mut Columns<'_>) -> Result<Login, Fault> {
    Ok(Login {
        user: user(row)?,
        password_hash: row.next("password_hash")?,
        password_version: row.next("password_version")?,
    })
}
