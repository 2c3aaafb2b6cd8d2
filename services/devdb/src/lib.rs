//! A private Postgres for `dev` and for tests: found on the machine, started as an
//! unprivileged user, gone when its parent is gone; and a database of its own for
//! each test, behind a pooler if that is the question. Services do not depend on this
//! crate, and what is in the databases is not known here.

mod error;
mod folder;
mod guard;
mod pooler;
mod programs;
mod server;
mod test_database;
mod user;

pub use self::error::ServerError;
pub use self::folder::{can_host, for_tests, url};
pub use self::pooler::Pooler;
pub use self::programs::{NoPrograms, Programs, program};
pub use self::server::{PrivateServer, ServerOptions, Tcp, close_public};
pub use self::test_database::TestDatabase;

/// Superuser and owner of what is created in a private server.
pub const OWNER: &str = "frontdesk";

/// Longest path that fits into a Unix socket address, with the socket's name.
const MAX_SOCKET_DIR: usize = 80;
