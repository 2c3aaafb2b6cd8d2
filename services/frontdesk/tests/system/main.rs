//! The whole system over real sockets and a Postgres of its own per test, by
//! subject. What needs no database is in `tests/house`.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alterations;
mod authenticator;
mod cluster;
mod declared;
mod figures;
mod fixture;
mod mailbox;
mod pages;
mod security_key;
mod waits;

/// Requests, bookings and what decides about them.
mod booking {
    mod actors;
    mod altered_rules;
    mod approve;
    mod approve_across_tenants;
    mod approve_together;
    mod auto_decline;
    mod blocks;
    mod bookings;
    mod create;
    mod cursors;
    mod customer_changes;
    mod customer_import;
    mod customer_import_ends;
    mod customer_import_stream;
    mod customers;
    mod decline;
    mod deleted_tenants;
    mod etags;
    mod evidence;
    pub mod feed_order;
    mod feed_plans;
    mod feed_replicas;
    mod feed_trouble;
    mod foreign_holds;
    mod foreign_lists;
    mod foreign_records;
    pub mod foreign_rows;
    mod found_inconsistencies;
    mod fulfilment;
    mod hammer;
    mod hazards;

    /// What several of them need: rows of other programs, sessions in the way, imports,
    /// streams that are listened to, and what must hold after any run.
    pub mod help {
        pub mod covered;
        pub mod crowd;
        pub mod decisions;
        pub mod dice;
        pub mod foreign;
        pub mod import;
        pub mod inconsistent_rows;
        pub mod new_request;
        pub mod relay;
        pub mod rival;
        pub mod watcher;
    }

    mod history;
    mod holds;
    mod huge_texts;
    mod idempotency_keys;
    mod inconsistencies;
    mod layouts;
    mod lists;
    mod lists_of_one;
    mod lock_waits;
    mod long_stays;
    mod lost_numbers;
    mod new_bookings;
    mod old_events;
    mod own_bookings;
    mod properties;
    mod races;
    mod reads_together;
    mod resolutions;
    mod round_trips;
    mod row_ends;
    mod stay_rules;
    mod stay_steps;
    mod stored_facts;
    mod transitions;
    mod watch;
    mod watchers;
    mod windows;
}

/// Who is calling, and who manages whom.
mod identity {
    mod altered_columns;
    mod api_key_addresses;
    mod api_keys;
    mod audit_export;
    mod audit_log;
    mod changes;
    mod client_assertions;
    mod client_ends;
    pub mod client_tokens;
    pub mod delegation;
    mod email;
    mod factor_letters;
    mod factor_limits;
    mod factor_races;
    mod factors;
    mod foreign_tokens;
    mod forged_tokens;
    mod introspection;
    mod invitation_letters;
    mod invitations;
    mod kept_me;
    mod kept_me_at_the_prompt;
    mod late_messages;
    mod lock_order;
    mod login;
    mod login_limits;
    mod mail;
    mod mail_webhook;
    pub mod members;
    mod operators_offers;
    mod passkey_alone;
    mod passkey_enrolment;
    mod passkeys;
    mod passwords;
    mod recovery;
    mod recovery_codes;
    mod refresh_tokens;
    mod revocation;
    mod roles;
    mod sessions;
    mod signing_keys;
    mod step_up;
    mod still_held;
    mod still_held_over;
    mod tenant_deletion;
    pub mod tenant_purge;
    mod tenants;
    mod tenants_overdue;
    pub mod trusted_issuers;
    mod unheard;
    mod user_links;
    mod users;
    pub mod view_as;
}

/// The edge as HTTP.
mod gateway {
    mod bodies;
    mod browser_sessions;
    mod compression;
    mod conditional_requests;
    mod connect;
    mod connections;
    mod cors;
    mod created;
    mod deadlines;
    mod event_streams;
    mod grpc;
    mod grpc_gzip;
    mod headers;
    mod health;
    mod limits;
    mod messages;
    mod openapi;
    mod own_services;
    mod parameters;
    mod parts_of_answers;
    mod routes;
    mod runbook;
    mod sizes;
    mod slow_clients;
    mod stop;
    mod strictness;
    mod supabase;
    mod upstreams;
}

/// The program `frontdesk` as somebody runs it.
mod program {
    mod chaos;
    mod cures;
    mod dev;
    mod dev_settings;
    mod doctor;
    mod failover;
    mod log;
    mod log_readers;
    mod logins;
    mod lost_master_key;
    mod master_key;
    mod metrics;
    mod migrate;
    mod operator_commands;
    mod operator_port;
    mod path;
    mod pooled;
    mod release;
    pub mod repair;
    mod repair_altered;
    mod repair_besides;
    mod repair_indexes;
    mod roles;
    mod rolling;
    pub mod run;
    mod runbook;
    mod serve;
    mod settings;
    mod smoke;
    mod statement;
    mod stopping;
    mod tls;
    mod token;
    mod traces;
    mod units;
}

/// What holds for all parts together.
mod whole {
    mod altered_columns;
    mod altered_reads;
    pub mod backups;
    pub mod crashes;
    mod direct_pages;
    mod faults;
    mod fields;
    mod floods;
    mod flushed_numbers;
    mod in_process;
    mod made;
    mod plans;
    mod policy;
    mod restored_databases;
    mod rights;
    mod schema;
    pub mod schema_drift;
    mod silent_database;
    mod statements;
}
