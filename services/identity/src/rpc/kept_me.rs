//! Answers of `GetMe` that are kept until something that they show is marked, and how often one
//! was of use.

use std::sync::Arc;

use access::UntilMarked;
use boot::{Count, Scrape};
use frontdesk_proto::identity::v1 as wire;
use uuid::Uuid;

use crate::domain::ids::UserId;

/// The user whom an answer is about, and for which tenant it was asked. Whoever acts for a user
/// is not among them.
pub(super) type MeKey = (UserId, Option<Uuid>);

/// What users see of themselves.
#[derive(Debug)]
pub struct KeptMe {
    pub(super) answers: UntilMarked<MeKey, Arc<wire::GetMeResponse>>,
    pub(super) used: Count,
    pub(super) asked: Count,
}

impl KeptMe {
    /// Keeps answers there, and has counted none yet.
    pub fn new(answers: UntilMarked<MeKey, Arc<wire::GetMeResponse>>) -> Self {
        Self { answers, used: Count::default(), asked: Count::default() }
    }

    /// How often one was used, and how often the database was asked.
    pub fn figures(&self, scrape: &mut Scrape) {
        let help = "What users see of themselves, kept from before or asked of the database.";
        for (source, count) in [("kept", &self.used), ("asked", &self.asked)] {
            scrape.count("frontdesk_me_lookups_total", help, &[("source", source)], count.get());
        }
    }
}
