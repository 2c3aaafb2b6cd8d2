//! Roles of tenants.

use jiff::Timestamp;
use pg::{Columns, Fault, Kind};

use super::change::Change;
use super::constraints::{MEMBERSHIPS_ROLE, ROLES_KEY};
use super::database::Store;
use crate::domain::ids::TenantId;
use crate::domain::roles::{MOST_OWN_ROLES, OwnRole, Role};
use crate::error::{Error, Existing, Quota, Reason, Refusal};

pg::statements! {
    /// A tenant's roles by name.
    ListRoles = "list_roles" (tenant: TenantId);
    /// A role, locked.
    LockRole<'a> = "lock_role" (tenant: TenantId, name: &'a str);
    /// Stores a role.
    InsertRole<'a> = "insert_role" (tenant: TenantId, name: &'a str, scopes: &'a [String], at: Timestamp, most: i64);
    /// Gives a role other scopes.
    UpdateRole<'a> = "update_role" (tenant: TenantId, name: &'a str, scopes: &'a [String]);
    /// Deletes a role that no member has.
    DeleteRole<'a> = "delete_role" (tenant: TenantId, name: &'a str);
}

impl Store {
    pub async fn list_roles(&self, tenant: TenantId) -> Result<Vec<OwnRole>, Fault> {
        Columns::all(&self.run(&ListRoles { tenant }).await?, own_role)
    }
}

impl Change {
    pub async fn lock_role(&self, tenant: TenantId, name: &str) -> Result<Option<OwnRole>, Fault> {
        Columns::first(&self.query(&LockRole { tenant, name }).await?, own_role)
    }

    pub async fn insert_role(&self, tenant: TenantId, role: &OwnRole) -> Result<(), Error> {
        let OwnRole { name, scopes } = role;
        let insert = InsertRole { tenant, name, scopes, at: self.at(), most: MOST_OWN_ROLES };
        let inserted = self.query(&insert).await.map_err(|fault| {
            if fault.on_constraint(ROLES_KEY) { Error::AlreadyExists(Existing::Role) } else { fault.into() }
        })?;
        if inserted.is_empty() { Err(Error::QuotaReached(Quota::Roles)) } else { Ok(()) }
    }

    pub async fn update_role(&self, tenant: TenantId, role: &OwnRole) -> Result<(), Fault> {
        let OwnRole { name, scopes } = role;
        self.query(&UpdateRole { tenant, name, scopes }).await.map(drop)
    }

    /// Whether there was such a role.
    pub async fn delete_role(&self, tenant: TenantId, name: &str) -> Result<bool, Error> {
        let deleted = self.query(&DeleteRole { tenant, name }).await.map_err(|fault| {
            if fault.on_constraint(MEMBERSHIPS_ROLE) { Error::from(in_use()) } else { fault.into() }
        })?;
        Ok(!deleted.is_empty())
    }
}

/// The role of a membership: its name and the scopes of the tenant's role of this
/// name. The foreign key lets no other name be stored, unless by a later version.
pub(super) fn role(name: &str, own_scopes: Option<Vec<String>>) -> Result<Role, Fault> {
    Role::from_stored(name, own_scopes).ok_or_else(|| {
        let object = format!("role {name}, which this version does not know");
        Fault::new(Kind::SchemaDrift { object }, "unknown word")
    })
}

fn own_role(row: &mut Columns<'_>) -> Result<OwnRole, Fault> {
    Ok(OwnRole { name: row.next("name")?, scopes: row.next("scopes")? })
}

fn in_use() -> Refusal {
    Refusal::new(
        Reason::RoleInUse,
        "Members still have the role: give them another one first. Nothing was deleted.",
    )
}
