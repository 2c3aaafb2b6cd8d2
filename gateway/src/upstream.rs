//! Which service answers which gRPC path.

use std::collections::HashMap;

use frontdesk_proto::descriptors;
use tonic::transport::Channel;

/// The services behind the gateway.
#[derive(Debug, Clone)]
pub struct Upstreams {
    identity: Channel,
    booking: Channel,
    by_service: HashMap<String, Role>,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Identity,
    Booking,
}

impl Upstreams {
    pub fn new(identity: Channel, booking: Channel) -> Self {
        let by_service = descriptors()
            .services()
            .filter_map(|service| {
                let role = match service.package_name() {
                    "frontdesk.identity.v1" => Role::Identity,
                    "frontdesk.booking.v1" => Role::Booking,
                    _ => return None,
                };
                Some((service.full_name().to_owned(), role))
            })
            .collect();
        Self { identity, booking, by_service }
    }

    /// Full names of all services.
    pub fn services(&self) -> Vec<&str> {
        self.by_service.keys().map(String::as_str).collect()
    }

    /// The channel for `/package.Service/Method`.
    pub fn of_path(&self, path: &str) -> Option<Channel> {
        let (service, method) = path.strip_prefix('/')?.split_once('/')?;
        if method.is_empty() || method.contains('/') {
            return None;
        }
        Some(match self.by_service.get(service)? {
            Role::Identity => self.identity.clone(),
            Role::Booking => self.booking.clone(),
        })
    }

    /// Each service with its name.
    pub fn named(&self) -> [(&'static str, Channel); 2] {
        [("identity", self.identity.clone()), ("booking", self.booking.clone())]
    }
}
