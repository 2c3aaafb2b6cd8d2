//! How a process starts, observes and stops: settings, log, listening, gRPC
//! serving with health and reflection, request ids, deadlines, draining. What
//! the process serves is not known here.

mod client_address;
mod grpc;
mod log;
mod observe;
pub mod request_id;
mod settings;
mod shutdown;

pub use self::client_address::{FORWARDED_FOR, TrustedProxies, TrustedProxiesError};
pub use self::grpc::{GrpcServer, ReadyCheck, ServeError, bind};
pub use self::log::init as init_log;
pub use self::observe::{Observe, record_tenant};
pub use self::settings::{Settings, SettingsError};
pub use self::shutdown::{DRAIN_LIMIT, on_signal};
