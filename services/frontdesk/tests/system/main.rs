//! The whole system over real sockets and a Postgres of its own per test.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod approving;
mod arrows;
mod attacks;
mod checkup;
mod edge;
mod evidence;
mod faults;
mod fixture;
mod garbage;
mod hammer;
mod hazards;
mod issuers;
mod life;
mod limits;
mod lists;
mod management;
mod operators;
mod policy;
mod races;
mod schema;
mod sessions;
mod start;
mod tours;
mod turns;
mod watch;
