//! The scopes that users hold outside tenants: given and taken. Both must be held by whoever
//! does it.

use super::held::still_held_on_platform;
use super::invitation::end_offers;
use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::UserId;
use crate::domain::invitation::StillOffers;
use crate::domain::scopes::{self, Holds, MANAGE_TENANTS, MANAGE_USERS, OPERATE};
use crate::error::{Error, Reason, Refusal};
use crate::store::{Change, Store};

/// Most keys that an event names.
const MOST_NAMED: usize = 100;

/// Gives a user the scopes that `wanted` makes of those that the user holds, and returns
/// them. What somebody offered as an operator ends, except where they are an owner. API keys belong
/// to their tenants and go on working: those that the operator made where it is no owner are named
/// in the event.
pub async fn change(
    store: &Store,
    id: UserId,
    wanted: impl Fn(&[String]) -> Vec<String> + Send + Sync,
    actor: &Actor,
) -> Result<Vec<String>, Error> {
    Change::run(store, async |change| {
        // Operators first, always: two who are taken away at once wait for each other.
        let operators = change.lock_operators().await?;
        let holds = still_held_on_platform(&change, actor, MANAGE_USERS).await?;
        let held = change.lock_platform_scopes(id).await?.ok_or(Error::UserNotFound)?;
        let wanted = scopes::of_platform(wanted(&held))?;
        let given: Vec<&String> = wanted.iter().filter(|scope| !held.contains(scope)).collect();
        let taken: Vec<&String> = held.iter().filter(|scope| !wanted.contains(scope)).collect();
        actor.holds.check(given.iter().chain(&taken).copied())?;
        holds.check(given.iter().chain(&taken).copied())?;
        if given.is_empty() && taken.is_empty() {
            return Ok(wanted);
        }
        if taken.iter().any(|scope| *scope == OPERATE) {
            check_operator_stays(&operators, id, actor)?;
        }
        // Who operates goes on offering everywhere, whatever else is taken.
        let is_taken = |scope: &str| taken.iter().any(|one| *one == scope);
        let operates = wanted.iter().any(|scope| scope == OPERATE);
        let offers_less = is_taken(OPERATE) || (is_taken(MANAGE_TENANTS) && !operates);
        change.set_platform_scopes(id, &wanted).await?;
        let given = given.iter().map(|scope| format!(" +{scope}"));
        let taken = taken.iter().map(|scope| format!(" -{scope}"));
        let mut changed = format!("{id}{}", given.chain(taken).collect::<String>());
        if offers_less {
            end_offers(&change, id, StillOffers::AsOwner, actor).await?;
            changed.push_str(&keys_left(&change, id).await?);
        }
        change.finish(actor.did(AuditAction::PlatformScopesChanged).about(changed)).await?;
        Ok(wanted)
    })
    .await
}

/// The live keys that a user leaves in tenants, as an event names them; the end says whether there
/// are more than a hundred.
pub(super) async fn keys_left(change: &Change, of: UserId) -> Result<String, Error> {
    let keys = change.list_api_keys_beyond(of).await?;
    let named = keys.iter().take(MOST_NAMED).map(|key| format!(" live_key:{key}"));
    let more = if keys.len() > MOST_NAMED { " live_key:…" } else { "" };
    Ok(named.chain([more.to_owned()]).collect())
}

/// Refuses to take away the last operator who can sign in. Whoever is at the database can make
/// another one.
pub(super) fn check_operator_stays(operators: &[UserId], gone: UserId, actor: &Actor) -> Result<(), Error> {
    if operators != [gone] || matches!(actor.holds, Holds::Everything) {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::LastOperator,
        "The platform would be left without an operator who can sign in. Nothing was changed: make somebody else one first.",
    )
    .into())
}
