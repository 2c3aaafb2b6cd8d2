//! What tokens are worth that stand for less than a session: those of clients, each for one
//! tenant.

use access::{Claims, Client, Credentials, Resolution, TokenKind, tenant_suspended};
use jiff::Timestamp;

use super::authority::{LocalIdentity, check_address, not_a_member};
use crate::domain::ids::{ApiKeyId, TenantId};
use crate::error::{Error, Reason, Refusal};

impl LocalIdentity {
    /// What a token is worth that is bound to a tenant; nothing if it is that of a session.
    pub(super) async fn bound(
        &self,
        credentials: &Credentials,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Option<Resolution>, Error> {
        Ok(match claims.kind() {
            Some(TokenKind::Client(client)) => Some(self.client(credentials, client, claims, now).await?),
            Some(TokenKind::User) | None => None,
        })
    }

    /// What the token of a client is worth: what its API key has now, as far as the token goes.
    async fn client(
        &self,
        credentials: &Credentials,
        client: Client,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        let (id, tenant) = (ApiKeyId(client.id), TenantId(client.tenant));
        if let Some(text) = &credentials.api_key
            && self.api_key(text, Some(tenant), now).await?.0 != id
        {
            return Err(Error::ApiKeyInvalid);
        }
        let found = self.store.find_api_key(id, now).await?.filter(|stored| stored.tenant == tenant);
        let stored = found.ok_or_else(client_ended)?;
        if credentials.tenant.is_some_and(|named| named != client.tenant) {
            return Err(not_a_member().into());
        }
        check_address(&stored.allowed_addresses, boot::client())?;
        if stored.suspended {
            return Err(tenant_suspended().into());
        }
        if stored.use_is_old {
            self.store.mark_api_key_used(tenant, id, now).await?;
        }
        let limited_to: Vec<&str> = claims.scope.as_deref().unwrap_or_default().split(' ').collect();
        let mut scopes = stored.scopes;
        scopes.retain(|scope| limited_to.contains(&scope.as_str()));
        scopes.sort();
        let resolution = Resolution {
            tenant: Some(client.tenant),
            scopes,
            api_key_id: Some(client.id),
            until: stored.until,
            ..Resolution::default()
        };
        Ok(Resolution { marks: self.marks(&resolution, resolution.tenant.map(TenantId)), ..resolution })
    }
}

fn client_ended() -> Refusal {
    Refusal::new(
        Reason::SessionEnded,
        "The API key of the client that this token was issued to was revoked, or is over. Have an owner of the tenant make another one.",
    )
}
