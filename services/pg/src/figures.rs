//! What is told of the pool: how much of it is in use, and who waits for it.

use boot::Scrape;

use crate::Database;

impl Database {
    /// The figures of the pool and of the turns of changes.
    pub fn figures(&self, scrape: &mut Scrape) {
        let status = self.pool().status();
        let help = "Connections to Postgres.";
        let idle = status.available.min(status.size);
        for (state, count) in [("idle", idle), ("in_use", status.size - idle)] {
            scrape.how_many("frontdesk_pool_connections", help, &[("state", state)], count);
        }
        let help = "Most connections to Postgres.";
        scrape.how_many("frontdesk_pool_connections_limit", help, &[], status.max_size);
        let help = "Calls that wait for a connection.";
        scrape.how_many("frontdesk_pool_waiting", help, &[], status.waiting);
        let (taken, waiting) = self.turns().in_use();
        let help = "Changes that have their turn; there are fewer turns than connections.";
        scrape.how_many("frontdesk_change_turns_taken", help, &[], taken);
        let help = "Changes that wait for their turn.";
        scrape.how_many("frontdesk_change_turns_waiting", help, &[], waiting);
    }
}
