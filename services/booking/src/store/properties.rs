//! Statements about properties.

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault};
use uuid::Uuid;

use super::change::{Change, Finished};
use super::database::{Store, lost_row};
use super::foreign::{count, time};
use crate::domain::approval::Layout;
use crate::domain::ids::{EventId, PropertyId, RowId};
use crate::domain::listing::After;
use crate::domain::property::{HoldPolicy, NewProperty, Property, PropertyUpdate};

pg::statements! {
    /// A property.
    GetProperty = "get_property" (tenant: Uuid, id: PropertyId);
    /// Properties by name.
    ListProperties<'a> = "list_properties" (tenant: Uuid, after_name: &'a str, after_id: RowId, most: i64);
    /// Stores a property.
    InsertProperty<'a> = "insert_property" (
        tenant: Uuid, id: PropertyId, name: &'a str, time_zone: &'a str, max_guests: i32,
        hold_policy: &'static str, hold_hours: i32, at: Timestamp, actor_kind: &'static str,
        actor_id: Option<Uuid>, event: EventId,
    );
    /// Locks a property against other changes of it.
    LockPropertyRow = "lock_property_row" (tenant: Uuid, id: PropertyId);
    /// Changes a property.
    UpdateProperty<'a> = "update_property" (
        tenant: Uuid, id: PropertyId, name: Option<&'a str>, time_zone: Option<&'a str>, max_guests: Option<i32>,
        hold_policy: Option<&'static str>, hold_hours: Option<i32>, at: Timestamp,
        actor_kind: &'static str, actor_id: Option<Uuid>, event: EventId,
    );
    /// Locks a property for those who change what its dates are taken by.
    LockProperty = "lock_property" (tenant: Uuid, row: RowId);
}

impl Store {
    /// Properties by name, after a place.
    pub async fn list_properties(
        &self,
        tenant: TenantId,
        after: &After<String>,
        most: i64,
    ) -> Result<Vec<Property>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let list = ListProperties { tenant, after_name: &after.key, after_id: after.id, most };
            Columns::all(&schema.db.run(tenant, &list).await?, property)
        })
        .await
    }

    pub async fn get_property(&self, tenant: TenantId, id: PropertyId) -> Result<Option<Property>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Columns::first(&schema.db.run(tenant, &GetProperty { tenant, id }).await?, property)
        })
        .await
    }
}

impl Change {
    /// A property as it is now.
    pub async fn get_property(&self, id: PropertyId) -> Result<Option<Property>, Fault> {
        Columns::first(&self.tx.run(&GetProperty { tenant: self.tenant(), id }).await?, property)
    }

    /// In the single-table layout, waits for others who change what the dates are
    /// taken by of the property that a row is of.
    pub async fn lock_property_of(&self, row: RowId) -> Result<(), Fault> {
        if self.layout() == Layout::SingleTable {
            self.tx.run(&LockProperty { tenant: self.tenant(), row }).await?;
        }
        Ok(())
    }

    /// Stores a property.
    pub async fn insert_property(self, new: &NewProperty) -> Result<Finished<Property>, Fault> {
        let NewProperty { id, name, time_zone, max_guests, hold_policy, hold_hours } = new;
        let insert = InsertProperty {
            tenant: self.tenant(),
            id: *id,
            name,
            time_zone,
            max_guests: *max_guests,
            hold_policy: hold_policy.name(),
            hold_hours: *hold_hours,
            at: self.at,
            actor_kind: self.actor_kind(),
            actor_id: self.actor_id(),
            event: self.event,
        };
        let stored = self.finish(&insert, |rows| Columns::first(rows, property)).await?;
        stored.ok_or_else(|| lost_row("the property"))
    }

    /// Locks a property against other changes of it; bookings of it go on.
    pub async fn lock_property(&self, id: PropertyId) -> Result<Option<Property>, Fault> {
        Columns::first(&self.tx.run(&LockPropertyRow { tenant: self.tenant(), id }).await?, property)
    }

    /// Changes a property; `None` when there is none.
    pub async fn update_property(
        self,
        id: PropertyId,
        update: &PropertyUpdate,
    ) -> Result<Option<Finished<Property>>, Fault> {
        let PropertyUpdate { name, time_zone, max_guests, hold_policy, hold_hours } = update;
        let update = UpdateProperty {
            tenant: self.tenant(),
            id,
            name: name.as_deref(),
            time_zone: time_zone.as_deref(),
            max_guests: *max_guests,
            hold_policy: hold_policy.map(HoldPolicy::name),
            hold_hours: *hold_hours,
            at: self.at,
            actor_kind: self.actor_kind(),
            actor_id: self.actor_id(),
            event: self.event,
        };
        self.finish(&update, |rows| Columns::first(rows, property)).await
    }
}

fn property(row: &mut Columns<'_>) -> Result<Property, Fault> {
    Ok(Property {
        id: row.next("id")?,
        name: row.or_empty("name")?,
        time_zone: row.or_empty("time_zone")?,
        max_guests: count(row, "max_guests")?,
        // Nothing is held under a word that nobody knows.
        hold_policy: HoldPolicy::from_name(row.or_empty("hold_policy")?).unwrap_or(HoldPolicy::None),
        hold_hours: count(row, "hold_hours")?,
        row_version: row.or_empty("row_version")?,
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
    })
}
