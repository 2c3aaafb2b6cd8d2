//! Reflection v1 and v1alpha over the descriptors of this build. Few ask for it, and what
//! it answers from takes longer to make than the rest of a start, so it is made when
//! somebody asks.

use std::convert::Infallible;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll};

use frontdesk_proto::DESCRIPTOR_SET;
use http::{Request, Response};
use tonic::body::Body;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::server::NamedService;
use tonic::service::Routes;
use tonic_reflection::server::Builder;
use tower::Service;

/// A service that is made at its first call.
struct AtFirstCall<S>(Arc<LazyLock<S, Box<dyn FnOnce() -> S + Send>>>);

/// The descriptors of reflection itself, which are in none of the sets that it tells of: v1 and
/// v1alpha, encoded.
pub const REFLECTION_SETS: [&[u8]; 2] =
    [tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET, tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET];

/// Adds reflection of these services, and of their health.
#[allow(clippy::expect_used)]
pub fn with_reflection(routes: Routes, services: &[&'static str]) -> Routes {
    const READS: &str = "the embedded descriptor sets were encoded by the compiler";
    let (v1, v1alpha) = (builder(services), builder(services));
    routes
        .add_service(AtFirstCall::new(move || v1.build_v1().expect(READS).accept_compressed(Gzip)))
        .add_service(AtFirstCall::new(move || v1alpha.build_v1alpha().expect(READS).accept_compressed(Gzip)))
}

fn builder(services: &[&'static str]) -> Builder<'static> {
    let builder = Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .with_service_name("grpc.health.v1.Health");
    services.iter().fold(builder, |builder, service| builder.with_service_name(*service))
}

impl<S> AtFirstCall<S> {
    fn new(make: impl FnOnce() -> S + Send + 'static) -> Self {
        Self(Arc::new(LazyLock::new(Box::new(make))))
    }
}

impl<S> Clone for AtFirstCall<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: NamedService> NamedService for AtFirstCall<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<Request<Body>> for AtFirstCall<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = S::Future;

    /// As generated servers are at any time.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        S::clone(&self.0).call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_descriptors_are_read() {
        let name = "frontdesk.identity.v1.AuthService";
        assert!(builder(&[name]).build_v1().is_ok());
        assert!(builder(&[name]).build_v1alpha().is_ok());
    }
}
