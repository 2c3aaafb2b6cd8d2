//! Statements about customers.

use access::TenantId;
use jiff::Timestamp;
use pg::{Columns, Fault, Query};
use uuid::Uuid;

use super::change::{Change, Finished, Stamp};
use super::database::{Store, lost_row};
use super::foreign::{MOST_UNPLACED, counted, time};
use super::spellings::spellings;
use crate::domain::customer::{Customer, Described, MOST_MERGED};
use crate::domain::event::EventKind;
use crate::domain::ids::{BookingId, BookingRequestId, GuestId, RowId};
use crate::domain::listing::After;

pg::parameters! {
    /// What is said of a customer.
    Said<'a> (
        name: &'a str, email: &'a str, phone: &'a str, external_id: Option<&'a str>, source: &'a str, notes: &'a str,
    );
}

pg::statements! {
    /// A customer.
    GetCustomer = "get_customer" (tenant: Uuid, id: GuestId);

    /// Keeps a customer from being merged or archived.
    ShareCustomer = "share_customer" (tenant: Uuid, id: GuestId);

    /// The customer that another system knows by this id.
    GetCustomerOf = "get_customer_of" (tenant: Uuid, sources: Vec<String>, external_ids: Vec<String>);

    /// Customers by name.
    ListCustomers<'a> = "list_customers" (
        tenant: Uuid, archived: bool, after_name: &'a str, after_id: RowId, most: i64,
    );

    /// Customers whose names begin so.
    SearchNames<'a> = "search_names" (
        tenant: Uuid, archived: bool, search: &'a str, top: &'a str, after_key: Option<&'a str>, after_id: RowId, most: i64,
    );

    /// Customers the last words of whose names begin so.
    SearchLastNames<'a> = "search_last_names" (
        tenant: Uuid, archived: bool, search: &'a str, top: &'a str, after_key: Option<&'a str>, after_id: RowId, most: i64,
    );

    /// Customers whose e-mail addresses begin so.
    SearchEmails<'a> = "search_emails" (
        tenant: Uuid, archived: bool, search: &'a str, top: &'a str, after_key: Option<&'a str>, after_id: RowId, most: i64,
    );

    /// Customers whose phone numbers begin so.
    SearchPhones<'a> = "search_phones" (
        tenant: Uuid, archived: bool, search: &'a str, top: &'a str, after_key: Option<&'a str>, after_id: RowId, most: i64,
    );

    /// By what a customer is found.
    GetCustomerKeys = "get_customer_keys" (tenant: Uuid, id: GuestId);

    /// Customers without a name.
    CountUnplacedCustomers = "count_unplaced_customers" (tenant: Uuid, archived: bool, most: i64);

    /// Locks customers.
    LockCustomers = "lock_customers" (tenant: Uuid, ids: Vec<GuestId>);

    /// Locks the customer that another system knows by this id.
    LockCustomerOf = "lock_customer_of" (tenant: Uuid, sources: Vec<String>, external_ids: Vec<String>);

    /// Stores a customer.
    InsertCustomer<'a> = "insert_customer" (
        tenant: Uuid, id: GuestId, sources: Vec<String>, external_ids: Vec<String>, kind: &'static str,
    ) with (Said<'a>, Stamp);
    /// Stores what is said of a customer.
    UpdateCustomer<'a> = "update_customer" (tenant: Uuid, id: GuestId, kind: &'static str)
        with (Said<'a>, Stamp);
    /// Archives a customer, or takes it out of the archive.
    ArchiveCustomer = "archive_customer" (
        tenant: Uuid, id: GuestId, archived_at: Option<Timestamp>, kind: &'static str,
    ) with Stamp;
    /// Locks the requests of a customer.
    LockRequestsOfGuest = "lock_requests_of_guest" (tenant: Uuid, guest: GuestId, most: i64);

    /// Locks the bookings of a customer.
    LockBookingsOfGuest = "lock_bookings_of_guest" (tenant: Uuid, guest: GuestId, most: i64);

    /// Moves what a customer asked for and booked to another one, and archives it.
    MergeCustomers = "standard/merge_customers" | "single_table/merge_customers" (
        tenant: Uuid, kept: GuestId, duplicate: GuestId,
    ) with Stamp;
}

/// Above every text that a key can begin with.
const TOP: &str = "\u{10ffff}";

/// By what a search finds customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchBy {
    Name,
    LastName,
    Email,
    Phone,
}

/// A customer with the key by which a search found it.
#[derive(Debug)]
pub struct FoundCustomer {
    pub key: String,
    pub customer: Customer,
}

/// A duplicate as archived, and what was moved.
#[derive(Debug)]
pub struct Moved {
    pub duplicate: Customer,
    pub requests: i64,
    pub bookings: i64,
}

impl Store {
    /// Customers by name, after a place: one more than the page has, and its size.
    pub async fn list_customers(
        &self,
        tenant: TenantId,
        archived: bool,
        after: &After<String>,
        size: i64,
    ) -> Result<(Vec<Customer>, i64), Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let most = size + 1;
            let list = ListCustomers { tenant, archived, after_name: &after.key, after_id: after.id, most };
            let (rows, size) = schema.db.run_page(tenant, &list, size).await?;
            Ok((Columns::all(&rows, customer)?, size))
        })
        .await
    }

    /// Customers with something that begins so, by that, after a place: one more than the
    /// page has, and its size.
    pub async fn search_customers(
        &self,
        tenant: TenantId,
        archived: bool,
        (by, search): (SearchBy, &str),
        after: &After<Option<String>>,
        size: i64,
    ) -> Result<(Vec<FoundCustomer>, i64), Fault> {
        let (tenant, top, after_key, after_id) = (tenant.uuid(), TOP, after.key.as_deref(), after.id);
        let most = size + 1;
        let list: Box<dyn Query + Send + Sync> = match by {
            SearchBy::Name => {
                Box::new(SearchNames { tenant, archived, search, top, after_key, after_id, most })
            }
            SearchBy::LastName => {
                Box::new(SearchLastNames { tenant, archived, search, top, after_key, after_id, most })
            }
            SearchBy::Email => {
                Box::new(SearchEmails { tenant, archived, search, top, after_key, after_id, most })
            }
            SearchBy::Phone => {
                Box::new(SearchPhones { tenant, archived, search, top, after_key, after_id, most })
            }
        };
        self.read(async |schema| {
            let (rows, size) = schema.db.run_page(tenant, &*list, size).await?;
            let found = Columns::all(&rows, |row| {
                Ok(FoundCustomer { key: row.next("search_key")?, customer: customer(row)? })
            })?;
            Ok((found, size))
        })
        .await
    }

    /// By what a search finds this customer.
    pub async fn get_customer_key(
        &self,
        tenant: TenantId,
        id: GuestId,
        by: SearchBy,
    ) -> Result<Option<String>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let rows = schema.db.run(tenant, &GetCustomerKeys { tenant, id }).await?;
            let keys = Columns::first(&rows, |row| {
                Ok([
                    row.or_empty::<Option<String>>("name_key")?,
                    row.or_empty("last_name_key")?,
                    row.or_empty("email_key")?,
                    row.or_empty("phone_key")?,
                ])
            })?;
            let Some([name, last_name, email, phone]) = keys else { return Ok(None) };
            Ok(match by {
                SearchBy::Name => name,
                SearchBy::LastName => last_name,
                SearchBy::Email => email,
                SearchBy::Phone => phone,
            })
        })
        .await
    }

    /// How many customers have no place in a list by name, since they have none.
    pub async fn count_unplaced_customers(&self, tenant: TenantId, archived: bool) -> Result<usize, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            if !schema.found.may_be_null("customers", "name") {
                return Ok(0);
            }
            let count = CountUnplacedCustomers { tenant, archived, most: MOST_UNPLACED };
            counted(&schema.db.run(tenant, &count).await?)
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

    /// The customer that another system knows by this id.
    pub async fn get_customer_of(
        &self,
        tenant: TenantId,
        source: &str,
        external_id: &str,
    ) -> Result<Option<Customer>, Fault> {
        let tenant = tenant.uuid();
        self.read(async |schema| {
            let (sources, external_ids) = (spellings(source), spellings(external_id));
            let get = GetCustomerOf { tenant, sources, external_ids };
            Columns::first(&schema.db.run(tenant, &get).await?, customer)
        })
        .await
    }
}

impl Change {
    /// A customer as it is now.
    pub async fn get_customer(&self, id: GuestId) -> Result<Option<Customer>, Fault> {
        Columns::first(&self.tx.run(&GetCustomer { tenant: self.tenant(), id }).await?, customer)
    }

    /// Keeps a customer from being merged or archived.
    pub async fn share_customer(&self, id: GuestId) -> Result<(), Fault> {
        self.tx.run(&ShareCustomer { tenant: self.tenant(), id }).await.map(drop)
    }

    /// The customer that another system knows by this id.
    pub async fn get_customer_of(&self, source: &str, external_id: &str) -> Result<Option<Customer>, Fault> {
        let (tenant, sources, external_ids) = (self.tenant(), spellings(source), spellings(external_id));
        let get = GetCustomerOf { tenant, sources, external_ids };
        Columns::first(&self.tx.run(&get).await?, customer)
    }

    /// Locks a customer.
    pub async fn lock_customer(&mut self, id: GuestId) -> Result<Option<Customer>, Fault> {
        Ok(self.lock_customers(vec![id]).await?.pop())
    }

    /// Locks customers, in the order of their ids.
    pub async fn lock_customers(&mut self, ids: Vec<GuestId>) -> Result<Vec<Customer>, Fault> {
        let lock = LockCustomers { tenant: self.tenant(), ids };
        let locked = Columns::all(&self.tx.run(&lock).await?, customer)?;
        for customer in &locked {
            self.comes_after(customer.updated_at);
        }
        Ok(locked)
    }

    /// Locks the customer that another system knows by this id.
    pub async fn lock_customer_of(
        &mut self,
        source: &str,
        external_id: &str,
    ) -> Result<Option<Customer>, Fault> {
        let (tenant, sources, external_ids) = (self.tenant(), spellings(source), spellings(external_id));
        let lock = LockCustomerOf { tenant, sources, external_ids };
        let locked = Columns::first(&self.tx.run(&lock).await?, customer)?;
        if let Some(customer) = &locked {
            self.comes_after(customer.updated_at);
        }
        Ok(locked)
    }

    /// Stores a customer. `None` when its external id is that of another one.
    pub async fn insert_customer(
        self,
        id: GuestId,
        is: &Described,
    ) -> Result<Option<Finished<Customer>>, Fault> {
        let insert = InsertCustomer {
            tenant: self.tenant(),
            id,
            sources: spellings(&is.source),
            external_ids: is.external_id.as_deref().map(spellings).unwrap_or_default(),
            kind: EventKind::CustomerCreated.name(),
            with: (is.into(), self.stamp()),
        };
        self.finish(&insert, |rows| Columns::first(rows, customer)).await
    }

    /// Stores what is said of a locked customer.
    pub async fn update_customer(self, id: GuestId, is: &Described) -> Result<Finished<Customer>, Fault> {
        let kind = EventKind::CustomerUpdated.name();
        let update = UpdateCustomer { tenant: self.tenant(), id, kind, with: (is.into(), self.stamp()) };
        let stored = self.finish(&update, |rows| Columns::first(rows, customer)).await?;
        stored.ok_or_else(|| lost_row("the customer"))
    }

    /// Archives a locked customer, or takes it out of the archive.
    pub async fn archive_customer(self, id: GuestId, archived: bool) -> Result<Finished<Customer>, Fault> {
        let kind = if archived { EventKind::CustomerArchived } else { EventKind::CustomerUpdated };
        let archive = ArchiveCustomer {
            tenant: self.tenant(),
            id,
            archived_at: archived.then_some(self.at),
            kind: kind.name(),
            with: self.stamp(),
        };
        let stored = self.finish(&archive, |rows| Columns::first(rows, customer)).await?;
        stored.ok_or_else(|| lost_row("the customer"))
    }

    /// Locks what a customer has asked for and booked, requests first and each in the
    /// order of their ids; returns how much it is, as far as that matters to a merge.
    pub async fn lock_records_of_guest(&self, guest: GuestId) -> Result<i64, Fault> {
        let (tenant, most) = (self.tenant(), MOST_MERGED + 1);
        let requests = self.tx.run(&LockRequestsOfGuest { tenant, guest, most }).await?;
        let requests: Vec<BookingRequestId> = Columns::all(&requests, |row| row.next("id"))?;
        // In the single table these were the bookings, too.
        let bookings: Vec<BookingId> = if self.layout().request_is_its_booking() {
            Vec::new()
        } else {
            let bookings = self.tx.run(&LockBookingsOfGuest { tenant, guest, most }).await?;
            Columns::all(&bookings, |row| row.next("id"))?
        };
        Ok(i64::try_from(requests.len() + bookings.len()).unwrap_or(i64::MAX))
    }

    /// Moves what a customer asked for and booked to another one, and archives it.
    pub async fn merge_customers(self, kept: GuestId, duplicate: GuestId) -> Result<Finished<Moved>, Fault> {
        let merge = MergeCustomers { tenant: self.tenant(), kept, duplicate, with: self.stamp() };
        let merged = self.finish(&merge, |rows| {
            Columns::first(rows, |row| {
                let (requests, bookings) = (row.next("moved_requests")?, row.next("moved_bookings")?);
                Ok(Moved { requests, bookings, duplicate: customer(row)? })
            })
        });
        merged.await?.ok_or_else(|| lost_row("the duplicate"))
    }
}

impl<'a> From<&'a Described> for Said<'a> {
    fn from(is: &'a Described) -> Self {
        let Described { name, email, phone, external_id, source, notes } = is;
        Self { name, email, phone, external_id: external_id.as_deref(), source, notes }
    }
}

fn customer(row: &mut Columns<'_>) -> Result<Customer, Fault> {
    Ok(Customer {
        id: row.next("id")?,
        is: Described {
            name: row.or_empty("name")?,
            email: row.or_empty("email")?,
            phone: row.or_empty("phone")?,
            external_id: row.or_empty("external_id")?,
            source: row.or_empty("source")?,
            notes: row.or_empty("notes")?,
        },
        created_at: time(row, "created_at")?,
        updated_at: time(row, "updated_at")?,
        archived_at: row.or_empty("archived_at")?,
        merged_into: row.or_empty("merged_into")?,
    })
}
