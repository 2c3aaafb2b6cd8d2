//! Changing a tenant's settings.

use crate::domain::settings::Settings;
use crate::error::Error;
use crate::store::{Attempt, Change, Work};

/// Stores a tenant's settings.
#[derive(Debug)]
pub struct UpdateSettings {
    pub auto_decline: bool,
}

impl Work for UpdateSettings {
    type Outcome = Settings;

    async fn attempt(&self, change: Change) -> Result<Attempt<Settings>, Error> {
        Ok(Attempt::Done(change.put_settings(self.auto_decline).await?))
    }
}
