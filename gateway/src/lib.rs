//! The HTTP edge: REST by descriptors, gRPC and gRPC-Web passed on, origins of
//! pages, and a few pages and surfaces of its own. It decides nothing by a
//! caller's credentials: tokens are passed on to the services, which verify them.
//! It handles two secrets itself: the publishable key that `/auth/v1` asks for, and
//! the refresh tokens that it keeps in cookies of pages. It knows no database.
//!
//! A request goes from left to right: `server` → `edge` → `protocol`, `surface` or
//! `pages` → `call` → `answer`.

mod answer;
mod call;
mod config;
mod edge;
mod origin;
mod pages;
mod protocol;
mod server;
mod surface;

use boot::Readiness;
use frontdesk_proto::descriptors;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use transcode::{RuleError, Style, Transcoder};
use upstream::Health;

use self::call::upstreams::{self, Upstreams};
pub use self::config::{BOOKING_ADDR, Config, Environment, IDENTITY_ADDR, SUPABASE_ANON_KEY};
use self::edge::Edge;
pub use self::origin::{Origins, OriginsError};

/// A gateway that is about to run.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    edge: Edge,
    readiness: Readiness,
}

/// The REST surface as an OpenAPI 3.1 document.
pub fn openapi() -> Result<serde_json::Value, RoutesError> {
    routes().map(|transcoder| pages::openapi::document(&transcoder))
}

/// The REST surface: every path under `/v1` is there under `/api/v1` as well.
fn routes() -> Result<Transcoder, RoutesError> {
    let transcoder = Transcoder::new(descriptors(), &upstreams::names(), Style::FRONTDESK);
    let transcoder = transcoder.map_err(RoutesError)?;
    transcoder.with_alias("/api/v1", "/v1").map_err(|error| RoutesError(vec![error]))
}

/// The descriptor set has annotations that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("routes cannot be built: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct RoutesError(pub Vec<RuleError>);

impl Gateway {
    /// Compiles the routes.
    pub fn new(config: Config) -> Result<Self, RoutesError> {
        let Config { listener, identity, booking, origins, trusted_proxies, anon_key } = config;
        let transcoder = routes()?;
        let upstreams = Upstreams::new(identity, booking, &transcoder);
        tracing::info!(origins = %origins, "CORS allowed origins");
        let readiness = readiness(&upstreams);
        let edge = Edge::new(transcoder, upstreams, origins, trusted_proxies, anon_key);
        Ok(Self { listener, edge, readiness })
    }

    /// Whether the services behind it do their work.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// Serves until the token is cancelled and requests in progress are
    /// answered, or the drain limit is over.
    pub async fn serve(self, stop: CancellationToken) {
        server::serve(self.listener, self.edge, stop).await;
    }
}

fn readiness(upstreams: &Upstreams) -> Readiness {
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
