//! The whole system over real sockets and a Postgres of its own per test, by
//! subject. What needs no database is in `tests/house`.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod fixture;

/// Requests, bookings and what decides about them.
mod booking {
    mod approve;
    mod evidence;
    mod hammer;
    mod hazards;
    mod life;
    mod lists;
    mod races;
    mod round_trips;
    mod watch;
}

/// Who is calling, and who manages whom.
mod identity {
    mod attacks;
    mod login_limits;
    mod management;
    mod sessions;
    mod trusted_issuers;
}

/// The edge as HTTP.
mod gateway {
    mod edge;
    mod garbage;
}

/// The program `frontdesk` as somebody runs it.
mod program {
    mod checkup;
    mod operator_commands;
    mod start;
}

/// What holds for all parts together.
mod whole {
    mod faults;
    mod policy;
    mod schema;
    mod tours;
}
