//! The wire of identity: parse, call, convert.

mod api_keys;
mod audit;
mod auth;
mod tenants;
mod tokens;
mod users;

use boot::TrustedProxies;
use frontdesk_proto::identity::v1 as wire;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use tonic::{Request, Status};
use uuid::Uuid;

use crate::actor::{Actor, Context};
use crate::sessions::Sessions;
use crate::store::{Store, UserKind, UserRow};

/// Most characters of a user agent that are kept.
const MAX_USER_AGENT: usize = 200;

/// All of identity's services.
#[derive(Debug, Clone)]
pub struct Identity {
    pub sessions: Sessions,
    pub trusted_proxies: TrustedProxies,
}

/// Who calls, as far as a change is concerned.
struct Change {
    caller: access::Caller,
    actor: Actor,
}

impl Identity {
    fn store(&self) -> &Store {
        &self.sessions.store
    }

    /// Where a call comes from.
    fn context<T>(&self, request: &Request<T>) -> Context {
        let metadata = request.metadata();
        let text = |name: &str| metadata.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let headers = metadata.clone().into_headers();
        let agent = Some(text("x-user-agent")).filter(|agent| !agent.is_empty());
        Context {
            address: request.remote_addr().map(|peer| self.trusted_proxies.client(peer.ip(), &headers)),
            user_agent: agent.unwrap_or(text("user-agent")).chars().take(MAX_USER_AGENT).collect(),
            request_id: text("x-request-id").to_owned(),
        }
    }

    fn change<T>(&self, request: &Request<T>) -> Result<Change, Status> {
        let caller = access::caller(request)?;
        Ok(Change { actor: Actor { user: caller.user, context: self.context(request) }, caller })
    }

    /// The caller of a method on one tenant, which the path must name too.
    fn change_in_tenant<T>(&self, request: &Request<T>, tenant_id: &str) -> Result<(Change, Uuid), Status> {
        let change = self.change(request)?;
        let (named, tenant) = (parse_id("tenant_id", tenant_id)?, change.caller.tenant()?.uuid());
        if named != tenant {
            return Err(Refusal::new(
                ErrorReason::TenantAccessDenied,
                "The path names another tenant than the one the call is for: send the same id as X-TENANT-ID.",
            )
            .into());
        }
        Ok((change, tenant))
    }
}

fn parse_id(field: &str, text: &str) -> Result<Uuid, Refusal> {
    match Uuid::try_parse(text) {
        Ok(id) if text.len() == 36 => Ok(id),
        _ => Err(Refusal::field(field, "must be a UUID such as 0190163d-8694-739b-aea5-966c26f8ad91")),
    }
}

fn user_to_wire(user: UserRow) -> wire::User {
    let UserRow { id, email, display_name, kind, created_at, disabled_at } = user;
    let kind = match kind {
        UserKind::Person => wire::UserKind::Person,
        UserKind::Service => wire::UserKind::Service,
    };
    wire::User {
        id: id.to_string(),
        email,
        display_name,
        kind: kind.into(),
        created_at: Some(timestamp_to_wire(created_at)),
        disabled_at: disabled_at.map(timestamp_to_wire),
    }
}

fn timestamp_to_wire(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: at.as_second(), nanos: at.subsec_nanosecond() }
}

fn id_to_wire(id: Option<Uuid>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

fn count_to_wire(count: i64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}
