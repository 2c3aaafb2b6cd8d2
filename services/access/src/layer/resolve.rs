//! What a caller may do, as the authority says it: kept for as long as its answers hold, or until
//! something that they depend on is marked.

use std::sync::Arc;

use frontdesk_proto::Refusal;
use jiff::Timestamp;

use super::Gate;
use crate::authority::{Authority, Resolution};
use crate::cache::CacheKey;
use crate::credentials::Credentials;
use crate::keys::Verified;
use crate::kind::TokenKind;
use crate::token::Claims;

impl<A: Authority> Gate<A> {
    pub(super) async fn resolve(
        &self,
        path: &str,
        credentials: &Credentials,
        verified: Option<&Verified>,
        now: Timestamp,
    ) -> Result<Arc<Resolution>, Refusal> {
        let (claims, foreign) = match verified {
            Some(Verified::Ours(claims)) => (Some(claims), None),
            Some(Verified::Foreign(hash)) => (None, Some(*hash)),
            None => (None, None),
        };
        if A::HOLDS.is_zero() {
            return match claims {
                // A session's own token, and nothing beside it that the answer would depend on.
                Some(claims)
                    if claims.kind() == Some(TokenKind::User)
                        && claims.tenant_id.is_none()
                        && credentials.api_key.is_none()
                        && A::holds_until_marked(path) =>
                {
                    self.resolve_until_marked(credentials, claims, now).await
                }
                _ => {
                    let claims = claims.map(|claims| &**claims);
                    self.cache.note_asked();
                    self.authority.resolve(credentials, claims, now).await.map(Arc::new)
                }
            };
        }
        let client = claims.and_then(|claims| claims.client_id);
        let with_key = credentials.api_key.is_some() || client.is_some();
        let key = CacheKey {
            session: claims.map(|claims| (claims.sub, claims.session_id, claims.generation)),
            issued: claims.filter(|claims| claims.tenant_id.is_some()).map(|claims| claims.jti),
            foreign,
            tenant: credentials.tenant,
            api_key: credentials.api_key_hash(),
            from: with_key.then(|| credentials.way_hash()),
        };
        let (authority, sent, claims) = (self.authority.clone(), credentials.clone(), claims.cloned());
        let lookup = move || {
            let (authority, sent, claims) = (authority.clone(), sent.clone(), claims.clone());
            async move { authority.resolve(&sent, claims.as_deref(), now).await }
        };
        self.cache.get(key, A::HOLDS, now, lookup).await
    }

    async fn resolve_until_marked(
        &self,
        credentials: &Credentials,
        claims: &Claims,
        now: Timestamp,
    ) -> Result<Arc<Resolution>, Refusal> {
        let key = CacheKey {
            session: Some((claims.sub, claims.session_id, claims.generation)),
            issued: None,
            foreign: None,
            tenant: credentials.tenant,
            api_key: None,
            from: None,
        };
        if let Some(answer) = self.until_marked.get(&key, now) {
            self.cache.note_used();
            return Ok(answer);
        }
        self.cache.note_asked();
        let asked = self.until_marked.asking();
        let answer = Arc::new(self.authority.resolve(credentials, Some(claims), now).await?);
        let (marks, until) = (Arc::clone(&answer.marks), answer.until);
        self.until_marked.keep(key, Arc::clone(&answer), asked, marks, until);
        Ok(answer)
    }
}
