//! Where the database is, and how many connections are opened to it.

use std::str::FromStr;

use boot::{Form, Setting, Settings, Unset};

use crate::{Address, Database, PoolOptions};

/// The database, as a connection string.
pub static DATABASE_URL: Setting = Setting {
    name: "DATABASE_URL",
    form: Form::Described("a connection string of libpq, as a postgresql:// URL or in key=value words"),
    unset: Unset::Refused,
    example: "postgresql://frontdesk_booking_login@127.0.0.1:5432/frontdesk",
    meaning: "The database. Its user must be a member of frontdesk_identity for identity, of frontdesk_booking for booking, and for `frontdesk migrate` and operator commands the schema's owner. A user in both roles opens the tables of each service to the other.",
    secret: true,
};
/// Statements that are under way together make each other dearer: on a server of two cores,
/// six changes at once (of eight connections) do a quarter more in a second than twelve (of
/// sixteen).
const DEFAULT_POOL_SIZE: &str = "8";
static DATABASE_POOL_SIZE: Setting = Setting {
    name: "DATABASE_POOL_SIZE",
    form: Form::Number { least: 1, most: 1000 },
    unset: Unset::Default(DEFAULT_POOL_SIZE),
    example: "32",
    meaning: "Most connections that one service opens to the database.",
    secret: false,
};

/// A database and how it is used.
#[derive(Clone)]
pub struct Config {
    /// A connection string that can be read.
    pub url: String,
    /// Most connections.
    pub pool_size: usize,
}

/// A connection string that can be read.
struct Readable(String);

impl Config {
    /// Most connections unless somebody says otherwise.
    pub const DEFAULT_POOL_SIZE: usize = match usize::from_str_radix(DEFAULT_POOL_SIZE, 10) {
        Ok(size) => size,
        Err(_) => panic!("the default is a number"),
    };

    /// Reads `DATABASE_URL` and `DATABASE_POOL_SIZE`.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let url = read_url(settings);
        let pool_size = settings.number(&DATABASE_POOL_SIZE);
        Some(Self { url: url?, pool_size: pool_size? })
    }

    /// A pool for a service.
    pub fn open(self, role: &'static str, application_name: &'static str) -> Result<Database, String> {
        Database::new(PoolOptions { url: self.url, role, application_name, max_size: self.pool_size })
    }
}

/// Reads `DATABASE_URL` alone, for commands that open one connection.
pub fn read_url(settings: &mut Settings) -> Option<String> {
    settings.parsed::<Readable>(&DATABASE_URL).map(|url| url.0)
}

/// Reads `DATABASE_URL` if it is set; `without` says what is done if not.
pub fn read_url_if_set(settings: &mut Settings, without: &'static str) -> Option<String> {
    settings.if_set_else::<Readable>(&DATABASE_URL, without).map(|url| url.0)
}

impl FromStr for Readable {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let url = url.trim();
        url.parse::<Address>().map(|_| Self(url.to_owned()))
    }
}

impl std::fmt::Debug for Config {
    /// Without the connection string, which may hold a password.
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Config").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_after_a_connection_string_is_not_part_of_it() {
        let mut settings = Settings::of([("DATABASE_URL", " postgresql:///x\n")]);
        let config = Config::read(&mut settings).unwrap();
        assert_eq!((config.url.as_str(), config.pool_size), ("postgresql:///x", 8));
    }

    #[test]
    fn a_connection_string_that_cannot_be_read_is_said_without_it() {
        for (name, value) in [("DATABASE_URL", "nonsense://u:hunter2@x"), ("DATABASE_POOL_SIZE", "0")] {
            let mut settings = Settings::of([(name, value)]);
            let config = Config::read(&mut settings);
            let said = settings.finish(config, &[]).unwrap_err().to_string();
            assert!(said.contains(name) && !said.contains("hunter2"), "{said}");
        }
    }
}
