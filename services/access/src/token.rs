//! Access tokens: ES256 JWTs (RFC 7519), checked strictly and locally.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use frontdesk_proto::identity::v1::JsonWebKey;
use frontdesk_proto::{ErrorReason, Refusal};
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Value of the claim `typ` in an access token.
pub const TOKEN_KIND: &str = "access";

/// How long an access token lives, in seconds.
pub const LIFETIME: u32 = 3600;

/// Most bytes of a token; a longer one is refused unread.
const MAX_TOKEN: usize = 4096;
/// Most bytes of a key id.
const MAX_KEY_ID: usize = 64;
/// How far clocks may differ, in seconds.
pub const LEEWAY: u64 = 5;

/// The claims of an access token. The names are those that clients of hosted
/// auth services read. Unknown claims are ignored, a doubled one is refused.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Claims {
    /// Issuer.
    pub iss: String,
    /// User id.
    pub sub: Uuid,
    /// Audience.
    pub aud: String,
    /// Expiry, seconds since the epoch.
    pub exp: u64,
    /// Issued at.
    pub iat: u64,
    /// Not valid before.
    pub nbf: u64,
    /// Token id.
    pub jti: Uuid,
    /// Kind of token: [`TOKEN_KIND`].
    pub typ: String,
    /// Session.
    pub session_id: Uuid,
    /// How often the session's refresh token had been exchanged.
    pub generation: i64,
    /// The user's e-mail address.
    pub email: String,
    /// Always `authenticated`; roles are per tenant and never in a token.
    pub role: String,
    /// Authenticator assurance level: `aal2` if two factors were proved, else `aal1`.
    #[serde(default)]
    pub aal: String,
    /// What the user has proved in the session, latest first.
    #[serde(default)]
    pub amr: Vec<AuthenticationMethod>,
    /// Data set by the platform.
    pub app_metadata: serde_json::Map<String, serde_json::Value>,
    /// Data set by the user.
    pub user_metadata: serde_json::Map<String, serde_json::Value>,
    /// The tenant that the token is bound to; none for tokens of sessions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<Uuid>,
    /// The API key that it was issued to (RFC 9068 section 2.2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<Uuid>,
    /// The scopes that it is limited to, with spaces (RFC 9068 section 2.2.3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Who acts, where that is not the subject (RFC 8693 section 4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<ActingParty>,
    /// By which secret or key its client got it, with which it ends; a name, and no secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub got_by: Option<String>,
}

/// The claim `act`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActingParty {
    /// An API key, or a platform operator.
    pub sub: Uuid,
}

impl Claims {
    /// Whether the token's time has come and is not over.
    pub(crate) fn hold_at(&self, now: Timestamp) -> bool {
        let Ok(now) = u64::try_from(now.as_second()) else { return false };
        self.nbf <= now.saturating_add(LEEWAY) && self.exp.saturating_add(LEEWAY) > now
    }
}

/// One entry of the claim `amr`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AuthenticationMethod {
    /// `password`, `totp`, `recovery`.
    pub method: String,
    /// When, seconds since the epoch.
    pub timestamp: u64,
}

/// Who issues tokens and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer {
    /// The claim `iss`.
    pub issuer: String,
    /// The claim `aud`.
    pub audience: String,
    /// How long a token may live at most, in seconds, whatever it says.
    pub longest: u64,
}

/// A key that verifies.
#[derive(Clone)]
pub struct Key {
    id: String,
    decoding: Arc<DecodingKey>,
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenFault {
    /// Longer than 4096 bytes.
    TooLong,
    /// Not a JWT with our header and claims.
    Malformed,
    /// A refresh token.
    RefreshToken,
    /// An API key.
    ApiKey,
    /// The header carries `crit` or a key of its own.
    ForbiddenHeader,
    /// The key id is not one of ours.
    UnknownKey,
    /// Another algorithm than the key's.
    WrongAlgorithm,
    /// The signature does not verify.
    BadSignature,
    /// Over.
    Expired,
    /// Not yet valid, or issued in the future.
    NotYetValid,
    /// Another issuer.
    WrongIssuer,
    /// Another audience.
    WrongAudience,
    /// Another kind of token.
    WrongKind,
    /// It would live longer than its issuer's tokens may.
    LivesTooLong,
}

impl Key {
    /// The key, if it is one that may verify our tokens. A symmetric key or one
    /// for another use would turn the verifier into something else.
    pub fn read(key: &JsonWebKey) -> Option<Self> {
        let JsonWebKey { kty, crv, x, y, kid, r#use, alg, key_ops } = key;
        let fits = kty == "EC"
            && crv == "P-256"
            && alg == "ES256"
            && r#use == "sig"
            && !kid.is_empty()
            && key_ops.iter().all(|operation| operation == "verify");
        if !fits {
            tracing::warn!(kid, kty, alg, "key left out: not an ES256 key for signatures");
            return None;
        }
        Self::es256(kid, x, y)
    }

    /// A key of ours: a point of P-256, base64url.
    pub fn es256(id: &str, x: &str, y: &str) -> Option<Self> {
        let decoding = Arc::new(DecodingKey::from_ec_components(x, y).ok()?);
        Some(Self { id: id.to_owned(), decoding })
    }

    /// The key id that tokens name.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn decoding(&self) -> &DecodingKey {
        &self.decoding
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Key").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TokenFault {
    /// As `metadata.fault` names it.
    pub fn name(self) -> &'static str {
        self.described().0
    }

    fn described(self) -> (&'static str, &'static str) {
        match self {
            Self::Expired => ("expired", "it has expired"),
            Self::TooLong => ("too_long", "it is longer than 4096 bytes"),
            Self::Malformed => ("malformed", "it is not a JWT of this service"),
            Self::RefreshToken => {
                ("refresh_token", "it is a refresh token, which POST /v1/auth/refresh takes")
            }
            Self::ApiKey => ("api_key", "it is an API key, which goes into X-TENANT-API-KEY"),
            Self::ForbiddenHeader => {
                ("forbidden_header", "its header brings its own key or asks for extensions")
            }
            Self::UnknownKey => ("unknown_key", "no key of this service has its key id"),
            Self::WrongAlgorithm => ("wrong_algorithm", "its algorithm is not its key's"),
            Self::BadSignature => ("bad_signature", "its signature does not verify"),
            Self::NotYetValid => ("not_yet_valid", "it is not valid yet: check the clocks"),
            Self::WrongIssuer => ("wrong_issuer", "another service issued it"),
            Self::WrongAudience => ("wrong_audience", "it is meant for another service"),
            Self::WrongKind => ("wrong_kind", "it is not an access token"),
            Self::LivesTooLong => ("lives_too_long", "it would live longer than tokens of its issuer may"),
        }
    }
}

/// The sentence for the caller. Never holds a part of the token.
impl From<TokenFault> for Refusal {
    fn from(token: TokenFault) -> Self {
        if token == TokenFault::Expired {
            return Self::new(
                ErrorReason::TokenExpired,
                "The access token has expired. Exchange the refresh token at POST /v1/auth/refresh, or sign in again; a client gets the next token as it got this one.",
            );
        }
        let (fault, sentence) = token.described();
        Self::new(
            ErrorReason::TokenInvalid,
            format!("The access token is refused: {sentence}. Sign in at POST /v1/auth/login and send the `access` value."),
        )
        .with("fault", fault)
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.described().1)
    }
}

impl std::error::Error for TokenFault {}

/// Names the crypto provider. Without it, the first signature or verification
/// panics; every program and test calls this first.
pub fn install_crypto() {
    // A second call finds the provider in place, which is what we want.
    let _already_installed = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
}

/// Checks a token against these keys.
pub fn check_token(token: &str, keys: &[Key], issuer: &Issuer) -> Result<Claims, TokenFault> {
    let kid = key_id(token)?;
    let key = keys.iter().find(|key| key.id == kid).ok_or(TokenFault::UnknownKey)?;
    verify(token, key.decoding(), issuer)
}

/// What a token says about its issuer, unverified.
pub(crate) fn claimed_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Payload {
        iss: String,
    }
    if token.len() > MAX_TOKEN {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice::<Payload>(&payload).ok().map(|payload| payload.iss)
}

/// The header of a token, as far as it may matter.
#[derive(Debug, Deserialize)]
pub struct TokenHeader {
    /// Signature algorithm.
    pub alg: String,
    /// Media type; one of another use than an access token's is refused.
    #[serde(default)]
    pub typ: String,
    /// Key id; other issuers may leave it out.
    #[serde(default)]
    pub kid: String,
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// What somebody sends in place of a JWT, by how ours begin.
fn not_a_jwt(text: &str) -> TokenFault {
    match text.get(..4) {
        Some("fdr_") => TokenFault::RefreshToken,
        Some("fdk_") => TokenFault::ApiKey,
        _ => TokenFault::Malformed,
    }
}

/// Reads the header of an access token.
pub fn read_header(token: &str) -> Result<TokenHeader, TokenFault> {
    read_header_of(token, &["", "jwt", "at+jwt"])
}

/// Reads the header of a token of one of these media types; one that brings its own key or
/// asks for extensions is refused, whoever signed it. A token for another use, a logout token
/// for example, is signed by the same keys (RFC 8725 section 3.11).
pub fn read_header_of(token: &str, media_types: &[&str]) -> Result<TokenHeader, TokenFault> {
    if token.len() > MAX_TOKEN {
        return Err(TokenFault::TooLong);
    }
    let (header, _) = token.split_once('.').ok_or_else(|| not_a_jwt(token))?;
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| TokenFault::Malformed)?;
    let header: TokenHeader = serde_json::from_slice(&header).map_err(|_| TokenFault::Malformed)?;
    let brings_key =
        |name: &String| matches!(name.as_str(), "crit" | "jku" | "jwk") || name.starts_with("x5");
    if header.others.keys().any(brings_key) {
        return Err(TokenFault::ForbiddenHeader);
    }
    if header.kid.len() > MAX_KEY_ID {
        return Err(TokenFault::Malformed);
    }
    // `application/` may be left out (RFC 7515 section 4.1.9).
    let typ = header.typ.to_ascii_lowercase();
    if !media_types.contains(&typ.strip_prefix("application/").unwrap_or(&typ)) {
        return Err(TokenFault::WrongKind);
    }
    Ok(header)
}

/// The key id of a token whose header is one of ours.
pub(crate) fn key_id(token: &str) -> Result<String, TokenFault> {
    let header = read_header(token)?;
    if header.alg != "ES256" {
        return Err(TokenFault::WrongAlgorithm);
    }
    if !header.typ.eq_ignore_ascii_case("jwt") || header.kid.is_empty() {
        return Err(TokenFault::Malformed);
    }
    Ok(header.kid)
}

/// Checks signature and claims of a token against the key that its header names.
pub(crate) fn verify(token: &str, key: &DecodingKey, issuer: &Issuer) -> Result<Claims, TokenFault> {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.leeway = LEEWAY;
    validation.validate_nbf = true;
    validation.set_issuer(&[&issuer.issuer]);
    validation.set_audience(&[&issuer.audience]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    let claims = decode::<Claims>(token, key, &validation).map_err(|error| fault(error.kind()))?.claims;
    if claims.kind().is_none() {
        return Err(TokenFault::WrongKind);
    }
    if claims.iat > jsonwebtoken::get_current_timestamp() + LEEWAY {
        return Err(TokenFault::NotYetValid);
    }
    if claims.exp.saturating_sub(claims.iat) > issuer.longest {
        return Err(TokenFault::LivesTooLong);
    }
    Ok(claims)
}

/// What jsonwebtoken found wrong.
pub fn fault(kind: &ErrorKind) -> TokenFault {
    match kind {
        ErrorKind::InvalidSignature => TokenFault::BadSignature,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidAlgorithmName => TokenFault::WrongAlgorithm,
        ErrorKind::ExpiredSignature => TokenFault::Expired,
        ErrorKind::ImmatureSignature => TokenFault::NotYetValid,
        ErrorKind::InvalidIssuer => TokenFault::WrongIssuer,
        ErrorKind::InvalidAudience => TokenFault::WrongAudience,
        _ => TokenFault::Malformed,
    }
}

#[cfg(test)]
pub(crate) mod tests;
