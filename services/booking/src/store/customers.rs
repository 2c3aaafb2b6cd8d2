//! Statements about customers.

use access::TenantId;
use pg::{Columns, Fault};
use uuid::Uuid;

use super::database::Store;
use super::foreign::time;
use crate::domain::customer::Customer;
use crate::domain::ids::{GuestId, RowId};
use crate::domain::listing::After;

pg::statements! {
    /// A customer.
    GetCustomer = "get_customer" (tenant: Uuid, id: GuestId);
    /// Customers by name.
    ListCustomers<'a> = "list_customers" (tenant: Uuid, after_name: &'a str, after_id: RowId, most: i64);
}

impl Store {
    /// Customers by name, after a place.
    pub async fn list_customers(
        &self,
        tenant: TenantId,
        after: &After<String>,
        most: i64,
    ) -> Result<Vec<Customer>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let list = ListCustomers { tenant, after_name: &after.key, after_id: after.id, most };
            Columns::all(&schema.db.run(tenant, &list).await?, customer)
        })
        .await
    }

    pub async fn get_customer(&self, tenant: TenantId, id: GuestId) -> Result<Option<Customer>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            Columns::first(&schema.db.run(tenant, &GetCustomer { tenant, id }).await?, customer)
        })
        .await
    }
}

fn customer(row: &mut Columns<'_>) -> Result<Customer, Fault> {
    Ok(Customer {
        id: row.next("id")?,
        name: row.or_empty("name")?,
        email: row.or_empty("email")?,
        phone: row.or_empty("phone")?,
        created_at: time(row, "created_at")?,
    })
}
