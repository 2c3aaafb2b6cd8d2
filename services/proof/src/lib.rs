//! Orders in which the statements of calls of booking and identity can reach Postgres: each is
//! tried, on a real server, and what comes of it is held against what the calls do one after the
//! other. Nothing depends on time: a stepper on the wire holds each statement until it is let go,
//! and the locks say who waits for whom.
//!
//! What is tried, and what is not, says ARCHITECTURE.md, "What is proven".

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
mod wire;
pub mod worker;
pub mod world;
