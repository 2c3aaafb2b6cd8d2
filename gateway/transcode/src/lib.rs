//! JSON over HTTP to protobuf over gRPC and back, by descriptors alone: which
//! method a path means, which bytes a JSON body is, which JSON an answer is.
//! No I/O, no async, no message objects; sockets and headers are the gateway's.
//!
//! ```
//! use http::Method;
//! use transcode::{Style, Transcoder};
//!
//! let pool = frontdesk_proto::descriptors();
//! let service = "frontdesk.booking.v1.BookingRequestService";
//! let transcoder = Transcoder::new(pool, &[service], Style::FRONTDESK).unwrap();
//! let found = transcoder.route(&Method::POST, "/v1/booking-requests/7/approve").unwrap();
//! assert_eq!(found.grpc_path(), "/frontdesk.booking.v1.BookingRequestService/ApproveBookingRequest");
//! let mut wire = Vec::new();
//! found.request(None, br#"{"internal_note":"ok"}"#, None, &mut wire).unwrap();
//! assert_eq!(wire, b"\x12\x02ok\x0a\x017");
//! let json = found.renderer().json(b"\x12\x017").unwrap();
//! assert!(json.starts_with(br#"{"booking_request_id":"","booking_id":"7","#));
//! ```

mod bind;
mod binding;
mod error;
pub mod grpc_web;
mod json;
mod mask;
mod messages;
mod parse;
mod plan;
mod render;
mod router;
mod rule;
mod scalar;
mod template;
mod time;
mod transcoder;
mod wire;

pub use self::binding::{Binding, Takes};
pub use self::error::{InputError, OutputError, RouteError, RuleError};
pub use self::messages::Messages;
pub use self::plan::{Style, short_name};
pub use self::render::{Answer, Renderer};
pub use self::template::check as check_template;
pub use self::transcoder::{Match, Transcoder};

#[cfg(test)]
mod tests;
