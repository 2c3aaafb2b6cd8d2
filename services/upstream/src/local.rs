//! A service that is a part of this process. It is where the process is: it is not looked up,
//! connected to, passed over or tried elsewhere. How it is called is known in
//! [`boot::InProcess`].

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use boot::{Count, InProcess, Lost, Scrape};
use http::{Request, Response};
use tonic::body::Body;

use crate::Unreachable;

/// Where it is, for those who tell addresses apart. Nobody else has it: it has no port.
const HERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// What it is called among addresses.
const IN_PROCESS: &str = "in-process";

/// The service. Clones count together.
#[derive(Debug, Clone)]
pub struct Local {
    service: InProcess,
    taken: Arc<Count>,
}

impl Local {
    pub fn new(service: InProcess) -> Self {
        Self { service, taken: Arc::default() }
    }

    pub async fn call(&self, request: Request<Body>) -> Result<(SocketAddr, Response<Body>), Unreachable> {
        match self.service.call(request).await {
            Ok(answer) => {
                self.taken.add_one();
                Ok((HERE, answer))
            }
            Err(lost) => Err(Unreachable {
                addresses: IN_PROCESS.to_owned(),
                cause: lost.to_string(),
                // One that has stopped has not begun with it.
                at: (lost != Lost::Stopped).then_some(HERE),
            }),
        }
    }

    /// The figures of an address.
    pub fn figures(&self, service: &str, scrape: &mut Scrape) {
        let labels = [("service", service), ("address", IN_PROCESS)];
        let help = "Whether an address takes calls, and is not passed over.";
        scrape.now("frontdesk_upstream_healthy", help, &labels, 1.0);
        let help = "Calls that an address has taken.";
        scrape.count("frontdesk_upstream_calls_total", help, &labels, self.taken.get());
        let help = "How often an address began to be passed over.";
        scrape.count("frontdesk_upstream_passed_over_total", help, &labels, 0);
        let help = "Calls on the connections to an address.";
        let calls = u32::try_from(self.service.calls()).unwrap_or(u32::MAX);
        scrape.how_many("frontdesk_upstream_calls_under_way", help, &labels, calls);
    }
}

/// To ask it how it is.
impl tower::Service<Request<Body>> for Local {
    type Response = Response<Body>;
    type Error = Lost;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Lost>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let service = self.service.clone();
        Box::pin(async move { service.call(request).await })
    }
}
