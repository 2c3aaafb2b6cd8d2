//! Access tokens as identity issues them. How they are checked is the business of
//! the crate `access`.

use access::{AuthenticationMethod, CLIENT_KIND, CLIENT_LIFETIME, Claims, Issuer, LIFETIME, TOKEN_KIND};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use uuid::Uuid;

use super::refresh_token::RefreshToken;
use super::signing_key::SigningKeyError;
use crate::domain::ids::{ApiKeyId, TenantId};
use crate::domain::proof::{Proof, Proofs};
use crate::domain::user::User;

/// A token to issue.
#[derive(Debug)]
pub struct NewAccessToken<'call> {
    /// Its id.
    pub id: Uuid,
    /// Whose it is.
    pub user: &'call User,
    /// The refresh token beside it. The access token carries its counter, so that
    /// its use counts as that of the refresh token.
    pub beside: RefreshToken,
    /// What its user has proved, which a refresh does not change.
    pub proofs: Proofs,
    /// When it is issued.
    pub at: Timestamp,
}

impl NewAccessToken<'_> {
    /// The token, signed.
    pub fn signed(
        &self,
        issuer: &Issuer,
        key_id: &str,
        key: &EncodingKey,
    ) -> Result<String, SigningKeyError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key_id.to_owned());
        jsonwebtoken::encode(&header, &self.claims(issuer)?, key)
            .map_err(|error| SigningKeyError::NotSigned(error.to_string()))
    }

    fn claims(&self, issuer: &Issuer) -> Result<Claims, SigningKeyError> {
        let seconds = seconds_of(self.at)?;
        Ok(Claims {
            iss: issuer.issuer.clone(),
            sub: self.user.id.0,
            aud: issuer.audience.clone(),
            exp: seconds + u64::from(LIFETIME),
            iat: seconds,
            nbf: seconds,
            jti: self.id,
            typ: TOKEN_KIND.to_owned(),
            session_id: self.beside.session.0,
            generation: self.beside.counter,
            email: self.user.email.clone(),
            role: "authenticated".to_owned(),
            aal: self.proofs.assurance().word().to_owned(),
            amr: methods(&self.proofs)?,
            app_metadata: serde_json::Map::new(),
            user_metadata: serde_json::Map::new(),
            tenant_id: None,
            client_id: None,
            scope: None,
        })
    }
}

/// A token to issue to a client, with these scopes in its tenant.
#[derive(Debug)]
pub struct NewClientToken<'call> {
    /// Its id.
    pub id: Uuid,
    /// The client.
    pub client: ApiKeyId,
    /// The tenant.
    pub tenant: TenantId,
    /// The scopes that it is limited to.
    pub scopes: &'call [String],
    /// When it is issued.
    pub at: Timestamp,
}

impl NewClientToken<'_> {
    /// The token, signed.
    pub fn signed(
        &self,
        issuer: &Issuer,
        key_id: &str,
        key: &EncodingKey,
    ) -> Result<String, SigningKeyError> {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(key_id.to_owned());
        jsonwebtoken::encode(&header, &self.claims(issuer)?, key)
            .map_err(|error| SigningKeyError::NotSigned(error.to_string()))
    }

    fn claims(&self, issuer: &Issuer) -> Result<Claims, SigningKeyError> {
        let seconds = seconds_of(self.at)?;
        Ok(Claims {
            iss: issuer.issuer.clone(),
            sub: self.client.0,
            aud: issuer.audience.clone(),
            exp: seconds + u64::from(CLIENT_LIFETIME),
            iat: seconds,
            nbf: seconds,
            jti: self.id,
            typ: CLIENT_KIND.to_owned(),
            session_id: Uuid::nil(),
            generation: 0,
            email: String::new(),
            // Hosted databases take it for a role of theirs: no client is one of their users.
            role: "service".to_owned(),
            aal: "aal1".to_owned(),
            amr: Vec::new(),
            app_metadata: serde_json::Map::new(),
            user_metadata: serde_json::Map::new(),
            tenant_id: Some(self.tenant.0),
            client_id: Some(self.client.0),
            scope: Some(self.scopes.join(" ")),
        })
    }
}

/// The proofs as the claim `amr` has them.
fn methods(proofs: &Proofs) -> Result<Vec<AuthenticationMethod>, SigningKeyError> {
    let method = |proof: Proof| {
        let timestamp = seconds_of(proof.at)?;
        Ok(AuthenticationMethod { method: proof.by.word().to_owned(), timestamp })
    };
    proofs.latest_first().into_iter().map(method).collect()
}

/// A time as claims have it (RFC 7519).
fn seconds_of(at: Timestamp) -> Result<u64, SigningKeyError> {
    u64::try_from(at.as_second())
        .map_err(|_| SigningKeyError::NotSigned("the clock is before 1970".to_owned()))
}
