//! Identity, booking and gateway in one process, as `frontdesk serve` and `frontdesk dev` run
//! them. Each listens on its own port; among each other they call without one, so that a call
//! is one piece of work from the client's connection to the database's.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use access::{Issuer, RemoteIdentity};
use boot::{AdminPort, GrpcServer, InForce, Listener, Metrics, Readiness, Stop, StopPolicy, TrustedProxies};
use gateway::Gateway;
use identity::MasterKey;
use pg::Database;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use upstream::Upstream;

use crate::Failure;
use crate::version::VERSION;

/// How long those that a server calls wait for its end before theirs begins: for a request
/// whose body is on its way. What does not end by itself, such as an import, ends when that of
/// the service begins, which is not to be kept for long.
const MOST_AHEAD: Duration = Duration::from_secs(3);

/// What to run and where.
#[derive(Debug)]
pub struct Parts {
    /// A migrated database; each service switches to its own role and has a pool of its own.
    pub database: pg::Config,
    /// Seals signing keys and signs refresh tokens.
    pub master_key: MasterKey,
    /// Where identity listens.
    pub identity: Listener,
    /// Where booking listens.
    pub booking: Listener,
    /// Where the gateway listens.
    pub gateway: Listener,
    /// How they behave.
    pub policies: Policies,
    /// How they call each other.
    pub calls: Calls,
    /// How they stop.
    pub stop: StopPolicy,
}

/// How the parts of a system call each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Calls {
    /// Without a connection.
    #[default]
    InProcess,
    /// As roles do that run apart: by their ports, which have to be in the clear.
    OverSockets,
}

/// How each part behaves, as far as operators decide it.
#[derive(Debug, Default)]
pub struct Policies {
    /// Who issues tokens, for whom.
    pub issuer: Issuer,
    /// How strict identity is.
    pub identity: identity::Policy,
    /// How booking behaves.
    pub booking: booking::Policy,
    /// How the gateway behaves.
    pub gateway: gateway::Policy,
}

/// A running system.
#[derive(Debug)]
pub struct System {
    /// Where identity listens.
    pub identity: SocketAddr,
    /// Where booking listens.
    pub booking: SocketAddr,
    /// Where the gateway listens.
    pub gateway: SocketAddr,
    readiness: Readiness,
    metrics: Metrics,
    stops: Stops,
    stop: StopPolicy,
    drained: CancellationToken,
    servers: JoinSet<Result<(), Failure>>,
}

/// The stop of each server.
#[derive(Debug, Clone)]
struct Stops {
    gateway: Ending,
    booking: Ending,
    identity: Ending,
}

/// The stop of one server, and whether it has come to its end.
#[derive(Debug, Clone)]
struct Ending {
    stop: Stop,
    /// Set when the server runs no more, however it ended.
    ended: CancellationToken,
}

/// The servers before they run.
struct Servers {
    identity: GrpcServer,
    booking: GrpcServer,
    gateway: Gateway,
}

impl System {
    /// Starts the three servers and returns when the gateway, which speaks no TLS, says that it
    /// is ready.
    pub async fn start(parts: Parts) -> Result<Self, Failure> {
        let mut system = Box::pin(Self::run(parts)).await?;
        system.ready().await?;
        Ok(system)
    }

    /// Starts the three servers. Whoever is called by another one is there before it.
    pub async fn run(parts: Parts) -> Result<Self, Failure> {
        let Parts { database, master_key, identity, booking, gateway, policies, calls, stop } = parts;
        let Policies { issuer, identity: of_identity, booking: of_booking, gateway: of_gateway } = policies;
        let stops = Stops::new(stop);
        let [identity_addr, booking_addr, gateway_addr] =
            [addr(&identity)?, addr(&booking)?, addr(&gateway)?];

        let identity_server = identity::build(
            identity::Config {
                listener: identity,
                database: open(&database, identity::ROLE, "frontdesk-identity")?,
                master_key,
                issuer: issuer.clone(),
                policy: calls.trusting(of_identity),
            },
            stops.identity.stop.ending(),
        )
        .await
        .map_err(Failure::new)?;
        let booking_config = booking::Config {
            listener: booking,
            database: open(&database, booking::ROLE, "frontdesk-booking")?,
            issuer,
            authority: RemoteIdentity::new(calls.upstream(&identity_server, identity_addr)?),
            policy: of_booking,
        };
        let booking_server =
            booking::build(booking_config, stops.booking.stop.ending()).map_err(Failure::new)?;
        let gateway_config = gateway::Config {
            listener: gateway,
            identity: calls.upstream(&identity_server, identity_addr)?,
            booking: calls.upstream(&booking_server, booking_addr)?,
            policy: of_gateway,
            version: VERSION,
        };
        let gateway_server = Gateway::new(gateway_config, &stops.gateway.stop).map_err(Failure::new)?;

        let servers = Servers { identity: identity_server, booking: booking_server, gateway: gateway_server };
        Ok(Self {
            identity: identity_addr,
            booking: booking_addr,
            gateway: gateway_addr,
            readiness: servers.readiness(),
            metrics: servers.metrics(),
            servers: servers.run(&stops),
            stops,
            stop,
            drained: CancellationToken::new(),
        })
    }

    /// Whether all of them can do their work.
    pub fn readiness(&self) -> Readiness {
        self.readiness.clone()
    }

    /// What all of them count.
    pub fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    /// Returns when a server ends, which none should before the stop.
    pub async fn ended(&mut self) -> Result<(), Failure> {
        match self.servers.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(Failure::new(error)),
            None => Ok(()),
        }
    }

    /// Answers on the operator port until the servers have drained; `settings` are those
    /// that the process goes by.
    pub fn answer_operators(&self, listener: TcpListener, settings: InForce) {
        let (readiness, metrics) = (self.readiness.clone(), self.metrics.clone());
        let port = AdminPort { listener, readiness, metrics, version: VERSION, name: "frontdesk", settings };
        tokio::spawn(port.serve(self.stops.gateway.stop.leaving().clone(), self.drained.clone()));
    }

    /// Stops the servers: all say so and go on, then they end one after another, so that each
    /// takes the calls of those before it as long as they have any. Waits until they have
    /// drained.
    pub async fn stop(mut self) -> Result<(), Failure> {
        for server in self.stops.in_order() {
            server.stop.leave();
        }
        // Unless one ends by itself meanwhile, which is the first that went wrong.
        let early = tokio::time::timeout(self.stop.delay, self.ended()).await;
        let result = self.end().await;
        early.unwrap_or(Ok(())).and(result)
    }

    /// The same without the time in which others learn of it, for one that does not work.
    pub async fn stop_at_once(mut self) -> Result<(), Failure> {
        self.end().await
    }

    async fn end(&mut self) -> Result<(), Failure> {
        let began = Instant::now();
        for server in self.stops.in_order() {
            let left = self.stop.limit.saturating_sub(began.elapsed());
            server.stop.begin_within(left);
            // Whatever it has under way may still call those that end after it.
            let waits = MOST_AHEAD.min(left / 2);
            if tokio::time::timeout(waits, server.ended.cancelled()).await.is_err() {
                tracing::debug!("a server still has calls while those that it calls end");
            }
        }
        // All of them, whatever one has failed with.
        let mut result = Ok(());
        while let Some(ended) = self.servers.join_next().await {
            result = result.and(ended.map_err(Failure::new).flatten());
        }
        self.drained.cancel();
        result
    }

    async fn ready(&mut self) -> Result<(), Failure> {
        let url = format!("http://{}/readyz", self.gateway);
        // Over plain HTTP, so that no certificate of this machine is read.
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]);
        let client = client.build().map_err(Failure::new)?;
        let mut last = String::new();
        for _ in 0..500 {
            match client.get(&url).send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => last = answer.text().await.map_err(Failure::new)?,
                Err(error) => last = error.to_string(),
            }
            tokio::select! {
                result = self.servers.join_next() => {
                    if let Some(joined) = result {
                        joined.map_err(Failure::new)??;
                    }
                    return Err(Failure::new("a server ended while starting"));
                }
                () = tokio::time::sleep(Duration::from_millis(20)) => {}
            }
        }
        Err(Failure::new(format!("the services did not become ready within 10 s: {last}")))
    }
}

impl Calls {
    /// A service, for those that call it.
    fn upstream(self, service: &GrpcServer, addr: SocketAddr) -> Result<Upstream, Failure> {
        match self {
            Self::InProcess => Ok(Upstream::in_process(service.within())),
            Self::OverSockets => addr.to_string().parse().map_err(Failure::new),
        }
    }

    /// How strict identity is: what calls it over a connection from this machine may be the
    /// gateway. Besides it only their word about an address counts who are named.
    fn trusting(self, policy: identity::Policy) -> identity::Policy {
        let proxies = policy.trusted_proxies.clone().inside();
        let trusted_proxies = match self {
            Self::InProcess => proxies,
            Self::OverSockets => proxies.and(TrustedProxies::loopback()),
        };
        identity::Policy { trusted_proxies, ..policy }
    }
}

impl Servers {
    /// Whether all of them can do their work.
    fn readiness(&self) -> Readiness {
        let of = |service: &GrpcServer| service.listener.noted_by(service.readiness.clone());
        of(&self.identity).with_part(of(&self.booking)).with_part(self.gateway.readiness())
    }

    /// What all of them count.
    fn metrics(&self) -> Metrics {
        let of = |service: &GrpcServer, part| service.metrics.clone().and(service.listener.metrics(part));
        of(&self.identity, "identity").and(of(&self.booking, "booking")).and(self.gateway.metrics())
    }

    fn run(self, stops: &Stops) -> JoinSet<Result<(), Failure>> {
        let Self { identity, booking, gateway } = self;
        let mut running = JoinSet::new();
        for (server, of) in [(identity, &stops.identity), (booking, &stops.booking)] {
            let (stop, ended) = (of.stop.clone(), of.ended.clone().drop_guard());
            running.spawn(async move {
                let _ended = ended;
                server.serve(stop).await.map_err(Failure::new)
            });
        }
        let ended = stops.gateway.ended.clone().drop_guard();
        running.spawn(async move {
            let _ended = ended;
            gateway.serve().await;
            Ok(())
        });
        running
    }
}

impl Stops {
    /// Of servers that end one after another, so that none has a delay of its own.
    fn new(policy: StopPolicy) -> Self {
        let policy = StopPolicy { delay: Duration::ZERO, ..policy };
        let [gateway, booking, identity] =
            std::array::from_fn(|_| Ending { stop: Stop::new(policy), ended: CancellationToken::new() });
        Self { gateway, booking, identity }
    }

    /// Whoever calls others ends before them.
    fn in_order(&self) -> [Ending; 3] {
        let Self { gateway, booking, identity } = self.clone();
        [gateway, booking, identity]
    }
}

fn addr(listener: &Listener) -> Result<SocketAddr, Failure> {
    listener.tcp.local_addr().map_err(Failure::new)
}

fn open(database: &pg::Config, role: &'static str, name: &'static str) -> Result<Database, Failure> {
    database.clone().open(role, name).map_err(Failure::new)
}
