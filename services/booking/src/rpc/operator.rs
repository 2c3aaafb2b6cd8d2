//! Calls that an operator makes at the database, without a network between: the same
//! messages with the same checks as over it. Creating what is there already changes
//! nothing.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::TenantId;
use frontdesk_proto::{Checked, Refusal, Violations};
use pg::{Database, Ensured};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use super::{customers, import, properties};
use crate::call::Call;
use crate::changes::{CreateCustomer, CreateProperty};
use crate::config::Policy;
use crate::domain::customer::{Customer, Described};
use crate::domain::ids::{GuestId, RowId};
use crate::domain::listing::After;
use crate::domain::property::Property;
use crate::error::{Error, Reason};
use crate::feed;
use crate::store::{self, Store, Work};

pub use crate::import::{Broken, Format, Line, Reader};
pub use frontdesk_proto::booking::v1::{
    CreateCustomerRequest, CreatePropertyRequest, Customer as CustomerMessage, ImportOutcome,
    ImportedCustomer, Property as PropertyMessage,
};

/// How often servers are notified of lines that were imported here.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Booking's part of what an operator does at a database, for one tenant.
#[derive(Debug)]
pub struct Operator {
    store: Store,
    call: Call,
    /// When servers were last notified of stored lines.
    notified: Mutex<Instant>,
}

/// Why a call was refused, as a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

impl Operator {
    /// The database as booking's role. The tenant is one that identity has.
    pub fn new(database: Database, tenant: Uuid) -> Self {
        let call = Call::of_an_operator(TenantId::of_stored_row(tenant));
        Self { store: store::open(database, Policy::default()), call, notified: Mutex::new(Instant::now()) }
    }

    /// A property with this name. An existing one stays as it is.
    pub async fn ensure_property(
        &self,
        asked: CreatePropertyRequest,
    ) -> Result<Ensured<PropertyMessage>, Refused> {
        check(&asked)?;
        let new = properties::new_property(asked)?;
        let name = new.name.clone();
        match self.change(&CreateProperty { new }).await {
            Ok(made) => Ok(Ensured::made(properties::property(&made))),
            Err(error) if error.refusal().reason() == Reason::AlreadyExists => {
                let found = self.store.list_properties(self.call.tenant, &before(&name), 1).await;
                match found.map_err(Error::from)?.0.into_iter().find(|one| one.name == name) {
                    Some(same) => Ok(Ensured::existing(properties::property(&same))),
                    // One that only looks the same.
                    None => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Properties by name, after one.
    pub async fn list_properties(
        &self,
        after: Option<&PropertyMessage>,
        most: i64,
    ) -> Result<Vec<PropertyMessage>, Refused> {
        let after = after.map_or_else(|| Ok(before("")), |last| place(&last.name, &last.id))?;
        let (found, _): (Vec<Property>, _) =
            self.store.list_properties(self.call.tenant, &after, most).await.map_err(Error::from)?;
        Ok(found.iter().map(properties::property).collect())
    }

    /// A customer with this external id; without one, with this name, e-mail address and
    /// phone number. An existing one stays as it is.
    pub async fn ensure_customer(
        &self,
        asked: CreateCustomerRequest,
    ) -> Result<Ensured<CustomerMessage>, Refused> {
        check(&asked)?;
        let is = customers::described(asked);
        if let Some(known) = self.known(&is).await? {
            return Ok(Ensured::existing(customers::customer(&known)));
        }
        let made = self.change(&CreateCustomer { id: GuestId(Uuid::now_v7()), is }).await?;
        Ok(Ensured::made(customers::customer(&made)))
    }

    async fn known(&self, is: &Described) -> Result<Option<Customer>, Error> {
        const MOST: i64 = 200;
        let tenant = self.call.tenant;
        if let Some(external_id) = &is.external_id {
            return Ok(self.store.get_customer_of(tenant, &is.source, external_id).await?);
        }
        let mut after = before(&is.name);
        loop {
            let (page, _) = self.store.list_customers(tenant, false, &after, MOST).await?;
            let Some(last) = page.last() else { return Ok(None) };
            let past = last.is.name != is.name;
            after = After { key: last.is.name.clone(), id: RowId(last.id.0) };
            let same = |one: &Customer| {
                (&one.is.name, &one.is.email, &one.is.phone) == (&is.name, &is.email, &is.phone)
            };
            let found = page.into_iter().find(same);
            if found.is_some() || past {
                return Ok(found);
            }
        }
    }

    /// Customers by name, after one.
    pub async fn list_customers(
        &self,
        after: Option<&CustomerMessage>,
        most: i64,
    ) -> Result<Vec<CustomerMessage>, Refused> {
        let after = after.map_or_else(|| Ok(before("")), |last| place(&last.name, &last.id))?;
        let (found, _) =
            self.store.list_customers(self.call.tenant, false, &after, most).await.map_err(Error::from)?;
        Ok(found.iter().map(customers::customer).collect())
    }

    /// Stores what a line of a file says. The error is one that the next line would
    /// have, too, and names this one. After the last line comes [`Self::ends_import`].
    pub async fn import_line(&self, source: &str, line: Line) -> Result<ImportedCustomer, Refused> {
        let (number, never) = (line.number, CancellationToken::new());
        let stored = import::line::import(&self.store, &self.call, source, line, &never).await;
        let is_time = {
            let mut notified = self.notified.lock().unwrap_or_else(PoisonError::into_inner);
            let is_time = notified.elapsed() >= TELL_EVERY;
            if is_time {
                *notified = Instant::now();
            }
            is_time
        };
        if is_time {
            feed::tell_others(&self.store).await;
        }
        stored.map_err(|error| Refused(format!("line {number}: {}", Refused::from(error))))
    }

    /// Tells servers of the lines that were stored last, however the import ended.
    pub async fn ends_import(&self) {
        feed::tell_others(&self.store).await;
    }

    async fn change<W: Work>(&self, work: &W) -> Result<W::Outcome, Error> {
        let changed = self.store.change(&self.call, work).await?;
        feed::tell_others(&self.store).await;
        Ok(changed)
    }
}

fn check(asked: &impl Checked) -> Result<(), Refusal> {
    let mut found = Violations::default();
    asked.check(&mut found);
    found.refusal().map_or(Ok(()), Err)
}

/// The place before what has a name.
fn before(name: &str) -> After<String> {
    After { key: name.to_owned(), id: RowId(Uuid::nil()) }
}

fn place(name: &str, id: &str) -> Result<After<String>, Refused> {
    let id = Uuid::try_parse(id).map_err(|_| Refused(format!("{id} is not a UUID")))?;
    Ok(After { key: name.to_owned(), id: RowId(id) })
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self(refusal.message().to_owned())
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let refusal = error.refusal();
        // An operator sees what the log would.
        match error {
            Error::Database(fault) => Self(fault.to_string()),
            _ => refusal.into(),
        }
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        Self(status.message().to_owned())
    }
}
