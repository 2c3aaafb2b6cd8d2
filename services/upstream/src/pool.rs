//! The addresses of a service, and which of them takes a call. Of those that are connected
//! and behave well the one of two, picked at random, that has less to do; then those that are
//! connected and do not. Nobody waits for an address while another one is connected.
//! Connections are made, names resolved and health asked for in the background, as long as
//! calls come.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use boot::{ClientTls, Count};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, select_ok};
use http::uri::Authority;

use crate::choice::{better_of_two, leave_out};
use crate::clock::{millis, now};
use crate::connection::CONNECT_TIME;
use crate::endpoint::{Endpoint, One};
use crate::health::{Health, ask};
use crate::resolve::{endpoints, is_literal, look_up};

/// How often names are resolved and health is asked for, while calls come.
const TENDED: Duration = Duration::from_secs(5);
/// The same while an address says nothing to calls that wait for it.
const TENDED_IN_NEED: Duration = Duration::from_secs(1);
/// Time for one of several addresses to say how it is.
const ASK_TIME: Duration = Duration::from_secs(2);
/// How long a call waits for addresses that could not be reached before, if there are no
/// others: a service that is started again is there at once.
const MOMENT: Duration = Duration::from_millis(300);

/// Addresses, as many as there are now.
pub type Endpoints = Arc<[Arc<Endpoint>]>;

/// What all have in common who call a service.
pub struct Pool {
    pub authorities: Vec<Authority>,
    /// Whether they are addresses, which need not be resolved.
    are_literal: bool,
    pub tls: Option<ClientTls>,
    endpoints: RwLock<Endpoints>,
    /// What those wait for who come before the first addresses are known.
    resolving: Mutex<Option<Resolving>>,
    /// When names and health were last looked at.
    tended: AtomicU64,
    tending: AtomicBool,
    /// Calls that had to wait until an address was connected.
    pub waited: Count,
}

type Resolving = Shared<BoxFuture<'static, Result<Endpoints, String>>>;

/// Names and health are looked at, until it is dropped.
struct Tending<'p>(&'p Pool);

impl Pool {
    pub fn new(authorities: Vec<Authority>, tls: Option<ClientTls>) -> Arc<Self> {
        Arc::new(Self {
            are_literal: authorities.iter().all(is_literal),
            authorities,
            tls,
            endpoints: RwLock::default(),
            resolving: Mutex::default(),
            tended: AtomicU64::new(now()),
            tending: AtomicBool::new(false),
            waited: Count::default(),
        })
    }

    /// The addresses that are known.
    pub fn known(&self) -> Endpoints {
        Arc::clone(&self.endpoints.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The addresses, which are looked up if none is known; or why there are none.
    pub async fn endpoints(self: &Arc<Self>) -> Result<Endpoints, String> {
        let known = self.known();
        if known.is_empty() { self.resolved().await } else { Ok(known) }
    }

    /// An address that takes a call, not `avoid` if there is another.
    pub async fn place(self: &Arc<Self>, avoid: Option<SocketAddr>) -> Result<Arc<Endpoint>, String> {
        let endpoints = self.endpoints().await?;
        self.tend(&endpoints);
        endpoints.iter().for_each(|one| one.keep_connected());
        match choose(&endpoints, avoid) {
            Some(chosen) if Some(chosen.addr) != avoid => Ok(chosen),
            _ => {
                self.waited.add_one();
                Box::pin(wait(&endpoints, avoid)).await
            }
        }
    }

    /// Looks the names up, together with whoever else does.
    pub async fn resolved(self: &Arc<Self>) -> Result<Endpoints, String> {
        let resolving = {
            let mut resolving = self.resolving.lock().unwrap_or_else(PoisonError::into_inner);
            match resolving.as_ref().filter(|one| one.peek().is_none()) {
                Some(under_way) => under_way.clone(),
                None => {
                    let pool = Arc::clone(self);
                    let found = tokio::spawn(async move { pool.resolve().await });
                    let found = found.map(|found| found.unwrap_or_else(|error| Err(error.to_string())));
                    resolving.insert(found.boxed().shared()).clone()
                }
            }
        };
        resolving.await
    }

    async fn resolve(&self) -> Result<Endpoints, String> {
        let names = look_up(&self.authorities).await;
        let mut known = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        *known = endpoints(names, &known, self.tls.as_ref())?;
        Ok(Arc::clone(&known))
    }

    /// Resolves names and asks for health in the background, when it is time.
    pub fn tend(self: &Arc<Self>, endpoints: &Endpoints) {
        if self.are_literal && endpoints.len() < 2 {
            return;
        }
        let now = now();
        let since = now.saturating_sub(self.tended.load(Relaxed));
        let is_time = since >= millis(TENDED)
            || (since >= millis(TENDED_IN_NEED) && endpoints.iter().any(|one| one.conduct.is_silent(now)));
        if !is_time || self.tending.swap(true, Relaxed) {
            return;
        }
        let (pool, known) = (Arc::clone(self), Arc::clone(endpoints));
        tokio::spawn(async move {
            let _tending = Tending(&pool);
            // What went wrong is in the log; the calls go on with what is known.
            let found = if pool.are_literal { known } else { pool.resolved().await.unwrap_or(known) };
            if found.len() > 1 {
                futures::future::join_all(found.iter().map(|endpoint| ask_one(endpoint, ASK_TIME))).await;
            }
        });
    }

    /// How the best of the addresses is.
    pub async fn best(self: &Arc<Self>, time: Duration) -> Health {
        let Ok(endpoints) = self.endpoints().await else { return Health::Unreachable };
        // Where nobody calls because it is not ready, names are looked up all the same.
        self.tend(&endpoints);
        let asked = endpoints.iter().map(|endpoint| async {
            if endpoints.len() > 1 {
                ask_one(endpoint, time).await
            } else {
                ask(One(Arc::clone(endpoint)), time).await
            }
        });
        let answers = futures::future::join_all(asked).await;
        answers.into_iter().min().unwrap_or(Health::Unreachable)
    }
}

impl Drop for Tending<'_> {
    fn drop(&mut self) {
        self.0.tended.store(now(), Relaxed);
        self.0.tending.store(false, Relaxed);
    }
}

/// One that is connected, if any is.
fn choose(endpoints: &[Arc<Endpoint>], avoid: Option<SocketAddr>) -> Option<Arc<Endpoint>> {
    if let [only] = endpoints {
        return only.is_open().then(|| Arc::clone(only));
    }
    let now = now();
    for one in leave_out(endpoints, |one| &one.conduct, now) {
        one.peer.passed_over.add_one();
        tracing::warn!(addr = %one.addr, "an address is left out for a while: its calls fail one after the other");
    }
    let rank = |one: &Arc<Endpoint>| {
        let (avoided, is_bad) = (Some(one.addr) == avoid, one.conduct.is_bad(now));
        one.is_open().then_some(u8::from(avoided) * 2 + u8::from(is_bad))
    };
    better_of_two(endpoints, rank, |one| one.calls()).cloned()
}

/// Waits until an address is connected; without one it is `avoid`, if that is.
async fn wait(endpoints: &[Arc<Endpoint>], avoid: Option<SocketAddr>) -> Result<Arc<Endpoint>, String> {
    let (mut attempts, mut patience) = (Vec::new(), MOMENT);
    for one in endpoints.iter().filter(|one| Some(one.addr) != avoid) {
        let has_failed = one.peer.reach.cause().is_some();
        let connecting = one.connecting();
        if !connecting.is_empty() && !has_failed {
            // It ends with that itself.
            patience = CONNECT_TIME * 2;
        }
        attempts.extend(connecting);
    }
    let mut cause = None;
    if !attempts.is_empty() {
        match tokio::time::timeout(patience, select_ok(attempts)).await {
            Ok(Ok(_)) => {}
            Ok(Err(failed)) => cause = Some(failed),
            Err(_) => cause = Some("it does not answer yet".to_owned()),
        }
    }
    let before = || endpoints.iter().find_map(|one| one.peer.reach.cause());
    choose(endpoints, avoid)
        .ok_or_else(|| cause.or_else(before).unwrap_or_else(|| "it has no address that answers".to_owned()))
}

/// Asks one of several addresses whether it serves.
async fn ask_one(endpoint: &Arc<Endpoint>, time: Duration) -> Health {
    let health = ask(One(Arc::clone(endpoint)), time).await;
    let now = now();
    let said = endpoint.conduct.is_away(now);
    match health {
        Health::Serving => {
            if said {
                tracing::info!(addr = %endpoint.addr, "an address serves again");
            }
            endpoint.conduct.serves();
        }
        _ => {
            if !said {
                endpoint.peer.passed_over.add_one();
                tracing::warn!(addr = %endpoint.addr, %health, "an address is passed over");
            }
            endpoint.conduct.leaves(now);
        }
    }
    health
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lookups_at_the_same_time_find_the_same_endpoints() {
        let pool = Pool::new(crate::resolve::parse("localhost:1").unwrap(), None);
        let (one, other) = tokio::join!(pool.resolved(), pool.resolved());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert!(!one.is_empty() && Arc::ptr_eq(&one, &other));
    }
}
