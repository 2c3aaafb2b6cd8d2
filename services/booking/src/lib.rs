//! The booking service: booking requests, the decisions about them, and the
//! bookings that come of them. Who a caller is, it learns from the access layer.

mod approve;
mod convert;
mod create;
mod decline;
mod domain;
mod error;
mod paging;
mod service;
mod store;

use std::sync::Arc;

use access::{AccessLayer, Authority, Issuer, Rules};
use boot::GrpcServer;
use frontdesk_proto::booking::v1::booking_request_service_server::BookingRequestServiceServer;
use frontdesk_proto::booking::v1::customer_service_server::CustomerServiceServer;
use frontdesk_proto::booking::v1::property_service_server::PropertyServiceServer;
use pg::Database;
use pg::migrate::MigrationSet;
use tokio::net::TcpListener;
use tonic::service::{LayerExt, Routes};

pub use self::store::STATEMENTS;

/// The role that the service runs as.
pub const ROLE: &str = "frontdesk_booking";

/// The services of a server of booking.
pub const SERVICES: [&str; 3] = [
    "frontdesk.booking.v1.BookingRequestService",
    "frontdesk.booking.v1.PropertyService",
    "frontdesk.booking.v1.CustomerService",
];

/// Booking's part of the database.
pub static MIGRATIONS: MigrationSet = MigrationSet {
    name: "booking",
    history_table: "public.frontdesk_booking_migrations",
    migrations: &[(
        "V1__properties_requests_bookings_inventory",
        include_str!("../../../migrations/booking/V1__properties_requests_bookings_inventory.sql"),
    )],
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

/// Builds the server. The error is a sentence: a method has no access rule.
pub fn build<A: Authority>(config: Config<A>) -> Result<GrpcServer, String> {
    let Config { listener, database, issuer, authority } = config;
    let rules =
        Rules::of_services(&SERVICES).map_err(|missing| format!("access rules are missing: {missing}"))?;
    let layer = AccessLayer::new(rules, issuer, authority);
    let service = Arc::new(service::Booking { store: store::Store { db: database.clone() } });
    let routes = Routes::new(layer.named_layer(BookingRequestServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(PropertyServiceServer::from_arc(Arc::clone(&service))))
        .add_service(layer.named_layer(CustomerServiceServer::from_arc(service)));
    let ready: boot::ReadyCheck = Box::new(move || {
        let database = database.clone();
        Box::pin(async move { database.ping().await.map_err(|fault| fault.to_string()) })
    });
    Ok(GrpcServer { listener, services: SERVICES.to_vec(), routes, ready })
}
