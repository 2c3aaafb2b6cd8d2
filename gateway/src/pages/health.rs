//! `/livez`: this process runs. `/readyz`: both services do their work.

use std::time::Duration;

use frontdesk_proto::booking::v1::GetServerInfoRequest;
use frontdesk_proto::booking::v1::diagnostics_service_client::DiagnosticsServiceClient;
use http::{Response, StatusCode};
use serde_json::{Map, Value as Json};
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use upstream::Upstream;

use crate::answer::problem::json_response;
use crate::call::upstreams::Upstreams;

/// How long a service may take to say how it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// Always alive.
pub fn live() -> Response<Body> {
    json_response(StatusCode::OK, "application/json", br#"{"status":"alive"}"#.to_vec())
}

/// Asks both services at once.
pub async fn ready(upstreams: &Upstreams) -> Response<Body> {
    let [(identity, at_identity), (booking, at_booking)] = upstreams.named();
    let (identity_state, booking_state) = tokio::join!(ask(at_identity.clone()), ask(at_booking.clone()));
    let problems =
        if booking_state == "not_serving" { problems(at_booking.clone()).await } else { Vec::new() };
    let ready = [identity_state, booking_state].iter().all(|state| *state == "serving");
    let mut body = Map::new();
    body.insert("status".to_owned(), if ready { "ready" } else { "not_ready" }.into());
    body.insert(identity.to_owned(), identity_state.into());
    body.insert(booking.to_owned(), booking_state.into());
    if !problems.is_empty() {
        body.insert("problems".to_owned(), problems.into());
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_response(status, "application/json", Json::Object(body).to_string().into_bytes())
}

/// What booking lacks, in its own words.
async fn problems(upstream: Upstream) -> Vec<String> {
    let mut client = DiagnosticsServiceClient::new(upstream);
    match tokio::time::timeout(PATIENCE, client.get_server_info(GetServerInfoRequest {})).await {
        Ok(Ok(answer)) => answer.into_inner().problems,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

async fn ask(upstream: Upstream) -> &'static str {
    let mut client = HealthClient::new(upstream);
    let check = client.check(HealthCheckRequest { service: String::new() });
    match tokio::time::timeout(PATIENCE, check).await {
        Ok(Ok(answer)) if answer.get_ref().status() == ServingStatus::Serving => "serving",
        Ok(Ok(_)) => "not_serving",
        Ok(Err(_)) => "unreachable",
        Err(_) => "too_slow",
    }
}
