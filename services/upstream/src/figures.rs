//! The figures of an address, wherever it is.

use boot::Scrape;

/// What they are now.
pub struct Figures {
    /// Whether it takes calls, and is not passed over.
    pub is_healthy: bool,
    /// Calls that it has taken.
    pub calls: u64,
    /// How often it began to be passed over.
    pub passed_over: u64,
    /// Calls that have not ended.
    pub under_way: u32,
}

impl Figures {
    pub fn tell(&self, service: &str, address: &str, scrape: &mut Scrape) {
        let labels = [("service", service), ("address", address)];
        let help = "Whether an address takes calls, and is not passed over.";
        scrape.now("frontdesk_upstream_healthy", help, &labels, f64::from(self.is_healthy));
        let help = "Calls that an address has taken.";
        scrape.count("frontdesk_upstream_calls_total", help, &labels, self.calls);
        let help = "How often an address began to be passed over.";
        scrape.count("frontdesk_upstream_passed_over_total", help, &labels, self.passed_over);
        let help = "Calls on the connections to an address.";
        scrape.how_many("frontdesk_upstream_calls_under_way", help, &labels, self.under_way);
    }
}
