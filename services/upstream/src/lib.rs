//! Connections to a service beside this one: several addresses, several HTTP/2
//! connections to each, of which a call takes one that works. Names are resolved
//! again while calls come, and addresses whose service does not serve, whose calls fail, or
//! that say nothing, are passed over. A service that is a part of the same process is called
//! without any of that. What is called is not known here.

mod answer;
mod balance;
mod callee;
mod check;
mod choice;
mod client;
mod clock;
mod conduct;
mod connection;
mod dial;
mod endpoint;
mod figures;
mod health;
mod local;
mod pool;
mod reach;
mod resolve;

pub use self::balance::{Unreachable, Upstream};
pub use self::callee::Callee;
pub use self::check::check;
pub use self::health::Health;
pub use self::resolve::{UpstreamError, setting};
