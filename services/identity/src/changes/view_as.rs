//! A platform operator sees what a member of a tenant sees.

use super::held::still_held_on_platform;
use super::sessions::Sessions;
use crate::actor::{Actor, SignedIn};
use crate::credential::access_token::{NewBoundToken, StandsFor};
use crate::domain::audit::AuditAction;
use crate::domain::field::InvalidField;
use crate::domain::ids::{SessionId, TenantId, UserId};
use crate::domain::proof::Assurance;
use crate::domain::scopes::OPERATE;
use crate::error::{Error, Reason, Refusal};
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
        if by.session == SessionId::default() {
            return Err(no_session().into());
        }
        let (member, id, at) = Change::run(&self.store, async |change| {
            still_held_on_platform(&change, actor, OPERATE).await?;
            let member = change.get_member(tenant, user).await?.ok_or(Error::MemberNotFound)?;
            let (id, at) = (Change::new_id(), change.at());
            let viewed = actor.did(AuditAction::ViewedAs).about(user).because(reason);
            change.note(&viewed).await?;
            change.finish(viewed.in_tenant(tenant)).await?;
            Ok((member, id, at))
        })
        .await?;
        let assurance = if actor.two_factors { Assurance::Aal2 } else { Assurance::Aal1 };
        let stands_for = StandsFor::View(&member.user, by, assurance);
        let lifetime = VIEW_LIFETIME.into();
        self.keyring.sign_bound(&NewBoundToken { id, stands_for, tenant, scopes: None, at, lifetime })
    }
}

fn no_session() -> Refusal {
    Refusal::new(
        Reason::SignInRequired,
        "What is seen ends with the session of whoever looks, and a token of another issuer has no session here. Nothing was done. Sign in with POST /v1/auth/login.",
    )
}
