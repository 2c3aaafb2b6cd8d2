//! What a process tells about itself while it runs. What is worth telling, the
//! parts decide.

pub(crate) mod context;
pub(crate) mod figures;
mod filter;
mod line;
mod lines;
mod log;
pub(crate) mod metrics;
mod otlp;
pub(crate) mod tracer;
mod writer;

pub use self::figures::{Count, Seconds, UnderWay};
pub use self::log::Log;
pub use self::metrics::{Labels, Metrics, Scrape};
pub use self::tracer::Traces;
