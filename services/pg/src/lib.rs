//! Postgres for services: a pool that never waits without an end, transactions that
//! cannot report a commit which did not happen, statements with names, one table
//! from SQLSTATE to reason, the migrations runner, what a schema lacks of what it made,
//! and what a command gives back that makes sure of a row. What a statement means is not
//! known here, nor is a server of our own (`devdb`).

mod address;
mod advice;
pub mod checks;
mod columns;
mod config;
mod connect;
mod ensured;
mod fault;
mod figures;
mod lease;
mod limits;
mod listen;
pub mod migrate;
mod missed;
mod param;
mod place;
mod plans;
mod pool;
mod resolve;
mod retry;
pub mod schema;
mod sessions;
mod settings;
mod statement;
mod tls;
mod traced;
mod turns;
mod tx;
mod value;

pub use self::address::Address;
pub use self::advice::Advice;
pub use self::columns::{Columns, Shown};
pub use self::config::{Config, DATABASE_URL, read_url, read_url_if_set};
pub use self::connect::connect;
pub use self::ensured::Ensured;
pub use self::fault::{Constraint, Crowd, Fault, Kind, is_constraint};
pub use self::listen::Listener;
pub use self::param::{Element, Param};
pub use self::place::{Days, Micros};
pub use self::pool::{Database, PoolOptions};
pub use self::retry::{HasFault, retrying, retrying_after};
pub use self::sessions::has_own_session;
pub use self::settings::relied_on;
pub use self::statement::{
    Declaration, Form, Group, Parameter, Query, Statement, StatementError, Statements,
};
pub use self::turns::Turn;
pub use self::tx::Tx;
pub use self::value::{Stored, Unread, Value, serves};
pub use tokio_postgres::types;
