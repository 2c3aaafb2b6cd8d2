//! Which service answers which gRPC path.

use std::collections::HashMap;
use std::sync::LazyLock;

use boot::Stop;
use frontdesk_proto::descriptors;
use http::Uri;
use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use upstream::Upstream;

use super::ending::Streams;

/// The services behind the gateway.
#[derive(Debug)]
pub struct Upstreams {
    identity: Upstream,
    booking: Upstream,
    by_path: HashMap<String, Method>,
    stop: Stop,
}

/// Where a method is called.
#[derive(Debug)]
pub struct Target<'u> {
    pub upstream: &'u Upstream,
    /// Whether calling it twice is the same as once.
    pub idempotent: bool,
    pub uri: &'u Uri,
    /// Whether its answer is a stream.
    pub streams: Option<&'u Streams>,
}

#[derive(Debug)]
struct Method {
    role: Role,
    idempotent: bool,
    /// Its path, read once: a call takes a clone and copies nothing.
    uri: Uri,
    streams: Option<Streams>,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Identity,
    Booking,
}

impl Upstreams {
    /// Streams end at the stop.
    pub fn new(identity: Upstream, booking: Upstream, stop: &Stop) -> Self {
        let by_path = services()
            .flat_map(|(service, role)| {
                service.methods().map(move |method| (method, role)).collect::<Vec<_>>()
            })
            .filter_map(|(method, role)| {
                let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
                let uri = path.parse().ok()?;
                let (idempotent, streams) = (is_idempotent(&method), Streams::of(&method, stop));
                Some((path, Method { role, idempotent, uri, streams }))
            })
            .collect();
        Self { identity, booking, by_path, stop: stop.clone() }
    }

    /// Where `/package.Service/Method` is called.
    pub fn of_path(&self, path: &str) -> Option<Target<'_>> {
        let method = self.by_path.get(path)?;
        let upstream = match method.role {
            Role::Identity => &self.identity,
            Role::Booking => &self.booking,
        };
        let Method { role: _, idempotent, uri, streams } = method;
        Some(Target { upstream, idempotent: *idempotent, uri, streams: streams.as_ref() })
    }

    /// Whether this gateway says that it is not ready, because it stops.
    pub fn are_left(&self) -> bool {
        self.stop.leaving().is_cancelled()
    }

    /// Each service with its name.
    pub fn named(&self) -> [(&'static str, &Upstream); 2] {
        [("identity", &self.identity), ("booking", &self.booking)]
    }
}

/// Full names of all services.
pub fn names() -> Vec<&'static str> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| services().map(|(service, _)| service.full_name().to_owned()).collect());
    NAMES.iter().map(String::as_str).collect()
}

fn services() -> impl Iterator<Item = (ServiceDescriptor, Role)> {
    descriptors().services().filter_map(|service| {
        let role = match service.package_name() {
            "frontdesk.identity.v1" => Role::Identity,
            "frontdesk.booking.v1" => Role::Booking,
            _ => return None,
        };
        Some((service, role))
    })
}

/// Methods say so in their options.
fn is_idempotent(method: &MethodDescriptor) -> bool {
    let options = method.options();
    let level = options.get_field_by_name("idempotency_level");
    level.and_then(|level| level.as_enum_number()).is_some_and(|level| level > 0)
}
