//! Changing a tenant's settings.

use crate::domain::settings::Settings;
use crate::domain::version::Version;
use crate::error::Error;
use crate::store::{Attempt, Change, Work};

/// Stores a tenant's settings.
#[derive(Debug)]
pub struct UpdateSettings {
    pub auto_decline: bool,
}

impl Work for UpdateSettings {
    type Outcome = Settings;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Settings>, Error> {
        let stored = change.lock_settings().await?;
        let only_new = stored.is_none();
        change.check_version(Version::of(&stored.unwrap_or_default()))?;
        let put = change.put_settings(self.auto_decline, only_new).await?;
        // Somebody else has just stored the first settings.
        Ok(put.map_or(Attempt::NeedsLocks, Attempt::Done))
    }
}
