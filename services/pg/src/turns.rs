//! Who may use the database now: turns for changes, which wait for each other's rows, and
//! turns for connections, which everybody needs. How turns are given is known in
//! `boot::Turns`: fairly, and to a bounded number of those who wait.
//!
//! Changes that wait do not have every connection: reads always have some left, and so
//! have the changes of other tenants. Whoever waits for a turn has no connection. Nor has
//! one tenant every connection, whatever it does, and the process keeps one for its own
//! work, so that it is ready while calls are many.

use std::net::IpAddr;
use std::time::Duration;

use boot::{NoTurn, Scrape, TurnLimits, Turns};
use uuid::Uuid;

use crate::{Crowd, Fault, Kind};

/// How long a change waits for its turn, as long as for a lock, and a call for a connection.
const PATIENCE: Duration = Duration::from_secs(2);
/// For each connection, how many calls may wait, and how many of one tenant. So many are
/// served within half a second by a database whose statements take 15 ms.
const WAITING: usize = 32;
const WAITING_OF_ONE: usize = 8;

/// The right to a connection for a change, until it is dropped.
pub type Turn = boot::Turn<Uuid>;

/// Whose a call is that needs a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Whose {
    Tenant(Uuid),
    /// Of several tenants together.
    Tenants,
    /// Outside tenants: a user's or an API key's.
    Caller(Uuid),
    /// Of those who bring what was given out before, a refresh token or an API key, which is
    /// looked up now, by where they are: see [`PoolTurns`].
    Holder(Option<IpAddr>),
    /// Of those who have not said yet who they are, such as whoever signs in, by where they
    /// are.
    Nobody(Option<IpAddr>),
}

/// The turns of a pool. Those who have not said who they are have turns of their own before
/// that, by where they are, so that a flood from one place stands in a line of its own. For
/// connections all of them are one: addresses are to be had for nothing, and tenants have
/// one turn each. Whoever brings what was given out before is apart from whoever does not, so
/// that no crowd that signs in keeps those out who have.
#[derive(Debug, Clone)]
pub(crate) struct PoolTurns {
    changes: Turns<Uuid>,
    holders: Turns<Option<IpAddr>>,
    strangers: Turns<Option<IpAddr>>,
    connections: Turns<Whose>,
}

/// A connection that somebody has, until it is dropped.
#[derive(Debug)]
pub(crate) struct ConnectionTurn {
    _connection: boot::Turn<Whose>,
    _stranger: Option<boot::Turn<Option<IpAddr>>>,
}

impl PoolTurns {
    /// Turns for a pool of this size. For changes three quarters of it, for those of one
    /// tenant five eighths; for all that one tenant does three quarters.
    pub(crate) fn new(pool_size: usize) -> Self {
        let quarter = pool_size / 4;
        let changes = pool_size - quarter.max(usize::from(pool_size > 1));
        let limits = TurnLimits {
            places: changes,
            own: 0,
            of_one: (pool_size * 5 / 8).clamp(1, changes),
            waiting: pool_size * WAITING,
            waiting_of_one: pool_size * WAITING_OF_ONE,
            patience: PATIENCE,
        };
        let connections =
            TurnLimits { places: pool_size, own: quarter.min(1), of_one: pool_size - quarter, ..limits };
        // As many as wait and have a connection of one tenant.
        let strangers = TurnLimits {
            places: connections.of_one,
            of_one: connections.of_one,
            waiting: limits.waiting_of_one,
            ..limits
        };
        Self {
            changes: Turns::new(limits),
            holders: Turns::new(strangers),
            strangers: Turns::new(strangers),
            connections: Turns::new(connections),
        }
    }

    /// Waits for a tenant's turn to change something.
    pub(crate) async fn change(&self, tenant: Uuid) -> Result<Turn, Fault> {
        self.changes.turn(tenant).await.map_err(|none| match none {
            NoTurn::Crowded { waiting } | NoTurn::Late { waiting } => crowded(waiting, Crowd::Changes),
            NoTurn::OutOfTime => out_of_time(),
        })
    }

    /// Waits for a connection; without anybody, for the process itself.
    pub(crate) async fn connection(&self, whose: Option<Whose>) -> Result<ConnectionTurn, Fault> {
        self.begun(whose).await.map_err(|none| match none {
            NoTurn::Crowded { waiting } => crowded(waiting, Crowd::Calls),
            NoTurn::Late { .. } => Fault::new(Kind::Overloaded, "no connection came free in time"),
            NoTurn::OutOfTime => out_of_time(),
        })
    }

    async fn begun(&self, whose: Option<Whose>) -> Result<ConnectionTurn, NoTurn> {
        let (of, stranger) = match whose {
            Some(Whose::Holder(from)) => {
                (Some(Whose::Holder(None)), Some(Box::pin(self.holders.turn(from)).await?))
            }
            Some(Whose::Nobody(from)) => {
                (Some(Whose::Nobody(None)), Some(Box::pin(self.strangers.turn(from)).await?))
            }
            known => (known, None),
        };
        let connection = match of {
            Some(of) => self.connections.turn(of).await?,
            None => self.connections.own_turn().await?,
        };
        Ok(ConnectionTurn { _connection: connection, _stranger: stranger })
    }

    /// Who has turns and who waits for one.
    pub(crate) fn figures(&self, scrape: &mut Scrape) {
        let waiting = self.connections.in_use().1 + self.holders.in_use().1 + self.strangers.in_use().1;
        let help = "Calls that wait for a connection.";
        scrape.how_many("frontdesk_pool_waiting", help, &[], waiting);
        let (taken, waiting) = self.changes.in_use();
        let help = "Changes that have their turn; there are fewer turns than connections.";
        scrape.how_many("frontdesk_change_turns_taken", help, &[], taken);
        let help = "Changes that wait for their turn.";
        scrape.how_many("frontdesk_change_turns_waiting", help, &[], waiting);
        scrape.shed("change_turn", self.changes.refused());
        scrape.shed(
            "connection",
            self.connections.refused() + self.holders.refused() + self.strangers.refused(),
        );
    }
}

fn crowded(waiting: usize, of: Crowd) -> Fault {
    let cause = match of {
        Crowd::Changes => format!("{waiting} changes of the tenant wait"),
        Crowd::Calls => format!("{waiting} calls of the same caller wait for a connection"),
    };
    Fault::new(Kind::Crowded { waiting, of }, cause)
}

fn out_of_time() -> Fault {
    Fault::new(Kind::OutOfTime, "the time given for the call was over before its turn came")
}

#[cfg(test)]
// A test that cannot go on says where.
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::future::join_all;

    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[tokio::test(start_paused = true)]
    async fn changes_of_one_tenant_leave_turns_for_others() {
        let turns = PoolTurns::new(16);
        let held = join_all((0..10).map(|_| turns.change(ONE))).await;
        assert!(held.iter().all(Result::is_ok));
        let refused = turns.change(ONE).await.unwrap_err();
        assert_eq!(*refused.kind(), Kind::Crowded { waiting: 0, of: Crowd::Changes });
        let [first, second] = [turns.change(OTHER).await.unwrap(), turns.change(OTHER).await.unwrap()];
        // The rest of the pool is for reads.
        assert!(turns.change(OTHER).await.is_err());
        drop((first, second));
        drop(held);
        assert!(turns.change(ONE).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn one_tenant_leaves_connections_for_others_and_all_leave_one_for_the_process() {
        let turns = PoolTurns::new(16);
        let take = |whose| turns.connection(whose);
        let held = join_all((0..12).map(|_| take(Some(Whose::Tenant(ONE))))).await;
        assert!(held.iter().all(Result::is_ok));
        let refused = take(Some(Whose::Tenant(ONE))).await.unwrap_err();
        assert_eq!(*refused.kind(), Kind::Overloaded);
        let others = [Whose::Tenant(OTHER), Whose::Caller(ONE), Whose::Nobody(None)].map(Some);
        let others = join_all(others.map(take)).await;
        assert!(others.iter().all(Result::is_ok));
        assert!(take(Some(Whose::Nobody(None))).await.is_err());
        assert!(take(None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_floods_without_saying_who_they_are_stands_in_a_line_of_their_own() {
        let turns = PoolTurns::new(1);
        let _held = turns.connection(Some(Whose::Tenant(ONE))).await.unwrap();
        let [flood, other] = [[192, 0, 2, 1], [192, 0, 2, 2]].map(|at| Whose::Nobody(Some(at.into())));
        let take = |whose| Box::pin(turns.connection(Some(whose)));
        // One of them is the next of all strangers.
        let mut waiting: Vec<_> = (0..9).map(|_| take(flood)).collect();
        for one in &mut waiting {
            assert!(futures::poll!(one).is_pending());
        }
        assert!(matches!(take(flood).await.unwrap_err().kind(), Kind::Crowded { .. }));
        assert!(futures::poll!(&mut take(other)).is_pending(), "others wait, and are not refused");
    }

    /// Addresses are to be had for nothing: however many have a call that waits, whoever is
    /// known waits among those who are known.
    #[tokio::test(start_paused = true)]
    async fn strangers_of_many_addresses_are_one_to_those_who_are_known() {
        let turns = PoolTurns::new(1);
        let held = turns.connection(Some(Whose::Tenant(OTHER))).await.unwrap();
        let take = |whose| Box::pin(turns.connection(Some(whose)));
        let stranger = |at: u32| Whose::Nobody(Some(IpAddr::from(at.to_be_bytes())));
        let mut waiting: Vec<_> = (0..100).map(|at| take(stranger(at))).collect();
        let mut refused = 0;
        for one in &mut waiting {
            refused += usize::from(futures::poll!(one).is_ready());
        }
        assert!(refused > 80, "{refused}");
        let mut known = take(Whose::Tenant(ONE));
        assert!(futures::poll!(&mut known).is_pending(), "it is not refused");
        drop(held);
        // One stranger was there before.
        assert!(futures::poll!(&mut known).is_pending());
        drop(waiting);
        assert!(known.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_signs_in_keeps_nobody_out_who_has() {
        let turns = PoolTurns::new(1);
        let held = turns.connection(Some(Whose::Tenant(OTHER))).await.unwrap();
        let take = |whose| Box::pin(turns.connection(Some(whose)));
        let at = |at: u32| Some(IpAddr::from(at.to_be_bytes()));
        let mut crowd: Vec<_> = (0..100).map(|n| take(Whose::Nobody(at(n)))).collect();
        let mut refused = 0;
        for one in &mut crowd {
            refused += usize::from(futures::poll!(one).is_ready());
        }
        assert!(refused > 80, "{refused}");
        let mut holder = take(Whose::Holder(at(200)));
        assert!(futures::poll!(&mut holder).is_pending(), "it is not refused");
        drop(held);
        // One of the crowd was there before.
        drop(crowd);
        assert!(holder.await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_is_told_what_it_waits_for() {
        let turns = PoolTurns::new(1);
        let _held =
            (turns.change(ONE).await.unwrap(), turns.connection(Some(Whose::Nobody(None))).await.unwrap());
        for of in [Crowd::Changes, Crowd::Calls] {
            let ask = async |turns: PoolTurns| match of {
                Crowd::Changes => turns.change(ONE).await.map(drop),
                Crowd::Calls => turns.connection(Some(Whose::Nobody(None))).await.map(drop),
            };
            let mut waiting: Vec<_> = (0..8).map(|_| Box::pin(ask(turns.clone()))).collect();
            for one in &mut waiting {
                assert!(futures::poll!(one).is_pending());
            }
            let refused = ask(turns.clone()).await.unwrap_err();
            assert_eq!(*refused.kind(), Kind::Crowded { waiting: 8, of });
            let refusal = refused.refusal();
            assert_eq!(refusal.reason(), frontdesk_proto::ErrorReason::Overloaded);
            assert!(refusal.metadata().any(|pair| pair == ("waiting", "8")));
            assert!(refusal.retry_delay().is_some());
        }
    }
}
