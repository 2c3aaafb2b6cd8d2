//! Calls to a service, wherever it answers: a call that could not be sent goes to the next
//! address. Which one takes it is known in `pool`. Tonic's own balanced channel is not used
//! because it sends calls to dead endpoints (grpc-rust#2839). A service in the same process has
//! no address and no connection (`local.rs`).

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use boot::{ClientTls, InProcess, Lost, Scrape};
use http::uri::Authority;
use http::{Request, Response};
use tonic::body::Body;

use crate::answer::Asked;
use crate::figures::Figures;
use crate::health::{Health, ask};
use crate::local::{self, Local};
use crate::pool::Pool;
use crate::resolve::{UpstreamError, parse};

/// How often a call that was not sent is tried: connections may close just when they are used.
const TRIES: usize = 8;

/// A service, wherever it answers. Clones share their connections.
#[derive(Clone)]
pub struct Upstream {
    pool: Arc<Pool>,
    /// Set if it is a part of this process.
    local: Option<Local>,
}

/// No address of a service took the call, or the connection was lost with it.
#[derive(Debug, thiserror::Error)]
#[error("{addresses}: {cause}")]
pub struct Unreachable {
    addresses: String,
    cause: String,
    /// The address that had the call when it was lost; `None` if none had.
    pub at: Option<SocketAddr>,
}

impl Unreachable {
    /// Of a service in this process. One that has stopped has not begun with the call.
    fn within(lost: Lost) -> Self {
        let at = (lost != Lost::Stopped).then_some(local::HERE);
        Self { addresses: local::IN_PROCESS.to_owned(), cause: lost.to_string(), at }
    }
}

impl FromStr for Upstream {
    type Err = UpstreamError;

    /// In the clear.
    fn from_str(list: &str) -> Result<Self, UpstreamError> {
        Ok(Self::new(parse(list)?, None))
    }
}

impl Upstream {
    fn new(authorities: Vec<Authority>, tls: Option<ClientTls>) -> Self {
        Self { pool: Pool::new(authorities, tls), local: None }
    }

    /// A service that is a part of this process.
    pub fn in_process(service: InProcess) -> Self {
        Self { local: Some(Local::new(service)), ..Self::new(Vec::new(), None) }
    }

    /// The same service over TLS, with connections of its own.
    #[must_use]
    pub fn with_tls(&self, tls: ClientTls) -> Self {
        Self::new(self.pool.authorities.clone(), Some(tls))
    }

    /// The hosts that lead to it.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.pool.authorities.iter().map(Authority::host)
    }

    /// Sends a call to an address that works, not to `avoid` if there is another. While its
    /// connection closes before the call is sent, it goes to another. Returns who had the call.
    pub async fn call(
        &self,
        mut request: Request<Body>,
        avoid: Option<SocketAddr>,
    ) -> Result<(SocketAddr, Response<Body>), Unreachable> {
        if let Some(header) = boot::traceparent() {
            request.headers_mut().insert(boot::TRACEPARENT, header);
        }
        if let Some(local) = &self.local {
            return local.call(request).await.map_err(Unreachable::within);
        }
        let mut cause = None;
        for _ in 0..TRIES {
            let endpoint = match self.pool.place(avoid).await {
                Ok(endpoint) => endpoint,
                Err(none) => return Err(self.unreachable(none, None)),
            };
            // It may have closed in between.
            let Some(room) = endpoint.room() else { continue };
            let mut sender = match room.sender(&endpoint.peer).await {
                Ok(sender) => sender,
                Err(closed) => {
                    cause = Some(closed);
                    continue;
                }
            };
            *request.uri_mut() = endpoint.absolute(request.uri());
            let asked = Asked::new(&endpoint.conduct);
            match sender.try_send_request(request).await {
                Ok(response) => {
                    endpoint.taken.add_one();
                    return Ok((endpoint.addr, asked.answered(room, response)));
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) => {
                        asked.unsent();
                        room.forget();
                        request = unsent;
                        cause = Some(error.into_error().to_string());
                    }
                    None => {
                        let error = error.into_error();
                        asked.lost(&error);
                        return Err(self.unreachable(whole_cause(&error), Some(endpoint.addr)));
                    }
                },
            }
        }
        let cause = cause.unwrap_or_else(|| "its connections close at once".to_owned());
        Err(self.unreachable(cause, None))
    }

    /// How the best of its addresses is.
    pub(crate) async fn best(&self, time: Duration) -> Health {
        match &self.local {
            Some(local) => ask(local.clone(), time).await,
            None => self.pool.best(time).await,
        }
    }

    /// Whether a call that failed at one address can be tried at another.
    pub fn is_several(&self) -> bool {
        // Before the first call nothing is resolved.
        self.pool.authorities.len() > 1 || self.pool.known().len() > 1
    }

    /// Figures of each address of a service.
    pub fn figures(&self, service: &str, scrape: &mut Scrape) {
        if let Some(local) = &self.local {
            return local.figures(service, scrape);
        }
        if let Some(tls) = &self.pool.tls {
            tls.figures(scrape);
        }
        let help = "Calls that found no address connected and waited for one, or were refused.";
        let waited = self.pool.waited.get();
        scrape.count("frontdesk_upstream_waited_total", help, &[("service", service)], waited);
        for endpoint in self.pool.known().iter() {
            let addr = endpoint.addr.to_string();
            let figures = Figures {
                is_healthy: endpoint.works(),
                calls: endpoint.taken.get(),
                passed_over: endpoint.peer.passed_over.get(),
                under_way: endpoint.calls(),
            };
            figures.tell(service, &addr, scrape);
        }
    }

    fn unreachable(&self, cause: String, at: Option<SocketAddr>) -> Unreachable {
        let addresses: Vec<&str> = self.pool.authorities.iter().map(Authority::as_str).collect();
        Unreachable { addresses: addresses.join(","), cause, at }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Upstream").field("addresses", &self.pool.authorities).finish_non_exhaustive()
    }
}

fn whole_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    cause
}

#[cfg(test)]
mod tests;
