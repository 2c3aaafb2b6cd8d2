//! Access tokens as identity issues them. How they are checked is the business of
//! the crate `access`.

use access::{
    ActingParty, AuthenticationMethod, CLIENT_KIND, Claims, DELEGATED_KIND, Issuer, LIFETIME, TOKEN_KIND,
    VIEW_KIND,
};
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use uuid::Uuid;

use super::refresh_token::RefreshToken;
use super::signing_key::SigningKeyError;
use crate::domain::ids::{ApiKeyId, TenantId};
use crate::domain::proof::{Assurance, Proof, Proofs};
use crate::domain::session::SignedIn;
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
        sign(&self.claims(issuer)?, key_id, key)
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
            act: None,
            got_by: None,
        })
    }
}

/// A token to issue that stands for less than a session of a user: in one tenant, and with
/// these scopes, if it says which.
#[derive(Debug)]
pub struct NewBoundToken<'call> {
    /// Its id.
    pub id: Uuid,
    /// What it stands for.
    pub stands_for: StandsFor<'call>,
    /// The tenant.
    pub tenant: TenantId,
    /// The scopes that it is limited to.
    pub scopes: Option<&'call [String]>,
    /// When it is issued.
    pub at: Timestamp,
    /// Seconds that it lives.
    pub lifetime: u64,
}

/// What a token stands for that is bound to a tenant.
#[derive(Debug, Clone, Copy)]
pub enum StandsFor<'call> {
    /// A client, and by what it proved who it is.
    Client(ApiKeyId, &'call str),
    /// A user with these claims, for whom such a client acts.
    Delegate(ApiKeyId, &'call str, &'call Claims),
    /// What a user sees, for a platform operator, who has proved two factors or not.
    View(&'call User, SignedIn, Assurance),
}

impl NewBoundToken<'_> {
    /// The token, signed.
    pub fn signed(
        &self,
        issuer: &Issuer,
        key_id: &str,
        key: &EncodingKey,
    ) -> Result<String, SigningKeyError> {
        sign(&self.claims(issuer)?, key_id, key)
    }

    fn claims(&self, issuer: &Issuer) -> Result<Claims, SigningKeyError> {
        let seconds = seconds_of(self.at)?;
        let claims = Claims {
            iss: issuer.issuer.clone(),
            sub: Uuid::nil(),
            aud: issuer.audience.clone(),
            exp: seconds + self.lifetime,
            iat: seconds,
            nbf: seconds,
            jti: self.id,
            typ: String::new(),
            session_id: Uuid::nil(),
            generation: 0,
            email: String::new(),
            // Hosted databases take it for a role of theirs: none of these is one of their users.
            role: "service".to_owned(),
            aal: Assurance::Aal1.word().to_owned(),
            amr: Vec::new(),
            app_metadata: serde_json::Map::new(),
            user_metadata: serde_json::Map::new(),
            tenant_id: Some(self.tenant.0),
            client_id: None,
            scope: self.scopes.map(|scopes| scopes.join(" ")),
            act: None,
            got_by: None,
        };
        Ok(self.stands_for.described(claims))
    }
}

impl StandsFor<'_> {
    /// The claims with what is said of it.
    fn described(self, claims: Claims) -> Claims {
        let act = |sub| Some(ActingParty { sub });
        match self {
            // Nobody proves anything as a client.
            Self::Client(client, got_by) => Claims {
                typ: CLIENT_KIND.to_owned(),
                sub: client.0,
                client_id: Some(client.0),
                got_by: Some(got_by.to_owned()),
                ..claims
            },
            // The client has proved what the user has.
            Self::Delegate(client, got_by, user) => Claims {
                typ: DELEGATED_KIND.to_owned(),
                sub: user.sub,
                client_id: Some(client.0),
                got_by: Some(got_by.to_owned()),
                act: act(client.0),
                session_id: user.session_id,
                generation: user.generation,
                email: user.email.clone(),
                aal: user.aal.clone(),
                amr: user.amr.clone(),
                ..claims
            },
            // What whoever looks has proved.
            Self::View(user, by, assurance) => Claims {
                typ: VIEW_KIND.to_owned(),
                sub: user.id.0,
                act: act(by.user.0),
                session_id: by.session.0,
                email: user.email.clone(),
                aal: assurance.word().to_owned(),
                ..claims
            },
        }
    }
}

/// Claims as a token, signed with a key that has this id.
fn sign(claims: &Claims, key_id: &str, key: &EncodingKey) -> Result<String, SigningKeyError> {
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(key_id.to_owned());
    jsonwebtoken::encode(&header, claims, key).map_err(|error| SigningKeyError::NotSigned(error.to_string()))
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
