//! What booking is told at its start, and what a server of it is built from.

use std::net::SocketAddr;

use access::{Issuer, RemoteIdentity};
use boot::{Form, Setting, Settings, Unset};
use pg::Database;
use tokio::net::TcpListener;

static BOOKING_LISTEN: Setting = Setting {
    name: "BOOKING_LISTEN",
    form: Form::Listen,
    unset: Unset::Default("127.0.0.1:50052"),
    example: "0.0.0.0:50052",
    meaning: "Where booking listens.",
    secret: false,
};

/// What booking reads from its environment.
#[derive(Debug)]
pub struct Environment {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its database.
    pub database: pg::Config,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// Who knows the callers.
    pub authority: RemoteIdentity,
}

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

impl Environment {
    /// Reads every setting of booking.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let listen = settings.listen(&BOOKING_LISTEN);
        let database = pg::Config::read(settings);
        let issuer = Issuer::read(settings);
        let authority = RemoteIdentity::read(settings);
        Some(Self { listen: listen?, database: database?, issuer: issuer?, authority: authority? })
    }
}
