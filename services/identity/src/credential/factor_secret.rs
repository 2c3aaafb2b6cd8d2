//! The secrets of second factors: sealed for the database, opened again. Each is sealed
//! under the names of its user and its factor, so that it is worth nothing in another row.

use seal::{MasterKey, SealError, SealingKey};
use zeroize::Zeroizing;

use crate::domain::factor::{Factor, SealedSecret};
use crate::domain::ids::{FactorId, UserId};

/// Seals the secrets of factors and opens them.
#[derive(Debug, Clone)]
pub struct FactorSealer(SealingKey);

/// Why the secret of a factor cannot be kept or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a second factor: {0}")]
pub struct FactorSecretError(#[from] SealError);

impl FactorSealer {
    /// That of a deployment.
    pub fn of(master_key: &MasterKey) -> Self {
        Self(master_key.sealing_key("frontdesk seal second factors v1"))
    }

    /// Seals the secret of a factor.
    pub fn seal(&self, user: UserId, id: FactorId, secret: &[u8]) -> Result<Vec<u8>, FactorSecretError> {
        Ok(self.0.seal(&name(user, id), secret)?)
    }

    /// The secret of a factor.
    pub fn open(&self, factor: &Factor) -> Result<Zeroizing<Vec<u8>>, FactorSecretError> {
        let sealed = factor.sealed.as_deref().ok_or(SealError::NotOurs)?;
        Ok(self.0.open(&name(factor.user, factor.id), sealed)?)
    }

    /// A secret sealed anew with the key that seals now; nothing if it is already.
    pub fn reseal(&self, secret: &SealedSecret) -> Result<Option<Vec<u8>>, FactorSecretError> {
        Ok(self.0.reseal(&name(secret.user, secret.id), &secret.sealed)?)
    }

    /// Whether a secret is of a key of these.
    pub fn opens(&self, secret: &SealedSecret) -> bool {
        self.0.open(&name(secret.user, secret.id), &secret.sealed).is_ok()
    }
}

fn name(user: UserId, id: FactorId) -> String {
    format!("{user}/{id}")
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::domain::factor::FactorKind;

    #[test]
    fn a_secret_opens_in_its_own_row_alone() {
        let sealer = FactorSealer::of(&MasterKey::from_text(&"ab".repeat(32)).unwrap());
        let (user, id) = (UserId(Uuid::from_u128(1)), FactorId(Uuid::from_u128(2)));
        let factor = Factor {
            id,
            user,
            kind: FactorKind::Totp,
            name: String::new(),
            sealed: Some(sealer.seal(user, id, b"secret").unwrap()),
            created_at: Timestamp::UNIX_EPOCH,
            verified_at: None,
            last_used_at: None,
            wrong_codes: 0,
            enrolled_in: None,
            signs_in_alone: false,
        };
        assert_eq!(**sealer.open(&factor).unwrap(), *b"secret");
        let elsewhere = Factor { user: UserId(Uuid::from_u128(3)), ..factor.clone() };
        assert_eq!(sealer.open(&elsewhere), Err(FactorSecretError(SealError::NotOurs)));
        let other = Factor { id: FactorId(Uuid::from_u128(3)), ..factor };
        assert_eq!(sealer.open(&other), Err(FactorSecretError(SealError::NotOurs)));
    }
}
