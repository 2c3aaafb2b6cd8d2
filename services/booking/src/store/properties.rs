//! Statements about properties, their calendar, customers and settings.

use access::TenantId;
use jiff::Timestamp;
use pg::{Fault, column};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::{Schema, Store, lost_row, stay_of, unknown_word};
use crate::domain::ids::{BlockId, GuestId, PropertyId};
use crate::domain::stay::Stay;

/// A property.
#[derive(Debug)]
pub struct Property {
    pub id: PropertyId,
    pub name: String,
    pub time_zone: String,
    pub max_guests: i32,
    pub hold_policy: HoldPolicy,
    pub hold_hours: i32,
    pub row_version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// Whether a request holds its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldPolicy {
    None,
    Hold,
}

/// A property to store.
#[derive(Debug)]
pub struct NewProperty {
    pub id: PropertyId,
    pub name: String,
    pub time_zone: String,
    pub max_guests: i32,
    pub hold_policy: HoldPolicy,
    pub hold_hours: i32,
}

/// What changes of a property; what is `None` stays.
#[derive(Debug)]
pub struct PropertyChange {
    pub name: Option<String>,
    pub time_zone: Option<String>,
    pub max_guests: Option<i32>,
    pub hold_policy: Option<HoldPolicy>,
    pub hold_hours: Option<i32>,
    /// The version that it must have.
    pub version: Option<i64>,
}

/// A customer.
#[derive(Debug)]
pub struct Customer {
    pub id: GuestId,
    pub name: String,
    pub email: String,
    pub phone: String,
    pub created_at: Timestamp,
}

/// What has nights of a property.
#[derive(Debug)]
pub struct Occupancy {
    pub kind: OccupancyKind,
    pub source: Uuid,
    pub stay: Stay,
}

/// See [`Occupancy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OccupancyKind {
    Booking,
    Hold,
    Block,
    Request,
}

/// Nights that are kept from being let.
#[derive(Debug)]
pub struct Block {
    pub id: BlockId,
    pub property: PropertyId,
    pub nights: Stay,
    pub note: String,
    pub active: bool,
}

/// How a tenant wants requests to be treated.
#[derive(Debug, Default)]
pub struct Settings {
    pub auto_decline: bool,
    pub updated_at: Option<Timestamp>,
}

impl Store {
    /// Properties after a name and id, by name.
    pub async fn list_properties(
        &self,
        schema: &Schema,
        tenant: TenantId,
        after: (&str, Uuid),
        limit: i64,
    ) -> Result<Vec<Property>, Fault> {
        let tenant = tenant.uuid();
        let params: [&(dyn ToSql + Sync); 4] = [&tenant, &after.0, &after.1, &limit];
        let rows = self.db.query(tenant, &schema.statements.list_properties, &params).await?;
        rows.iter().map(property).collect()
    }

    pub async fn get_property(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: PropertyId,
    ) -> Result<Option<Property>, Fault> {
        let row = self.first(tenant, &schema.statements.get_property, &[&tenant.uuid(), &id.0]).await?;
        row.as_ref().map(property).transpose()
    }

    pub async fn insert_property(
        &self,
        schema: &Schema,
        tenant: TenantId,
        new: &NewProperty,
        at: Timestamp,
    ) -> Result<Property, Fault> {
        let NewProperty { id, name, time_zone, max_guests, hold_policy, hold_hours } = new;
        let params: [&(dyn ToSql + Sync); 8] =
            [&tenant.uuid(), &id.0, name, time_zone, max_guests, &hold_policy.name(), hold_hours, &at];
        let row = self.first(tenant, &schema.statements.insert_property, &params).await?;
        property(&row.ok_or_else(|| lost_row("the property"))?)
    }

    /// Changes a property; `None` when there is none, or of another version.
    pub async fn update_property(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: PropertyId,
        change: &PropertyChange,
        at: Timestamp,
    ) -> Result<Option<Property>, Fault> {
        let PropertyChange { name, time_zone, max_guests, hold_policy, hold_hours, version } = change;
        let policy = hold_policy.map(HoldPolicy::name);
        let params: [&(dyn ToSql + Sync); 9] =
            [&tenant.uuid(), &id.0, name, time_zone, max_guests, &policy, hold_hours, &at, version];
        let row = self.first(tenant, &schema.statements.update_property, &params).await?;
        row.as_ref().map(property).transpose()
    }

    /// What has nights between two dates, by first night.
    pub async fn list_occupancies(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: PropertyId,
        dates: Stay,
    ) -> Result<Vec<Occupancy>, Fault> {
        let params: [&(dyn ToSql + Sync); 4] = [&tenant.uuid(), &id.0, &dates.check_in, &dates.check_out];
        let rows = self.db.query(tenant.uuid(), &schema.statements.list_occupancies, &params).await?;
        rows.iter()
            .map(|row| {
                let kind = match column::<&str>(row, "kind")? {
                    "booking" => OccupancyKind::Booking,
                    "hold" => OccupancyKind::Hold,
                    "block" => OccupancyKind::Block,
                    "request" => OccupancyKind::Request,
                    word => return Err(unknown_word("kind", word)),
                };
                Ok(Occupancy {
                    kind,
                    source: column(row, "id")?,
                    stay: stay_of(row, "start_date", "end_date")?,
                })
            })
            .collect()
    }

    /// Stores a block; `None` when the property is not there or a night is taken.
    pub async fn insert_block(
        &self,
        schema: &Schema,
        tenant: TenantId,
        block: &Block,
        at: Timestamp,
    ) -> Result<Option<Block>, Fault> {
        let Block { id, property, nights, note, active: _ } = block;
        let params: [&(dyn ToSql + Sync); 7] =
            [&tenant.uuid(), &property.0, &id.0, &nights.check_in, &nights.check_out, note, &at];
        let row = self.first(tenant, &schema.statements.insert_block, &params).await?;
        row.as_ref().map(stored_block).transpose()
    }

    pub async fn end_block(
        &self,
        schema: &Schema,
        tenant: TenantId,
        property: PropertyId,
        id: BlockId,
    ) -> Result<Option<Block>, Fault> {
        let params: [&(dyn ToSql + Sync); 3] = [&tenant.uuid(), &property.0, &id.0];
        let row = self.first(tenant, &schema.statements.end_block, &params).await?;
        row.as_ref().map(stored_block).transpose()
    }

    /// Customers after a name and id, by name.
    pub async fn list_customers(
        &self,
        schema: &Schema,
        tenant: TenantId,
        after: (&str, Uuid),
        limit: i64,
    ) -> Result<Vec<Customer>, Fault> {
        let tenant = tenant.uuid();
        let params: [&(dyn ToSql + Sync); 4] = [&tenant, &after.0, &after.1, &limit];
        let rows = self.db.query(tenant, &schema.statements.list_customers, &params).await?;
        rows.iter().map(customer).collect()
    }

    pub async fn get_customer(
        &self,
        schema: &Schema,
        tenant: TenantId,
        id: GuestId,
    ) -> Result<Option<Customer>, Fault> {
        let row = self.first(tenant, &schema.statements.get_customer, &[&tenant.uuid(), &id.0]).await?;
        row.as_ref().map(customer).transpose()
    }

    pub async fn get_settings(&self, schema: &Schema, tenant: TenantId) -> Result<Settings, Fault> {
        let row = self.first(tenant, &schema.statements.get_settings, &[&tenant.uuid()]).await?;
        row.as_ref().map_or_else(|| Ok(Settings::default()), settings)
    }

    pub async fn put_settings(
        &self,
        schema: &Schema,
        tenant: TenantId,
        auto_decline: bool,
        at: Timestamp,
    ) -> Result<Settings, Fault> {
        let params: [&(dyn ToSql + Sync); 3] = [&tenant.uuid(), &auto_decline, &at];
        let row = self.first(tenant, &schema.statements.put_settings, &params).await?;
        settings(&row.ok_or_else(|| lost_row("the settings"))?)
    }
}

impl HoldPolicy {
    /// As the database writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Hold => "hold",
        }
    }
}

fn property(row: &Row) -> Result<Property, Fault> {
    let hold_policy = match column::<&str>(row, "hold_policy")? {
        "none" => HoldPolicy::None,
        "hold" => HoldPolicy::Hold,
        word => return Err(unknown_word("hold policy", word)),
    };
    Ok(Property {
        id: PropertyId(column(row, "id")?),
        name: column(row, "name")?,
        time_zone: column(row, "time_zone")?,
        max_guests: column(row, "max_guests")?,
        hold_policy,
        hold_hours: column(row, "hold_hours")?,
        row_version: column(row, "row_version")?,
        created_at: column(row, "created_at")?,
        updated_at: column(row, "updated_at")?,
    })
}

fn customer(row: &Row) -> Result<Customer, Fault> {
    Ok(Customer {
        id: GuestId(column(row, "id")?),
        name: column(row, "name")?,
        email: column(row, "email")?,
        phone: column(row, "phone")?,
        created_at: column(row, "created_at")?,
    })
}

fn stored_block(row: &Row) -> Result<Block, Fault> {
    Ok(Block {
        id: BlockId(column(row, "id")?),
        property: PropertyId(column(row, "property_id")?),
        nights: stay_of(row, "start_date", "end_date")?,
        note: column(row, "note")?,
        active: column::<&str>(row, "state")? == "active",
    })
}

fn settings(row: &Row) -> Result<Settings, Fault> {
    Ok(Settings { auto_decline: column(row, "auto_decline")?, updated_at: column(row, "updated_at")? })
}
