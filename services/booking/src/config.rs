//! What a server of booking is built from.

use access::Issuer;
use pg::Database;
use tokio::net::TcpListener;

/// What a server of booking needs.
#[derive(Debug)]
pub struct Config<A> {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its database, as [`crate::ROLE`].
    pub database: Database,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// Who knows the callers.
    pub authority: A,
}
