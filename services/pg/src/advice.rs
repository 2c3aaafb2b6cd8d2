//! What stands between this program and a database that it can use, in one
//! sentence with the way out, for whoever runs the program. Callers of services
//! never see it: it names hosts, roles and databases.

use std::error::Error;
use std::io;

use tokio_postgres::error::DbError;

/// The sentence for an error, when its cause is known.
pub(crate) fn advice(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let found = match (error.downcast_ref::<DbError>(), error.downcast_ref::<io::Error>()) {
            (Some(answer), _) => answered(answer),
            (_, Some(error)) => Some(not_reached(error)),
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        next = error.source();
    }
    None
}

fn not_reached(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "nothing takes connections there: start the database, or correct host and port in DATABASE_URL"
                .to_owned()
        }
        io::ErrorKind::NotFound => {
            "there is no socket of a server there: start the database, or correct host and port in DATABASE_URL"
                .to_owned()
        }
        io::ErrorKind::PermissionDenied => {
            "this user may not open the server's socket: run as a user that may, or connect over TCP".to_owned()
        }
        io::ErrorKind::TimedOut => {
            "it did not answer in time: check the network and the firewalls on the way".to_owned()
        }
        // What the name service says has no number of the operating system.
        _ if error.raw_os_error().is_none() && error.get_ref().is_some() => {
            format!("its host is not known ({error}): correct the host in DATABASE_URL")
        }
        _ => format!("the connection failed ({error}): check that the database runs and can be reached"),
    }
}

fn answered(answer: &DbError) -> Option<String> {
    let message = answer.message();
    Some(match answer.code().code() {
        "28P01" => "the password is wrong: correct it in DATABASE_URL".to_owned(),
        "28000" => format!(
            "it does not let this user in ({message}): create the role, or allow it in pg_hba.conf; where the server insists on TLS, which this build cannot do, connect over a socket, loopback or a tunnel"
        ),
        "3D000" => {
            format!("there is no such database ({message}): create it, or correct the name in DATABASE_URL")
        }
        "42501" => format!(
            "the login role lacks a privilege ({message}): use the owner of the schema, who may create roles and extensions, or a superuser"
        ),
        "58P01" => not_installed(message),
        "0A000" if message.contains("extension") => not_installed(message),
        "53300" => format!(
            "it takes no more connections ({message}): raise max_connections or the role's limit, or lower DATABASE_POOL_SIZE"
        ),
        "25006" => format!("it takes no changes ({message}): set DATABASE_URL to the primary"),
        "57P03" => format!("it is starting or stopping ({message}): try again"),
        _ => return None,
    })
}

fn not_installed(message: &str) -> String {
    format!(
        "an extension is not installed on the server ({message}): install Postgres' contrib package there (Debian: postgresql-contrib)"
    )
}
