//! What a user sees of itself, which every page asks for first: kept until something that it
//! shows is marked. Each caller is let in anew before that, so what is kept says nothing of who
//! may see it.

use access::{Acting, Caller, Mark, TenantId as CallersTenant};
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::Status;

use super::identity::Identity;
use super::wire::{factor, id_or_empty, user};
use crate::domain::ids::{TenantId, UserId};
use crate::domain::revocation::MarkKind;
use crate::domain::roles::Role;
use crate::domain::tenant::{Me, Membership};
use crate::error::Error;

/// Most memberships of an answer that is kept: so it takes kilobytes at most.
const MOST_MEMBERSHIPS: usize = 16;

impl Identity {
    /// What the caller sees of itself.
    pub(super) async fn me(&self, caller: &Caller, now: Timestamp) -> Result<wire::GetMeResponse, Status> {
        let id = UserId(caller.user()?.id);
        let key = (id, caller.tenant.map(CallersTenant::uuid));
        let is_user = caller.acting.is_none();
        if is_user && let Some(kept) = self.kept_me.answers.get(&key, now) {
            self.kept_me.used.add_one();
            return Ok(wire::GetMeResponse::clone(&kept));
        }
        self.kept_me.asked.add_one();
        let asked = self.kept_me.answers.asking();
        let me = self.store().get_me(id).await.map_err(Error::from)?.ok_or_else(gone)?;
        // When a factor was used last is marked by nothing, and one that is not verified ends by
        // itself.
        let is_marked = is_user && !me.has_factors;
        let is_small = me.memberships.len() + me.of_gone_tenants.len() <= MOST_MEMBERSHIPS;
        let marks = (is_marked && is_small).then(|| self.marks_of(&me));
        let factors = if is_user && me.has_factors {
            self.store().list_factors(id, now).await.map_err(Error::from)?
        } else {
            Vec::new()
        };
        let Me { user: shown, platform_scopes, has_factors: _, mut memberships, of_gone_tenants: _ } = me;
        let (viewed_by, acting_client) = match caller.acting {
            Some(Acting::Viewer(operator)) => (Some(operator), None),
            Some(Acting::Client(client)) => (None, Some(client)),
            None => (None, None),
        };
        if !is_user {
            // Whoever acts for a user does so in one tenant, and learns nothing of others.
            memberships.retain(|one| Some(one.tenant.0) == caller.tenant.map(CallersTenant::uuid));
        }
        let answer = wire::GetMeResponse {
            user: Some(user(shown)),
            memberships: memberships.into_iter().map(membership).collect(),
            current_tenant_id: id_or_empty(caller.tenant.map(CallersTenant::uuid)),
            platform_scopes: if is_user { platform_scopes } else { Vec::new() },
            factors: factors.into_iter().map(factor).collect(),
            viewed_by: id_or_empty(viewed_by),
            acting_client_id: id_or_empty(acting_client),
        };
        if let Some(marks) = marks {
            self.kept_me.answers.keep(key, answer.clone().into(), asked, marks.into(), None);
        }
        Ok(answer)
    }

    /// What the answer shows, or would if it were not about to be deleted, each as the database
    /// marks it when it changes.
    fn marks_of(&self, me: &Me) -> Vec<Mark> {
        let marker = self.watchers.revocations().marker();
        let mut marks = vec![marker.mark(MarkKind::User, me.user.id)];
        marks.extend(me.of_gone_tenants.iter().map(|tenant| marker.mark(MarkKind::Tenant, tenant)));
        for Membership { tenant: TenantId(tenant), role, .. } in &me.memberships {
            marks.push(marker.mark(MarkKind::Tenant, tenant));
            if let Role::Own(role) = role {
                marks.push(marker.mark(MarkKind::Role, format_args!("{tenant}/{}", role.name)));
            }
        }
        marks
    }
}

fn membership(membership: Membership) -> wire::Membership {
    let Membership { tenant, tenant_name, role } = membership;
    wire::Membership {
        tenant_id: tenant.to_string(),
        tenant_name,
        scopes: role.scopes(),
        role: role.name().to_owned(),
    }
}

/// The user of the token was deleted.
fn gone() -> Refusal {
    Refusal::new(ErrorReason::SessionEnded, "The user no longer exists. Sign in again.")
}
