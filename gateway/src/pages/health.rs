//! `/livez`: this process runs. `/readyz`: both services do their work, and this gateway is
//! not about to stop.
//!
//! What the database's schema lacks is shown to everybody, in the words of the
//! refusals: they hold nothing of a tenant.

use std::time::Duration;

use boot::Readiness;
use frontdesk_proto::booking::v1::GetServerInfoRequest;
use frontdesk_proto::booking::v1::diagnostics_service_client::DiagnosticsServiceClient;
use http::{Response, StatusCode};
use serde_json::{Map, Value as Json};
use tonic::body::Body;
use upstream::{Health, Upstream};

use crate::answer::problem::json_response;
use crate::call::upstreams::Upstreams;

/// How long booking may take to say what it lacks.
const PATIENCE: Duration = Duration::from_secs(1);

/// Always alive.
pub fn live() -> Response<Body> {
    json_response(StatusCode::OK, "application/json", br#"{"status":"alive"}"#.to_vec())
}

/// Asks both services at once.
pub async fn ready(upstreams: &Upstreams) -> Response<Body> {
    let [(identity, at_identity), (booking, at_booking)] = upstreams.named();
    let (identity_health, booking_health) = tokio::join!(at_identity.health(), at_booking.health());
    let problems = match booking_health {
        Health::NotServing => problems(at_booking.clone()).await,
        Health::Serving | Health::Unreachable | Health::TooSlow => Vec::new(),
    };
    let serve = [identity_health, booking_health] == [Health::Serving; 2];
    let ready = serve && !upstreams.are_left();
    let word = match (upstreams.are_left(), serve) {
        (true, _) => "stopping",
        (false, true) => "ready",
        (false, false) => "not_ready",
    };
    let mut body = Map::new();
    body.insert("status".to_owned(), word.into());
    body.insert(identity.to_owned(), identity_health.to_string().into());
    body.insert(booking.to_owned(), booking_health.to_string().into());
    if !problems.is_empty() {
        body.insert("problems".to_owned(), problems.into());
    }
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json_response(status, "application/json", Json::Object(body).to_string().into_bytes())
}

/// The same for the operator port.
pub fn readiness(upstreams: &Upstreams) -> Readiness {
    upstreams.named().into_iter().fold(Readiness::default(), |readiness, (name, upstream)| {
        let upstream = upstream.clone();
        readiness.with(name, move || {
            let upstream = upstream.clone();
            async move {
                match upstream.health().await {
                    Health::Serving => Ok(()),
                    other => Err(other.to_string()),
                }
            }
        })
    })
}

/// What booking lacks, in its own words.
async fn problems(upstream: Upstream) -> Vec<String> {
    let mut client = DiagnosticsServiceClient::new(upstream);
    match tokio::time::timeout(PATIENCE, client.get_server_info(GetServerInfoRequest {})).await {
        Ok(Ok(answer)) => answer.into_inner().problems,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}
