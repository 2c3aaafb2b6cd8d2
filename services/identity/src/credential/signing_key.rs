//! Signing keys: made, sealed for the database, opened again. When one is
//! published or signs is decided in `domain/signing_key.rs`.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::EncodingKey;
use seal::{MasterKey, SealError, SealingKey};

use crate::domain::signing_key::{KeyState, SigningKey};

/// Seals the private parts of signing keys and opens them.
#[derive(Debug, Clone)]
pub struct KeySealer {
    key: SealingKey,
    master_key: MasterKey,
}

/// Why a signing key cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum SigningKeyError {
    /// A key in the database cannot be opened.
    #[error(
        "a signing key in the database was sealed under another master key; set the one it was made with"
    )]
    NotOurs,
    /// A key cannot be sealed.
    #[error(transparent)]
    Sealing(SealError),
    /// A key pair cannot be made.
    #[error("a key pair could not be made")]
    NoPair,
    /// No key has the id, or its trust has been ended.
    #[error(
        "there is no signing key with this id, or its trust has been ended; `frontdesk keys list` shows those that are published"
    )]
    Unknown,
    /// There is no key that signs.
    #[error("the database has no active signing key")]
    NoActive,
    /// A token cannot be signed.
    #[error("signing: {0}")]
    NotSigned(String),
}

impl KeySealer {
    /// That of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        let key = master_key.sealing_key("frontdesk seal signing keys v1");
        Self { key, master_key: master_key.clone() }
    }

    /// What it seals with.
    pub fn master_key(&self) -> &MasterKey {
        &self.master_key
    }

    /// Whether the private part of a key, sealed, can be opened.
    pub fn opens(&self, kid: &str, sealed: &[u8]) -> bool {
        self.key.open(kid, sealed).is_ok()
    }

    /// The same private part, sealed with the first master key; nothing if it is already, or
    /// if no key of the list opens it.
    pub fn reseal(&self, kid: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, SigningKeyError> {
        match self.key.reseal(kid, sealed) {
            Ok(anew) => Ok(anew),
            Err(SealError::NotOurs) => Ok(None),
            Err(error) => Err(SigningKeyError::Sealing(error)),
        }
    }

    /// Makes a key in a state of its life.
    pub fn generate(&self, state: KeyState, now: Timestamp) -> Result<SigningKey, SigningKeyError> {
        let pair =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| SigningKeyError::NoPair)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| SigningKeyError::NoPair)?;
        // Uncompressed point: 0x04, x, y (SEC 1 section 2.3.3).
        let point = pair.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..65]));
        let kid = thumbprint(&x, &y);
        let sealed = self.key.seal(&kid, pkcs8.as_ref()).map_err(SigningKeyError::Sealing)?;
        let activated_at = (state == KeyState::Active).then_some(now);
        Ok(SigningKey { kid, state, x, y, sealed, created_at: now, activated_at, retired_at: None })
    }

    /// The private part of a key.
    pub fn open(&self, key: &SigningKey) -> Result<EncodingKey, SigningKeyError> {
        let pkcs8 = self.key.open(&key.kid, &key.sealed).map_err(|error| match error {
            SealError::NotOurs => SigningKeyError::NotOurs,
            other => SigningKeyError::Sealing(other),
        })?;
        Ok(EncodingKey::from_ec_der(&pkcs8))
    }
}

/// RFC 7638: SHA-256 over the required members in lexical order.
fn thumbprint(x: &str, y: &str) -> String {
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, members.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_opens_under_the_master_key_that_it_was_made_with() {
        let sealer = |byte: &str| KeySealer::of(&MasterKey::from_text(&byte.repeat(32)).unwrap());
        let key = sealer("ab").generate(KeyState::Active, Timestamp::UNIX_EPOCH).unwrap();
        assert!(sealer("ab").open(&key).is_ok());
        assert!(matches!(sealer("cd").open(&key), Err(SigningKeyError::NotOurs)));
        let renamed = SigningKey { kid: "other".to_owned(), ..key };
        assert!(sealer("ab").open(&renamed).is_err(), "a key under another's id");
    }
}
