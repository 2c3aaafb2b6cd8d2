//! What whoever changes something holds at that moment. The call was let in before: its user
//! may have been removed since, or may do less, its session may be over, and its API key may be
//! revoked. Whatever takes that away waits for the change, or the change for it.
//!
//! What is locked comes in one order: a tenant, operators, other users, a session, memberships,
//! roles, keys, invitations.

use crate::actor::{Actor, SignedIn};
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::roles::Role;
use crate::domain::scopes::{Holds, MANAGE_TENANTS, MANAGE_USERS, OPERATE};
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// What is held in a tenant, of which `needed` is a part.
pub(super) async fn still_held(
    change: &Change,
    tenant: TenantId,
    actor: &Actor,
    needed: &str,
) -> Result<Holds, Error> {
    let holds = match actor.user {
        None => actor.holds.clone(),
        Some(by) => {
            let was_operator = actor.holds.check([&OPERATE.to_owned()]).is_ok();
            let on_platform = hold_caller(change, actor).await?.unwrap_or_default();
            if was_operator && on_platform.iter().any(|scope| scope == OPERATE) {
                actor.holds.clone()
            } else {
                match scopes_of_member(change, tenant, by.user).await? {
                    Some(scopes) => holding(scopes, needed)?,
                    // By that alone the call was let in.
                    None if was_operator => holding(on_platform, OPERATE)?,
                    None => return Err(removed().into()),
                }
            }
        }
    };
    // Beside a user's token a key says for which tenant the call is, and no more.
    if let Some(key) = actor.api_key.filter(|_| actor.user.is_none() || actor.for_user) {
        change.lock_api_key(tenant, key).await?.ok_or(Error::ApiKeyInvalid)?;
    }
    Ok(holds)
}

/// What is held outside tenants, of which `needed` is a part.
pub(super) async fn still_held_on_platform(
    change: &Change,
    actor: &Actor,
    needed: &str,
) -> Result<Holds, Error> {
    match hold_caller(change, actor).await? {
        None => Ok(actor.holds.clone()),
        Some(scopes) => holding(scopes, needed),
    }
}

/// What is held outside tenants by whoever manages a user, who is locked: as much as that user
/// holds, at least.
pub(super) async fn still_held_over(change: &Change, user: UserId, actor: &Actor) -> Result<Holds, Error> {
    // Operators first, always: two of them who do something to each other wait for each other.
    change.lock_operators().await?;
    let holds = still_held_on_platform(change, actor, MANAGE_USERS).await?;
    holds.check(&change.lock_platform_scopes(user).await?.ok_or(Error::UserNotFound)?)?;
    Ok(holds)
}

/// The same of whoever changes a tenant, which is locked, for the platform.
pub(super) async fn still_held_of_tenants(
    change: &Change,
    tenant: TenantId,
    actor: &Actor,
) -> Result<(), Error> {
    change.lock_tenant(tenant).await?;
    still_held_on_platform(change, actor, MANAGE_TENANTS).await.map(drop)
}

/// What the user who calls holds outside tenants, if it is one. Nobody is disabled, loses that, or
/// is signed out, before the change is stored.
pub(super) async fn hold_caller(change: &Change, actor: &Actor) -> Result<Option<Vec<String>>, Error> {
    let Some(by) = actor.user else { return Ok(None) };
    let scopes = change.hold_platform_scopes(by.user).await?.ok_or_else(session_over)?;
    // A token of another issuer has no session here.
    if by.session != SessionId::default() && !change.hold_session(by.session, by.user).await? {
        return Err(session_over().into());
    }
    Ok(Some(scopes))
}

/// Refuses a session that was ended since the call was let in. Whoever ends it because the account
/// is taken back ends its links and factors, too: one that is stored after that would give the
/// account away.
pub(super) async fn lock_live_session(change: &Change, by: SignedIn) -> Result<(), Error> {
    // The user first, as whoever sets a password.
    change.lock_factors_of(by.user).await?.ok_or_else(session_over)?;
    let session = change.lock_session(by.session).await?;
    let lives = session
        .is_some_and(|(session, of)| !session.ended && session.expires_at > change.at() && of.id == by.user);
    if lives { Ok(()) } else { Err(session_over().into()) }
}

/// The scopes of a member, if it is one. A role of the tenant's own keeps them until the change is
/// stored.
async fn scopes_of_member(
    change: &Change,
    tenant: TenantId,
    user: UserId,
) -> Result<Option<Vec<String>>, Error> {
    Ok(match change.lock_member(tenant, user).await? {
        None => None,
        Some(Role::BuiltIn(role)) => Some(role.scopes().map(str::to_owned).collect()),
        Some(Role::Own(role)) => {
            let locked = change.lock_role(tenant, &role.name).await?;
            Some(locked.ok_or(Error::RoleNotFound(role.name))?.scopes)
        }
    })
}

fn holding(scopes: Vec<String>, needed: &str) -> Result<Holds, Error> {
    if scopes.iter().any(|scope| scope == needed) {
        return Ok(Holds::Scopes(scopes.into()));
    }
    let sentence =
        format!("The scope {needed} was taken from you while the call was under way. Nothing was stored.");
    Err(Refusal::new(Reason::ScopeMissing, sentence).with("required", needed).with("missing", needed).into())
}

pub(super) fn session_over() -> Refusal {
    Refusal::new(Reason::SessionEnded, "The session is over. Sign in again.")
}

fn removed() -> Refusal {
    Refusal::new(
        Reason::TenantAccessDenied,
        "You were removed from the tenant while the call was under way. Nothing was stored.",
    )
}
