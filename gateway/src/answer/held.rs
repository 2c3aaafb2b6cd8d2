//! How many bytes of bodies a process holds at once, requests' and answers' together. A
//! small one is not counted: there are only so many calls. A large one is counted from when
//! it comes until nobody needs it any more, so that slow clients with large bodies take
//! each other's room and not all memory. One client has a part of the room, and the others the
//! rest: whoever sends and reads slowly keeps nobody but itself from sending.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use boot::client_of;
use bytes::Bytes;

/// Most bytes of large bodies.
const MOST: usize = 256 * 1024 * 1024;
/// Most of those of one client.
pub const MOST_OF_CLIENT: usize = 64 * 1024 * 1024;
/// Bytes of a body that are not counted.
pub const SMALL: usize = 64 * 1024;

static OF_THE_PROCESS: Budget = Budget::of(MOST, MOST_OF_CLIENT);

tokio::task_local! {
    /// Whose bodies those of a task are.
    static CLIENT: IpAddr;
}

/// How many bytes there are.
#[derive(Debug)]
struct Budget {
    left: AtomicUsize,
    of_client: usize,
    /// What clients have taken who have taken some.
    taken: Mutex<BTreeMap<IpAddr, usize>>,
}

/// There is no room for so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRoom {
    /// All clients have taken it.
    OfAll,
    /// This one has taken its part.
    OfClient,
}

/// Room for a body, until it is dropped.
#[derive(Debug)]
pub struct Held {
    budget: &'static Budget,
    client: Option<IpAddr>,
    bytes: usize,
    counted: usize,
}

/// A body with its room.
struct Counted {
    body: Bytes,
    _held: Held,
}

/// What comes of a call, whose bodies are those of a client at this address.
pub fn of_client<F: Future>(address: IpAddr, call: F) -> impl Future<Output = F::Output> {
    CLIENT.scope(client_of(address), call)
}

/// The client whose bodies those of this task are, for what reads some of them in another task.
pub fn client() -> Option<IpAddr> {
    CLIENT.try_with(|client| *client).ok()
}

/// What comes of work for a client that [`client`] gave.
pub async fn for_client<F: Future>(client: Option<IpAddr>, work: F) -> F::Output {
    match client {
        Some(client) => CLIENT.scope(client, work).await,
        None => work.await,
    }
}

impl Budget {
    const fn of(bytes: usize, of_client: usize) -> Self {
        Self { left: AtomicUsize::new(bytes), of_client, taken: Mutex::new(BTreeMap::new()) }
    }

    fn take(&self, client: Option<IpAddr>, more: usize) -> Result<(), NoRoom> {
        if let Some(client) = client {
            let mut taken = self.taken();
            let of_client = taken.get(&client).copied().unwrap_or(0) + more;
            if of_client > self.of_client {
                return Err(NoRoom::OfClient);
            }
            taken.insert(client, of_client);
        }
        let take = |left: usize| left.checked_sub(more);
        let took = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        took.map(|_| ()).map_err(|_| {
            self.give_back_of(client, more);
            NoRoom::OfAll
        })
    }

    fn give_back(&self, client: Option<IpAddr>, bytes: usize) {
        self.left.fetch_add(bytes, Ordering::Relaxed);
        self.give_back_of(client, bytes);
    }

    fn give_back_of(&self, client: Option<IpAddr>, bytes: usize) {
        let Some(client) = client else { return };
        let mut taken = self.taken();
        let left = taken.get(&client).map_or(0, |taken| taken.saturating_sub(bytes));
        if left == 0 {
            taken.remove(&client);
        } else {
            taken.insert(client, left);
        }
    }

    fn taken(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// For a body of which nothing has come, of the client whose call this is.
    pub fn nothing() -> Self {
        Self::of(&OF_THE_PROCESS, client())
    }

    fn of(budget: &'static Budget, client: Option<IpAddr>) -> Self {
        Self { budget, client, bytes: 0, counted: 0 }
    }

    /// So many bytes more.
    pub fn add(&mut self, bytes: usize) -> Result<(), NoRoom> {
        self.bytes += bytes;
        let more = self.bytes.saturating_sub(SMALL) - self.counted;
        if more > 0 {
            self.budget.take(self.client, more)?;
            self.counted += more;
        }
        Ok(())
    }

    /// The body, which keeps its room wherever it goes.
    pub fn with(self, body: Bytes) -> Bytes {
        if self.counted == 0 { body } else { Bytes::from_owner(Counted { body, _held: self }) }
    }
}

/// A whole body with its room.
pub fn held(body: Bytes) -> Result<Bytes, NoRoom> {
    let mut held = Held::nothing();
    held.add(body.len())?;
    Ok(held.with(body))
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.counted > 0 {
            self.budget.give_back(self.client, self.counted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_share_their_room_until_the_last_part_of_one_is_gone() {
        static BUDGET: Budget = Budget::of(100_000, 90_000);
        let left = || BUDGET.left.load(Ordering::Relaxed);
        let mut first = Held::of(&BUDGET, None);
        first.add(SMALL).unwrap();
        assert_eq!(left(), 100_000, "a small one is not counted");
        first.add(60_000).unwrap();
        let mut second = Held::of(&BUDGET, None);
        second.add(SMALL + 30_000).unwrap();
        assert_eq!(second.add(20_000), Err(NoRoom::OfAll));
        assert_eq!(left(), 10_000);
        let body = first.with(Bytes::from(vec![7; SMALL + 60_000]));
        let part = body.slice(5..8);
        drop((body, second));
        assert_eq!((left(), &part[..]), (40_000, &[7; 3][..]));
        drop(part);
        assert_eq!(left(), 100_000);
    }

    #[tokio::test]
    async fn a_client_has_its_part_and_leaves_the_others_theirs() {
        static BUDGET: Budget = Budget::of(100_000, 60_000);
        let [one, other] = ["192.0.2.1", "2001:db8::7"].map(|address| address.parse::<IpAddr>().unwrap());
        let held = |client: IpAddr, bytes: usize| {
            let mut held = Held::of(&BUDGET, Some(client_of(client)));
            held.add(SMALL + bytes).map(|()| held)
        };
        let first = held(one, 60_000).unwrap();
        assert_eq!(held(one, 1).unwrap_err(), NoRoom::OfClient);
        let others = held(other, 30_000).unwrap();
        let neighbour = "2001:db8::8".parse().unwrap();
        assert_eq!(held(neighbour, 30_001).unwrap_err(), NoRoom::OfClient, "it is one network");
        assert_eq!(held(neighbour, 20_000).unwrap_err(), NoRoom::OfAll);
        drop(first);
        let again = held(one, 60_000).unwrap();
        drop((again, others));
        assert!(BUDGET.taken().is_empty() && BUDGET.left.load(Ordering::Relaxed) == 100_000);
        let whose = of_client("2001:db8::9".parse().unwrap(), async { Held::nothing().client }).await;
        assert_eq!(whose, Some("2001:db8::".parse().unwrap()));
        assert_eq!(Held::nothing().client, None);
        let elsewhere = tokio::spawn(for_client(whose, async { Held::nothing().client }));
        assert_eq!(elsewhere.await.unwrap(), whose, "another task reads on");
    }
}
