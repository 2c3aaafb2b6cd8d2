//! Figures of the pool: how much of it is in use, and who waits for it.

use boot::Scrape;

use crate::Database;

impl Database {
    /// The figures of the pool and of the turns in it.
    pub fn figures(&self, scrape: &mut Scrape) {
        let status = self.pool().status();
        let help = "Connections to Postgres.";
        let idle = status.available.min(status.size);
        for (state, count) in [("idle", idle), ("in_use", status.size - idle)] {
            scrape.how_many("frontdesk_pool_connections", help, &[("state", state)], count);
        }
        let help = "Most connections to Postgres.";
        scrape.how_many("frontdesk_pool_connections_limit", help, &[], status.max_size);
        self.turns().figures(scrape);
    }
}
