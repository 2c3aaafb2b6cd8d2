//! Postgres for services: a pool that never waits for ever, transactions that
//! cannot report a commit which did not happen, one table from SQLSTATE to
//! reason, the migrations runner, and a private server for development and
//! tests. What a statement means is not known here.

mod fault;
pub mod migrate;
mod pool;
mod retry;
pub mod server;
pub mod testing;
mod tx;

pub use self::fault::{Fault, Kind, is_constraint};
pub use self::pool::{Database, PoolOptions, connect, parse_url};
pub use self::retry::{HasFault, retrying};
pub use self::tx::{Tx, column};
pub use tokio_postgres::config::Host;
