//! How a process starts, observes and stops: settings, log, listening, gRPC
//! serving with health and reflection, background tasks, the operator port,
//! request ids, deadlines, turns, draining. What the process serves is not known here.

mod admin;
mod answer_body;
mod at_once;
mod background;
mod bind;
mod call;
mod check;
mod client_address;
pub mod deadline;
mod grpc;
mod guests;
mod gzip;
mod in_process;
mod networks;
mod observe;
pub mod origins;
mod pages;
mod readiness;
mod reflection;
pub mod request_id;
mod rpc_figures;
mod runbook;
pub mod settings;
mod slow_readers;
mod stop;
mod supervisor;
mod telemetry;
mod tls;
mod turns;
mod unread;
mod version;

pub use self::admin::AdminPort;
pub use self::answer_body::{Ended, watched};
pub use self::at_once::{AtOnce, Full, Place};
pub use self::background::{Background, TaskState, Wake};
pub use self::bind::{ServeError, bind};
pub use self::call::{
    Call, TracedStatement, Whose, client, is_within, maybe_stored, named_client, note_caller, note_holder,
    note_only_reads, note_tenant, nothing_stored, peer, time_left, trace_statement, traceparent, whose_call,
};
pub use self::check::{Check, Finding, State};
pub use self::client_address::{
    FORWARDED_FOR, ProxyHeader, TRUSTED_PROXIES, TrustedProxies, TrustedProxiesError, UNREADABLE, client_of,
};
pub use self::grpc::{GrpcServer, MAX_CALLS, Services};
pub use self::in_process::{InProcess, Lost};
pub use self::networks::{Network, NotANetwork};
pub use self::observe::Observe;
pub use self::origins::{Origins, OriginsError};
pub use self::readiness::{Answer, Readiness};
pub use self::reflection::{REFLECTION_SETS, with_reflection};
pub use self::runbook::{Runbook, RunbookError};
pub use self::settings::{Form, InForce, Setting, Settings, SettingsError, Trimmed, Unset};
pub use self::slow_readers::while_read;
pub use self::stop::{Stop, StopPolicy};
pub use self::supervisor::Supervisor;
pub use self::telemetry::context::TRACEPARENT;
pub use self::telemetry::{Count, Labels, Log, Metrics, Scrape, Seconds, Traces, UnderWay};
pub use self::tls::{
    Accepted, Cleartext, ClientTls, ClientTlsFiles, FileStamps, Listen, Listener, ServerTls,
};
pub use self::turns::{NoTurn, Turn, TurnLimits, Turns};
pub use self::version::Version;
