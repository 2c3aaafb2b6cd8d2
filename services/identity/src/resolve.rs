//! Who a caller is and what it may do: identity's own answer to the access
//! layer, and through `ResolveScopes` the other services' too.

use std::time::Duration;

use access::{Authority, Claims, Credentials, Resolution};
use frontdesk_proto::identity::v1::JsonWebKey;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use uuid::Uuid;

use crate::domain::roles::{OPERATE, Role, TENANT_SCOPES};
use crate::error::Error;
use crate::keyring::Keyring;
use crate::secrets::ApiKey;
use crate::store::{ApiKeyRow, AuditEvent, ResolvedRow, Store};

/// Resolves from the database.
#[derive(Debug, Clone)]
pub struct LocalIdentity {
    store: Store,
    keyring: Keyring,
}

impl LocalIdentity {
    /// Resolves from this store.
    pub fn new(store: Store, keyring: Keyring) -> Self {
        Self { store, keyring }
    }

    async fn look_up(&self, credentials: &Credentials, claims: Option<&Claims>) -> Result<Resolution, Error> {
        let now = Timestamp::now();
        let key = match &credentials.api_key {
            Some(text) => Some(self.api_key(text, credentials.tenant, now).await?),
            None => None,
        };
        let api_key_id = key.as_ref().map(|(id, _)| *id);
        let tenant = credentials.tenant.or(key.as_ref().map(|(_, row)| row.tenant));
        match (claims, key) {
            (Some(claims), _) => Ok(Resolution { api_key_id, ..self.user(claims, tenant, now).await? }),
            (None, Some((_, row))) => {
                let mut scopes = row.scopes;
                scopes.sort();
                Ok(Resolution { tenant, scopes, role: String::new(), operator: false, api_key_id })
            }
            (None, None) => Ok(Resolution {
                tenant: None,
                scopes: Vec::new(),
                role: String::new(),
                operator: false,
                api_key_id: None,
            }),
        }
    }

    async fn user(&self, claims: &Claims, tenant: Option<Uuid>, now: Timestamp) -> Result<Resolution, Error> {
        let rows = self.store.resolve_user(claims.session_id, claims.sub, tenant, now).await?;
        let Some(first) = rows.first() else { return Err(session_ended().into()) };
        if first.used_counter < claims.generation {
            self.store.mark_session_used(claims.session_id, claims.generation).await?;
        }
        let is_operator = first.platform_scopes.iter().any(|scope| scope == OPERATE);
        let membership = membership(&rows);
        let mut scopes = first.platform_scopes.clone();
        let tenant = match (membership, tenant) {
            (Some((id, _)), _) => Some(*id),
            (None, Some(named)) if is_operator && first.tenant_exists => {
                self.audit_operator(claims, named, now).await?;
                Some(named)
            }
            (None, Some(_)) => return Err(no_member().into()),
            (None, None) => None,
        };
        if is_operator && tenant.is_some() {
            scopes.extend(TENANT_SCOPES.map(str::to_owned));
        } else if let Some(role) = membership.and_then(|(_, role)| Role::from_name(role)) {
            scopes.extend(role.scopes().map(str::to_owned));
        }
        scopes.sort();
        scopes.dedup();
        let role = membership.map(|(_, role)| role.clone()).unwrap_or_default();
        Ok(Resolution { tenant, scopes, role, operator: is_operator, api_key_id: None })
    }

    /// One answer for every way in which a key can be wrong.
    async fn api_key(
        &self,
        text: &str,
        tenant: Option<Uuid>,
        now: Timestamp,
    ) -> Result<(Uuid, ApiKeyRow), Error> {
        let key = ApiKey::read(text).ok_or_else(key_invalid)?;
        let row = self.store.find_api_key(key.id, now).await?.ok_or_else(key_invalid)?;
        if !key.matches(&row.secret_hash) || tenant.is_some_and(|tenant| tenant != row.tenant) {
            return Err(key_invalid().into());
        }
        if row.use_is_old {
            self.store.mark_api_key_used(row.tenant, key.id, now).await?;
        }
        Ok((key.id, row))
    }

    async fn audit_operator(&self, claims: &Claims, tenant: Uuid, now: Timestamp) -> Result<(), Error> {
        let event = AuditEvent {
            id: Uuid::now_v7(),
            at: now,
            action: "operator_access",
            success: true,
            tenant: Some(tenant),
            user: Some(claims.sub),
            session: Some(claims.session_id),
        };
        Ok(self.store.insert_audit_event(&event).await?)
    }
}

impl Authority for LocalIdentity {
    /// Identity asks its own database each time.
    const HOLDS: Duration = Duration::ZERO;

    async fn keys(&self) -> Result<Vec<JsonWebKey>, Refusal> {
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
fn membership(rows: &[ResolvedRow]) -> Option<&(Uuid, String)> {
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
