//! A service that is a part of this process. It is where the process is: it is not looked up,
//! connected to, passed over or tried elsewhere. How it is called is known in
//! [`boot::InProcess`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use boot::{Count, InProcess, Lost, Scrape};
use http::{Request, Response};
use tonic::body::Body;

/// Where it is, for those who tell addresses apart. Nobody else has it: it has no port.
pub const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// What it is called among addresses.
pub const IN_PROCESS: &str = "in-process";

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

    pub async fn call(&self, request: Request<Body>) -> Result<(SocketAddr, Response<Body>), Lost> {
        let answer = self.service.call(request).await?;
        self.taken.add_one();
        Ok((HERE, answer))
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

#[cfg(test)]
mod tests {
    use boot::{Background, GrpcServer, Metrics, Observe, Origins, Readiness, Services, Stop, StopPolicy};
    use tonic::service::Routes;

    use super::*;
    use crate::{Health, Upstream};

    #[tokio::test]
    async fn a_service_in_this_process_is_there_until_it_has_stopped() {
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let listener = boot::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let services = Services {
            names: Vec::new(),
            routes: Routes::default(),
            observe: Observe::of(&[]),
            pages: Origins::default(),
        };
        let readiness = Readiness::new(Background::new(stop.ending().clone()));
        let server = GrpcServer::new(listener.into(), services, readiness, Metrics::default());
        let upstream = Upstream::in_process(server.within());
        assert_eq!(upstream.health().await, Health::NotServing, "it has not asked itself yet");
        let serving = tokio::spawn(server.serve(stop.clone()));
        while upstream.health().await != Health::Serving {
            tokio::task::yield_now().await;
        }
        let unknown = Request::post("/x.X/Do").body(Body::empty()).unwrap();
        let (at, answer) = upstream.call(unknown, None).await.unwrap();
        assert!(answer.headers().contains_key("grpc-status"), "{answer:?}");
        assert!(at == HERE && !upstream.is_several());
        stop.begin();
        serving.await.unwrap().unwrap();
        assert_eq!(upstream.health().await, Health::Unreachable);
        let late = Request::post("/x.X/Do").body(Body::empty()).unwrap();
        let error = upstream.call(late, None).await.unwrap_err();
        assert_eq!((error.at, error.to_string()), (None, "in-process: it has stopped".to_owned()));
    }
}
