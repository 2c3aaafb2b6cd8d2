//! The whole system over real sockets and a Postgres of its own per test, by
//! subject. What needs no database is in `tests/house`.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod declared;
mod fixture;

/// Requests, bookings and what decides about them.
mod booking {
    mod actors;
    mod approve;
    mod auto_decline;
    mod blocks;
    mod bookings;
    pub mod covered;
    mod create;
    mod cursors;
    mod customer_changes;
    mod customer_import;
    mod customer_import_stream;
    mod customers;
    mod decline;
    mod etags;
    mod evidence;
    pub mod feed_order;
    mod feed_replicas;
    mod foreign;
    mod foreign_lists;
    mod foreign_rows;
    mod found_inconsistencies;
    mod fulfilment;
    mod hammer;
    mod hazards;
    pub mod heard;
    mod history;
    mod holds;
    mod huge_texts;
    mod idempotency_keys;
    mod inconsistencies;
    mod inconsistent_rows;
    mod layouts;
    mod lists;
    mod long_stays;
    mod new_bookings;
    mod new_request;
    mod properties;
    mod races;
    mod resolutions;
    mod rival;
    mod round_trips;
    mod stay_rules;
    mod stay_steps;
    mod stored_facts;
    mod transitions;
    mod waits;
    mod watch;
    mod watchers;
    mod windows;
}

/// Who is calling, and who manages whom.
mod identity {
    mod altered_columns;
    mod api_keys;
    mod audit_log;
    mod changes;
    mod forged_tokens;
    mod introspection;
    mod login;
    mod login_limits;
    mod members;
    mod passwords;
    mod refresh_tokens;
    mod revocation;
    mod roles;
    mod sessions;
    mod signing_keys;
    mod trusted_issuers;
    mod users;
}

/// The edge as HTTP.
mod gateway {
    mod bodies;
    mod browser_sessions;
    mod compression;
    mod conditional_requests;
    mod cors;
    mod deadlines;
    mod grpc;
    mod headers;
    mod health;
    mod openapi;
    mod parameters;
    mod routes;
    mod sizes;
    mod slow_clients;
    mod upstreams;
}

/// The program `frontdesk` as somebody runs it.
mod program {
    mod dev;
    mod doctor;
    mod log;
    mod migrate;
    mod operator_commands;
    mod operator_port;
    mod path;
    mod repair;
    pub mod run;
    mod settings;
    mod smoke;
    mod statement;
    mod token;
}

/// What holds for all parts together.
mod whole {
    mod altered_columns;
    mod crashes;
    mod faults;
    mod fields;
    mod made;
    mod moves;
    mod plans;
    mod policy;
    mod schema;
    pub mod schema_drift;
    mod statements;
    mod storms;
}
