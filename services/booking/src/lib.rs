//! The booking service: booking requests, the decisions about them, and the
//! bookings that come of them. Who a caller is, it learns from the access layer.

mod approve;
mod call;
mod close;
mod convert;
mod create;
mod domain;
mod error;
mod paging;
mod service;
mod stay;
mod store;
mod sweep;
mod watch;

use std::sync::Arc;

use access::{AccessLayer, Authority, Issuer, Rules};
use boot::GrpcServer;
use domain::approval::Layout;
use frontdesk_proto::booking::v1::booking_request_service_server::BookingRequestServiceServer;
use frontdesk_proto::booking::v1::booking_service_server::BookingServiceServer;
use frontdesk_proto::booking::v1::customer_service_server::CustomerServiceServer;
use frontdesk_proto::booking::v1::diagnostics_service_server::DiagnosticsServiceServer;
use frontdesk_proto::booking::v1::property_service_server::PropertyServiceServer;
use pg::Database;
use pg::migrate::MigrationSet;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::service::{LayerExt, Routes};

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

/// Booking's part of the database.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "booking",
    history_table: "public.frontdesk_booking_migrations",
    migrations: &[
        (
            "V1__properties_requests_bookings_inventory",
            include_str!("../../../migrations/booking/V1__properties_requests_bookings_inventory.sql"),
        ),
        (
            "V2__holds_settings_feed_idempotency",
            include_str!("../../../migrations/booking/V2__holds_settings_feed_idempotency.sql"),
        ),
    ],
};

/// What a server of booking needs.
#[derive(Debug)]
pub struct Config<A> {
    /// Where it listens.
    pub listener: TcpListener,
    /// Its database, as [`ROLE`].
    pub database: Database,
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// Who knows the callers.
    pub authority: A,
}

/// Builds the server. Background work goes on until `stop`. The error is a
/// sentence: a method has no access rule.
pub fn build<A: Authority>(config: Config<A>, stop: &CancellationToken) -> Result<GrpcServer, String> {
    let Config { listener, database, issuer, authority } = config;
    let rules =
        Rules::of_services(&SERVICES).map_err(|missing| format!("access rules are missing: {missing}"))?;
    let layer = AccessLayer::new(rules, issuer, authority);
    let store = store::Store::new(database);
    tokio::spawn(sweep::sweep(store.clone(), stop.clone()));
    let watchers = watch::Watchers::new(stop.clone());
    let service = Arc::new(service::Booking { store: store.clone(), watchers });
    let routes = Routes::new(layer.named_layer(BookingRequestServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(BookingServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(PropertyServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(CustomerServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(DiagnosticsServiceServer::from_arc(service)));
    let ready: boot::ReadyCheck = Box::new(move || {
        let store = store.clone();
        Box::pin(async move { ready(&store).await })
    });
    Ok(GrpcServer { listener, services: SERVICES.to_vec(), routes, ready })
}

async fn ready(store: &store::Store) -> Result<(), String> {
    let schema = store.look_at_schema().await.map_err(|fault| fault.to_string())?;
    let problems = schema.problem_sentences();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// What the database looks like to booking.
#[derive(Debug)]
pub struct Inspection {
    /// `standard` or `single_table`.
    pub layout: &'static str,
    /// Which rows the constraint against double bookings covers: `LITERAL`,
    /// `CONFIRMED_ONLY`, `FLAG` or `MISSING`.
    pub request_hold: &'static str,
    /// The constraint as the database has it; empty when it is missing.
    pub constraint: String,
    /// What is missing, in the words that calls are refused with.
    pub problems: Vec<String>,
}

/// Looks at a database as the service does.
pub async fn inspect(database: &Database) -> Result<Inspection, pg::Fault> {
    let schema = store::Schema::detect(database).await?;
    Ok(Inspection {
        layout: match schema.layout {
            Layout::Standard => "standard",
            Layout::SingleTable => "single_table",
        },
        request_hold: schema.request_hold.name(),
        problems: schema.problem_sentences(),
        constraint: schema.constraint,
    })
}

/// Every statement by name, as each layout has it, for the test that prepares
/// them all. The first list is the standard layout's.
pub fn statements() -> [Vec<(&'static str, String)>; 2] {
    let single_table = "b.status in ('pending', 'confirmed', 'checked_in')";
    [standard().all(), store::Statements::new(Layout::SingleTable, single_table).all()]
}

/// The list of booking requests in each order, of the tenant and of one property
/// (`$6`), for the test that explains them.
pub fn list_statements() -> Vec<String> {
    let of_property = paging::Filter {
        property: Some(domain::ids::PropertyId(uuid::Uuid::nil())),
        ..paging::Filter::default()
    };
    let mut statements = Vec::new();
    for order in [paging::Order::NewestFirst, paging::Order::OldestFirst, paging::Order::CheckIn] {
        for filter in [&paging::Filter::default(), &of_property] {
            let mut params: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&0_i32; 5];
            statements.push(store::list_statement(&standard(), filter, order, &mut params));
        }
    }
    statements
}

fn standard() -> store::Statements {
    store::Statements::new(Layout::Standard, "b.status not in ('cancelled', 'declined', 'no_show')")
}
