//! Operator commands on users, tenants, members and keys, on properties and
//! customers, straight on the database that `DATABASE_URL` names. Running one twice
//! changes nothing more. What a command changes is the services' business; here are
//! arguments and output.

pub mod api_key;
pub mod customer;
pub mod member;
pub mod output;
pub mod property;
pub mod signing_key;
pub mod tenant;
pub mod user;

use identity::operator::Operator;

use crate::settings::Source;
use crate::{Failure, migrate};

/// Most rows that a list reads at a time.
const PAGE: i64 = 200;

/// The database of a command that reads no other setting.
async fn open(source: &Source) -> Result<Operator, Failure> {
    open_at(source.read(pg::read_url)?).await
}

async fn open_at(url: String) -> Result<Operator, Failure> {
    migrate::check(&url, &identity::MIGRATIONS).await?;
    let database = pg::Config { url, pool_size: 1 };
    let database = database.open(identity::ROLE, "frontdesk-operator").map_err(Failure::new)?;
    Operator::new(&database).map_err(Failure::new)
}

/// Booking's part of the database, for a tenant by its short name or id.
async fn open_booking(source: &Source, tenant: &str) -> Result<booking::operator::Operator, Failure> {
    let url = source.read(pg::read_url)?;
    let tenant = open_at(url.clone()).await?.tenant(tenant).await.map_err(Failure::new)?.id;
    migrate::check(&url, &booking::MIGRATIONS).await?;
    let database = pg::Config { url, pool_size: 1 };
    let database = database.open(booking::ROLE, "frontdesk-operator").map_err(Failure::new)?;
    Ok(booking::operator::Operator::new(database, tenant.0))
}
