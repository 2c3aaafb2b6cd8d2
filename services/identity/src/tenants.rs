//! Tenants, their members and their roles.

use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use pg::Tx;
use uuid::Uuid;

use crate::actor::Actor;
use crate::domain::roles::{self, Role, TENANT_SCOPES};
use crate::error::Error;
use crate::store::{MemberRow, RoleRow, Store, TenantRow};
use crate::users::{checked_name, exists, not_found};

/// The scopes of whoever changes something; nobody can grant what they lack.
#[derive(Debug, Clone, Copy)]
pub enum Holds<'scopes> {
    /// These scopes.
    Scopes(&'scopes [String]),
    /// Everything: an operator command.
    Everything,
}

impl Holds<'_> {
    /// Refuses scopes that are not held.
    pub fn check<'a>(self, scopes: impl IntoIterator<Item = &'a str>) -> Result<(), Refusal> {
        let Self::Scopes(held) = self else { return Ok(()) };
        let missing: Vec<&str> =
            scopes.into_iter().filter(|scope| !held.iter().any(|one| one == scope)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal::new(
            ErrorReason::ScopeNotHeld,
            format!("You cannot give or take scopes that you do not hold yourself: {}.", missing.join(", ")),
        )
        .with("missing", missing.join(" ")))
    }
}

/// Creates a tenant.
pub async fn create(
    store: &Store,
    id: Uuid,
    slug: &str,
    name: &str,
    actor: &Actor,
) -> Result<TenantRow, Error> {
    check_slug("slug", slug)?;
    let tenant = TenantRow {
        id,
        slug: slug.to_owned(),
        name: checked_name("name", name, false)?,
        created_at: Timestamp::now(),
    };
    let tx = store.begin().await?;
    let tenant = store.insert_tenant(&tx, &tenant).await.map_err(|fault| {
        if fault.on_constraint("tenants_slug_key") || fault.on_constraint("tenants_pkey") {
            Error::Refused(exists("A tenant with this slug exists."))
        } else {
            fault.into()
        }
    })?;
    store.audit_and_commit(tx, actor.event("tenant_created", Some(id), slug), tenant.created_at).await?;
    Ok(tenant)
}

/// Makes a user a member.
pub async fn add_member(
    store: &Store,
    tenant: Uuid,
    user: Uuid,
    role: &str,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<MemberRow, Error> {
    let now = Timestamp::now();
    let tx = store.begin().await?;
    holds.check(scopes_of_role(store, &tx, tenant, role).await?.iter().map(String::as_str))?;
    store.insert_member(&tx, tenant, user, role, now).await.map_err(|fault| {
        if fault.on_constraint("memberships_pkey") {
            Error::Refused(exists("The user is a member already; change its role instead."))
        } else if fault.on_constraint("memberships_user_fkey") {
            Error::Refused(not_found())
        } else if fault.on_constraint("memberships_tenant_fkey") {
            Error::Refused(tenant_not_found())
        } else if fault.on_constraint("memberships_role_fkey") {
            Error::Refused(role_not_found(role))
        } else {
            fault.into()
        }
    })?;
    let member = store.get_member(&tx, tenant, user).await?.ok_or_else(member_not_found)?;
    store
        .audit_and_commit(tx, actor.event("member_added", Some(tenant), format!("{user} {role}")), now)
        .await?;
    Ok(member)
}

/// Gives a member another role.
pub async fn change_role(
    store: &Store,
    tenant: Uuid,
    user: Uuid,
    role: &str,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<MemberRow, Error> {
    let now = Timestamp::now();
    let tx = store.begin().await?;
    check_removable(store, &tx, tenant, user, role == Role::Owner.name(), holds).await?;
    holds.check(scopes_of_role(store, &tx, tenant, role).await?.iter().map(String::as_str))?;
    store.update_member(&tx, tenant, user, role).await.map_err(|fault| {
        if fault.on_constraint("memberships_role_fkey") {
            Error::Refused(role_not_found(role))
        } else {
            fault.into()
        }
    })?;
    let member = store.get_member(&tx, tenant, user).await?.ok_or_else(member_not_found)?;
    let subject = format!("{user} {role}");
    store.audit_and_commit(tx, actor.event("member_role_changed", Some(tenant), subject), now).await?;
    Ok(member)
}

/// Removes a member.
pub async fn remove_member(
    store: &Store,
    tenant: Uuid,
    user: Uuid,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<(), Error> {
    let tx = store.begin().await?;
    check_removable(store, &tx, tenant, user, false, holds).await?;
    store.delete_member(&tx, tenant, user).await?;
    Ok(store
        .audit_and_commit(tx, actor.event("member_removed", Some(tenant), user), Timestamp::now())
        .await?)
}

/// Creates a role of a tenant.
pub async fn create_role(
    store: &Store,
    tenant: Uuid,
    name: &str,
    scopes: Vec<String>,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<RoleRow, Error> {
    check_slug("name", name)?;
    if Role::from_name(name).is_some() {
        return Err(exists("A built-in role has this name.").into());
    }
    let scopes = checked_scopes(scopes, false)?;
    holds.check(scopes.iter().map(String::as_str))?;
    let now = Timestamp::now();
    let tx = store.begin().await?;
    store.insert_role(&tx, tenant, name, &scopes, now).await.map_err(|fault| {
        if fault.on_constraint("roles_pkey") {
            Error::Refused(exists("The tenant has a role with this name."))
        } else {
            fault.into()
        }
    })?;
    store.audit_and_commit(tx, actor.event("role_created", Some(tenant), name), now).await?;
    Ok(RoleRow { name: name.to_owned(), scopes })
}

/// Replaces the scopes of a role of a tenant. Both what is given and what is
/// taken must be held.
pub async fn update_role(
    store: &Store,
    tenant: Uuid,
    name: &str,
    scopes: Vec<String>,
    holds: Holds<'_>,
    actor: &Actor,
) -> Result<RoleRow, Error> {
    refuse_built_in(name)?;
    let scopes = checked_scopes(scopes, false)?;
    let tx = store.begin().await?;
    let old = store.lock_role(&tx, tenant, name).await?.ok_or_else(|| role_not_found(name))?;
    let changed = scopes.iter().filter(|scope| !old.scopes.contains(scope));
    let changed = changed.chain(old.scopes.iter().filter(|scope| !scopes.contains(scope)));
    holds.check(changed.map(String::as_str))?;
    store.update_role(&tx, tenant, name, &scopes).await?;
    store.audit_and_commit(tx, actor.event("role_updated", Some(tenant), name), Timestamp::now()).await?;
    Ok(RoleRow { name: name.to_owned(), scopes })
}

/// Deletes a role that nobody has.
pub async fn delete_role(store: &Store, tenant: Uuid, name: &str, actor: &Actor) -> Result<(), Error> {
    refuse_built_in(name)?;
    let tx = store.begin().await?;
    let deleted = store.delete_role(&tx, tenant, name).await.map_err(|fault| {
        if fault.on_constraint("memberships_role_fkey") {
            Error::Refused(Refusal::new(
                ErrorReason::RoleInUse,
                "Members still have the role: give them another one first. Nothing was deleted.",
            ))
        } else {
            fault.into()
        }
    })?;
    if !deleted {
        return Err(role_not_found(name).into());
    }
    Ok(store.audit_and_commit(tx, actor.event("role_deleted", Some(tenant), name), Timestamp::now()).await?)
}

/// Scopes that a role or key of a tenant may have, sorted, each once.
pub fn checked_scopes(mut scopes: Vec<String>, may_be_empty: bool) -> Result<Vec<String>, Refusal> {
    scopes.sort();
    scopes.dedup();
    if scopes.iter().any(|scope| !TENANT_SCOPES.contains(&scope.as_str())) {
        return Err(Refusal::field("scopes", format!("takes {}", TENANT_SCOPES.join(", "))));
    }
    if scopes.is_empty() && !may_be_empty {
        return Err(Refusal::field("scopes", "needs at least one scope"));
    }
    Ok(scopes)
}

/// The refusal for an unknown tenant.
pub fn tenant_not_found() -> Refusal {
    Refusal::new(ErrorReason::TenantNotFound, "There is no such tenant. GET /v1/tenants lists them.")
}

/// Refuses to take a member's role when an owner would be missing then, or when
/// the member holds more than whoever does it.
async fn check_removable(
    store: &Store,
    tx: &Tx,
    tenant: Uuid,
    user: Uuid,
    stays_owner: bool,
    holds: Holds<'_>,
) -> Result<(), Error> {
    // Owners first, always: two removals at once must wait for each other, not deadlock.
    let owners = store.lock_owners(tx, tenant).await?;
    let (role, custom) = store.lock_member(tx, tenant, user).await?.ok_or_else(member_not_found)?;
    holds.check(roles::scopes(&role, custom.as_deref()).iter().map(String::as_str))?;
    if owners == [user] && !stays_owner {
        return Err(Refusal::new(
            ErrorReason::LastOwner,
            "The tenant would be left without an owner. Make somebody else an owner first.",
        )
        .into());
    }
    Ok(())
}

async fn scopes_of_role(store: &Store, tx: &Tx, tenant: Uuid, name: &str) -> Result<Vec<String>, Error> {
    if Role::from_name(name).is_some() {
        return Ok(roles::scopes(name, None));
    }
    let role = store.lock_role(tx, tenant, name).await?.ok_or_else(|| role_not_found(name))?;
    Ok(role.scopes)
}

fn refuse_built_in(name: &str) -> Result<(), Refusal> {
    match Role::from_name(name) {
        Some(_) => Err(Refusal::new(
            ErrorReason::RoleInUse,
            "Built-in roles are the same in every tenant and cannot be changed. Create a role of your own.",
        )),
        None => Ok(()),
    }
}

fn check_slug(field: &str, slug: &str) -> Result<(), Refusal> {
    let fits = (1..=63).contains(&slug.len())
        && !slug.starts_with('-')
        && slug.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if fits {
        Ok(())
    } else {
        Err(Refusal::field(field, "takes 1 to 63 letters, digits and hyphens in lower case"))
    }
}

fn member_not_found() -> Refusal {
    Refusal::new(ErrorReason::MemberNotFound, "The user is no member of the tenant.")
}

fn role_not_found(name: &str) -> Refusal {
    let shown: String = name.chars().take(64).collect();
    Refusal::new(
        ErrorReason::RoleNotFound,
        format!("The tenant has no role {shown}. GET /v1/tenants/{{tenant_id}}/roles lists them."),
    )
}
