//! Sessions, and what a caller is.

use jiff::Timestamp;
use pg::{Fault, Tx, column};
use tokio_postgres::Row;
use uuid::Uuid;

use super::people::{UserRow, user};
use super::{Store, all, count, first, named_statements};
use crate::domain::rotation;

named_statements! {
    FIND_LOGIN = "find_login";
    GET_LOGIN = "get_login";
    REHASH_PASSWORD = "rehash_password";
    INSERT_SESSION = "insert_session";
    LOCK_SESSION = "lock_session";
    ROTATE_SESSION = "rotate_session";
    END_REUSED_SESSION = "end_reused_session";
    END_SESSIONS = "end_sessions";
    LIST_SESSIONS = "list_sessions";
    MARK_SESSION_USED = "mark_session_used";
    RESOLVE_USER = "resolve_user";
    RESOLVE_FOREIGN_USER = "resolve_foreign_user";
}

/// A user with what a login needs.
#[derive(Debug)]
pub struct LoginRow {
    pub user: UserRow,
    pub password_hash: Option<String>,
    /// How often the password has been set.
    pub password_version: i32,
}

/// A new session.
#[derive(Debug)]
pub struct NewSession<'client> {
    pub id: Uuid,
    pub user: Uuid,
    pub at: Timestamp,
    pub idle_expires_at: Timestamp,
    pub expires_at: Timestamp,
    pub address: &'client str,
    pub user_agent: &'client str,
    /// Of the password that was checked.
    pub password_version: i32,
}

/// A live session.
#[derive(Debug)]
pub struct SessionRow {
    pub id: Uuid,
    pub created_at: Timestamp,
    pub refreshed_at: Timestamp,
    pub expires_at: Timestamp,
    pub address: String,
    pub user_agent: String,
}

/// What a user is in the tenant of a call.
#[derive(Debug)]
pub struct ResolvedRow {
    pub platform_scopes: Vec<String>,
    pub used_counter: i64,
    pub membership: Option<Membership>,
    pub tenant_exists: bool,
}

/// A membership as a call sees it.
#[derive(Debug)]
pub struct Membership {
    pub tenant: Uuid,
    pub role: String,
    /// The role's scopes, unless it is a built-in one.
    pub custom_scopes: Option<Vec<String>>,
}

impl Store {
    pub async fn find_login(&self, email: &str) -> Result<Option<LoginRow>, Fault> {
        first(&self.db.query_global(FIND_LOGIN, &[&email]).await?, login)
    }

    pub async fn get_login(&self, user: Uuid) -> Result<Option<LoginRow>, Fault> {
        first(&self.db.query_global(GET_LOGIN, &[&user]).await?, login)
    }

    /// Stores a hash with current parameters, unless the password has changed.
    pub async fn rehash_password(&self, user: Uuid, old: &str, new: &str) -> Result<(), Fault> {
        self.db.query_global(REHASH_PASSWORD, &[&user, &old, &new]).await.map(drop)
    }

    /// Not stored when the user was disabled or the password set meanwhile.
    pub async fn insert_session(&self, tx: &Tx, session: &NewSession<'_>) -> Result<bool, Fault> {
        let NewSession { id, user, at, idle_expires_at, expires_at, address, user_agent, password_version } =
            session;
        let rows = tx
            .query(
                INSERT_SESSION,
                &[id, user, at, idle_expires_at, expires_at, address, user_agent, password_version],
            )
            .await?;
        Ok(!rows.is_empty())
    }

    pub async fn lock_session(
        &self,
        tx: &Tx,
        id: Uuid,
    ) -> Result<Option<(rotation::Session, UserRow)>, Fault> {
        first(&tx.query(LOCK_SESSION, &[&id]).await?, |row| {
            let session = rotation::Session {
                counter: column(row, "counter")?,
                used_counter: column(row, "used_counter")?,
                rotated_at: column(row, "rotated_at")?,
                expires_at: column(row, "session_expires_at")?,
                ended: column(row, "ended")?,
            };
            Ok((session, user(row)?))
        })
    }

    /// Commits.
    pub async fn rotate_session(
        &self,
        tx: Tx,
        id: Uuid,
        counter: i64,
        at: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<Option<i64>, Fault> {
        let rows = tx.commit_with(ROTATE_SESSION, &[&id, &counter, &at, &idle_expires_at]).await?;
        first(&rows, |row| column(row, "counter"))
    }

    pub async fn end_reused_session(&self, tx: &Tx, id: Uuid, at: Timestamp) -> Result<(), Fault> {
        tx.query(END_REUSED_SESSION, &[&id, &at]).await.map(drop)
    }

    /// Ends a user's live sessions: `local`, `others` or `global`, as seen from
    /// one of them.
    pub async fn end_sessions(
        &self,
        tx: &Tx,
        user: Uuid,
        session: Uuid,
        at: Timestamp,
        which: &str,
        because: &str,
    ) -> Result<i64, Fault> {
        count(&tx.query(END_SESSIONS, &[&user, &session, &at, &which, &because]).await?, "ended")
    }

    pub async fn list_sessions(&self, user: Uuid, now: Timestamp) -> Result<Vec<SessionRow>, Fault> {
        all(&self.db.query_global(LIST_SESSIONS, &[&user, &now]).await?, |row| {
            Ok(SessionRow {
                id: column(row, "id")?,
                created_at: column(row, "created_at")?,
                refreshed_at: column(row, "rotated_at")?,
                expires_at: column(row, "session_expires_at")?,
                address: column(row, "address")?,
                user_agent: column(row, "user_agent")?,
            })
        })
    }

    pub async fn mark_session_used(&self, id: Uuid, counter: i64) -> Result<(), Fault> {
        self.db.query_global(MARK_SESSION_USED, &[&id, &counter]).await.map(drop)
    }

    /// Nothing when the session is over or its user disabled; two rows when the
    /// user has several memberships and no tenant was named.
    pub async fn resolve_user(
        &self,
        session: Uuid,
        user: Uuid,
        tenant: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Vec<ResolvedRow>, Fault> {
        all(&self.db.query_global(RESOLVE_USER, &[&session, &user, &tenant, &now]).await?, resolved)
    }

    /// The same for a user who comes with a token of another issuer.
    pub async fn resolve_foreign_user(
        &self,
        user: Uuid,
        tenant: Option<Uuid>,
    ) -> Result<Vec<ResolvedRow>, Fault> {
        all(&self.db.query_global(RESOLVE_FOREIGN_USER, &[&user, &tenant]).await?, resolved)
    }
}

fn resolved(row: &Row) -> Result<ResolvedRow, Fault> {
    let tenant: Option<Uuid> = column(row, "tenant_id")?;
    let role: Option<String> = column(row, "role")?;
    let custom_scopes = column(row, "custom_scopes")?;
    Ok(ResolvedRow {
        platform_scopes: column(row, "platform_scopes")?,
        used_counter: column(row, "used_counter")?,
        membership: tenant.zip(role).map(|(tenant, role)| Membership { tenant, role, custom_scopes }),
        tenant_exists: column(row, "tenant_exists")?,
    })
}

fn login(row: &Row) -> Result<LoginRow, Fault> {
    Ok(LoginRow {
        user: user(row)?,
        password_hash: column(row, "password_hash")?,
        password_version: column(row, "password_version")?,
    })
}
