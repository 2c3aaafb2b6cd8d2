//! The wire of Frontdesk and nothing else: messages, clients and servers
//! generated from the `.proto` files beside this crate, the descriptor set they
//! came from, what its options say (`contract`, `rule`, `reason`), the checks of
//! requests by them, and the form of a refusal. Who a caller is and what a call
//! does are not decided here.
//!
//! `tests/generated.rs` keeps `src/generated` current; `make generate` writes it.

mod check;
mod code;
mod codec;
mod contract;
mod format;
mod http_body;
mod limits;
pub mod paging;
mod reason;
mod refusal;
mod rule;
pub mod text;
mod trailers;
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_debug_implementations, unused_qualifications)]
mod generated {
    include!("generated/mod.rs");
}
#[rustfmt::skip]
#[allow(clippy::pedantic)]
mod checks {
    use crate::check::{Checked, Violations};
    use crate::limits::Limits;
    use crate::rest::v1::Format;
    use crate::ErrorReason;

    include!("generated/checks.rs");
}

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub use self::check::{Checked, Violations};
pub use self::code::code_name;
pub use self::codec::Codec;
pub use self::contract::{FieldContract, MAX_IDEMPOTENCY_KEY, MethodContract};
pub use self::format::time_zone;
pub use self::generated::frontdesk::{access, booking, error as reasons, identity, rest};
pub use self::generated::google::rpc;
pub use self::http_body::HttpBody;
pub use self::limits::Limits;
pub use self::reason::Wire;
pub use self::reasons::v1::ErrorReason;
pub use self::refusal::{DOMAIN, Refusal, Violation, reason_of, with_request_id};
pub use self::rule::{Aal, Rule, StepUp};
pub use self::trailers::mend_trailers;

/// Every `.proto` file with its imports and custom options, encoded as a
/// `google.protobuf.FileDescriptorSet`.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!("generated/descriptors.bin");

/// The decoded [`DESCRIPTOR_SET`].
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        #[allow(clippy::expect_used)]
        DescriptorPool::decode(DESCRIPTOR_SET)
            .expect("the embedded descriptor set was encoded by the compiler")
    });
    &POOL
}
