//! What a process tells about itself while it runs. What is worth telling, the
//! parts decide.

mod filter;
mod line;
mod lines;
mod log;
pub(crate) mod metrics;
mod writer;

pub use self::log::Log;
