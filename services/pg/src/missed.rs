//! Why a host is not the one that is wanted, where no error of a library says it.

use std::fmt;

/// Why.
#[derive(Debug)]
pub(crate) enum Missed {
    Standby,
    NoTls,
    /// Each of several hosts, and why.
    All(String),
}

impl Missed {
    /// What to do.
    pub(crate) fn way_out(&self) -> &'static str {
        match self {
            Self::Standby => "set DATABASE_URL to the primary, or to all hosts with commas",
            Self::NoTls => {
                "turn TLS on in the server (ssl = on), or say sslmode=disable in DATABASE_URL where the network between is trusted with passwords and data"
            }
            Self::All(_) => "start one of them, or correct the hosts in DATABASE_URL",
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Standby => "it is a standby",
            Self::NoTls => "the server does not offer TLS",
            Self::All(each) => each,
        })
    }
}

impl std::error::Error for Missed {}
