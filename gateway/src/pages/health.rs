//! `/livez`: this process runs. `/readyz`: both services do their work, and this gateway is
//! not about to stop.
//!
//! What the database's schema lacks is shown to everybody, in the words of the
//! refusals: they hold nothing of a tenant.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use boot::Readiness;
use frontdesk_proto::booking::v1::GetServerInfoRequest;
use frontdesk_proto::booking::v1::diagnostics_service_client::DiagnosticsServiceClient;
use http::{Response, StatusCode};
use serde_json::{Map, Value as Json};
use tokio::sync::Mutex;
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

/// Looks at the services, one after another. Whoever asks during one shares the next with all
/// others who do: probes have no limit of their own, and strangers may ask, too.
#[derive(Debug, Default)]
pub struct Looks {
    asked: AtomicU64,
    last: Mutex<Last>,
}

#[derive(Debug, Default)]
struct Last {
    /// How many had asked when it began.
    after: u64,
    seen: Arc<Seen>,
}

/// How the services were.
#[derive(Debug)]
struct Seen {
    identity: Health,
    booking: Health,
    problems: Vec<String>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { identity: Health::Unreachable, booking: Health::Unreachable, problems: Vec::new() }
    }
}

impl Looks {
    /// Whether the gateway and the services do their work.
    pub async fn ready(&self, upstreams: &Upstreams) -> Response<Body> {
        let seen = self.shared(|| look(upstreams)).await;
        let Seen { identity, booking, problems } = &*seen;
        let serve = [*identity, *booking] == [Health::Serving; 2];
        let ready = serve && !upstreams.are_left();
        let word = match (upstreams.are_left(), serve) {
            (true, _) => "stopping",
            (false, true) => "ready",
            (false, false) => "not_ready",
        };
        let mut body = Map::new();
        body.insert("status".to_owned(), word.into());
        for ((name, _), health) in upstreams.named().into_iter().zip([identity, booking]) {
            body.insert(name.to_owned(), health.to_string().into());
        }
        if !problems.is_empty() {
            body.insert("problems".to_owned(), problems.clone().into());
        }
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json_response(status, "application/json", Json::Object(body).to_string().into_bytes())
    }

    /// What is seen by a look that begins after this call.
    async fn shared(&self, look: impl AsyncFnOnce() -> Seen) -> Arc<Seen> {
        let mine = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut last = self.last.lock().await;
        if last.after < mine {
            let after = self.asked.load(Ordering::Relaxed);
            *last = Last { after, seen: Arc::new(look().await) };
        }
        Arc::clone(&last.seen)
    }
}

/// Asks both services at once.
async fn look(upstreams: &Upstreams) -> Seen {
    let [(_, at_identity), (_, at_booking)] = upstreams.named();
    let (identity, booking) = tokio::join!(at_identity.health(), at_booking.health());
    let problems = match booking {
        Health::NotServing => problems(at_booking.clone()).await,
        Health::Serving | Health::Unreachable | Health::TooSlow => Vec::new(),
    };
    Seen { identity, booking, problems }
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

#[cfg(test)]
mod tests {
    use futures::future::join_all;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_at_once_two_looks_are_enough_and_none_began_before_its_question() {
        let (looks, began) = (Looks::default(), AtomicU64::new(0));
        let look = async || {
            began.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(10)).await;
            Seen { identity: Health::Serving, ..Seen::default() }
        };
        let first = looks.shared(&look);
        let others = async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            join_all((0..100).map(|_| looks.shared(&look))).await
        };
        let (first, others) = tokio::join!(first, others);
        assert_eq!(began.load(Ordering::Relaxed), 2);
        assert!(others.iter().all(|seen| seen.identity == Health::Serving && !Arc::ptr_eq(seen, &first)));
        looks.shared(&look).await;
        assert_eq!(began.load(Ordering::Relaxed), 3, "how it was then is no answer now");
    }
}
