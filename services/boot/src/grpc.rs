//! A gRPC server as every service of ours runs it: health that follows the
//! service's readiness, reflection v1 and v1alpha, keepalive, bounded draining.

use std::net::SocketAddr;
use std::time::Duration;

use frontdesk_proto::DESCRIPTOR_SET;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::{DRAIN_LIMIT, Observe, Readiness};

/// How often the service is asked whether it is ready.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// A gRPC server that is about to run.
pub struct GrpcServer {
    /// Where it listens.
    pub listener: TcpListener,
    /// Full names of the services in `routes`.
    pub services: Vec<&'static str>,
    /// The services, with their access layer.
    pub routes: Routes,
    /// Whether the service can do its work.
    pub readiness: Readiness,
}

impl std::fmt::Debug for GrpcServer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("GrpcServer").field("services", &self.services).finish_non_exhaustive()
    }
}

/// Why a server did not start or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {error}{}", hint(.error))]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The server failed.
    #[error("the server failed: {0}")]
    Serve(#[from] tonic::transport::Error),
    /// Reflection cannot read the descriptor set.
    #[error("reflection cannot be built: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Listens on an address.
pub async fn bind(addr: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(addr).await.map_err(|error| ServeError::Bind { addr, error })
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::AddrInUse => " (another program has the port; stop it or choose another address)",
        _ => "",
    }
}

impl GrpcServer {
    /// Serves until the token is cancelled and calls in progress are answered,
    /// or [`DRAIN_LIMIT`] is over; then waits for the background tasks, which end
    /// at the same token.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), ServeError> {
        let (reporter, health) = tonic_health::server::health_reporter();
        let watch = tokio::spawn(report_health(
            reporter,
            self.services.clone(),
            self.readiness.clone(),
            stop.clone(),
        ));
        let routes = self
            .routes
            .add_service(health)
            .add_service(reflection(&self.services).build_v1()?)
            .add_service(reflection(&self.services).build_v1alpha()?);
        // The builder's own setting does not reach a listener that was bound before.
        let incoming = TcpIncoming::from(self.listener).with_nodelay(Some(true));
        let drained = stop.clone();
        let serving = Server::builder()
            .max_concurrent_streams(1000)
            .http2_keepalive_interval(Some(Duration::from_secs(30)))
            .http2_keepalive_timeout(Some(Duration::from_secs(20)))
            .layer(Observe)
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, drained.cancelled_owned());
        tokio::pin!(serving);
        let result = tokio::select! {
            result = &mut serving => result,
            () = async { stop.cancelled().await; tokio::time::sleep(DRAIN_LIMIT).await } => {
                tracing::warn!(services = ?self.services, "calls still in progress were cut off");
                Ok(())
            }
        };
        watch.abort();
        self.readiness.background().join().await;
        Ok(result?)
    }
}

fn reflection(services: &[&'static str]) -> tonic_reflection::server::Builder<'static> {
    let builder = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    services.iter().fold(builder, |builder, service| builder.with_service_name(*service))
}

async fn report_health(
    reporter: HealthReporter,
    services: Vec<&'static str>,
    readiness: Readiness,
    stop: CancellationToken,
) {
    let mut last: Option<Result<(), String>> = None;
    loop {
        let stopping = stop.is_cancelled();
        let now = if stopping { Err("stopping".to_owned()) } else { readiness.ready().await };
        if last.as_ref() != Some(&now) {
            let status = match &now {
                Ok(()) => {
                    tracing::info!(?services, "ready");
                    ServingStatus::Serving
                }
                Err(missing) => {
                    if !stopping {
                        tracing::warn!(?services, missing, "not ready");
                    }
                    ServingStatus::NotServing
                }
            };
            for service in services.iter().copied().chain([""]) {
                reporter.set_service_status(service, status).await;
            }
            last = Some(now);
        }
        if stopping {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
}
