//! What all services share: who calls, from where, for which tenant.

use std::sync::Arc;

use access::{Acting, Caller, Proof};
use boot::AtOnce;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::{Request, Status};

use super::kept_me::KeptMe;
use super::watchers::Watchers;
use crate::actor::{Actor, Context, SignedIn};
use crate::changes::sessions::Sessions;
use crate::domain::ids::{ApiKeyId, SessionId, TenantId, UserId};
use crate::domain::scopes::Holds;
use crate::store::Store;
use crate::trust::authority::LocalIdentity;

/// Most characters of a user agent that are kept.
const MAX_USER_AGENT: usize = 200;
/// Most exports of a process, and of a tenant.
const MOST_EXPORTS: usize = 32;
const MOST_EXPORTS_OF_ONE: usize = 4;

/// All of identity's services.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Sessions, and through them the store.
    pub sessions: Sessions,
    /// Who watches what is revoked.
    pub watchers: Watchers,
    /// What credentials are worth.
    pub local: LocalIdentity,
    /// What users see of themselves, as long as nothing of it is marked.
    pub(super) kept_me: Arc<KeptMe>,
    /// The exports under way, each of a tenant or of the platform.
    pub(super) exports: AtOnce<Option<TenantId>>,
}

impl Identity {
    /// Of these.
    pub fn new(sessions: Sessions, watchers: Watchers, local: LocalIdentity, kept_me: Arc<KeptMe>) -> Self {
        let exports = AtOnce::new(MOST_EXPORTS, MOST_EXPORTS_OF_ONE);
        Self { sessions, watchers, local, kept_me, exports }
    }

    pub(super) fn store(&self) -> &Store {
        &self.sessions.store
    }

    /// Somebody who has not signed in.
    pub(super) fn stranger<T>(request: &Request<T>) -> Actor {
        let (holds, context) = (Holds::Scopes([].into()), Self::context(request));
        Actor {
            user: None,
            api_key: None,
            for_user: false,
            issuer: String::new(),
            two_factors: false,
            second_at: None,
            proved_at: None,
            holds,
            context,
        }
    }

    /// The caller of a method.
    pub(super) fn actor<T>(request: &Request<T>) -> Result<Actor, Status> {
        let Caller { user, scopes, api_key_id, acting, issuer, proof, .. } = access::caller(request)?;
        let (user, api_key) = (user.map(signed_in), api_key_id.map(ApiKeyId));
        let (holds, context) = (Holds::Scopes(scopes), Self::context(request));
        let issuer = issuer.as_deref().unwrap_or_default().to_owned();
        let Proof { two_factors, at, second_at } = proof;
        let time = |at: Option<u64>| at.and_then(|at| Timestamp::from_second(at.cast_signed()).ok());
        let (proved_at, second_at) = (time(at), time(second_at));
        let for_user = matches!(acting, Some(Acting::Client(_)));
        Ok(Actor { user, api_key, for_user, issuer, two_factors, second_at, proved_at, holds, context })
    }

    /// The user who calls a method of their own.
    pub(super) fn user<T>(request: &Request<T>) -> Result<(SignedIn, Actor), Status> {
        let user = signed_in(access::caller(request)?.user()?);
        Ok((user, Self::actor(request)?))
    }

    /// The caller of a method on one tenant, which the path must name too.
    pub(super) fn in_tenant<T>(request: &Request<T>, named: TenantId) -> Result<(Actor, TenantId), Status> {
        let tenant = TenantId(access::caller(request)?.tenant()?.uuid());
        if named != tenant {
            return Err(Refusal::new(
                ErrorReason::TenantAccessDenied,
                "The path names another tenant than the one the call is for: send the same id as X-TENANT-ID.",
            )
            .into());
        }
        Ok((Self::actor(request)?, tenant))
    }

    pub(super) fn context<T>(request: &Request<T>) -> Context {
        let metadata = request.metadata();
        let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let agent = Some(text("x-user-agent")).filter(|agent| !agent.is_empty());
        Context {
            address: boot::named_client(),
            user_agent: agent.unwrap_or(text("user-agent")).chars().take(MAX_USER_AGENT).collect(),
            request_id: text("x-request-id").to_owned(),
            method: request.extensions().get::<Caller>().map_or_else(String::new, called),
        }
    }
}

/// The method that is called, as it is written everywhere but in paths.
fn called(caller: &Caller) -> String {
    caller.method.trim_start_matches('/').to_owned()
}

fn signed_in(user: access::User) -> SignedIn {
    SignedIn { user: UserId(user.id), session: SessionId(user.session) }
}
