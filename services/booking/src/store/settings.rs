//! Statements about a tenant's settings.

use access::TenantId;
use pg::{Columns, Fault};
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use super::database::Store;
use crate::domain::settings::Settings;

pg::statements! {
    /// The settings of a tenant.
    GetSettings = "get_settings" (tenant: Uuid);

    /// Locks the settings of a tenant.
    LockSettings = "lock_settings" (tenant: Uuid);

    /// Stores the settings of a tenant.
    PutSettings = "put_settings" (tenant: Uuid, auto_decline: bool, only_new: bool) with Stamp;
}

impl Store {
    pub async fn get_settings(&self, tenant: TenantId) -> Result<Settings, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let rows = schema.db.run(tenant, &GetSettings { tenant }).await?;
            Ok(Columns::first(&rows, settings)?.unwrap_or_default())
        })
        .await
    }
}

impl Change {
    /// The settings as they are now.
    pub async fn get_settings(&self) -> Result<Settings, Fault> {
        let rows = self.tx.run(&GetSettings { tenant: self.tenant() }).await?;
        Ok(Columns::first(&rows, settings)?.unwrap_or_default())
    }

    /// Locks the settings; `None` when none were ever stored.
    pub async fn lock_settings(&mut self) -> Result<Option<Settings>, Fault> {
        let lock = LockSettings { tenant: self.tenant() };
        let locked = Columns::first(&self.tx.run(&lock).await?, settings)?;
        if let Some(last_change) = locked.as_ref().and_then(|settings| settings.updated_at) {
            self.comes_after(last_change);
        }
        Ok(locked)
    }

    /// Stores the settings. `None` when they must be the first ones and are not.
    pub async fn put_settings(
        self,
        auto_decline: bool,
        only_new: bool,
    ) -> Result<Option<Finished<Settings>>, Fault> {
        let put = PutSettings { tenant: self.tenant(), auto_decline, only_new, with: self.stamp() };
        self.finish(&put, |rows| Columns::first(rows, settings)).await
    }
}

pub(super) fn settings(row: &mut Columns<'_>) -> Result<Settings, Fault> {
    Ok(Settings { auto_decline: row.or_empty("auto_decline")?, updated_at: row.or_empty("updated_at")? })
}
