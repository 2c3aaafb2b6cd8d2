//! Identity's statements, one method each. What they mean together is decided
//! by the use cases.

use std::collections::BTreeSet;

use jiff::Timestamp;
use pg::{Database, Fault, Tx, column};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::domain::rotation;
use crate::secrets::ApiKey;

macro_rules! statements {
    ($($name:ident = $file:literal;)*) => {
        $(const $name: &str = include_str!(concat!("store/sql/", $file, ".sql"));)*
        /// Every statement by file name, for the test that prepares them all.
        pub const STATEMENTS: &[(&str, &str)] = &[$(($file, $name)),*];
    };
}

statements! {
    FIND_LOGIN = "find_login";
    INSERT_SESSION = "insert_session";
    INSERT_AUDIT_EVENT = "insert_audit_event";
    LOCK_SESSION = "lock_session";
    ROTATE_SESSION = "rotate_session";
    END_REUSED_SESSION = "end_reused_session";
    END_SESSIONS = "end_sessions";
    MARK_SESSION_USED = "mark_session_used";
    RESOLVE_USER = "resolve_user";
    FIND_API_KEY = "find_api_key";
    MARK_API_KEY_USED = "mark_api_key_used";
    GET_USER = "get_user";
    LIST_MEMBERSHIPS = "list_memberships";
    LIST_SIGNING_KEYS = "list_signing_keys";
    INSERT_ACTIVE_SIGNING_KEY = "insert_active_signing_key";
    UPSERT_TENANT = "upsert_tenant";
    UPSERT_USER = "upsert_user";
    UPSERT_MEMBERSHIP = "upsert_membership";
    INSERT_API_KEY = "insert_api_key";
}

/// The statements over a database.
#[derive(Debug, Clone)]
pub struct Store {
    pub(crate) db: Database,
}

/// A user as others may see it.
#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: Uuid,
    pub email: String,
    pub display_name: String,
    pub kind: UserKind,
    pub created_at: Timestamp,
}

/// What kind of user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    Person,
    Service,
}

/// A user with what a login needs.
#[derive(Debug)]
pub struct LoginRow {
    pub user: UserRow,
    pub password_hash: Option<String>,
    pub disabled: bool,
}

/// A new session.
#[derive(Debug)]
pub struct NewSession {
    pub id: Uuid,
    pub user: Uuid,
    pub at: Timestamp,
    pub idle_expires_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What a user is in the tenant of a call.
#[derive(Debug)]
pub struct ResolvedRow {
    pub platform_scopes: Vec<String>,
    pub used_counter: i64,
    pub membership: Option<(Uuid, String)>,
    pub tenant_exists: bool,
}

/// A stored API key.
#[derive(Debug)]
pub struct ApiKeyRow {
    pub tenant: Uuid,
    pub secret_hash: Vec<u8>,
    pub scopes: Vec<String>,
    pub use_is_old: bool,
}

/// A membership with the tenant's name.
#[derive(Debug)]
pub struct MembershipRow {
    pub tenant: Uuid,
    pub tenant_name: String,
    pub role: String,
}

/// A stored signing key.
#[derive(Debug)]
pub struct SigningKeyRow {
    pub kid: String,
    pub active: bool,
    pub x: String,
    pub y: String,
    pub sealed: Vec<u8>,
}

/// An event for the audit log.
#[derive(Debug)]
pub struct AuditEvent {
    pub id: Uuid,
    pub at: Timestamp,
    pub action: &'static str,
    pub success: bool,
    pub tenant: Option<Uuid>,
    pub user: Option<Uuid>,
    pub session: Option<Uuid>,
}

impl Store {
    /// The statements over this database.
    pub fn new(db: Database) -> Self {
        Self { db }
    }

    pub(crate) async fn find_login(&self, email: &str) -> Result<Option<LoginRow>, Fault> {
        let rows = self.db.query_global(FIND_LOGIN, &[&email]).await?;
        rows.first()
            .map(|row| {
                Ok(LoginRow {
                    user: user(row)?,
                    password_hash: column(row, "password_hash")?,
                    disabled: column(row, "disabled")?,
                })
            })
            .transpose()
    }

    pub(crate) async fn insert_session(&self, session: &NewSession, event: Uuid) -> Result<(), Fault> {
        let NewSession { id, user, at, idle_expires_at, expires_at } = session;
        self.db
            .query_global(INSERT_SESSION, &[id, user, at, idle_expires_at, expires_at, &event])
            .await
            .map(drop)
    }

    pub(crate) async fn insert_audit_event(&self, event: &AuditEvent) -> Result<(), Fault> {
        let AuditEvent { id, at, action, success, tenant, user, session } = event;
        let outcome = if *success { "success" } else { "failure" };
        self.db
            .query_global(INSERT_AUDIT_EVENT, &[id, at, action, &outcome, tenant, user, session])
            .await
            .map(drop)
    }

    pub(crate) async fn lock_session(
        &self,
        tx: &Tx,
        id: Uuid,
    ) -> Result<Option<(rotation::Session, UserRow)>, Fault> {
        let Some(row) = tx.query_opt(LOCK_SESSION, &[&id]).await? else { return Ok(None) };
        let session = rotation::Session {
            counter: column(&row, "counter")?,
            used_counter: column(&row, "used_counter")?,
            rotated_at: column(&row, "rotated_at")?,
            expires_at: column(&row, "expires_at")?,
            ended: column(&row, "ended")?,
        };
        Ok(Some((session, user(&row)?)))
    }

    pub(crate) async fn rotate_session(
        &self,
        tx: Tx,
        id: Uuid,
        counter: i64,
        at: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<Option<i64>, Fault> {
        let rows = tx.commit_with(ROTATE_SESSION, &[&id, &counter, &at, &idle_expires_at]).await?;
        rows.first().map(|row| column(row, "counter")).transpose()
    }

    pub(crate) async fn end_reused_session(
        &self,
        tx: Tx,
        id: Uuid,
        at: Timestamp,
        event: Uuid,
    ) -> Result<(), Fault> {
        tx.commit_with(END_REUSED_SESSION, &[&id, &at, &event]).await.map(drop)
    }

    pub(crate) async fn end_sessions(
        &self,
        user: Uuid,
        session: Uuid,
        at: Timestamp,
        which: &str,
        event: Uuid,
    ) -> Result<i64, Fault> {
        let rows = self.db.query_global(END_SESSIONS, &[&user, &session, &at, &which, &event]).await?;
        rows.first().map_or(Ok(0), |row| column(row, "ended"))
    }

    pub(crate) async fn mark_session_used(&self, id: Uuid, counter: i64) -> Result<(), Fault> {
        self.db.query_global(MARK_SESSION_USED, &[&id, &counter]).await.map(drop)
    }

    /// Nothing when the session is over or its user disabled; two rows when the
    /// user has several memberships and no tenant was named.
    pub(crate) async fn resolve_user(
        &self,
        session: Uuid,
        user: Uuid,
        tenant: Option<Uuid>,
        now: Timestamp,
    ) -> Result<Vec<ResolvedRow>, Fault> {
        let rows = self.db.query_global(RESOLVE_USER, &[&session, &user, &tenant, &now]).await?;
        rows.iter()
            .map(|row| {
                let tenant: Option<Uuid> = column(row, "tenant_id")?;
                let role: Option<String> = column(row, "role")?;
                Ok(ResolvedRow {
                    platform_scopes: column(row, "platform_scopes")?,
                    used_counter: column(row, "used_counter")?,
                    membership: tenant.zip(role),
                    tenant_exists: column(row, "tenant_exists")?,
                })
            })
            .collect()
    }

    pub(crate) async fn find_api_key(&self, id: Uuid, now: Timestamp) -> Result<Option<ApiKeyRow>, Fault> {
        let rows = self.db.query_global(FIND_API_KEY, &[&id, &now]).await?;
        rows.first()
            .map(|row| {
                Ok(ApiKeyRow {
                    tenant: column(row, "tenant_id")?,
                    secret_hash: column(row, "secret_hash")?,
                    scopes: column(row, "scopes")?,
                    use_is_old: column(row, "use_is_old")?,
                })
            })
            .transpose()
    }

    pub(crate) async fn mark_api_key_used(&self, tenant: Uuid, id: Uuid, at: Timestamp) -> Result<(), Fault> {
        self.db.query_global(MARK_API_KEY_USED, &[&tenant, &id, &at]).await.map(drop)
    }

    pub(crate) async fn get_user(&self, id: Uuid) -> Result<Option<(UserRow, Vec<String>)>, Fault> {
        let rows = self.db.query_global(GET_USER, &[&id]).await?;
        rows.first().map(|row| Ok((user(row)?, column(row, "platform_scopes")?))).transpose()
    }

    pub(crate) async fn list_memberships(&self, user: Uuid) -> Result<Vec<MembershipRow>, Fault> {
        let rows = self.db.query_global(LIST_MEMBERSHIPS, &[&user]).await?;
        rows.iter()
            .map(|row| {
                Ok(MembershipRow {
                    tenant: column(row, "tenant_id")?,
                    tenant_name: column(row, "tenant_name")?,
                    role: column(row, "role")?,
                })
            })
            .collect()
    }

    pub(crate) async fn list_signing_keys(&self) -> Result<Vec<SigningKeyRow>, Fault> {
        let rows = self.db.query_global(LIST_SIGNING_KEYS, &[]).await?;
        rows.iter()
            .map(|row| {
                let state: &str = column(row, "state")?;
                Ok(SigningKeyRow {
                    kid: column(row, "kid")?,
                    active: state == "active",
                    x: column(row, "public_x")?,
                    y: column(row, "public_y")?,
                    sealed: column(row, "private_key_sealed")?,
                })
            })
            .collect()
    }

    /// Stores the key unless there is an active one.
    pub(crate) async fn insert_active_signing_key(
        &self,
        key: &SigningKeyRow,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let SigningKeyRow { kid, active: _, x, y, sealed } = key;
        self.db.query_global(INSERT_ACTIVE_SIGNING_KEY, &[kid, x, y, sealed, &at]).await.map(drop)
    }

    /// Stores a tenant unless its id is taken.
    pub async fn upsert_tenant(&self, id: Uuid, slug: &str, name: &str, at: Timestamp) -> Result<(), Fault> {
        self.db.query_global(UPSERT_TENANT, &[&id, &slug, &name, &at]).await.map(drop)
    }

    /// Stores a user unless its id is taken. The e-mail address must be
    /// normalised.
    pub async fn upsert_user(
        &self,
        user: &UserRow,
        password_hash: &str,
        platform_scopes: &BTreeSet<String>,
    ) -> Result<(), Fault> {
        let UserRow { id, email, display_name, kind, created_at } = user;
        let kind = match kind {
            UserKind::Person => "person",
            UserKind::Service => "service",
        };
        let scopes: Vec<&String> = platform_scopes.iter().collect();
        self.db
            .query_global(UPSERT_USER, &[id, email, display_name, &kind, &password_hash, &scopes, created_at])
            .await
            .map(drop)
    }

    /// Makes a user a member of a tenant unless it is one.
    pub async fn upsert_membership(
        &self,
        tenant: Uuid,
        user: Uuid,
        role: &str,
        at: Timestamp,
    ) -> Result<(), Fault> {
        self.db.query_global(UPSERT_MEMBERSHIP, &[&tenant, &user, &role, &at]).await.map(drop)
    }

    /// Whether a key is one that lives in this database.
    pub async fn has_api_key(&self, key: &ApiKey, now: Timestamp) -> Result<bool, Fault> {
        Ok(self.find_api_key(key.id, now).await?.is_some_and(|row| key.matches(&row.secret_hash)))
    }

    /// Stores a new API key.
    pub async fn insert_api_key(
        &self,
        tenant: Uuid,
        key: &ApiKey,
        name: &str,
        scopes: &BTreeSet<String>,
        at: Timestamp,
    ) -> Result<(), Fault> {
        let (hash, scopes): (&[u8], Vec<&String>) = (&key.secret_hash, scopes.iter().collect());
        self.db.query_global(INSERT_API_KEY, &[&tenant, &key.id, &name, &hash, &scopes, &at]).await.map(drop)
    }
}

fn user(row: &Row) -> Result<UserRow, Fault> {
    let kind: &str = column(row, "kind")?;
    Ok(UserRow {
        id: column(row, "id")?,
        email: column(row, "email")?,
        display_name: column(row, "display_name")?,
        kind: if kind == "service" { UserKind::Service } else { UserKind::Person },
        created_at: column(row, "created_at")?,
    })
}
