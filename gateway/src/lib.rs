//! The HTTP edge: REST by descriptors, gRPC and gRPC-Web passed on, origins of
//! pages, and a few pages and surfaces of its own. It decides nothing by a
//! caller's credentials: tokens are passed on to the services, which verify them.
//! It handles two secrets itself: the publishable key that `/auth/v1` asks for, and
//! the refresh tokens that it keeps in cookies of pages. It knows no database.
//!
//! A request goes from left to right: `server` → `edge` → `protocol`, `surface`, `pages` or
//! `console` → `call` → `answer`.

mod answer;
mod call;
mod config;
mod console;
mod edge;
mod origin;
mod pages;
mod protocol;
mod routes;
mod server;
mod surface;

use boot::{Listener, Metrics, Readiness, Stop};

use self::call::upstreams::Upstreams;
pub use self::config::{
    BOOKING_ADDR, Config, Connections, Environment, IDENTITY_ADDR, Policy, SUPABASE_ANON_KEY, read_origins,
};
use self::edge::Edge;
pub use self::origin::{Hosts, HostsError, explain as explain_origin};
use self::pages::openapi::Texts;
use self::pages::{Pages, health};
pub use self::routes::RoutesError;
use self::server::Server;
use self::server::crowd::Crowd;
use self::surface::{oauth, session, supabase};

/// A gateway that is about to run.
#[derive(Debug)]
pub struct Gateway {
    listener: Listener,
    server: Server,
    readiness: Readiness,
}

/// The REST surface as an OpenAPI 3.1 document, in the words in which it is served.
pub fn openapi() -> Result<String, RoutesError> {
    routes::compile()
        .map(|transcoder| pages::openapi::text(&pages::openapi::document(&transcoder, Texts::OfRequests)))
}

/// A page of the runbook in Markdown, the list of all without a name.
pub fn runbook(page: Option<&str>) -> Option<String> {
    pages::runbook::text(page)
}

impl Gateway {
    /// Compiles the routes. It serves until `stop`.
    pub fn new(config: Config, stop: &Stop) -> Result<Self, RoutesError> {
        let Config { listener, identity, booking, policy, version } = config;
        let transcoder = routes::compile()?;
        let transcoder = transcoder
            .beside(&pages::PATHS)
            .beside(&console::PATHS)
            .beside(&session::PATHS)
            .beside(&supabase::PATHS)
            .beside(&oauth::PATHS);
        let upstreams = Upstreams::new(identity, booking, policy.most_calls, stop);
        tracing::info!(origins = %policy.origins, "CORS allowed origins");
        let readiness = listener.noted_by(health::readiness(&upstreams));
        let pages = Pages::new(version);
        let (connections, proxies) = (policy.connections, policy.trusted_proxies.clone());
        let edge = Edge::new(transcoder, pages, upstreams, policy);
        let crowd = Crowd::new(connections.of_client);
        let server = Server { edge, crowd, connections, proxies, stop: stop.clone() };
        Ok(Self { listener, server, readiness })
    }

    /// Whether the services behind it do their work.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// What is counted.
    pub fn metrics(&self) -> Metrics {
        let crowd = self.server.crowd.clone();
        let metrics = self.server.edge.metrics().and(self.listener.metrics("gateway"));
        metrics.with("gateway", move |scrape| crowd.figures(scrape))
    }

    /// Serves until the stop, and until requests in progress are answered or cut off.
    pub async fn serve(self) {
        self.server.serve(self.listener).await;
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;

    #[test]
    fn the_document_has_each_path_of_the_surfaces_and_no_other() {
        let document: serde_json::Value = serde_json::from_str(&openapi().unwrap()).unwrap();
        let described = |prefix: &str| -> Vec<(Method, String)> {
            let paths = document["paths"].as_object().unwrap().iter();
            let mut found: Vec<(Method, String)> = Vec::new();
            for (path, methods) in paths.filter(|(path, _)| path.starts_with(prefix)) {
                let methods = methods.as_object().unwrap().keys().filter(|name| *name != "servers");
                found.extend(methods.map(|name| (name.to_uppercase().parse().unwrap(), path.clone())));
            }
            found.sort_by_key(|(method, path)| (path.clone(), method.to_string()));
            found
        };
        for (prefix, paths) in [
            (supabase::PREFIX, &supabase::PATHS[..]),
            ("/console/", &session::PATHS[..]),
            ("/oauth/", &oauth::PATHS[..]),
        ] {
            let mut paths: Vec<(Method, String)> =
                paths.iter().map(|(method, path)| (method.clone(), (*path).to_owned())).collect();
            paths.sort_by_key(|(method, path)| (path.clone(), method.to_string()));
            assert_eq!(described(prefix), paths);
        }
    }
}
