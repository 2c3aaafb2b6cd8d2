//! What tokens are worth that stand for less than a session: those of clients, of clients that
//! act for a user, and of operators who see what a user sees. Each is for one tenant.

use access::{Claims, Client, Closed, Credentials, Resolution, TokenKind, User, View};
use jiff::Timestamp;
use uuid::Uuid;

use super::authority::{LocalIdentity, check_address, membership, not_a_member, session_ended};
use super::got_by::{self, Gone};
use crate::domain::ids::{ApiKeyId, SessionId, TenantId, UserId};
use crate::domain::revocation::MarkKind;
use crate::domain::roles::{BuiltIn, Role};
use crate::domain::scopes::OPERATE;
use crate::error::{Error, Reason, Refusal};

impl LocalIdentity {
    /// What a token is worth that is bound to a tenant; nothing if it is that of a session.
    /// Without credentials nobody calls by it: it is only asked about.
    pub async fn bound(
        &self,
        credentials: Option<&Credentials>,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Option<Resolution>, Error> {
        Ok(match claims.kind() {
            Some(TokenKind::Client(client)) => Some(self.client(credentials, client, claims, now).await?),
            Some(TokenKind::Delegated(client)) => {
                Some(self.delegated(credentials, client, claims, now).await?)
            }
            Some(TokenKind::View(view)) => Some(self.view(credentials, view, claims, now).await?),
            Some(TokenKind::User) | None => None,
        })
    }

    /// What the token of a client is worth: what its API key has now, as far as the token goes.
    async fn client(
        &self,
        credentials: Option<&Credentials>,
        client: Client,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        let (id, tenant) = (ApiKeyId(client.id), TenantId(client.tenant));
        if let Some(text) = credentials.and_then(|sent| sent.api_key.as_ref())
            && self.api_key(text, Some(tenant), now).await?.0 != id
        {
            return Err(Error::ApiKeyInvalid);
        }
        let found = self.store.find_client(id, now).await?.filter(|stored| stored.tenant == tenant);
        let stored = found.ok_or_else(client_ended)?;
        let got_by = claims.got_by.as_deref().unwrap_or_default();
        let until = got_by::until(&stored, got_by).map_err(|Gone| replaced())?;
        if names_another(credentials, client.tenant) {
            return Err(not_a_member().into());
        }
        if credentials.is_some() {
            check_address(&stored.allowed_addresses, boot::client())?;
        }
        if let Some(closed) = Closed::of(stored.suspended, stored.deleted_until) {
            return Err(closed.refusal(now).into());
        }
        if stored.use_is_old && credentials.is_some() {
            self.store.mark_api_key_used(tenant, id, now).await?;
        }
        let limited_to: Vec<&str> = claims.scope.as_deref().unwrap_or_default().split(' ').collect();
        let mut scopes = stored.scopes;
        scopes.retain(|scope| limited_to.contains(&scope.as_str()));
        scopes.sort();
        let resolution = Resolution {
            tenant: Some(client.tenant),
            scopes: scopes.into(),
            api_key_id: Some(client.id),
            until,
            ..Resolution::default()
        };
        Ok(Resolution { marks: self.marks(&resolution, resolution.tenant.map(TenantId)), ..resolution })
    }

    /// What the token of a client that acts for a user is worth: what both have now.
    async fn delegated(
        &self,
        credentials: Option<&Credentials>,
        client: Client,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        let of_client = self.client(credentials, client, claims, now).await?;
        let (user, session) = (UserId(claims.sub), SessionId(claims.session_id));
        let found = self.store.resolve_user(session, user, Some(TenantId(client.tenant)), now).await?;
        let first = found.first().ok_or_else(session_ended)?;
        let (_, role) = membership(&found).ok_or_else(not_a_member)?;
        let mut scopes = of_client.scopes.to_vec();
        let held = role.scopes();
        scopes.retain(|scope| held.contains(scope));
        let resolution = Resolution {
            user: Some(User { id: claims.sub, session: claims.session_id }),
            scopes: scopes.into(),
            role: role.name().into(),
            until: [of_client.until, first.session_ends_at].into_iter().flatten().min(),
            second_factor: self.second_factor(first, Some(role)),
            ..of_client
        };
        Ok(Resolution { marks: self.marks(&resolution, resolution.tenant.map(TenantId)), ..resolution })
    }

    /// What the token of an operator is worth who sees what a user sees: what the user has
    /// now, as long as the operator is one and signed in.
    async fn view(
        &self,
        credentials: Option<&Credentials>,
        view: View,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Resolution, Error> {
        let View { operator, tenant } = view;
        let session = SessionId(claims.session_id);
        let by = self.store.resolve_user(session, UserId(operator), Some(TenantId(tenant)), now).await?;
        let by = by.first().filter(|by| by.platform_scopes.iter().any(|scope| scope == OPERATE));
        let by = by.ok_or_else(session_ended)?;
        if names_another(credentials, tenant) {
            return Err(not_a_member().into());
        }
        let key = match credentials.and_then(|sent| sent.api_key.as_ref()) {
            Some(text) => Some(self.api_key(text, Some(TenantId(tenant)), now).await?),
            None => None,
        };
        let found = self.store.resolve_foreign_user(UserId(claims.sub), Some(TenantId(tenant))).await?;
        let (_, role) = membership(&found).ok_or_else(not_a_member)?;
        // The user sees nothing in it, either.
        let closed = found.first().and_then(|user| Closed::of(user.suspended, user.deleted_until));
        if let Some(closed) = closed {
            return Err(closed.refusal(now).into());
        }
        let mut scopes = role.scopes();
        scopes.sort();
        let key_until = key.as_ref().and_then(|(_, stored)| stored.until);
        let resolution = Resolution {
            user: Some(User { id: claims.sub, session: SessionId::default().0 }),
            tenant: Some(tenant),
            scopes: scopes.into(),
            role: role.name().into(),
            api_key_id: key.map(|(id, _)| id.0),
            until: [by.session_ends_at, key_until].into_iter().flatten().min(),
            // Whoever may do what an owner may is asked what owners are, by what was proved.
            second_factor: self.second_factor(by, Some(&Role::BuiltIn(BuiltIn::Owner))),
            ..Resolution::default()
        };
        let marker = self.revocations.marker();
        let of_operator = [marker.mark(MarkKind::User, operator), marker.mark(MarkKind::Session, session.0)];
        let marks = self.marks(&resolution, resolution.tenant.map(TenantId));
        let marks = marks.iter().copied().chain(of_operator).collect();
        Ok(Resolution { marks, ..resolution })
    }
}

/// Whether a call says that it is for another tenant.
fn names_another(credentials: Option<&Credentials>, tenant: Uuid) -> bool {
    credentials.and_then(|sent| sent.tenant).is_some_and(|named| named != tenant)
}

fn replaced() -> Refusal {
    Refusal::new(
        Reason::SessionEnded,
        "The secret or the key by which a client got this token is no longer its own. Get a token with what it has now.",
    )
}

fn client_ended() -> Refusal {
    Refusal::new(
        Reason::SessionEnded,
        "The API key of the client that this token was issued to was revoked, or is over. Have an owner of the tenant make another one.",
    )
}
