//! The rules of the house, read from its files. No database, no network: what
//! they cannot see is in `tests/system`.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrows;
mod circles;
mod clock;
mod commands;
mod crates;
mod deploy;
mod documents;
mod environment;
mod field_comments;
mod known;
mod migrations;
mod names;
mod policies;
mod printing;
mod recipes;
mod rooms;
mod runbook;
mod scopes;
mod settings;
mod sizes;
mod source;
mod sql_files;
mod supply;
mod texts;
mod variables;
