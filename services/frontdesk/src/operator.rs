//! Operator commands on users, tenants, members and keys, on properties and
//! customers, straight on the database that `DATABASE_URL` names. Running one twice
//! changes nothing more. What a command changes is the services' business; here are
//! arguments and output.

pub mod api_key;
pub mod customer;
pub mod mail;
pub mod master_key;
pub mod member;
pub mod output;
pub mod property;
pub mod signing_key;
pub mod tenant;
pub mod user;

use boot::Settings;
use identity::MasterKey;
use identity::operator::Operator;
use jiff::Timestamp;

use crate::settings::Source;
use crate::{Failure, migrate};

/// Most rows that a list reads at a time.
const PAGE: i64 = 200;

/// The database of a command, and the master key if one is set.
pub fn read(settings: &mut Settings) -> Option<(String, Option<MasterKey>)> {
    let url = pg::read_url(settings);
    let master_key = identity::read_master_key_to_compare(settings);
    Some((url?, master_key))
}

/// The database of a command that only reads.
async fn open(source: &Source) -> Result<Operator, Failure> {
    open_at(source.read(read)?.0).await
}

/// The database of a command that writes. Where a master key is set it is this database's, or
/// it is another database than was meant.
async fn open_to_write(source: &Source) -> Result<Operator, Failure> {
    let (url, master_key) = source.read(read)?;
    Box::pin(open_compared(url, master_key.as_ref())).await
}

async fn open_compared(url: String, master_key: Option<&MasterKey>) -> Result<Operator, Failure> {
    let operator = open_at(url).await?;
    if let Some(master_key) = master_key {
        let compared = operator.compare_master_key(master_key, Timestamp::now());
        // On the heap: the future of every command would have room for it.
        Box::pin(compared).await.map_err(Failure::new)?;
    }
    Ok(operator)
}

async fn open_at(url: String) -> Result<Operator, Failure> {
    migrate::check(&url, &identity::MIGRATIONS).await?;
    let database = pg::Config { url, pool_size: 1 };
    let database = database.open(identity::ROLE, "frontdesk-operator").map_err(Failure::new)?;
    Operator::new(&database).map_err(Failure::new)
}

/// Booking's part of the database, to read a tenant's by its short name or id.
async fn open_booking(source: &Source, tenant: &str) -> Result<booking::operator::Operator, Failure> {
    let (url, _) = source.read(read)?;
    booking_at(open_at(url.clone()).await?, url, tenant).await
}

/// The same to write.
async fn open_booking_to_write(
    source: &Source,
    tenant: &str,
) -> Result<booking::operator::Operator, Failure> {
    let (url, master_key) = source.read(read)?;
    let identity = Box::pin(open_compared(url.clone(), master_key.as_ref())).await?;
    booking_at(identity, url, tenant).await
}

async fn booking_at(
    identity: Operator,
    url: String,
    tenant: &str,
) -> Result<booking::operator::Operator, Failure> {
    let tenant = identity.tenant(tenant).await.map_err(Failure::new)?.id;
    migrate::check(&url, &booking::MIGRATIONS).await?;
    let database = pg::Config { url, pool_size: 1 };
    let database = database.open(booking::ROLE, "frontdesk-operator").map_err(Failure::new)?;
    Ok(booking::operator::Operator::new(database, tenant.0))
}
