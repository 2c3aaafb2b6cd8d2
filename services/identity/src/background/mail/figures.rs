//! What became of letters, and how many there are, for whoever watches over them.

use std::sync::{Mutex, PoisonError};

use boot::{Count, Scrape, Seconds};
use jiff::Timestamp;

use crate::domain::delivery::Outbox;

/// Attempts to deliver letters, by what became of them, and the outbox when it was last counted.
#[derive(Debug, Default)]
pub struct MailFigures {
    counted: Mutex<Option<Outbox>>,
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

    /// This is in the outbox.
    pub(super) fn counted(&self, outbox: Outbox) {
        *self.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(outbox);
    }

    /// Tells them; of an outbox that nobody has counted nothing.
    pub fn figures(&self, scrape: &mut Scrape) {
        let counted = *self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(outbox) = counted {
            let age = outbox.age(Timestamp::now()).as_secs_f64();
            let help = "Letters of the outbox that wait for their delivery, ten thousand at most.";
            scrape.how_many("frontdesk_mail_waiting", help, &[], outbox.waiting);
            let help = "Time since the oldest of those that wait, of the ten thousand that are due first, was written.";
            scrape.now("frontdesk_mail_oldest_age_seconds", help, &[], age);
            let help = "Letters that nobody tries to deliver any more, ten thousand at most.";
            scrape.how_many("frontdesk_mail_dead", help, &[], outbox.dead);
        }
        let help = "Attempts to deliver letters of the outbox, by what became of them.";
        let outcomes = [("delivered", &self.delivered), ("delayed", &self.delayed), ("dead", &self.dead)];
        for (outcome, count) in outcomes {
            scrape.count("frontdesk_mail_attempts_total", help, &[("outcome", outcome)], count.get());
        }
        let help = "Time from the change that wrote a letter until a server had taken it.";
        scrape.seconds("frontdesk_mail_delivery_seconds", help, &[], &self.took);
    }
}
