//! What is written down of platform operators, who may do everything in every tenant: each
//! call that a role of theirs in the tenant would not allow, for the tenant to read.

use access::Caller;

use crate::actor::{Actor, Context, SignedIn};
use crate::domain::audit::AuditAction;
use crate::domain::ids::{ApiKeyId, SessionId, TenantId, UserId};
use crate::domain::scopes::Holds;
use crate::error::Error;
use crate::store::Store;

/// Records that a caller calls the method of the context as an operator.
pub async fn record(store: &Store, caller: &Caller, context: Context) -> Result<(), Error> {
    let tenant = TenantId(caller.tenant()?.uuid());
    let user = caller.user()?;
    let actor = Actor {
        user: Some(SignedIn { user: UserId(user.id), session: SessionId(user.session) }),
        api_key: caller.api_key_id.map(ApiKeyId),
        for_user: false,
        issuer: caller.issuer.as_deref().unwrap_or_default().to_owned(),
        two_factors: caller.proof.two_factors,
        second_at: None,
        proved_at: None,
        holds: Holds::Scopes(caller.scopes.clone()),
        context,
    };
    store.record(actor.did(AuditAction::OperatorAccess).in_tenant(tenant)).await
}
