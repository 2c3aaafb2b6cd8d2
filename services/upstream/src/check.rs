//! Whether a whole service does its work, for readiness and for operators.

use std::time::Duration;

use boot::{Check, ClientTls, ClientTlsFiles, Finding};

use crate::health::{Health, ask_for};
use crate::{Upstream, UpstreamError};

/// Time for a service to say how it is.
const SERVICE_TIME: Duration = Duration::from_secs(1);
/// The same when an operator asks.
const PATIENCE: Duration = Duration::from_secs(3);

impl Upstream {
    /// Asks the service how it is, for at most a second. It serves while one of its
    /// addresses does: one that leaves does not speak for the others.
    pub async fn health(&self) -> Health {
        self.best(SERVICE_TIME).await
    }
}

/// The check of a service for operators. `name` is the role that it runs, `called` where it
/// is and how it is called, `variable` the setting that says where, `service` a gRPC service
/// that it has and no other role.
pub fn check(
    name: &'static str,
    called: (String, Option<ClientTlsFiles>),
    variable: &'static str,
    service: &'static str,
) -> Check {
    let (addresses, tls) = called;
    Check::new(name, async move {
        let upstream: Upstream = match addresses.parse() {
            Ok(upstream) => upstream,
            Err(error) => {
                let error: UpstreamError = error;
                return Finding::bad(error.to_string(), format!("correct {variable}"));
            }
        };
        let upstream = match tls.map(|files| ClientTls::open(name, files)).transpose() {
            Ok(Some(tls)) => upstream.with_tls(tls),
            Ok(None) => upstream,
            Err(problem) => {
                return Finding::bad(
                    problem,
                    "correct UPSTREAM_AUTHORITY, UPSTREAM_CERTIFICATE and UPSTREAM_KEY",
                );
            }
        };
        match upstream.best(PATIENCE).await {
            Health::Serving if ask_for(upstream, service, PATIENCE).await != Health::Serving => Finding::bad(
                format!("{addresses} serves something else than {name}"),
                format!("correct {variable}"),
            ),
            Health::Serving => Finding::good(format!("{addresses} serves")),
            Health::NotServing => {
                Finding::bad(format!("{addresses} runs and is not ready"), "its log says what it waits for")
            }
            Health::Unreachable | Health::TooSlow => Finding::bad(
                format!("{addresses} does not answer"),
                format!("start `frontdesk {name}`, or correct {variable}"),
            ),
        }
    })
}
