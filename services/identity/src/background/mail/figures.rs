//! What became of letters, for whoever watches over them.

use boot::{Count, Scrape, Seconds};
use jiff::Timestamp;

/// Attempts to deliver letters, by what became of them.
#[derive(Debug, Default)]
pub struct MailFigures {
    delivered: Count,
    delayed: Count,
    dead: Count,
    took: Seconds,
}

impl MailFigures {
    /// A letter that was written then is delivered.
    pub(super) fn delivered(&self, written: Timestamp) {
        self.delivered.add_one();
        self.took.add_since(written);
    }

    /// One is not, and is tried again or is dead.
    pub(super) fn failed(&self, is_tried_again: bool) {
        if is_tried_again { &self.delayed } else { &self.dead }.add_one();
    }

    /// Tells them.
    pub fn figures(&self, scrape: &mut Scrape) {
        let help = "Attempts to deliver letters of the outbox, by what became of them.";
        let outcomes = [("delivered", &self.delivered), ("delayed", &self.delayed), ("dead", &self.dead)];
        for (outcome, count) in outcomes {
            scrape.count("frontdesk_mail_attempts_total", help, &[("outcome", outcome)], count.get());
        }
        let help = "Time from the change that wrote a letter until a server had taken it.";
        scrape.seconds("frontdesk_mail_delivery_seconds", help, &[], &self.took);
    }
}
