//! Orders in which the statements of calls of booking and identity can reach Postgres: they are
//! run on a real server, and what comes of each is held against what the calls do one after the
//! other. A stepper on the wire holds each statement until it is let go, and the locks say who
//! waits for whom, so that an order depends on time only where the machine stands still for longer
//! than a call waits for a lock.
//!
//! ARCHITECTURE.md says what is tried and what is not, in "What is proven".

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a proof that cannot go on says where")]

mod answer;
mod broken;
pub mod call;
pub mod calls;
pub mod check;
pub mod drawn;
pub mod explore;
pub mod forged;
pub mod model;
mod people;
pub mod run;
mod service;
mod site;
pub mod states;
mod stepper;
mod stored;
mod versions;
mod wire;
pub mod worker;
pub mod world;
