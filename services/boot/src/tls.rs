//! TLS between the parts, and on the gateway's port: certificates from files, which are
//! read again when they have changed, so that a renewed one needs no restart. Beyond this
//! machine nothing goes in the clear unless that is said. How Postgres is reached is known
//! in `pg`: libpq has rules of its own.

mod clear;
mod client;
mod files;
mod peers;
mod server;
mod stamps;

pub use self::clear::Cleartext;
pub use self::client::{ClientTls, ClientTlsFiles};
pub use self::server::{Accepted, Listen, Listener, ServerTls};
pub use self::stamps::FileStamps;
