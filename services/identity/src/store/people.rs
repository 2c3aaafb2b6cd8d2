//! Users, tenants, memberships, roles.

use jiff::Timestamp;
use pg::{Fault, Kind, Tx, column};
use tokio_postgres::Row;
use uuid::Uuid;

use super::{Store, all, first, named_statements};

named_statements! {
    GET_USER = "get_user";
    INSERT_USER = "insert_user";
    LIST_USERS = "list_users";
    DISABLE_USER = "disable_user";
    ENABLE_USER = "enable_user";
    SET_PASSWORD = "set_password";
    LIST_MEMBERSHIPS = "list_memberships";
    INSERT_TENANT = "insert_tenant";
    GET_TENANT = "get_tenant";
    FIND_TENANT = "find_tenant";
    LIST_TENANTS = "list_tenants";
    LOCK_OWNERS = "lock_owners";
    LOCK_MEMBER = "lock_member";
    GET_MEMBER = "get_member";
    LIST_MEMBERS = "list_members";
    INSERT_MEMBER = "insert_member";
    UPDATE_MEMBER = "update_member";
    DELETE_MEMBER = "delete_member";
    LIST_ROLES = "list_roles";
    LOCK_ROLE = "lock_role";
    INSERT_ROLE = "insert_role";
    UPDATE_ROLE = "update_role";
    DELETE_ROLE = "delete_role";
}

/// A user as others may see it.
#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: Uuid,
    pub email: String,
    pub display_name: String,
    pub kind: UserKind,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

/// What kind of user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserKind {
    Person,
    Service,
}

/// A membership with the tenant's name.
#[derive(Debug)]
pub struct MembershipRow {
    pub tenant: Uuid,
    pub tenant_name: String,
    pub role: String,
    /// The role's scopes, unless it is a built-in one.
    pub custom_scopes: Option<Vec<String>>,
}

/// A tenant.
#[derive(Debug, Clone)]
pub struct TenantRow {
    pub id: Uuid,
    pub slug: String,
    pub name: String,
    pub created_at: Timestamp,
}

/// A member of a tenant.
#[derive(Debug)]
pub struct MemberRow {
    pub user: UserRow,
    pub role: String,
    pub since: Timestamp,
}

/// A role of a tenant.
#[derive(Debug)]
pub struct RoleRow {
    pub name: String,
    pub scopes: Vec<String>,
}

impl Store {
    pub async fn get_user(&self, id: Uuid) -> Result<Option<(UserRow, Vec<String>)>, Fault> {
        first(&self.db.query_global(GET_USER, &[&id]).await?, |row| {
            Ok((user(row)?, column(row, "platform_scopes")?))
        })
    }

    pub async fn insert_user(
        &self,
        tx: &Tx,
        new: &UserRow,
        password_hash: Option<&str>,
        platform_scopes: &[String],
    ) -> Result<UserRow, Fault> {
        let UserRow { id, email, display_name, kind, created_at, disabled_at: _ } = new;
        let kind = kind.name();
        let rows = tx
            .query(
                INSERT_USER,
                &[id, email, display_name, &kind, &password_hash, &platform_scopes, created_at],
            )
            .await?;
        first(&rows, user)?.ok_or_else(|| Fault::new(Kind::Other, "the inserted user came back empty"))
    }

    /// Users after an e-mail address and id.
    pub async fn list_users(&self, after: (&str, Uuid), limit: i64) -> Result<Vec<UserRow>, Fault> {
        all(&self.db.query_global(LIST_USERS, &[&after.0, &after.1, &limit]).await?, user)
    }

    pub async fn disable_user(&self, tx: &Tx, id: Uuid, at: Timestamp) -> Result<Option<UserRow>, Fault> {
        first(&tx.query(DISABLE_USER, &[&id, &at]).await?, user)
    }

    pub async fn enable_user(&self, tx: &Tx, id: Uuid) -> Result<Option<UserRow>, Fault> {
        first(&tx.query(ENABLE_USER, &[&id]).await?, user)
    }

    /// With a version, only while the password is still the one of that version.
    pub async fn set_password(
        &self,
        tx: &Tx,
        id: Uuid,
        hash: &str,
        version: Option<i32>,
    ) -> Result<bool, Fault> {
        Ok(!tx.query(SET_PASSWORD, &[&id, &hash, &version]).await?.is_empty())
    }

    pub async fn list_memberships(&self, user: Uuid) -> Result<Vec<MembershipRow>, Fault> {
        all(&self.db.query_global(LIST_MEMBERSHIPS, &[&user]).await?, |row| {
            Ok(MembershipRow {
                tenant: column(row, "tenant_id")?,
                tenant_name: column(row, "tenant_name")?,
                role: column(row, "role")?,
                custom_scopes: column(row, "custom_scopes")?,
            })
        })
    }

    pub async fn insert_tenant(&self, tx: &Tx, new: &TenantRow) -> Result<TenantRow, Fault> {
        let TenantRow { id, slug, name, created_at } = new;
        let rows = tx.query(INSERT_TENANT, &[id, slug, name, created_at]).await?;
        first(&rows, tenant)?.ok_or_else(|| Fault::new(Kind::Other, "the inserted tenant came back empty"))
    }

    pub async fn get_tenant(&self, id: Uuid) -> Result<Option<TenantRow>, Fault> {
        first(&self.db.query_global(GET_TENANT, &[&id]).await?, tenant)
    }

    pub async fn find_tenant(&self, slug: &str) -> Result<Option<TenantRow>, Fault> {
        first(&self.db.query_global(FIND_TENANT, &[&slug]).await?, tenant)
    }

    /// Tenants after a slug and id.
    pub async fn list_tenants(&self, after: (&str, Uuid), limit: i64) -> Result<Vec<TenantRow>, Fault> {
        all(&self.db.query_global(LIST_TENANTS, &[&after.0, &after.1, &limit]).await?, tenant)
    }

    /// The owners, locked: who removes one must see that another stays.
    pub async fn lock_owners(&self, tx: &Tx, tenant: Uuid) -> Result<Vec<Uuid>, Fault> {
        all(&tx.query(LOCK_OWNERS, &[&tenant]).await?, |row| column(row, "user_id"))
    }

    /// A member's role and, unless it is built in, the role's scopes.
    pub async fn lock_member(
        &self,
        tx: &Tx,
        tenant: Uuid,
        user: Uuid,
    ) -> Result<Option<(String, Option<Vec<String>>)>, Fault> {
        first(&tx.query(LOCK_MEMBER, &[&tenant, &user]).await?, |row| {
            Ok((column(row, "role")?, column(row, "custom_scopes")?))
        })
    }

    pub async fn get_member(&self, tx: &Tx, tenant: Uuid, user: Uuid) -> Result<Option<MemberRow>, Fault> {
        first(&tx.query(GET_MEMBER, &[&tenant, &user]).await?, member)
    }

    /// Members after an e-mail address and id.
    pub async fn list_members(
        &self,
        tenant: Uuid,
        after: (&str, Uuid),
        limit: i64,
    ) -> Result<Vec<MemberRow>, Fault> {
        all(&self.db.query_global(LIST_MEMBERS, &[&tenant, &after.0, &after.1, &limit]).await?, member)
    }

    pub async fn insert_member(
        &self,
        tx: &Tx,
        tenant: Uuid,
        user: Uuid,
        role: &str,
        at: Timestamp,
    ) -> Result<(), Fault> {
        tx.query(INSERT_MEMBER, &[&tenant, &user, &role, &at]).await.map(drop)
    }

    pub async fn update_member(&self, tx: &Tx, tenant: Uuid, user: Uuid, role: &str) -> Result<(), Fault> {
        tx.query(UPDATE_MEMBER, &[&tenant, &user, &role]).await.map(drop)
    }

    pub async fn delete_member(&self, tx: &Tx, tenant: Uuid, user: Uuid) -> Result<(), Fault> {
        tx.query(DELETE_MEMBER, &[&tenant, &user]).await.map(drop)
    }

    pub async fn list_roles(&self, tenant: Uuid) -> Result<Vec<RoleRow>, Fault> {
        all(&self.db.query_global(LIST_ROLES, &[&tenant]).await?, role)
    }

    pub async fn lock_role(&self, tx: &Tx, tenant: Uuid, name: &str) -> Result<Option<RoleRow>, Fault> {
        first(&tx.query(LOCK_ROLE, &[&tenant, &name]).await?, role)
    }

    pub async fn insert_role(
        &self,
        tx: &Tx,
        tenant: Uuid,
        name: &str,
        scopes: &[String],
        at: Timestamp,
    ) -> Result<(), Fault> {
        tx.query(INSERT_ROLE, &[&tenant, &name, &scopes, &at]).await.map(drop)
    }

    pub async fn update_role(
        &self,
        tx: &Tx,
        tenant: Uuid,
        name: &str,
        scopes: &[String],
    ) -> Result<(), Fault> {
        tx.query(UPDATE_ROLE, &[&tenant, &name, &scopes]).await.map(drop)
    }

    pub async fn delete_role(&self, tx: &Tx, tenant: Uuid, name: &str) -> Result<bool, Fault> {
        Ok(!tx.query(DELETE_ROLE, &[&tenant, &name]).await?.is_empty())
    }
}

impl UserKind {
    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Service => "service",
        }
    }
}

pub(super) fn user(row: &Row) -> Result<UserRow, Fault> {
    let kind: &str = column(row, "kind")?;
    Ok(UserRow {
        id: column(row, "id")?,
        email: column(row, "email")?,
        display_name: column(row, "display_name")?,
        kind: if kind == "service" { UserKind::Service } else { UserKind::Person },
        created_at: column(row, "created_at")?,
        disabled_at: column(row, "disabled_at")?,
    })
}

fn tenant(row: &Row) -> Result<TenantRow, Fault> {
    Ok(TenantRow {
        id: column(row, "id")?,
        slug: column(row, "slug")?,
        name: column(row, "name")?,
        created_at: column(row, "created_at")?,
    })
}

fn member(row: &Row) -> Result<MemberRow, Fault> {
    Ok(MemberRow { user: user(row)?, role: column(row, "role")?, since: column(row, "member_since")? })
}

fn role(row: &Row) -> Result<RoleRow, Fault> {
    Ok(RoleRow { name: column(row, "name")?, scopes: column(row, "scopes")? })
}
