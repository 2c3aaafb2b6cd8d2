//! The booking service: booking requests, the decisions about them, and the
//! bookings that come of them. Who a caller is, it learns from the access layer.

mod background;
mod call;
mod changes;
mod config;
mod domain;
mod error;
mod feed;
mod import;
mod layout;
mod rpc;
mod store;

use std::sync::Arc;

use access::{AccessLayer, Authority, Rules};
use boot::{Background, Check, GrpcServer, Observe, Readiness, Services};
use frontdesk_proto::booking::v1::booking_request_service_server::BookingRequestServiceServer;
use frontdesk_proto::booking::v1::booking_service_server::BookingServiceServer;
use frontdesk_proto::booking::v1::customer_service_server::CustomerServiceServer;
use frontdesk_proto::booking::v1::diagnostics_service_server::DiagnosticsServiceServer;
use frontdesk_proto::booking::v1::property_service_server::PropertyServiceServer;
use pg::migrate::MigrationSet;
use tokio_util::sync::CancellationToken;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::{LayerExt, Routes};

pub use self::config::{Config, Environment, Policy};
pub use self::store::statements;

/// What booking decides by, as far as `services/proof` builds its model of it.
pub mod deciding {
    pub use crate::domain::actor::Acting;
    pub use crate::domain::approval::{
        ActiveRange, Approved, Denied, Evidence, Obstacle, Outcome, Rival, Surroundings, Verdict, approve,
    };
    pub use crate::domain::booking::{Booking, BookingStatus};
    pub use crate::domain::fulfilment::LinkedBooking;
    pub use crate::domain::ids::{BookingId, BookingRequestId, GuestId, PropertyId, RangeId};
    pub use crate::domain::layout::Layout;
    pub use crate::domain::request::{BookingRequest, Status};
    pub use crate::domain::rules::LocalDay;
    pub use crate::domain::stay::Stay;
    pub use crate::domain::steps;
}

/// What an operator at the database does.
pub mod operator {
    pub use crate::rpc::operator::*;
}

/// The extensions of Postgres that the tables need.
pub const EXTENSIONS: [&str; 1] = ["btree_gist"];

/// The role that the service runs as.
pub const ROLE: &str = "frontdesk_booking";

/// The services of a server of booking.
pub const SERVICES: [&str; 5] = [
    "frontdesk.booking.v1.BookingRequestService",
    "frontdesk.booking.v1.BookingService",
    "frontdesk.booking.v1.PropertyService",
    "frontdesk.booking.v1.CustomerService",
    "frontdesk.booking.v1.DiagnosticsService",
];

/// Whose figures its figures are.
const PART: &str = "booking";

/// Booking's part of the database.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "booking",
    history_table: "public.frontdesk_booking_migrations",
    // What `migrations/build.rs` finds in the folder.
    migrations: include!(concat!(env!("OUT_DIR"), "/migrations.rs")),
};

/// What the migrations make of a database.
pub static SCHEMA: pg::schema::Service = pg::schema::Service {
    set: &MIGRATIONS,
    schema: "public",
    role: ROLE,
    made: layout::migrated::MADE,
    adapt: layout::made::adapt,
    optional: layout::made::is_optional,
    choice: layout::made::choice,
    afterwards: &layout::made::AFTERWARDS,
};

/// Builds the server. Background work goes on until `stop`. The error is a
/// sentence: a method has no access rule.
pub fn build<A: Authority>(config: Config<A>, stop: &CancellationToken) -> Result<GrpcServer, String> {
    let Config { listener, database, issuer, authority, policy } = config;
    let rules =
        Rules::of_services(&SERVICES).map_err(|missing| format!("access rules are missing: {missing}"))?;
    let issued_by: Arc<str> = issuer.issuer.as_str().into();
    let layer = AccessLayer::new(rules, issuer, authority.clone(), policy.proxy_header);
    let pool = database.clone();
    let store = store::open(database, policy);
    let background = Background::new(stop.clone());
    background::start(&background, &store, authority, issued_by);
    layer.follow(&background, "hear of revocations");
    let feed = feed::Feed::new(store.clone(), &background);
    let imports = rpc::Imports::new(store.policy(), stop.clone());
    let observe = Observe::of(&SERVICES).linking(&store.policy().runbook);
    let pages = store.policy().pages.clone();
    let answered = Arc::<rpc::Answered>::default();
    let approvals = changes::Approvals::default();
    let metrics = {
        let (feed, answered, approvals) = (feed.clone(), Arc::clone(&answered), approvals.clone());
        let store = store.clone();
        observe.metrics(PART).and(layer.metrics(PART)).with(PART, move |scrape| {
            pool.figures(scrape);
            feed.figures(scrape);
            answered.figures(scrape);
            approvals.figures(scrape);
            store.figures(scrape);
        })
    };
    let service = rpc::Booking { store: store.clone(), approvals, answered, feed, imports };
    let routes = routes(&layer, service);
    let readiness = Readiness::new(background).with("schema", move || {
        let store = store.clone();
        async move { ready(&store).await }
    });
    let services = Services { names: SERVICES.to_vec(), routes, observe, pages };
    Ok(GrpcServer::new(listener, services, readiness, metrics))
}

fn routes<A: Authority>(layer: &AccessLayer<A>, service: rpc::Booking) -> Routes {
    let service = Arc::new(service);
    macro_rules! guarded {
        ($server:ident) => {
            layer.named_layer($server::from_arc(Arc::clone(&service)).accept_compressed(Gzip))
        };
    }
    Routes::new(guarded!(BookingRequestServiceServer))
        .add_service(guarded!(BookingServiceServer))
        .add_service(guarded!(PropertyServiceServer))
        .add_service(guarded!(CustomerServiceServer))
        .add_service(guarded!(DiagnosticsServiceServer))
}

/// What an operator should know of booking's part of a database.
pub fn checks(url: &str) -> Vec<Check> {
    layout::checks::checks(url, &SCHEMA)
}

async fn ready(store: &store::Store) -> Result<(), String> {
    let schema = store.look_with_others().await.map_err(|fault| fault.to_string())?;
    let problems = schema.found.problem_sentences();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// Ends holds that have run out one by one, as the task in the background does in its turns: for
/// whoever tries in which order things may happen.
#[derive(Debug, Clone)]
pub struct Holds(store::Store);

impl Holds {
    /// Those in a database.
    pub fn of(database: pg::Database) -> Self {
        Self(store::open(database, Policy::default()))
    }

    /// Ends the request of a tenant whose hold has run out; whether it expired.
    pub async fn expire(&self, tenant: uuid::Uuid, request: uuid::Uuid) -> Result<bool, access::Refusal> {
        let call = call::Call::of_the_system(access::TenantId::of_stored_row(tenant));
        let expire = changes::Expire { id: domain::ids::BookingRequestId(request) };
        self.0.change(&call, &expire).await.map_err(|error| error.refusal())
    }
}

/// The indexes that statements are written for in the single-table layout, whose
/// table other programs own: each with the statement that makes it.
pub fn indexes_of_single_table() -> Vec<(&'static str, String)> {
    layout::indexes::of_single_table()
}
