//! The whole system over real sockets and a Postgres of its own per test.

mod approving;
mod arrows;
mod fixture;
mod garbage;
mod lists;
mod policy;
mod races;
mod schema;
mod sessions;
mod start;
mod tours;
