//! The HTTP edge: REST by descriptors, gRPC-Web and gRPC passed through, CORS.
//! It forwards credentials and never reads one; it knows no database.

mod answer;
mod call;
mod console;
mod cors;
mod deadline;
mod edge;
mod forward;
mod headers;
mod pages;
mod rest;
mod server;
mod services;
mod stream;
mod supabase;

use boot::TrustedProxies;
use frontdesk_proto::descriptors;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use transcode::{RuleError, Style, Transcoder};
use upstream::Upstream;

pub use self::cors::{Origins, OriginsError};
use self::edge::Edge;
use self::services::Upstreams;

/// What a gateway needs.
#[derive(Debug)]
pub struct Config {
    /// Where it listens.
    pub listener: TcpListener,
    /// The identity service.
    pub identity: Upstream,
    /// The booking service.
    pub booking: Upstream,
    /// Origins whose pages may call.
    pub origins: Origins,
    /// Proxies before the gateway whose `X-Forwarded-For` is believed.
    pub trusted_proxies: TrustedProxies,
    /// The publishable key that `/auth/v1` asks for; without one that surface is
    /// closed.
    pub anon_key: Option<String>,
}

/// A gateway that is about to run.
#[derive(Debug)]
pub struct Gateway {
    listener: TcpListener,
    edge: Edge,
}

/// The REST surface as an OpenAPI 3.1 document.
pub fn openapi() -> Result<serde_json::Value, RoutesError> {
    routes().map(|transcoder| pages::openapi::document(&transcoder))
}

/// The REST surface: every path under `/v1` is there under `/api/v1` as well.
fn routes() -> Result<Transcoder, RoutesError> {
    let transcoder = Transcoder::new(descriptors(), &services::names(), Style::FRONTDESK);
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
        let upstreams = Upstreams::new(identity, booking);
        let transcoder = routes()?;
        tracing::info!(origins = %origins, "CORS allowed origins");
        Ok(Self { listener, edge: Edge::new(transcoder, upstreams, origins, trusted_proxies, anon_key) })
    }

    /// Serves until the token is cancelled and requests in progress are
    /// answered, or the drain limit is over.
    pub async fn serve(self, stop: CancellationToken) {
        server::serve(self.listener, self.edge, stop).await;
    }
}
