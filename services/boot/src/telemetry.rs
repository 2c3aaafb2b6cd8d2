//! What a process tells about itself while it runs. What is worth telling, the
//! parts decide.

mod log;
pub(crate) mod metrics;

pub use self::log::Log;
