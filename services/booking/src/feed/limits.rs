//! How many streams there may be: of a server, of a tenant, and of a session or an API
//! key, so that nobody takes the room of the others.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use access::{Acting, Caller};
use uuid::Uuid;

use crate::config::Policy;
use crate::error::{Error, Reason, Refusal};

/// When to ask again for a stream that there was no room for.
const AGAIN: Duration = Duration::from_secs(15);

/// Who holds a stream, for the limit of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    Session(Uuid),
    /// Of another issuer, whose tokens have no session here; or an operator, who sees what
    /// somebody else sees.
    User(Uuid),
    /// Also of a client, whomever it acts for.
    ApiKey(Uuid),
}

/// The streams that are open.
#[derive(Debug, Clone, Default)]
pub struct Limits {
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    all: usize,
    tenants: HashMap<Uuid, usize>,
    holders: HashMap<Holder, usize>,
}

/// Room for one stream, until it is dropped.
#[derive(Debug)]
pub struct Room {
    open: Arc<Mutex<Open>>,
    tenant: Uuid,
    holder: Holder,
}

impl Holder {
    /// Who holds the streams of a caller: whoever acts for a user, and not the user, whose own
    /// room would be taken.
    pub fn of(caller: &Caller) -> Option<Self> {
        match caller.acting {
            Some(Acting::Client(client)) => return Some(Self::ApiKey(client)),
            Some(Acting::Viewer(operator)) => return Some(Self::User(operator)),
            None => {}
        }
        match (caller.user, caller.api_key_id) {
            (Some(user), _) if user.session.is_nil() => Some(Self::User(user.id)),
            (Some(user), _) => Some(Self::Session(user.session)),
            (None, key) => key.map(Self::ApiKey),
        }
    }
}

impl Limits {
    /// How many streams are open.
    pub fn open(&self) -> usize {
        locked(&self.open).all
    }

    /// Takes room for a stream, or says of whom there are as many as there may be.
    pub fn take(&self, policy: &Policy, tenant: Uuid, holder: Holder) -> Result<Room, Error> {
        let mut open = locked(&self.open);
        let of_tenant = open.tenants.get(&tenant).copied().unwrap_or_default();
        let of_session = open.holders.get(&holder).copied().unwrap_or_default();
        if open.all >= policy.most_streams {
            return full(Reason::Overloaded, "This server", policy.most_streams, "WATCH_LIMIT_SERVER");
        }
        if of_tenant >= policy.most_streams_of_tenant {
            let most = policy.most_streams_of_tenant;
            return full(Reason::TooManyStreams, "The tenant", most, "WATCH_LIMIT_TENANT");
        }
        if of_session >= policy.most_streams_of_session {
            let most = policy.most_streams_of_session;
            return full(Reason::TooManyStreams, "The session or API key", most, "WATCH_LIMIT_SESSION");
        }
        open.all += 1;
        *open.tenants.entry(tenant).or_default() += 1;
        *open.holders.entry(holder).or_default() += 1;
        Ok(Room { open: Arc::clone(&self.open), tenant, holder })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut open = locked(&self.open);
        open.all -= 1;
        leave(&mut open.tenants, self.tenant);
        leave(&mut open.holders, self.holder);
    }
}

fn full(reason: Reason, whose: &str, most: usize, setting: &str) -> Result<Room, Error> {
    let refusal = Refusal::new(
        reason,
        format!(
            "{whose} has {most} streams open here, the most that it may have ({setting}). Close one, or try again later."
        ),
    );
    let refusal = refusal.with("limit", most.to_string()).with("setting", setting).retry_after(AGAIN);
    Err(Error::Refused(refusal))
}

fn leave<K: Eq + Hash>(open: &mut HashMap<K, usize>, who: K) {
    if let Some(count) = open.get_mut(&who) {
        *count -= 1;
        if *count == 0 {
            open.remove(&who);
        }
    }
}

fn locked(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_refuses_by_itself_and_room_comes_back() {
        let policy = Policy {
            most_streams: 4,
            most_streams_of_tenant: 3,
            most_streams_of_session: 2,
            ..Policy::default()
        };
        let limits = Limits::default();
        let take = |tenant: u128, session: u128| {
            let holder = Holder::Session(Uuid::from_u128(session));
            limits.take(&policy, Uuid::from_u128(tenant), holder)
        };
        let refused = |taken: Result<Room, Error>| match taken {
            Err(Error::Refused(refusal)) => {
                refusal.metadata().map(|(_, value)| value.to_owned()).collect::<Vec<_>>().join(" ")
            }
            other => panic!("{other:?}"),
        };
        let mut held = vec![take(1, 1).unwrap(), take(1, 1).unwrap()];
        assert_eq!(refused(take(1, 1)), "2 WATCH_LIMIT_SESSION");
        held.push(take(1, 2).unwrap());
        assert_eq!(refused(take(1, 3)), "3 WATCH_LIMIT_TENANT");
        held.push(take(2, 3).unwrap());
        assert_eq!(refused(take(3, 4)), "4 WATCH_LIMIT_SERVER");
        held.clear();
        take(1, 1).unwrap();
        let open = locked(&limits.open);
        assert!(open.all == 0 && open.tenants.is_empty() && open.holders.is_empty(), "{open:?}");
    }
}
