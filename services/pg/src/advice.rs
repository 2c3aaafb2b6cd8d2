//! What stands between this program and a database that it can use, with the way
//! out, for whoever runs the program. Callers of services never see it: it names
//! hosts, roles and databases.

use std::borrow::Cow;
use std::error::Error;
use std::{fmt, io};

use tokio_postgres::error::DbError;

use crate::missed::Missed;
use crate::tls::{self, Unusable};

/// One sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// What is wrong with "it", the database.
    pub what: String,
    /// What to do; empty when that is not known.
    pub fix: Cow<'static, str>,
}

impl fmt::Display for Advice {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.fix {
            "" => write!(out, "{}", self.what),
            fix => write!(out, "{}: {fix}", self.what),
        }
    }
}

/// The advice for an error, when its cause is known.
pub(crate) fn advice(error: &(dyn Error + 'static)) -> Option<Advice> {
    let mut next = Some(error);
    while let Some(error) = next {
        let found = match (error.downcast_ref::<DbError>(), error.downcast_ref::<io::Error>()) {
            (Some(answer), _) => answered(answer),
            (_, Some(error)) => Some(not_reached(error)),
            _ => None,
        };
        if let Some((what, fix)) = found {
            return Some(Advice { what, fix: fix.into() });
        }
        next = error.source();
    }
    None
}

fn not_reached(error: &io::Error) -> (String, &'static str) {
    if let Some(cause) = error.get_ref() {
        if let Some(missed) = cause.downcast_ref::<Missed>() {
            return (missed.to_string(), missed.way_out());
        }
        if let Some(Unusable(sentence)) = cause.downcast_ref::<Unusable>() {
            return (sentence.clone(), "correct DATABASE_URL or the file");
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return tls::distrusted(error);
        }
    }
    let (what, fix) = match error.kind() {
        io::ErrorKind::ConnectionRefused => (
            "nothing takes connections there",
            "start the database, or correct host and port in DATABASE_URL",
        ),
        io::ErrorKind::NotFound => (
            "there is no socket of a server there",
            "start the database, or correct host and port in DATABASE_URL",
        ),
        io::ErrorKind::PermissionDenied => {
            ("this user may not open the server's socket", "run as a user that may, or connect over TCP")
        }
        io::ErrorKind::TimedOut => {
            ("it did not answer in time", "check the network and the firewalls on the way")
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => (
            "it ended the connection",
            "see its log; before PostgreSQL 17 a server does not know sslnegotiation=direct",
        ),
        // What the name service says has no number of the operating system.
        _ if error.raw_os_error().is_none() && error.get_ref().is_some() => {
            ("its host is not known", "correct the host in DATABASE_URL")
        }
        _ => ("the connection failed", "check that the database runs and can be reached"),
    };
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => (what.to_owned(), fix),
        _ => (format!("{what} ({error})"), fix),
    }
}

fn answered(answer: &DbError) -> Option<(String, &'static str)> {
    let (what, fix) = known(answer.code().code(), answer.routine().unwrap_or_default())?;
    Some((format!("{what} ({})", answer.message()), fix))
}

/// By what is the same whatever language the server speaks.
fn known(sqlstate: &str, routine: &str) -> Option<(&'static str, &'static str)> {
    Some(match sqlstate {
        "28P01" => ("the password is wrong", "correct it in DATABASE_URL"),
        "28000" => (
            "it does not let this user in",
            "create the role, or allow it in pg_hba.conf; where the server insists on TLS, or on a certificate, name sslmode, sslcert and sslkey in DATABASE_URL",
        ),
        "3D000" => ("there is no such database", "create it, or correct the name in DATABASE_URL"),
        // Nothing else is set here that not everybody may set.
        "42501" if routine.starts_with(SETS) => (
            "a default of the role or the database changes a setting that nobody but a superuser takes back",
            "`frontdesk doctor` names it, with the statement that does",
        ),
        "42501" => (
            "the login role lacks a privilege",
            "grant it, or use the owner of the schema, who may create roles and extensions, or a superuser",
        ),
        "42701" => (
            "another program has a column of that name, which means something else to it",
            "have that program's owner rename it, under a view with the old name if need be, then run `frontdesk migrate up`",
        ),
        "58P01" => (NOT_INSTALLED, INSTALL),
        "0A000" if routine == CONTROL_FILE => (NOT_INSTALLED, INSTALL),
        "53300" => (
            "it takes no more connections",
            "raise max_connections or the role's limit, or lower DATABASE_POOL_SIZE",
        ),
        "25006" => ("it takes no changes", "set DATABASE_URL to the primary"),
        "57P03" => ("it is starting or stopping", "try again"),
        _ => return None,
    })
}

/// How the function of Postgres begins in which a setting is refused; each version has another.
const SETS: &str = "set_config_";
/// The function of Postgres that looks for the files of an extension.
const CONTROL_FILE: &str = "parse_extension_control_file";
const NOT_INSTALLED: &str = "an extension is not installed on the server";
/// Also for the check of the extensions.
pub(crate) const INSTALL: &str =
    "install Postgres' contrib package there (Debian: postgresql-contrib), then run `frontdesk migrate up`";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_advised_does_not_depend_on_the_language_of_the_server() {
        assert_eq!(known("0A000", CONTROL_FILE), Some((NOT_INSTALLED, INSTALL)));
        assert_eq!(known("58P01", CONTROL_FILE), Some((NOT_INSTALLED, INSTALL)));
        assert_eq!(known("0A000", "RevalidateCachedQuery"), None);
        let what = |routine| known("42501", routine).unwrap().0;
        assert!(what("set_config_option").starts_with("a default of the role"));
        assert!(what("aclcheck_error").starts_with("the login role lacks a privilege"));
    }
}
