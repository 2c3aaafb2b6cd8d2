//! A tenant that comes with its first owner, or with nobody yet.

use super::held::still_held_on_platform;
use super::invitation::Invite;
use super::sessions::Sessions;
use super::tenant::{self, NewTenant};
use crate::actor::Actor;
use crate::domain::audit::AuditAction;
use crate::domain::ids::UserId;
use crate::domain::roles::{BuiltIn, Role};
use crate::domain::scopes::{MANAGE_TENANTS, OPERATE};
use crate::domain::tenant::Tenant;
use crate::error::{Error, Reason, Refusal};
use crate::store::Change;

/// Who owns a tenant from its beginning.
#[derive(Debug)]
pub enum FirstOwner {
    /// Nobody yet.
    Nobody,
    /// A user, who is not asked.
    User(UserId),
    /// Whoever accepts the invitation.
    Invited(Invite),
}

impl Sessions {
    /// Creates a tenant, and makes or invites its first owner with it.
    pub async fn create_tenant(
        &self,
        new: NewTenant<'_>,
        owner: FirstOwner,
        actor: &Actor,
    ) -> Result<Tenant, Error> {
        let new = new.checked()?;
        let prepared = match &owner {
            FirstOwner::Invited(invite) => Some(self.prepare(invite, actor).await?),
            FirstOwner::User(_) => {
                // Nobody is made a member unasked but by a platform operator.
                actor.holds.check([&OPERATE.to_owned()])?;
                None
            }
            FirstOwner::Nobody => None,
        };
        let role = Role::BuiltIn(BuiltIn::Owner);
        let tenant = Change::run(&self.store, async |change| {
            if matches!(owner, FirstOwner::User(_)) {
                // Before any of them: the owner may be one.
                change.lock_operators().await?;
            }
            let held = still_held_on_platform(&change, actor, MANAGE_TENANTS).await?;
            let (tenant, created) = tenant::put(&change, &new, actor).await?;
            if let FirstOwner::User(user) = &owner {
                still_held_on_platform(&change, actor, OPERATE).await?;
                change.insert_member(tenant.id, *user, &role).await?;
                // Locked by that: it stays so until the tenant is there.
                let found = change.get_login(*user).await?.ok_or(Error::UserNotFound)?;
                if found.user.disabled_at.is_some() {
                    return Err(owner_disabled());
                }
                let added = actor.did(AuditAction::MemberAdded).in_tenant(tenant.id);
                change.note(&added.about(format!("{user} {}", role.name()))).await?;
            }
            if let Some(prepared) = &prepared {
                let (_, invited) = self.put(&change, &tenant, &role, prepared, actor, &held).await?;
                change.note(&invited).await?;
            }
            change.finish(created).await?;
            Ok(tenant)
        })
        .await?;
        self.post.send();
        Ok(tenant)
    }
}

fn owner_disabled() -> Error {
    Refusal::new(
        Reason::UserNotFound,
        "The user is disabled, and could not sign in as the owner. Nothing was stored: enable the user first, or name another one.",
    )
    .into()
}
