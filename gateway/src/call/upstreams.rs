//! Which service answers which gRPC path, and how many calls of one may be under way: a
//! service that hangs leaves the others room.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;

use boot::{AtOnce, Full, Place, Scrape, Stop};
use frontdesk_proto::{ErrorReason, Refusal, descriptors};
use http::Uri;
use prost_reflect::{DescriptorPool, MethodDescriptor, ServiceDescriptor};
use upstream::Upstream;

use super::ending::Streams;
use super::own::{self, Own, OwnMethod};
use super::retries::Retries;
use super::shape::Shape;

/// The services behind the gateway.
#[derive(Debug)]
pub struct Upstreams {
    identity: Service,
    booking: Service,
    by_path: HashMap<String, Method>,
    own: Own,
    /// The descriptors of all of these.
    pools: Vec<DescriptorPool>,
    stop: Stop,
}

/// A service behind the gateway.
#[derive(Debug)]
struct Service {
    name: &'static str,
    upstream: Upstream,
    under_way: AtOnce<()>,
    /// Its own: what one service lacks is not made up for by calls of the other.
    retries: Retries,
}

/// Where a method is called.
#[derive(Debug)]
pub struct Target<'u> {
    pub upstream: &'u Upstream,
    /// Whether calling it twice is the same as once.
    pub idempotent: bool,
    /// Whether it changes nothing.
    pub only_reads: bool,
    pub uri: &'u Uri,
    /// Whether its answer is a stream.
    pub streams: Option<&'u Streams>,
    service: &'u Service,
}

/// A call under way, until it is dropped.
pub type UnderWay = Place<()>;

#[derive(Debug)]
struct Method {
    role: Role,
    idempotent: bool,
    shape: Shape,
    /// Its path, read once: a call takes a clone and copies nothing.
    uri: Uri,
    streams: Option<Streams>,
}

/// Which service has a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Identity,
    Booking,
}

impl Upstreams {
    /// Of as many calls as may be under way, those of one service are three quarters.
    /// Streams end at the stop.
    pub fn new(identity: Upstream, booking: Upstream, most_calls: usize, stop: &Stop) -> Self {
        let most_of_one = most_calls - most_calls / 4;
        let service = |name, upstream| {
            let under_way = AtOnce::new(most_of_one, most_of_one);
            Service { name, upstream, under_way, retries: Retries::default() }
        };
        let of = |role| {
            services().filter(move |one| one.1 == role).map(|(service, _)| service.full_name().to_owned())
        };
        let behind = [
            (identity.clone(), of(Role::Identity).collect()),
            (booking.clone(), of(Role::Booking).collect()),
        ];
        Self {
            own: Own::new(behind, &names(), stop),
            identity: service("identity", identity),
            booking: service("booking", booking),
            by_path: services().flat_map(|(service, role)| Method::all_of(&service, role, stop)).collect(),
            pools: [descriptors().clone()].into_iter().chain(own::descriptors()).collect(),
            stop: stop.clone(),
        }
    }

    /// Where `/package.Service/Method` is called.
    pub fn of_path(&self, path: &str) -> Option<Target<'_>> {
        let method = self.by_path.get(path)?;
        let Method { role, idempotent, shape, uri, streams } = method;
        let service = match role {
            Role::Identity => &self.identity,
            Role::Booking => &self.booking,
        };
        let (upstream, streams) = (&service.upstream, streams.as_ref());
        let (idempotent, only_reads) = (*idempotent, shape.only_reads);
        Some(Target { upstream, idempotent, only_reads, uri, streams, service })
    }

    /// The descriptors of all that is called through the gateway.
    pub fn descriptors(&self) -> Vec<DescriptorPool> {
        self.pools.clone()
    }

    /// The method of a service of the gateway's own with this path.
    pub fn own_of_path(&self, path: &str) -> Option<OwnMethod<'_>> {
        self.own.of_path(path)
    }

    /// What is known of the method with this path, whoever has it. Of other paths this is
    /// known by a look at their first part: no service's name is without a dot.
    pub fn shape(&self, path: &str) -> Option<&Shape> {
        let (service, _) = path.strip_prefix('/')?.split_once('/')?;
        if !service.contains('.') {
            return None;
        }
        let behind = self.by_path.get(path).map(|method| &method.shape);
        behind.or_else(|| self.own.shape(path))
    }

    /// Whether this gateway says that it is not ready, because it stops.
    pub fn are_left(&self) -> bool {
        self.stop.leaving().is_cancelled()
    }

    /// Figures of the services.
    pub fn figures(&self, scrape: &mut Scrape) {
        for (name, upstream) in self.named() {
            upstream.figures(name, scrape);
        }
        let refused = [&self.identity, &self.booking].map(|service| service.under_way.refused().0);
        scrape.shed("service", refused.iter().sum());
        let help = "Calls that were not tried at another address, because so many had been already.";
        let spared = [&self.identity, &self.booking].map(|service| service.retries.spared());
        scrape.count("frontdesk_upstream_retries_spared_total", help, &[], spared.iter().sum());
    }

    /// Each service with its name.
    pub fn named(&self) -> [(&'static str, &Upstream); 2] {
        [&self.identity, &self.booking].map(|Service { name, upstream, .. }| (*name, upstream))
    }
}

#[cfg(test)]
impl Upstreams {
    /// Services that nobody can reach, with room for one call.
    pub fn nowhere() -> Self {
        let nowhere = || "127.0.0.1:1".parse().unwrap();
        Self::new(nowhere(), nowhere(), 1, &Stop::new(boot::StopPolicy::AT_ONCE))
    }

    /// The services of these descriptors, all at one address.
    pub fn of(pool: &DescriptorPool, at: Upstream, stop: &Stop) -> Self {
        let methods = pool.services().flat_map(|service| Method::all_of(&service, Role::Booking, stop));
        let (by_path, pools) = (methods.collect(), vec![pool.clone()]);
        Self { by_path, pools, ..Self::new(at.clone(), at, 1000, stop) }
    }
}

impl Method {
    /// Those of a service, by their paths.
    fn all_of(service: &ServiceDescriptor, role: Role, stop: &Stop) -> Vec<(String, Self)> {
        let of = |method: MethodDescriptor| {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let uri = path.parse().ok()?;
            let (idempotent, streams) = (is_idempotent(&method), Streams::of(&method, stop));
            Some((path, Self { role, idempotent, shape: Shape::of(&method), uri, streams }))
        };
        service.methods().filter_map(of).collect()
    }
}

impl Target<'_> {
    /// Room for a call, which is about to be made.
    pub fn room(&self) -> Result<UnderWay, Refusal> {
        self.service.retries.earn();
        self.service.under_way.take(None).map_err(|(Full::One(most) | Full::All(most))| {
            let service = self.service.name;
            let sentence = format!(
                "{most} calls wait for {service} already, the most that may. This one was not begun; try again."
            );
            Refusal::new(ErrorReason::Overloaded, sentence)
                .with("waits_for", service)
                .retry_after(Duration::from_secs(1))
        })
    }

    /// Whether it may be made once more, at another address.
    pub fn may_repeat(&self) -> bool {
        self.idempotent && self.upstream.is_several()
    }

    /// Whether there is still something left for that; it is taken then.
    pub fn repeats(&self) -> bool {
        self.service.retries.spend()
    }
}

/// Marks of what was revoked are for the services beside identity, not for callers.
const BETWEEN_SERVICES: &str = "frontdesk.identity.v1.RevocationService";

/// Full names of all services that are called through the gateway.
pub fn names() -> Vec<&'static str> {
    static NAMES: LazyLock<Vec<String>> =
        LazyLock::new(|| services().map(|(service, _)| service.full_name().to_owned()).collect());
    NAMES.iter().map(String::as_str).collect()
}

fn services() -> impl Iterator<Item = (ServiceDescriptor, Role)> {
    descriptors().services().filter(|service| service.full_name() != BETWEEN_SERVICES).filter_map(|service| {
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
