//! The health of what is behind the gateway (`grpc.health.v1`): of a gRPC service that of the
//! service that has it, and of the whole, whose name is empty, what `/readyz` says.
//!
//! However many ask or watch, each service is asked once a second at most, and not at all while
//! nobody wants to know.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use boot::Stop;
use frontdesk_proto::{ErrorReason, Refusal};
use futures::stream::{self, Stream};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use upstream::{Health as OfUpstream, Upstream};

/// How long an answer is good, and how often whoever watches is told.
const GOOD_FOR: Duration = Duration::from_secs(1);

/// Most bytes of a service's name: those that watch keep it for as long as they do.
const LONGEST_NAME: usize = 200;

/// How all are.
#[derive(Debug, Clone)]
pub struct Healths {
    behind: Arc<[Known; 2]>,
    stop: Stop,
}

/// What is known of a service.
#[derive(Debug)]
struct Known {
    upstream: Upstream,
    names: Vec<String>,
    last: Mutex<Option<(Instant, bool)>>,
}

impl Healths {
    /// Of services, each with the names of its gRPC services.
    pub fn new(behind: [(Upstream, Vec<String>); 2], stop: &Stop) -> Self {
        let known = behind.map(|(upstream, names)| Known { upstream, names, last: Mutex::new(None) });
        Self { behind: Arc::new(known), stop: stop.clone() }
    }

    async fn of(&self, name: &str) -> ServingStatus {
        let [one, other] = &*self.behind;
        let serves = match [one, other].into_iter().find(|known| known.names.iter().any(|one| one == name)) {
            _ if name.is_empty() => {
                let (one, other) = tokio::join!(one.serves(), other.serves());
                one && other
            }
            Some(known) => known.serves().await,
            None => return ServingStatus::ServiceUnknown,
        };
        if serves && !self.stop.leaving().is_cancelled() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        }
    }

    /// What is new of a service, when it is; `None` at the stop.
    async fn next(&self, name: &str, last: Option<ServingStatus>) -> Option<ServingStatus> {
        let (leaving, ending) = (self.stop.leaving().child_token(), self.stop.ending().child_token());
        loop {
            if ending.is_cancelled() {
                return None;
            }
            let now = self.of(name).await;
            if last != Some(now) {
                return Some(now);
            }
            tokio::select! {
                () = tokio::time::sleep(GOOD_FOR) => {}
                () = leaving.cancelled(), if !leaving.is_cancelled() => {}
                () = ending.cancelled() => {}
            }
        }
    }
}

impl Known {
    async fn serves(&self) -> bool {
        // Whoever comes meanwhile waits for the same answer.
        let mut last = self.last.lock().await;
        match *last {
            Some((at, serves)) if at.elapsed() < GOOD_FOR => serves,
            _ => {
                let serves = self.upstream.health().await == OfUpstream::Serving;
                *last = Some((Instant::now(), serves));
                serves
            }
        }
    }
}

#[tonic::async_trait]
impl Health for Healths {
    type WatchStream = Pin<Box<dyn Stream<Item = Result<HealthCheckResponse, Status>> + Send>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let service = named(request)?;
        match self.of(&service).await {
            ServingStatus::ServiceUnknown => Err(Status::not_found(
                "No such service is behind this gateway. Those that are, reflection lists; the whole has an empty name.",
            )),
            status => Ok(Response::new(answer(status))),
        }
    }

    /// Of a service that nobody has, it says so and goes on, as the protocol has it.
    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let service = named(request)?;
        let begin = (self.clone(), service, None);
        let told = stream::unfold(begin, |(healths, service, last)| async move {
            let now = healths.next(&service, last).await?;
            Some((Ok(answer(now)), (healths, service, Some(now))))
        });
        Ok(Response::new(Box::pin(told)))
    }
}

/// The service that a request names.
fn named(request: Request<HealthCheckRequest>) -> Result<String, Status> {
    let HealthCheckRequest { service } = request.into_inner();
    if service.len() <= LONGEST_NAME {
        return Ok(service);
    }
    let what = format!("has more than {LONGEST_NAME} bytes, which no service's name has");
    Err(Refusal::new(ErrorReason::MalformedRequest, format!("The field `service` {what}."))
        .violation("service", &what)
        .into())
}

fn answer(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[cfg(test)]
mod tests {
    use boot::StopPolicy;
    use futures::StreamExt;

    use super::*;

    fn asked(service: &str) -> Request<HealthCheckRequest> {
        Request::new(HealthCheckRequest { service: service.to_owned() })
    }

    #[tokio::test]
    async fn a_service_that_nobody_reaches_does_not_serve_and_an_unknown_or_long_name_is_told() {
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let nowhere = || "127.0.0.1:1".parse().unwrap();
        let behind = [(nowhere(), vec!["a.A".to_owned()]), (nowhere(), vec!["b.B".to_owned()])];
        let healths = Healths::new(behind, &stop);
        for known in ["", "a.A", "b.B"] {
            let answer = healths.check(asked(known)).await.unwrap().into_inner();
            assert_eq!(answer.status(), ServingStatus::NotServing, "{known}");
        }
        let unknown = healths.check(asked("c.C")).await.unwrap_err();
        assert_eq!(unknown.code(), tonic::Code::NotFound);
        let long = "x".repeat(LONGEST_NAME + 1);
        let refused = healths.watch(asked(&long)).await.err().unwrap();
        for refused in [refused, healths.check(asked(&long)).await.unwrap_err()] {
            assert_eq!(refused.code(), tonic::Code::InvalidArgument);
            assert_eq!(frontdesk_proto::reason_of(&refused), Some(ErrorReason::MalformedRequest));
        }
        let mut watched = Vec::new();
        for (name, first) in [("b.B", ServingStatus::NotServing), ("c.C", ServingStatus::ServiceUnknown)] {
            let mut told = healths.watch(asked(name)).await.unwrap().into_inner();
            assert_eq!(told.next().await.unwrap().unwrap().status(), first, "{name}");
            watched.push(told);
        }
        stop.begin();
        for mut told in watched {
            while told.next().await.is_some() {}
        }
    }
}
