//! A platform operator sees what a member of a tenant sees.

use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::access_token::{NewBoundToken, StandsFor};
use crate::domain::audit::AuditAction;
use crate::domain::field::InvalidField;
use crate::domain::ids::{TenantId, UserId};
use crate::error::Error;
use crate::store::Change;

/// Seconds for which it lasts.
pub const VIEW_LIFETIME: u32 = 30 * 60;

impl Sessions {
    /// A token to see what a member sees; told to the tenant and to the platform.
    pub async fn view_as(
        &self,
        by: SignedIn,
        user: UserId,
        tenant: TenantId,
        reason: &str,
        actor: &Actor,
    ) -> Result<String, Error> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(InvalidField::new("reason", "is needed: the tenant reads it").into());
        }
        let (member, id, at) = Change::run(&self.store, async |change| {
            let member = change.get_member(tenant, user).await?.ok_or(Error::MemberNotFound)?;
            let (id, at) = (Change::new_id(), change.at());
            let viewed = actor.did(AuditAction::ViewedAs).about(user).because(reason);
            change.note(&viewed).await?;
            change.finish(viewed.in_tenant(tenant)).await?;
            Ok((member, id, at))
        })
        .await?;
        let stands_for = StandsFor::View(&member.user, by);
        let lifetime = VIEW_LIFETIME.into();
        self.keyring.sign_bound(&NewBoundToken { id, stands_for, tenant, scopes: None, at, lifetime })
    }
}
