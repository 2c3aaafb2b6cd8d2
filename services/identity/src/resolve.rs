//! Who a caller is and what it may do: identity's own answer to the access
//! layer, and through `ResolveScopes` the other services' too.

use std::sync::Arc;
use std::time::Duration;

use access::{Authority, Claims, Credentials, Resolution, User};
use frontdesk_proto::identity::v1::JsonWebKey;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use uuid::Uuid;

use crate::actor::{AuditEvent, Context};
use crate::domain::roles::{self, OPERATE, TENANT_SCOPES};
use crate::error::Error;
use crate::keyring::Keyring;
use crate::secrets::ApiKey;
use crate::secrets::Secrets;
use crate::store::{Membership, ResolvedRow, Store, StoredApiKey};
use crate::trusted::TrustedIssuers;

/// Resolves from the database.
#[derive(Debug, Clone)]
pub struct LocalIdentity {
    store: Store,
    keyring: Keyring,
    secrets: Secrets,
    trusted: Arc<TrustedIssuers>,
}

impl LocalIdentity {
    /// Resolves from this store.
    pub fn new(store: Store, keyring: Keyring, secrets: Secrets, trusted: TrustedIssuers) -> Self {
        Self { store, keyring, secrets, trusted: Arc::new(trusted) }
    }

    async fn look_up(&self, credentials: &Credentials, claims: Option<&Claims>) -> Result<Resolution, Error> {
        let now = Timestamp::now();
        let key = match &credentials.api_key {
            Some(text) => Some(self.api_key(text, credentials.tenant, now).await?),
            None => None,
        };
        // The peer is the service that asks, so its address says nothing.
        let request_id = credentials.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default();
        let context = Context { request_id: request_id.to_owned(), ..Context::default() };
        let api_key_id = key.as_ref().map(|(id, _)| *id);
        let tenant = credentials.tenant.or(key.as_ref().map(|(_, row)| row.tenant));
        if let Some(claims) = claims {
            return Ok(Resolution { api_key_id, ..self.user(claims, tenant, &context, now).await? });
        }
        if let Some(token) = &credentials.token {
            let user = self.trusted.verify(token).await?;
            let rows = self.store.resolve_foreign_user(user, tenant).await?;
            let user = User { id: user, session: Uuid::nil() };
            return Ok(Resolution {
                api_key_id,
                ..self.resolution(user, &rows, tenant, &context, now).await?
            });
        }
        let mut scopes = key.map(|(_, row)| row.scopes).unwrap_or_default();
        scopes.sort();
        Ok(Resolution { user: None, tenant, scopes, role: String::new(), operator: false, api_key_id })
    }

    async fn user(
        &self,
        claims: &Claims,
        tenant: Option<Uuid>,
        context: &Context,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        let rows = self.store.resolve_user(claims.session_id, claims.sub, tenant, now).await?;
        if rows.first().is_some_and(|row| row.used_counter < claims.generation) {
            self.store.mark_session_used(claims.session_id, claims.generation).await?;
        }
        self.resolution(User::from(claims), &rows, tenant, context, now).await
    }

    async fn resolution(
        &self,
        user: User,
        rows: &[ResolvedRow],
        tenant: Option<Uuid>,
        context: &Context,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        let Some(first) = rows.first() else { return Err(session_ended().into()) };
        let is_operator = first.platform_scopes.iter().any(|scope| scope == OPERATE);
        let membership = membership(rows);
        let mut scopes = first.platform_scopes.clone();
        let tenant = match (membership, tenant) {
            (Some(membership), _) => Some(membership.tenant),
            (None, Some(named)) if is_operator && first.tenant_exists => {
                self.audit_operator(user, named, context, now).await?;
                Some(named)
            }
            (None, Some(_)) => return Err(no_member().into()),
            (None, None) => None,
        };
        if is_operator && tenant.is_some() {
            scopes.extend(TENANT_SCOPES.map(str::to_owned));
        } else if let Some(Membership { role, custom_scopes, .. }) = membership {
            scopes.extend(roles::scopes(role, custom_scopes.as_deref()));
        }
        scopes.sort();
        scopes.dedup();
        let role = membership.map(|membership| membership.role.clone()).unwrap_or_default();
        Ok(Resolution { user: Some(user), tenant, scopes, role, operator: is_operator, api_key_id: None })
    }

    /// One answer for every way in which a key can be wrong.
    async fn api_key(
        &self,
        text: &str,
        tenant: Option<Uuid>,
        now: Timestamp,
    ) -> Result<(Uuid, StoredApiKey), Error> {
        let key = ApiKey::read(text).ok_or_else(key_invalid)?;
        let row = self.store.find_api_key(key.id, now).await?.ok_or_else(key_invalid)?;
        let previous = row.previous_secret_hash.as_ref().is_some_and(|hash| key.matches(hash));
        let right = key.matches(&row.secret_hash) | previous;
        if !right || tenant.is_some_and(|tenant| tenant != row.tenant) {
            return Err(key_invalid().into());
        }
        if row.use_is_old {
            self.store.mark_api_key_used(row.tenant, key.id, now).await?;
        }
        Ok((key.id, row))
    }

    async fn audit_operator(
        &self,
        user: User,
        tenant: Uuid,
        context: &Context,
        now: Timestamp,
    ) -> Result<(), Error> {
        let event = AuditEvent {
            action: "operator_access",
            success: true,
            tenant: Some(tenant),
            user: Some(user.id),
            session: Some(user.session).filter(|session| !session.is_nil()),
            subject: String::new(),
            context,
        };
        Ok(self.store.audit(event, now).await?)
    }
}

impl Authority for LocalIdentity {
    /// Identity asks its own database each time.
    const HOLDS: Duration = Duration::ZERO;

    async fn keys(&self) -> Result<Vec<JsonWebKey>, Refusal> {
        // Asked for when a key is not known here: another replica may just have made it.
        self.keyring.reload(&self.store, &self.secrets).await.map_err(Refusal::from)?;
        Ok(self.keyring.public())
    }

    async fn resolve(
        &self,
        credentials: &Credentials,
        claims: Option<&Claims>,
    ) -> Result<Resolution, Refusal> {
        self.look_up(credentials, claims).await.map_err(Refusal::from)
    }
}

/// The membership that the call is for: the named one, else the only one.
fn membership(rows: &[ResolvedRow]) -> Option<&Membership> {
    match rows {
        [only] => only.membership.as_ref(),
        _ => None,
    }
}

fn session_ended() -> Refusal {
    Refusal::new(
        ErrorReason::SessionEnded,
        "The session of this token is over: it was logged out or revoked, it expired, or its user was disabled. Sign in again.",
    )
}

fn no_member() -> Refusal {
    Refusal::new(
        ErrorReason::TenantAccessDenied,
        "You are no member of the tenant that the call names in X-TENANT-ID or X-TENANT-API-KEY. GET /v1/me lists the tenants you belong to.",
    )
}

fn key_invalid() -> Refusal {
    Refusal::new(
        ErrorReason::ApiKeyInvalid,
        "X-TENANT-API-KEY is not a live key of the tenant. Ask an owner of the tenant for a new one.",
    )
}
