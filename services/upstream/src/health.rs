//! What a service says of itself (`grpc.health.v1`).

use std::fmt;
use std::time::Duration;

use http::{Request, Response};
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

/// What a service says, or that it says nothing.
/// From the best to the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// It does its work.
    Serving,
    /// It runs and lacks something.
    NotServing,
    /// Nobody answers.
    Unreachable,
    /// No answer in time.
    TooSlow,
}

/// Asks a service, or one address of it, how it is.
pub async fn ask<S>(service: S, time: Duration) -> Health
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    ask_for(service, "", time).await
}

/// The same for one gRPC service of it. An address that does not have it does not answer.
pub async fn ask_for<S>(service: S, name: &str, time: Duration) -> Health
where
    S: tower::Service<Request<Body>, Response = Response<Body>>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut client = HealthClient::new(service);
    let check = client.check(HealthCheckRequest { service: name.to_owned() });
    match tokio::time::timeout(time, check).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => Health::Serving,
        Ok(Ok(_)) => Health::NotServing,
        Ok(Err(_)) => Health::Unreachable,
        Err(_) => Health::TooSlow,
    }
}

impl fmt::Display for Health {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Serving => "serving",
            Self::NotServing => "not_serving",
            Self::Unreachable => "unreachable",
            Self::TooSlow => "too_slow",
        })
    }
}
