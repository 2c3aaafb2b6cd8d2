//! Who a caller is and what it may do: identity's own answer to the access
//! layer, and through `ResolveScopes` the other services' too.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{
    Authority, Caller, Claims, Closed, Credentials, DeletedTenants, Key, Mark, Resolution, Revoked,
    SecondFactor, User,
};
use boot::Network;
use jiff::Timestamp;
use pg::Fault;
use uuid::Uuid;

use super::issuers::{Foreign, ForeignTokens};
use super::keyring::Keyring;
use super::operators;
use super::revocations::{Revocations, TellAfter};
use crate::actor::{Context, SignedIn};
use crate::credential::api_key::KeyText;
use crate::domain::api_key::StoredApiKey;
use crate::domain::ids::{ApiKeyId, SessionId, TenantId, UserId};
use crate::domain::revocation::MarkKind;
use crate::domain::roles::{BuiltIn, Role};
use crate::domain::scopes::{OPERATE, TENANT_SCOPES};
use crate::domain::tenant::ResolvedUser;
use crate::domain::user::UserKind;
use crate::domain::user_link::Subject;
use crate::error::{Error, Reason, Refusal};
use crate::store::Store;

/// The method that is asked with every page, and whose answer is kept as well
/// (`services/identity/src/rpc/me.rs`). Whoever else is asked of the database each time: other
/// services keep what they are answered, so that it must not be what is kept here.
const GET_ME: &str = "/frontdesk.identity.v1.UserService/GetMe";

/// Resolves from the database.
#[derive(Debug, Clone)]
pub struct LocalIdentity {
    pub(super) store: Store,
    keyring: Keyring,
    foreign: Arc<ForeignTokens>,
    pub(super) revocations: Revocations,
}

impl LocalIdentity {
    /// Resolves from this store, tokens of other issuers by what verifies them.
    pub fn new(store: Store, keyring: Keyring, foreign: ForeignTokens, revocations: Revocations) -> Self {
        Self { store, keyring, foreign: Arc::new(foreign), revocations }
    }

    async fn look_up(
        &self,
        credentials: &Credentials,
        claims: Option<&Claims>,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        if let Some(claims) = claims
            && let Some(bound) = self.bound(Some(credentials), claims, now).await?
        {
            return Ok(bound);
        }
        let named = credentials.tenant.map(TenantId);
        let key = match &credentials.api_key {
            Some(text) => Some(self.api_key(text, named, now).await?),
            None => None,
        };
        let tenant = named.or(key.as_ref().map(|(_, stored)| stored.tenant));
        let api_key_id = key.as_ref().map(|(id, _)| id.0);
        let key_until = key.as_ref().and_then(|(_, stored)| stored.until);
        // One that is closed is not the tenant of the answer, and the answer depends on it.
        let mut inferred = None;
        let resolution = if let Some(claims) = claims {
            let (user, session) = (UserId(claims.sub), SessionId(claims.session_id));
            let found = self.store.resolve_user(session, user, tenant, now).await?;
            if found.first().is_some_and(|first| first.used_counter < claims.generation) {
                self.store.mark_session_used(session, claims.generation).await?;
            }
            inferred = membership(&found).map(|(tenant, _)| *tenant);
            self.resolved(SignedIn { user, session }, &found, tenant, now)?
        } else if let Some(token) = &credentials.token {
            let Foreign { of, platform_scopes, user, until, proof } = self.foreign.verify(token, now).await?;
            let linked = match user {
                Some(user) => Some(user),
                None => self.store.find_user_link(&of).await?,
            };
            let user = linked.ok_or_else(|| not_linked(&of))?;
            let mut found = self.store.resolve_foreign_user(user, tenant).await?;
            if !platform_scopes {
                for one in &mut found {
                    one.platform_scopes.clear();
                }
            }
            inferred = membership(&found).map(|(tenant, _)| *tenant);
            let signed_in = SignedIn { user, session: SessionId::default() };
            let resolution = self.resolved(signed_in, &found, tenant, now)?;
            Resolution { until: Some(until), proof, issuer: Some(of.issuer.into()), ..resolution }
        } else {
            let mut scopes = key.map(|(_, stored)| stored.scopes).unwrap_or_default();
            scopes.sort();
            let (tenant, scopes) = (tenant.map(|tenant| tenant.0), scopes.into());
            Resolution { tenant, scopes, ..Resolution::default() }
        };
        let until = [resolution.until, key_until].into_iter().flatten().min();
        let resolution = Resolution { api_key_id, until, ..resolution };
        let closed = tenant.or(inferred).filter(|_| resolution.closed.is_some());
        let depends_on = resolution.tenant.map(TenantId).or(closed);
        Ok(Resolution { marks: self.marks(&resolution, depends_on), ..resolution })
    }

    /// What a user is in the tenant of a call.
    fn resolved(
        &self,
        signed_in: SignedIn,
        found: &[ResolvedUser],
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<Resolution, Refusal> {
        let Some(first) = found.first() else { return Err(session_ended()) };
        let is_operator = first.platform_scopes.iter().any(|scope| scope == OPERATE);
        // Whoever may do everything everywhere says where, or a membership that somebody else
        // made would decide it.
        let membership = membership(found).filter(|_| tenant.is_some() || !is_operator);
        let closed = Closed::of(first.suspended, first.deleted_until).filter(|closed| match closed {
            Closed::Suspended => membership.is_some() && !is_operator,
            // Whoever names none has not come to a closed one.
            Closed::Deleted(_) => membership.is_some() || (is_operator && tenant.is_some()),
        });
        if let (Some(closed), Some(_), false) = (closed, tenant, is_operator) {
            return Err(closed.refusal(now));
        }
        // Who names none can still sign out, leave, or accept an invitation elsewhere; an
        // operator can still do what needs no tenant.
        let membership = membership.filter(|_| closed.is_none());
        let tenant = match (membership, tenant) {
            (Some((tenant, _)), _) => Some(*tenant),
            (None, Some(_)) if closed.is_some() => None,
            (None, Some(named)) if is_operator && first.tenant_exists => Some(named),
            (None, Some(_)) => return Err(not_a_member()),
            (None, None) => None,
        };
        let role_scopes = membership.map(|(_, role)| role.scopes()).unwrap_or_default();
        let mut scopes = first.platform_scopes.clone();
        let role_scopes = if is_operator && tenant.is_some() {
            scopes.extend(TENANT_SCOPES.map(str::to_owned));
            role_scopes
        } else {
            scopes.extend(role_scopes);
            Vec::new()
        };
        scopes.sort();
        scopes.dedup();
        // Whoever may do what an owner may is asked what owners are, with whatever role.
        let owner = Role::BuiltIn(BuiltIn::Owner);
        let asked_as = if is_operator { tenant.map(|_| &owner) } else { membership.map(|(_, role)| role) };
        Ok(Resolution {
            user: Some(User { id: signed_in.user.0, session: signed_in.session.0 }),
            tenant: tenant.map(|tenant| tenant.0),
            closed,
            scopes: scopes.into(),
            role: membership.map(|(_, role)| role.name().into()).unwrap_or_default(),
            role_scopes: role_scopes.into(),
            operator: is_operator,
            until: first.session_ends_at,
            second_factor: self.second_factor(first, asked_as),
            ..Resolution::default()
        })
    }

    /// What a user has of second factors, and whether one is asked of the user, who is in the
    /// tenant what the role says.
    pub(super) fn second_factor(&self, user: &ResolvedUser, role: Option<&Role>) -> SecondFactor {
        let of_platform = self.store.policy().operators_need_second_factor
            && user.kind == UserKind::Person
            && !user.platform_scopes.is_empty();
        let of_tenant = role.is_some_and(|role| user.asked.asks(role, user.kind));
        SecondFactor { enrolled: user.enrolled, asked: of_platform || of_tenant }
    }

    /// What an answer depends on, each as the database marks it when it is revoked.
    pub(super) fn marks(&self, answer: &Resolution, tenant: Option<TenantId>) -> Arc<[Mark]> {
        let marker = self.revocations.marker();
        let mut marks = Vec::new();
        if let Some(User { id, session }) = answer.user {
            marks.push(marker.mark(MarkKind::User, id));
            if !session.is_nil() {
                marks.push(marker.mark(MarkKind::Session, session));
            }
        }
        if let Some(tenant) = tenant {
            marks.push(marker.mark(MarkKind::Tenant, tenant));
            if !answer.role.is_empty() && BuiltIn::from_name(&answer.role).is_none() {
                marks.push(marker.mark(MarkKind::Role, format_args!("{tenant}/{}", answer.role)));
            }
        }
        marks.extend(answer.api_key_id.map(|id| marker.mark(MarkKind::ApiKey, id)));
        marks.into()
    }

    /// One answer for every way in which a key can be wrong.
    pub(super) async fn api_key(
        &self,
        text: &str,
        tenant: Option<TenantId>,
        now: Timestamp,
    ) -> Result<(ApiKeyId, StoredApiKey), Error> {
        let key = KeyText::read(text).ok_or(Error::ApiKeyInvalid)?;
        let stored = self.store.find_api_key(key.id, now).await?.ok_or(Error::ApiKeyInvalid)?;
        let previous = stored.previous_secret_hash.as_ref().is_some_and(|hash| key.matches(hash));
        let right = key.matches(&stored.secret_hash) | previous;
        if !right || tenant.is_some_and(|tenant| tenant != stored.tenant) {
            return Err(Error::ApiKeyInvalid);
        }
        check_address(&stored.allowed_addresses, boot::client())?;
        if let Some(closed) = Closed::of(stored.suspended, stored.deleted_until) {
            return Err(closed.refusal(now).into());
        }
        if stored.use_is_old {
            self.store.mark_api_key_used(stored.tenant, key.id, now).await?;
        }
        Ok((key.id, stored))
    }
}

impl Authority for LocalIdentity {
    /// Identity asks its own database each time, or has heard just now that nothing is marked.
    const HOLDS: Duration = Duration::ZERO;

    fn holds_until_marked(method: &str) -> bool {
        method == GET_ME
    }

    async fn keys(&self, now: Timestamp) -> Result<Vec<Key>, Refusal> {
        // Asked for when a key is not known here: another replica may just have made it.
        self.keyring.reload(now).await.map_err(|error| refused(&error))?;
        Ok(self.keyring.verifying())
    }

    fn own_key(&self, id: &str) -> Option<Key> {
        self.keyring.verifying_key(id)
    }

    async fn follow(&self, hear: impl Fn(Revoked, Instant) + Send + Sync) {
        let mut looks = self.revocations.looks();
        let mut after = None;
        loop {
            if let Some(TellAfter { place, told, as_of }) = self.revocations.tell(after.as_ref()) {
                after = Some(place);
                if !told.revoked_keys.is_empty() {
                    self.keyring.drop_keys(&told.revoked_keys);
                }
                hear(told, as_of);
            }
            if looks.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    async fn resolve(
        &self,
        credentials: &Credentials,
        claims: Option<&Claims>,
        now: Timestamp,
    ) -> Result<Resolution, Refusal> {
        self.look_up(credentials, claims, now).await.map_err(|error| refused(&error))
    }

    async fn deleted_tenants(&self, of: &[Uuid]) -> Result<DeletedTenants, Refusal> {
        let unanswered = |fault: Fault| refused(&fault.into());
        let tenants = self.store.find_deleted_tenants(of).await.map_err(unanswered)?;
        let database = self.store.database_id().await.map_err(unanswered)?;
        let issuer = self.keyring.issuer().issuer.clone();
        Ok(DeletedTenants { database, issuer, tenants })
    }

    async fn record_operator(&self, credentials: &Credentials, caller: &Caller) -> Result<(), Refusal> {
        let request_id = credentials.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
        let context = Context {
            address: boot::client(),
            request_id: request_id.to_owned(),
            method: caller.method.trim_start_matches('/').to_owned(),
            ..Context::default()
        };
        operators::record(&self.store, caller, context).await.map_err(|error| refused(&error))
    }
}

/// Refuses a call from elsewhere than its key allows. What cannot be told or read is not
/// allowed. Whoever gets this answer has the key, so it may say more than that of a wrong one.
pub fn check_address(allowed: &[String], address: Option<IpAddr>) -> Result<(), Refusal> {
    let holds = |network: &String, address| {
        network.parse::<Network>().is_ok_and(|network: Network| network.contains(address))
    };
    // Whom a proxy names in a way that cannot be read has the address of nobody.
    match address.filter(|address| *address != boot::UNREADABLE) {
        _ if allowed.is_empty() => Ok(()),
        Some(address) if allowed.iter().any(|network| holds(network, address)) => Ok(()),
        Some(address) => {
            let address = address.to_canonical().to_string();
            let sentence = format!(
                "The API key is taken from some addresses only, and the call comes from {address}; nothing was done. Call from an address that the key allows, or have an owner of the tenant make a key for this one."
            );
            Err(Refusal::new(Reason::AddressNotAllowed, sentence).with("address", address))
        }
        None => Err(Refusal::new(
            Reason::AddressNotAllowed,
            "The API key is taken from some addresses only, and it cannot be told from where the call comes; nothing was done. Call through the gateway from an address that the key allows.",
        )),
    }
}

/// The access layer takes refusals, so this is where a failure is logged.
fn refused(error: &Error) -> Refusal {
    if error.is_failure() {
        tracing::warn!(%error, "a caller cannot be resolved");
    }
    error.refusal()
}

pub(super) fn session_ended() -> Refusal {
    Refusal::new(
        Reason::SessionEnded,
        "The session of this token is over: it was logged out or revoked, it expired, or its user was disabled. Sign in again.",
    )
}

fn not_linked(of: &Subject) -> Refusal {
    Refusal::new(
        Reason::SubjectNotLinked,
        "The token of another issuer is genuine, but its subject is not a user here. Have an operator link it: frontdesk user link EMAIL --issuer ISSUER --subject SUBJECT.",
    )
    .with("issuer", of.issuer.clone())
    .with("subject", of.subject.clone())
}

pub(super) fn not_a_member() -> Refusal {
    Refusal::new(
        Reason::TenantAccessDenied,
        "You are not a member of the tenant that the call names in X-TENANT-ID or X-TENANT-API-KEY. GET /v1/me lists the tenants you belong to.",
    )
}

/// The membership that the call is for: the named one, else the only one.
pub(super) fn membership(found: &[ResolvedUser]) -> Option<&(TenantId, Role)> {
    match found {
        [only] => only.membership.as_ref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_from_its_networks_only_and_from_nowhere_if_they_or_the_address_cannot_be_read() {
        let check = |allowed: &[&str], address: Option<&str>| {
            let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
            check_address(&allowed, address.map(|text| text.parse().unwrap()))
                .map_err(|refusal| refusal.reason())
        };
        let refused = Err(Reason::AddressNotAllowed);
        assert_eq!(check(&[], None), Ok(()));
        assert_eq!(check(&["192.0.2.0/24", "2001:db8::/32"], Some("::ffff:192.0.2.7")), Ok(()));
        assert_eq!(check(&["192.0.2.0/24", "2001:db8::/32"], Some("2001:db8::1")), Ok(()));
        assert_eq!(check(&["192.0.2.0/24"], Some("192.0.3.1")), refused);
        assert_eq!(check(&["192.0.2.0/24"], None), refused);
        assert_eq!(check(&["everywhere"], Some("192.0.2.1")), refused);
        assert_eq!(check(&["::/0", "0.0.0.0/0"], Some(&boot::UNREADABLE.to_string())), refused);
    }
}
