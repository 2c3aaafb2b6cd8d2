//! Customers: storing, changing, archiving and merging them.

use crate::domain::customer::{self, Customer, CustomerUpdate, Described, Merge, NotMergeable};
use crate::domain::ids::GuestId;
use crate::domain::version::Version;
use crate::error::{Error, Reason, Refusal};
use crate::store::constraints::external_id_is_taken;
use crate::store::{Attempt, Change, Work};

/// Stores a customer.
#[derive(Debug)]
pub struct CreateCustomer {
    pub id: GuestId,
    pub is: Described,
}

/// Changes a customer.
#[derive(Debug)]
pub struct UpdateCustomer {
    pub id: GuestId,
    pub update: CustomerUpdate,
}

/// Archives a customer, or takes it out of the archive.
#[derive(Debug)]
pub struct ArchiveCustomer {
    pub id: GuestId,
    pub archived: bool,
}

/// Merges a duplicate into a customer.
#[derive(Debug)]
pub struct MergeCustomers {
    pub kept: GuestId,
    pub duplicate: GuestId,
}

/// What came of a merge.
#[derive(Debug)]
pub struct Merged {
    pub kept: Customer,
    pub duplicate: Customer,
    pub moved_requests: i64,
    pub moved_bookings: i64,
}

/// Stores a customer of another system, or what that says of it now.
#[derive(Debug)]
pub struct ImportCustomer {
    pub id: GuestId,
    /// With an external id.
    pub is: Described,
}

/// What came of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    pub id: GuestId,
    pub as_what: ImportedAs,
}

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportedAs {
    Created,
    Updated,
    Unchanged,
    /// Nothing: the customer was merged into another one, which is answered. The line is
    /// not wrong: its system goes on sending it, and two records of one person would
    /// overwrite each other.
    Merged,
}

impl Work for CreateCustomer {
    type Outcome = Customer;

    async fn attempt(&self, change: Change) -> Result<Attempt<Customer>, Error> {
        if change.with_locks() {
            refuse_taken(&change, self.id, &self.is).await?;
        }
        let stored = change.insert_customer(self.id, &self.is).await?;
        // The external id is that of another customer.
        Ok(stored.map_or(Attempt::NeedsLocks, Attempt::Done))
    }
}

impl Work for UpdateCustomer {
    type Outcome = Customer;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Customer>, Error> {
        let customer = change.lock_customer(self.id).await?.ok_or(Error::CustomerNotFound)?;
        change.check_version(Version::of(&customer))?;
        let is = customer.is.clone().with(self.update.clone());
        if is == customer.is {
            return Ok(Attempt::Done(change.settle(customer)));
        }
        let is_renamed = is.external_id != customer.is.external_id || is.source != customer.is.source;
        // The table's index knows one spelling of an id and its source, so it is looked
        // for before.
        let has_two_spellings =
            is.external_id.as_deref().is_some_and(|id| !id.is_ascii() || !is.source.is_ascii());
        if is_renamed && (change.with_locks() || has_two_spellings) {
            refuse_taken(&change, self.id, &is).await?;
        }
        match change.update_customer(self.id, &is).await {
            Ok(stored) => Ok(Attempt::Done(stored)),
            Err(fault) if external_id_is_taken(&fault) => Ok(Attempt::NeedsLocks),
            Err(fault) => Err(fault.into()),
        }
    }
}

impl Work for ArchiveCustomer {
    type Outcome = Customer;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Customer>, Error> {
        let customer = change.lock_customer(self.id).await?.ok_or(Error::CustomerNotFound)?;
        change.check_version(Version::of(&customer))?;
        if customer.is_archived() == self.archived {
            return Ok(Attempt::Done(change.settle(customer)));
        }
        if let (false, Some(_)) = (self.archived, customer.merged_into) {
            return Err(Error::CustomerArchived { merged_into: customer.merged_into });
        }
        Ok(Attempt::Done(change.archive_customer(self.id, self.archived).await?))
    }
}

impl Work for MergeCustomers {
    type Outcome = Merged;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Merged>, Error> {
        let mut locked = change.lock_customers(vec![self.kept, self.duplicate]).await?.into_iter();
        let (Some(first), Some(second)) = (locked.next(), locked.next()) else {
            return Err(Error::CustomerNotFound);
        };
        let (kept, duplicate) = if first.id == self.kept { (first, second) } else { (second, first) };
        change.check_version(Version::of(&kept))?;
        let records = change.lock_records_of_guest(self.duplicate).await?;
        match customer::merge(&kept, &duplicate, records) {
            Merge::Done => {
                let merged = Merged { kept, duplicate, moved_requests: 0, moved_bookings: 0 };
                Ok(Attempt::Done(change.settle(merged)))
            }
            Merge::Refused(why) => Err(not_mergeable(why).into()),
            Merge::Go => {
                let moved = change.merge_customers(self.kept, self.duplicate).await?;
                Ok(Attempt::Done(moved.map(|moved| Merged {
                    kept,
                    duplicate: moved.duplicate,
                    moved_requests: moved.requests,
                    moved_bookings: moved.bookings,
                })))
            }
        }
    }
}

impl Work for ImportCustomer {
    type Outcome = Imported;

    async fn attempt(&self, mut change: Change) -> Result<Attempt<Imported>, Error> {
        let external_id = self.is.external_id.as_deref().unwrap_or_default();
        let Some(known) = change.lock_customer_of(&self.is.source, external_id).await? else {
            let stored = change.insert_customer(self.id, &self.is).await?;
            let as_created = |customer: Customer| Imported { id: customer.id, as_what: ImportedAs::Created };
            // Somebody else has just stored it.
            return Ok(stored.map_or(Attempt::NeedsLocks, |stored| Attempt::Done(stored.map(as_created))));
        };
        let done = |as_what| Imported { id: known.id, as_what };
        if let Some(id) = known.merged_into {
            return Ok(Attempt::Done(change.settle(Imported { id, as_what: ImportedAs::Merged })));
        }
        if known.is == self.is {
            return Ok(Attempt::Done(change.settle(done(ImportedAs::Unchanged))));
        }
        if known.is_archived() {
            return Err(Error::CustomerArchived { merged_into: None });
        }
        let stored = change.update_customer(known.id, &self.is).await?;
        Ok(Attempt::Done(stored.map(|_| done(ImportedAs::Updated))))
    }
}

/// Refuses an external id that is another customer's.
async fn refuse_taken(change: &Change, id: GuestId, is: &Described) -> Result<(), Error> {
    let Some(external_id) = &is.external_id else { return Ok(()) };
    match change.get_customer_of(&is.source, external_id).await? {
        Some(other) if other.id != id => Err(taken(other.id).into()),
        Some(_) | None => Ok(()),
    }
}

fn taken(by: GuestId) -> Refusal {
    Refusal::new(
        Reason::ExternalIdTaken,
        format!("The external_id is that of customer {by} of this source. Nothing was stored; change that customer, or send another id."),
    )
    .with("customer_id", by.to_string())
}

fn not_mergeable(why: NotMergeable) -> Refusal {
    Refusal::new(
        Reason::CustomersNotMergeable,
        format!("The customers cannot be merged: {why}. Both are unchanged."),
    )
    .with("cause", why.name())
}
