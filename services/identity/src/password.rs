//! Passwords: argon2id, a bounded number at a time, the same work for users
//! that do not exist.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use frontdesk_proto::{ErrorReason, Refusal};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

/// Longest password in characters.
pub const MAX_LEN: usize = 256;
/// How many calls may wait for a free core.
const QUEUE: usize = 64;
/// How long a call waits for a free core.
const PATIENCE: Duration = Duration::from_secs(2);
/// Largest stored parameters that are computed; more would be an attack.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;

/// Hashes and checks passwords (argon2id, m = 19 MiB, t = 2, p = 1).
#[derive(Debug, Clone)]
pub struct Passwords {
    cores: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
    /// Checked when a user does not exist.
    dummy: Arc<str>,
}

/// Why a password was not hashed or checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many at once.
    #[error("too many password checks at once")]
    Overloaded,
    /// The hash failed.
    #[error("password hash: {0}")]
    Hash(String),
}

impl Passwords {
    /// As many at a time as there are cores.
    pub fn new() -> Result<Self, PasswordError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let dummy = hash_now("a password that nobody has")?.into();
        Ok(Self { cores: Arc::new(Semaphore::new(cores)), waiting: Arc::default(), dummy })
    }

    /// The PHC string of a password.
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PasswordError> {
        self.run(move || hash_now(&password)).await?
    }

    /// Whether the password is the one of the stored hash; without a stored
    /// hash the answer is no, after the same work.
    pub async fn check(
        &self,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<bool, PasswordError> {
        let exists = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.dummy), Arc::from);
        let matches = self.run(move || check_now(&password, &stored)).await??;
        Ok(matches && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, PasswordError> {
        let waiting = Waiting::enter(&self.waiting)?;
        let permit = tokio::time::timeout(PATIENCE, Arc::clone(&self.cores).acquire_owned())
            .await
            .map_err(|_| PasswordError::Overloaded)?
            .map_err(|closed| PasswordError::Hash(closed.to_string()))?;
        drop(waiting);
        // The permit is held by the work itself: a caller that leaves does not free the core.
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        })
        .await
        .map_err(|error| PasswordError::Hash(error.to_string()))
    }
}

impl From<PasswordError> for Refusal {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Overloaded => Self::new(
                ErrorReason::Overloaded,
                "Too many people are signing in at this moment. Try again in a second.",
            )
            .retry_after(Duration::from_secs(1)),
            PasswordError::Hash(cause) => {
                tracing::error!(cause, "password hashing failed");
                Self::new(
                    ErrorReason::Internal,
                    "The password could not be checked. The request id finds the cause in the log.",
                )
            }
        }
    }
}

/// A place in the queue, given back when dropped.
struct Waiting<'queue>(&'queue AtomicUsize);

impl<'queue> Waiting<'queue> {
    fn enter(waiting: &'queue AtomicUsize) -> Result<Self, PasswordError> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= QUEUE {
            return Err(PasswordError::Overloaded);
        }
        Ok(place)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn hash_now(password: &str) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| PasswordError::Hash(error.to_string()))
}

fn check_now(password: &str, stored: &str) -> Result<bool, PasswordError> {
    let hash = PasswordHash::new(stored).map_err(|error| PasswordError::Hash(error.to_string()))?;
    let params = argon2::Params::try_from(&hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
    if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
        return Err(PasswordError::Hash("the stored parameters are above our limits".to_owned()));
    }
    Ok(Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn only_the_right_password_of_an_existing_user_passes() {
        let passwords = Passwords::new().unwrap();
        let stored = passwords.hash(secret("correct horse")).await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.check(secret("correct horse"), Some(stored.clone())).await.unwrap());
        assert!(!passwords.check(secret("correct horsf"), Some(stored)).await.unwrap());
        assert!(!passwords.check(secret("a password that nobody has"), None).await.unwrap());
    }

    #[tokio::test]
    async fn hostile_stored_parameters_are_not_computed() {
        let stored =
            "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$c29tZWhhc2hzb21laGFzaHNvbWVoYXNoc29tZWhhc2g";
        let passwords = Passwords::new().unwrap();
        assert!(passwords.check(secret("x"), Some(stored.to_owned())).await.is_err());
    }
}
