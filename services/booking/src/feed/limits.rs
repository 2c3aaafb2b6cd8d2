//! How many streams there may be: of a server, of a tenant, and of a session or an API
//! key, so that nobody takes the room of the others.

use std::time::Duration;

use access::{Acting, Caller};
use boot::{AtOnce, Full, Place};
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
#[derive(Debug, Clone)]
pub struct Limits {
    of_holders: AtOnce<Holder>,
    of_tenants: AtOnce<Uuid>,
}

/// Room for one stream, until it is dropped.
#[derive(Debug)]
pub struct Room {
    _of_tenant: Place<Uuid>,
    _of_holder: Place<Holder>,
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
    /// As many as a policy says; none is open yet.
    pub fn new(policy: &Policy) -> Self {
        let Policy { most_streams, most_streams_of_tenant, most_streams_of_session, .. } = *policy;
        Self {
            // Of all of them together, the tenants are counted.
            of_holders: AtOnce::new(usize::MAX, most_streams_of_session),
            of_tenants: AtOnce::new(most_streams, most_streams_of_tenant),
        }
    }

    /// How many streams are open.
    pub fn open(&self) -> usize {
        self.of_tenants.taken()
    }

    /// Takes room for a stream, or says of whom there are as many as there may be. A session
    /// that is over its limit takes nothing from anybody else, not even for a moment.
    pub fn take(&self, tenant: Uuid, holder: Holder) -> Result<Room, Error> {
        let of_holder = self.of_holders.take(Some(holder)).map_err(|full| {
            let (Full::All(most) | Full::One(most)) = full;
            too_many(Reason::TooManyStreams, "The session or API key", most, "WATCH_LIMIT_SESSION")
        })?;
        let of_tenant = self.of_tenants.take(Some(tenant)).map_err(|full| match full {
            Full::All(most) => too_many(Reason::Overloaded, "This server", most, "WATCH_LIMIT_SERVER"),
            Full::One(most) => too_many(Reason::TooManyStreams, "The tenant", most, "WATCH_LIMIT_TENANT"),
        })?;
        Ok(Room { _of_tenant: of_tenant, _of_holder: of_holder })
    }
}

fn too_many(reason: Reason, whose: &str, most: usize, setting: &str) -> Error {
    let refusal = Refusal::new(
        reason,
        format!(
            "{whose} has {most} streams open here, the most that it may have ({setting}). Close one, or try again later."
        ),
    );
    Error::Refused(refusal.with("limit", most.to_string()).with("setting", setting).retry_after(AGAIN))
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
        let limits = Limits::new(&policy);
        let take = |tenant: u128, session: u128| {
            let holder = Holder::Session(Uuid::from_u128(session));
            limits.take(Uuid::from_u128(tenant), holder)
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
        // What was refused for one limit has kept no room of another.
        assert_eq!((limits.open(), limits.of_holders.taken()), (4, 4));
        held.clear();
        take(1, 1).unwrap();
        assert_eq!((limits.open(), limits.of_holders.taken()), (0, 0));
    }
}
