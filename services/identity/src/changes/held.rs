//! What whoever changes something holds at that moment. The call was let in before: its user
//! may have been removed since, or may do less, and its API key may be revoked. Whatever takes
//! that away waits for the change, or the change for it.

use crate::actor::Actor;
use crate::domain::ids::TenantId;
use crate::domain::scopes::{Holds, OPERATE};
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// What is held in a tenant, of which `needed` is a part.
pub(super) async fn still_held(
    change: &Change,
    tenant: TenantId,
    actor: &Actor,
    needed: &str,
) -> Result<Holds, Error> {
    // Beside a user's token a key says for which tenant the call is, and no more.
    if let Some(key) = actor.api_key.filter(|_| actor.user.is_none() || actor.for_user) {
        change.lock_api_key(tenant, key).await?.ok_or(Error::ApiKeyInvalid)?;
    }
    let Some(by) = actor.user else { return Ok(actor.holds.clone()) };
    if actor.holds.check([&OPERATE.to_owned()]).is_ok() {
        still_held_on_platform(change, actor, OPERATE).await?;
        return Ok(actor.holds.clone());
    }
    let role = change.lock_member(tenant, by.user).await?.ok_or_else(removed)?;
    holding(role.scopes(), needed)
}

/// What is held outside tenants, of which `needed` is a part.
pub(super) async fn still_held_on_platform(
    change: &Change,
    actor: &Actor,
    needed: &str,
) -> Result<Holds, Error> {
    let Some(by) = actor.user else { return Ok(actor.holds.clone()) };
    holding(change.hold_platform_scopes(by.user).await?.unwrap_or_default(), needed)
}

fn holding(scopes: Vec<String>, needed: &str) -> Result<Holds, Error> {
    if scopes.iter().any(|scope| scope == needed) {
        return Ok(Holds::Scopes(scopes.into()));
    }
    let sentence =
        format!("The scope {needed} was taken from you while the call was under way. Nothing was stored.");
    Err(Refusal::new(Reason::ScopeMissing, sentence).with("required", needed).with("missing", needed).into())
}

fn removed() -> Refusal {
    Refusal::new(
        Reason::TenantAccessDenied,
        "You were removed from the tenant while the call was under way. Nothing was stored.",
    )
}
