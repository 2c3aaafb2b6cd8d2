//! Passwords: argon2id, a bounded number at a time, in turn by where they come from, and the
//! same work for users that do not exist.
//!
//! Hashing memory is kept, one block per core, for as long as passwords are hashed.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time;
use boot::{Scrape, TurnLimits, Turns};
use jiff::Timestamp;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::password_rules::prepared;

/// How many calls may wait for a free core, and how many of one address.
const QUEUE: usize = 64;
const QUEUE_OF_ONE: usize = 32;
/// How long a call waits for a free core.
const PATIENCE: Duration = Duration::from_secs(2);
/// How much a hash gives way: beside other work it gets a quarter of a core.
#[cfg(target_os = "linux")]
const NICE: i32 = 5;
/// Largest stored parameters that are computed; more would be an attack.
pub const MAX_MEMORY_KIB: u32 = 128 * 1024;
pub const MAX_PASSES: u32 = 10;
const MAX_LANES: u32 = 4;
/// Blocks of 1 KiB for which memory is asked for at least. Less than 32 MiB, freed, stays with
/// glibc, once for each thread that ever hashed; more is a mapping of its own. What of it is not
/// used is never taken from the system.
const MAPPED: usize = 33 * 1024;

/// A hash that no password has: to find one with it is to find one with any other.
const OF_NO_PASSWORD: [u8; Params::DEFAULT_OUTPUT_LEN] = [0; Params::DEFAULT_OUTPUT_LEN];

/// What a hash costs.
#[derive(Debug, Clone, Copy)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

/// Hashes and checks passwords.
#[derive(Debug, Clone)]
pub struct Passwords {
    hasher: Arc<Hasher>,
    /// By the address that a password comes from, where one is known.
    cores: Turns<Option<IpAddr>>,
    /// Checked when a user does not exist.
    dummy: Arc<str>,
}

/// The hash function with its memory.
struct Hasher {
    params: Params,
    memory: Mutex<Vec<Vec<Block>>>,
    /// Whether any has been used since it was last looked at.
    is_used: AtomicBool,
}

/// A turn on a core.
pub type Turn = boot::Turn<Option<IpAddr>>;

/// What checking a password found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Checked {
    /// Another password, or there is no such user.
    Wrong,
    /// The right one.
    Right,
    /// The right one, stored at another cost; here at the current one.
    RightAndRehashed(String),
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
    pub fn new(cost: PasswordCost) -> Result<Self, PasswordError> {
        if cost.memory_kib > MAX_MEMORY_KIB || cost.passes > MAX_PASSES {
            return Err(PasswordError::Hash(format!(
                "the cost is above the limits, {MAX_MEMORY_KIB} KiB and {MAX_PASSES} passes"
            )));
        }
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(failed)?;
        let hasher = Hasher { params, memory: Mutex::default(), is_used: AtomicBool::new(false) };
        let dummy = hasher.written(Salt::generate(), &OF_NO_PASSWORD)?.into();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            hasher: Arc::new(hasher),
            cores: Turns::new(TurnLimits {
                places: cores,
                own: 0,
                of_one: cores,
                waiting: QUEUE,
                waiting_of_one: QUEUE_OF_ONE,
                patience: PATIENCE,
            }),
            dummy,
        })
    }

    /// How many hashes are made, and how many wait.
    pub fn figures(&self, scrape: &mut Scrape) {
        let (busy, waiting) = self.cores.in_use();
        let help = "Passwords that are hashed now.";
        scrape.how_many("frontdesk_password_hashes_under_way", help, &[], busy);
        let help = "Calls that wait for a password to be hashed.";
        scrape.how_many("frontdesk_password_hashes_waiting", help, &[], waiting);
        scrape.shed("password", self.cores.refused());
    }

    /// Frees the memory of hashes if nothing has been hashed since this was called last.
    pub fn free_unused(&self) {
        if !self.hasher.is_used.swap(false, Ordering::Relaxed) {
            self.hasher.kept().clear();
        }
    }

    /// Waits for a free core; refuses when too many wait already. The time is that
    /// of the turn: what is judged in it is judged as it is after the wait.
    pub async fn turn(
        &self,
        from: Option<IpAddr>,
        clock: impl FnOnce() -> Timestamp,
    ) -> Result<(Turn, Timestamp), PasswordError> {
        let turn = self.wait(from).await?;
        Ok((turn, clock()))
    }

    async fn wait(&self, from: Option<IpAddr>) -> Result<Turn, PasswordError> {
        self.cores.turn(from.map(boot::client_of)).await.map_err(|_| PasswordError::Overloaded)
    }

    /// The PHC string of a password, after a wait as that of [`Self::turn`].
    pub async fn hash(
        &self,
        password: Zeroizing<String>,
        from: Option<IpAddr>,
    ) -> Result<String, PasswordError> {
        let hasher = Arc::clone(&self.hasher);
        run(self.wait(from).await?, move || hasher.hash(&prepared(&password))).await?
    }

    /// Compares with a stored hash; without one the answer is `Wrong`, after the
    /// same work. A password that has been hashed as it was sent, before all were hashed in
    /// one form, is found, too, and is hashed anew.
    pub async fn check(
        &self,
        turn: Turn,
        password: Zeroizing<String>,
        stored: Option<String>,
    ) -> Result<Checked, PasswordError> {
        let exists = stored.is_some();
        let stored: Arc<str> = stored.map_or_else(|| Arc::clone(&self.dummy), Arc::from);
        let hasher = Arc::clone(&self.hasher);
        let check = move || match hasher.check(&prepared(&password), &stored)? {
            Checked::Wrong if *prepared(&password) != *password => {
                let as_sent = hasher.check(&password, &stored)?;
                if as_sent == Checked::Wrong { Ok(Checked::Wrong) } else { hasher.rehashed(&password) }
            }
            checked => Ok(checked),
        };
        let checked = run(turn, check).await??;
        Ok(if exists { checked } else { Checked::Wrong })
    }
}

/// The turn is held by the work itself: a caller that leaves does not free
/// the core. The work has a thread of its own, which gives way to everything else.
async fn run<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, PasswordError> {
    let (tell, told) = oneshot::channel();
    let hash = move || {
        give_way();
        let result = work();
        drop(turn);
        // Whoever has left hears nothing.
        drop(tell.send(result));
    };
    thread::Builder::new().name("password".to_owned()).spawn(hash).map_err(|error| {
        tracing::warn!(%error, "a password could not be hashed for want of a thread");
        PasswordError::Overloaded
    })?;
    told.await.map_err(|_| PasswordError::Hash("the thread that hashed has ended".to_owned()))
}

/// Passwords take whole cores for as long as people sign in: other calls, which take a millisecond,
/// go before them wherever the system knows priorities of threads.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "passwords are hashed at the priority of everything else");
    }
}

impl Hasher {
    fn hash(&self, password: &str) -> Result<String, PasswordError> {
        let salt = Salt::generate();
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, self.params.clone());
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        self.compute(&argon, password, &salt, &mut output)?;
        self.written(salt, &output)
    }

    /// The PHC string.
    fn written(&self, salt: Salt, output: &[u8]) -> Result<String, PasswordError> {
        let hash = PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&self.params).map_err(failed)?,
            salt: Some(salt),
            hash: Some(Output::new(output).map_err(failed)?),
        };
        Ok(hash.to_string())
    }

    fn check(&self, password: &str, stored: &str) -> Result<Checked, PasswordError> {
        let hash = PasswordHash::new(stored).map_err(failed)?;
        let params = Params::try_from(&hash).map_err(failed)?;
        if params.m_cost() > MAX_MEMORY_KIB || params.t_cost() > MAX_PASSES || params.p_cost() > MAX_LANES {
            return Err(PasswordError::Hash("the stored parameters are above our limits".to_owned()));
        }
        let (Some(salt), Some(expected)) = (hash.salt, hash.hash) else {
            return Err(PasswordError::Hash("the stored hash lacks its salt or output".to_owned()));
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(failed)?;
        let version = hash.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(failed)?;
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let current =
            (algorithm, version, cost(&params)) == (Algorithm::Argon2id, Version::V0x13, cost(&self.params));
        let mut output = vec![0; expected.len()];
        self.compute(&Argon2::new(algorithm, version, params), password, &salt, &mut output)?;
        if constant_time::verify_slices_are_equal(&output, expected.as_bytes()).is_err() {
            return Ok(Checked::Wrong);
        }
        if current { Ok(Checked::Right) } else { self.rehashed(password) }
    }

    fn rehashed(&self, password: &str) -> Result<Checked, PasswordError> {
        self.hash(&prepared(password)).map(Checked::RightAndRehashed)
    }

    /// In memory of ours; there is as much as turns at a time.
    fn compute(
        &self,
        argon: &Argon2<'_>,
        password: &str,
        salt: &[u8],
        output: &mut [u8],
    ) -> Result<(), PasswordError> {
        let mut memory = self.kept().pop().unwrap_or_else(|| Vec::with_capacity(MAPPED));
        memory.resize(argon.params().block_count(), Block::default());
        let done = argon.hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory);
        self.kept().push(memory);
        self.is_used.store(true, Ordering::Relaxed);
        done.map_err(failed)
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Hasher {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Hasher").field("params", &self.params).finish_non_exhaustive()
    }
}

fn failed(error: impl std::fmt::Display) -> PasswordError {
    PasswordError::Hash(error.to_string())
}

#[cfg(test)]
mod tests;
