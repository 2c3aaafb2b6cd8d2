//! A service that is a part of this process. It is where the process is: it is not looked up,
//! connected to, passed over or tried elsewhere. How it is called is known in
//! [`boot::InProcess`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll};

use boot::{Count, InProcess, Lost, Scrape};
use http::{Request, Response};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tonic::body::Body;

use crate::figures::Figures;

/// Where it is, for those who tell addresses apart. Nobody else has it: it has no port.
pub const HERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// What it is called among addresses.
pub const IN_PROCESS: &str = "in-process";

/// The service. Clones count together.
#[derive(Debug, Clone)]
pub struct Local {
    service: InProcess,
    taken: Arc<Count>,
    /// Calls of this caller: others may call the same service.
    under_way: Arc<AtomicU32>,
}

/// A call that has not ended.
struct UnderWay(Arc<AtomicU32>);

/// The body of an answer, which ends with its call.
struct Answered {
    body: Body,
    _under_way: UnderWay,
}

impl Local {
    pub fn new(service: InProcess) -> Self {
        Self { service, taken: Arc::default(), under_way: Arc::default() }
    }

    pub async fn call(&self, request: Request<Body>) -> Result<(SocketAddr, Response<Body>), Lost> {
        let under_way = UnderWay::begin(&self.under_way);
        let answer = self.service.call(request).await?;
        self.taken.add_one();
        Ok((HERE, answer.map(|body| Body::new(Answered { body, _under_way: under_way }))))
    }

    /// The figures of an address.
    pub fn figures(&self, service: &str, scrape: &mut Scrape) {
        let figures = Figures {
            is_healthy: !self.service.has_stopped(),
            calls: self.taken.get(),
            passed_over: 0,
            under_way: self.under_way.load(Relaxed),
        };
        figures.tell(service, IN_PROCESS, scrape);
    }
}

impl UnderWay {
    fn begin(calls: &Arc<AtomicU32>) -> Self {
        calls.fetch_add(1, Relaxed);
        Self(Arc::clone(calls))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl HttpBody for Answered {
    type Data = <Body as HttpBody>::Data;
    type Error = <Body as HttpBody>::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
        let (upstream, local) = (Upstream::in_process(server.within()), Local::new(server.within()));
        assert_eq!(upstream.health().await, Health::NotServing, "it has not asked itself yet");
        let serving = tokio::spawn(server.serve(stop.clone()));
        while upstream.health().await != Health::Serving {
            tokio::task::yield_now().await;
        }
        let unknown = Request::post("/x.X/Do").body(Body::empty()).unwrap();
        let (at, answer) = upstream.call(unknown, None).await.unwrap();
        assert!(answer.headers().contains_key("grpc-status"), "{answer:?}");
        assert!(at == HERE && !upstream.is_several());
        let calls = || local.under_way.load(Relaxed);
        assert_eq!(calls(), 0, "another caller's are its own");
        let unknown = Request::post("/x.X/Do").body(Body::empty()).unwrap();
        let (_, answer) = local.call(unknown).await.unwrap();
        drop(answer);
        assert!(calls() == 0 && !local.service.has_stopped());
        stop.begin();
        serving.await.unwrap().unwrap();
        assert!(local.service.has_stopped());
        assert_eq!(upstream.health().await, Health::Unreachable);
        let late = Request::post("/x.X/Do").body(Body::empty()).unwrap();
        let error = upstream.call(late, None).await.unwrap_err();
        assert_eq!((error.at, error.to_string()), (None, "in-process: it has stopped".to_owned()));
    }
}
