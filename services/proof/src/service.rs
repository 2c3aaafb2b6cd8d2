//! A server of booking for one call at a time, whose connections go through a stepper. It does
//! nothing by itself, and believes whoever names a tenant as an API key.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Authority, Claims, Credentials, DeletedTenants, Issuer, Key, Refusal, Resolution, Revoked};
use boot::InProcess;
use frontdesk_proto::booking::v1::booking_request_service_client::BookingRequestServiceClient;
use frontdesk_proto::booking::v1::booking_service_client::BookingServiceClient;
use frontdesk_proto::booking::v1::customer_service_client::CustomerServiceClient;
use frontdesk_proto::booking::v1::diagnostics_service_client::DiagnosticsServiceClient;
use frontdesk_proto::booking::v1::property_service_client::PropertyServiceClient;
use jiff::Timestamp;
use pg::{Database, PoolOptions};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use uuid::Uuid;

/// Connections of a call: its attempts may overlap, while the one before rolls back.
pub const CONNECTIONS: usize = 4;

/// What every call may need.
const SCOPES: [&str; 7] = [
    "bookings:approve",
    "bookings:create",
    "bookings:manage",
    "bookings:view",
    "customers:manage",
    "properties:manage",
    "properties:view",
];

/// The server.
#[derive(Debug, Clone)]
pub struct Service {
    server: InProcess,
    holds: booking::Holds,
}

/// Lets everybody in.
#[derive(Debug, Clone)]
struct Everybody;

/// How a client calls it.
#[derive(Debug, Clone)]
pub struct Way(pub InProcess);

impl tower::Service<tonic::codegen::http::Request<Body>> for Way {
    type Response = tonic::codegen::http::Response<Body>;
    type Error = boot::Lost;
    type Future = tonic::codegen::BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: tonic::codegen::http::Request<Body>) -> Self::Future {
        let server = self.0.clone();
        Box::pin(async move { server.call(request).await })
    }
}

impl Service {
    /// A server over this database.
    pub async fn over(url: &str) -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| error.to_string())?;
        let database = Database::new(PoolOptions {
            url: url.to_owned(),
            role: booking::ROLE,
            application_name: "frontdesk-proof",
            max_size: CONNECTIONS,
        })?;
        let stopped = CancellationToken::new();
        stopped.cancel();
        let config = booking::Config {
            listener: listener.into(),
            database: database.clone(),
            issuer: Issuer::default(),
            authority: Everybody,
            policy: booking::Policy::default(),
        };
        let server = booking::build(config, &stopped)?.within();
        let service = Self { server, holds: booking::Holds::of(database) };
        service.look_around().await;
        Ok(service)
    }

    /// Both look at the schema once.
    async fn look_around(&self) {
        let nobody = Uuid::now_v7();
        let message =
            frontdesk_proto::booking::v1::ExplainApprovalRequest { booking_request_id: nobody.to_string() };
        let _not_found = self.diagnostics().explain_approval(of(nobody, message)).await;
        let _not_found = self.expire(nobody, nobody).await;
    }

    pub fn requests(&self) -> BookingRequestServiceClient<Way> {
        BookingRequestServiceClient::new(Way(self.server.clone()))
    }

    pub fn bookings(&self) -> BookingServiceClient<Way> {
        BookingServiceClient::new(Way(self.server.clone()))
    }

    pub fn customers(&self) -> CustomerServiceClient<Way> {
        CustomerServiceClient::new(Way(self.server.clone()))
    }

    pub fn properties(&self) -> PropertyServiceClient<Way> {
        PropertyServiceClient::new(Way(self.server.clone()))
    }

    pub fn diagnostics(&self) -> DiagnosticsServiceClient<Way> {
        DiagnosticsServiceClient::new(Way(self.server.clone()))
    }

    /// Ends a request whose hold has run out, as the server does by itself.
    pub async fn expire(&self, tenant: Uuid, request: Uuid) -> Result<bool, Refusal> {
        self.holds.expire(tenant, request).await
    }
}

/// A request of a tenant.
pub fn of<T>(tenant: Uuid, message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    if let Ok(key) = tenant.to_string().parse() {
        request.metadata_mut().insert("x-tenant-api-key", key);
    }
    request
}

impl Authority for Everybody {
    const HOLDS: Duration = Duration::ZERO;

    async fn keys(&self, _: Timestamp) -> Result<Vec<Key>, Refusal> {
        Ok(Vec::new())
    }

    async fn resolve(
        &self,
        credentials: &Credentials,
        _: Option<&Claims>,
        _: Timestamp,
    ) -> Result<Resolution, Refusal> {
        let key = credentials.api_key.as_deref().unwrap_or_default();
        let tenant = Uuid::try_parse(key).ok();
        let scopes: Arc<[String]> = SCOPES.iter().map(|scope| (*scope).to_owned()).collect();
        Ok(Resolution { tenant, scopes, api_key_id: tenant, ..Resolution::default() })
    }

    async fn follow(&self, _: impl Fn(Revoked, Instant) + Send + Sync) {
        std::future::pending::<()>().await;
    }

    async fn record_operator(&self, _: &Credentials, _: &access::Caller) -> Result<(), Refusal> {
        Ok(())
    }

    async fn deleted_tenants(&self, _: &[Uuid]) -> Result<DeletedTenants, Refusal> {
        Ok(DeletedTenants::default())
    }
}
