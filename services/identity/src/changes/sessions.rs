//! What starting and going on with a session needs.

use jiff::Timestamp;
use uuid::Uuid;

use super::mail::Post;
use super::paces::Paces;
use super::repeats::Repeats;
use crate::credential::access_token::NewAccessToken;
use crate::credential::challenge::Challenges;
use crate::credential::factor_secret::FactorSealer;
use crate::credential::login_buckets::LoginBuckets;
use crate::credential::password::Passwords;
use crate::credential::refresh_token::{RefreshToken, RefreshTokens};
use crate::domain::factor::Factor;
use crate::domain::proof::Proofs;
use crate::domain::user::User;
use crate::error::Error;
use crate::store::Store;
use crate::trust::keyring::Keyring;

/// What starting and going on with a session needs.
#[derive(Debug, Clone)]
pub struct Sessions {
    pub store: Store,
    pub keyring: Keyring,
    pub passwords: Passwords,
    pub buckets: LoginBuckets,
    pub refresh_tokens: RefreshTokens,
    pub factors: FactorSealer,
    pub challenges: Challenges,
    /// Logins that are refused again and again.
    pub repeats: Repeats,
    /// How fast clients get tokens.
    pub paces: Paces,
    /// Where letters are put.
    pub post: Post,
}

/// The tokens of a session.
#[derive(Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub user: User,
    /// The user's second factors.
    pub factors: Vec<Factor>,
}

/// A step of a session that was stored, for which tokens are to be made.
#[derive(Debug)]
pub struct Granted {
    pub user: User,
    /// The user's second factors.
    pub factors: Vec<Factor>,
    pub refresh: RefreshToken,
    /// Id of the access token.
    pub access_id: Uuid,
    /// What its user has proved.
    pub proofs: Proofs,
    pub at: Timestamp,
}

impl Sessions {
    pub(super) fn tokens(&self, granted: Granted) -> Result<Tokens, Error> {
        let refresh = granted.refresh;
        self.tokens_counting_as(refresh, granted)
    }

    /// The same, where the use of the access token is one of what belongs to another refresh
    /// token of the session.
    pub(super) fn tokens_counting_as(&self, beside: RefreshToken, granted: Granted) -> Result<Tokens, Error> {
        let Granted { user, factors, refresh, access_id, proofs, at } = granted;
        let token = NewAccessToken { id: access_id, user: &user, beside, proofs, at };
        let access = self.keyring.sign(&token)?;
        Ok(Tokens { access, refresh: self.refresh_tokens.write(refresh), user, factors })
    }
}
