//! JSON over HTTP to protobuf over gRPC and back, by descriptors alone: which
//! method a path means, which bytes a JSON body is, which JSON an answer is.
//! No I/O, no async, no message objects; sockets and headers are the gateway's.
//!
//! ```
//! use http::Method;
//! use prost_reflect::DescriptorPool;
//! use transcode::{Style, Transcoder};
//!
//! let mut compiler = protox::Compiler::new(["tests/protos"]).unwrap();
//! compiler.include_imports(true).open_file("rental.proto").unwrap();
//! let pool = DescriptorPool::decode(&*compiler.encode_file_descriptor_set()).unwrap();
//!
//! let transcoder = Transcoder::new(&pool, &["rental.BookingRequests"], Style::FRONTDESK).unwrap();
//! let transcoder = transcoder.with_alias("/api/v1", "/v1").unwrap();
//! let found = transcoder.route(&Method::POST, "/api/v1/booking-requests/7/approve").unwrap();
//! assert_eq!(found.grpc_path(), "/rental.BookingRequests/Approve");
//! let mut wire = Vec::new();
//! found.request(None, br#"{"internal_note":"ok"}"#, None, &mut wire).unwrap();
//! assert_eq!(wire, b"\x12\x02ok\x0a\x017");
//! let json = found.renderer().json(b"\x12\x017").unwrap();
//! assert!(json.starts_with(br#"{"booking_request_id":"","booking_id":"7","#));
//! ```

mod bind;
mod binding;
mod error;
mod escape;
pub mod grpc_web;
mod json;
mod mask;
mod messages;
mod near;
mod parse;
mod plan;
mod prefix;
mod read_mask;
mod render;
mod router;
mod rule;
mod scalar;
mod style;
mod template;
mod time;
mod transcoder;
mod wire;

pub use self::binding::{Binding, Takes};
pub use self::error::{InputError, OutputError, RouteError, RuleError};
pub use self::messages::{Messages, ReadMask};
pub use self::read_mask::MAX_READ_MASK;
pub use self::render::{Answer, Renderer};
pub use self::style::{Style, short_name};
pub use self::template::check as check_template;
pub use self::transcoder::{Match, Parts, Transcoder};
