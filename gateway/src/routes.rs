//! The routes of the API, compiled from the descriptors: no path is written here.

use frontdesk_proto::{MethodContract, descriptors};
use transcode::{RuleError, Style, Transcoder};

use crate::call::upstreams;

/// The descriptor set has annotations that cannot work.
#[derive(Debug, thiserror::Error)]
#[error("routes cannot be built: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct RoutesError(pub Vec<RuleError>);

/// The query parameter that says which fields of an answer are shown.
const READ_MASK: &str = "fields";

/// Compiles the routes. Every path under `/v1` is there under `/api/v1` as well;
/// answers name the path that the caller used.
pub fn compile() -> Result<Transcoder, RoutesError> {
    let transcoder = Transcoder::new(descriptors(), &upstreams::names(), Style::FRONTDESK);
    transcoder
        .and_then(|routes| routes.with_alias("/api/v1", "/v1"))
        .and_then(|routes| routes.with_read_mask(READ_MASK))
        .and_then(|routes| routes.with_created(|method| MethodContract::of(method).created))
        .map_err(RoutesError)
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::call::upstreams::Upstreams;

    #[test]
    fn what_get_calls_may_be_called_again() {
        let upstreams = Upstreams::nowhere();
        let routes = compile().unwrap();
        let reads = routes.bindings().iter().filter(|binding| binding.http_method() == Method::GET);
        for binding in reads {
            let found = routes.route(&Method::GET, &binding.template().replace(['{', '}'], "")).unwrap();
            let idempotent = upstreams.of_path(found.grpc_path()).unwrap().idempotent;
            assert!(idempotent, "{} has no idempotency_level", found.grpc_path());
        }
    }
}
