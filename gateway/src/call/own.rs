//! The services of gRPC that the gateway has itself: reflection (v1 and v1alpha) of all that it
//! leads to, and their health. As on the ports of the services, whoever asks need not say who
//! they are: what reflection tells is in `/openapi.json` as well, and health is in `/readyz`.
//!
//! Streams of strangers, which would last for as long as they like, are so many at most.

mod health;

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use boot::{AtOnce, FORWARDED_FOR, Full, REFLECTION_SETS, Stop, UNREADABLE, client_of, with_reflection};
use frontdesk_proto::{ErrorReason, Refusal};
use futures::StreamExt;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, BodyStream, StreamBody};
use prost_reflect::DescriptorPool;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_health::pb::FILE_DESCRIPTOR_SET;
use tonic_health::pb::health_server::HealthServer;
use upstream::Upstream;

use self::health::Healths;
use super::body::MAX_REST;
use super::shape::Shape;
use crate::answer::access_log::{By, Streamed};

/// Most streams of these services at once, and most of one client.
const MOST: usize = 256;
const MOST_OF_ONE: usize = 32;

/// Most bytes of a question about health, which is one name.
const MAX_MESSAGE: usize = 4 * 1024;

/// The services.
#[derive(Debug)]
pub struct Own {
    routes: Routes,
    shapes: HashMap<String, Shape>,
    under_way: AtOnce<IpAddr>,
    stop: Stop,
}

/// A method of theirs.
#[derive(Debug)]
pub struct OwnMethod<'o> {
    pub shape: &'o Shape,
    own: &'o Own,
}

/// The messages of these services that are written as JSON, too.
pub fn descriptors() -> Vec<DescriptorPool> {
    let read = |set: &[u8]| {
        DescriptorPool::decode(set)
            .map_err(
                |error| tracing::error!(%error, "the descriptors of health or reflection cannot be read"),
            )
            .ok()
    };
    [FILE_DESCRIPTOR_SET].into_iter().chain(REFLECTION_SETS).filter_map(read).collect()
}

impl Own {
    /// Beside services that are somewhere, each with the names of its gRPC services.
    pub fn new(behind: [(Upstream, Vec<String>); 2], names: &[&'static str], stop: &Stop) -> Self {
        let health = HealthServer::new(Healths::new(behind, stop));
        let health = health.max_decoding_message_size(MAX_MESSAGE);
        let routes = with_reflection(Routes::default().add_service(health), names);
        let shapes = shapes().collect();
        Self { routes, shapes, under_way: AtOnce::new(MOST, MOST_OF_ONE), stop: stop.clone() }
    }

    /// What is known of the method with this path.
    pub fn shape(&self, path: &str) -> Option<&Shape> {
        self.shapes.get(path)
    }

    /// The method with this path.
    pub fn of_path(&self, path: &str) -> Option<OwnMethod<'_>> {
        self.shape(path).map(|shape| OwnMethod { shape, own: self })
    }
}

impl OwnMethod<'_> {
    /// Answers a call, whose stream ends when the gateway stops.
    pub async fn call(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let Own { routes, under_way, stop, .. } = self.own;
        // What answers once is soon over, and must not wait for streams that last.
        let place = if self.shape.streams() {
            Some(under_way.take(Some(client_of(client(request.headers())))).map_err(full)?)
        } else {
            None
        };
        let request = if self.shape.takes_stream {
            let ends = stop.ending().clone().cancelled_owned();
            request.map(|body| Body::new(StreamBody::new(BodyStream::new(body).take_until(Box::pin(ends)))))
        } else {
            request
        };
        let Ok(mut response) = routes.clone().call(request).await;
        // They look at what is there, and have no other fault of their own.
        let status = Status::from_header_map(response.headers());
        if status.is_some_and(|status| matches!(status.code(), Code::Internal | Code::OutOfRange)) {
            return Err(unread());
        }
        let extensions = response.extensions_mut();
        extensions.insert(By::Gateway);
        if self.shape.streams() {
            extensions.insert(Streamed);
        }
        // Until its answer has ended.
        let held = move |frame| {
            let _ = &place;
            frame
        };
        Ok(response.map(|body| Body::new(body.map_frame(held))))
    }
}

fn shapes() -> impl Iterator<Item = (String, Shape)> {
    let services = descriptors().into_iter().flat_map(|pool| pool.services().collect::<Vec<_>>());
    services.flat_map(|service| service.methods().collect::<Vec<_>>()).map(|method| {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        // Nothing is changed by a look at it, and anybody may have one, although its options do
        // not say so.
        (path, Shape { only_reads: true, most: MAX_REST, ..Shape::of(&method) })
    })
}

fn unread() -> Refusal {
    let sentence = "The message cannot be read as one of this method. Send one message in one frame, as gRPC has it, of a few KiB at most.";
    Refusal::new(ErrorReason::MalformedRequest, sentence)
}

/// The client whom the edge has named.
fn client(headers: &HeaderMap) -> IpAddr {
    let named = headers.get(FORWARDED_FOR).and_then(|value| value.to_str().ok());
    named.and_then(|text| text.parse().ok()).unwrap_or(UNREADABLE)
}

fn full(full: Full) -> Refusal {
    let again = Duration::from_secs(1);
    match full {
        Full::All(most) => Refusal::new(
            ErrorReason::Overloaded,
            format!("{most} streams of reflection and health are open already, the most that may be at once. This one was not begun; try again."),
        )
        .with("waits_for", "the gateway")
        .retry_after(again),
        Full::One(most) => Refusal::new(
            ErrorReason::TooManyCalls,
            format!("{most} streams of reflection and health are open from your address already, the most that one may have at once. This one was not begun: end some, then try again."),
        )
        .with("limit", most.to_string())
        .retry_after(again),
    }
}
