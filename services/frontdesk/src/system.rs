//! Identity, booking and gateway in one process, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use access::{Issuer, RemoteIdentity};
use boot::{AdminPort, GrpcServer, InForce, Metrics, Readiness, Stop, StopPolicy, TrustedProxies};
use gateway::Gateway;
use identity::MasterKey;
use pg::Database;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use upstream::Upstream;

use crate::Failure;
use crate::version::VERSION;

/// How long a server that stops leaves the services that it calls running; no call that
/// needs them comes later.
const HEAD_START: Duration = Duration::from_millis(500);

/// What to run and where.
#[derive(Debug)]
pub struct Parts {
    /// A migrated database; each service switches to its own role.
    pub database_url: String,
    /// Seals signing keys and signs refresh tokens.
    pub master_key: MasterKey,
    /// Where identity listens.
    pub identity: TcpListener,
    /// Where booking listens.
    pub booking: TcpListener,
    /// Where the gateway listens.
    pub gateway: TcpListener,
    /// How they behave.
    pub policies: Policies,
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
    drained: CancellationToken,
    servers: JoinSet<Result<(), Failure>>,
}

/// The stop of each server.
#[derive(Debug)]
struct Stops {
    gateway: Stop,
    booking: Stop,
    identity: Stop,
}

/// The servers before they run.
struct Servers {
    identity: GrpcServer,
    booking: GrpcServer,
    gateway: Gateway,
}

impl System {
    /// Starts the three servers and returns when the gateway says it is ready.
    pub async fn start(parts: Parts) -> Result<Self, Failure> {
        let Parts { database_url, master_key, identity, booking, gateway, policies } = parts;
        // The gateway is on this machine; besides it only their word about an address counts
        // who are named.
        let trusted_proxies = policies.identity.trusted_proxies.inside().and(TrustedProxies::loopback());
        let policy = identity::Policy { trusted_proxies, ..policies.identity };
        let addr = |listener: &TcpListener| listener.local_addr().map_err(Failure::new);
        let (identity_addr, booking_addr, gateway_addr) =
            (addr(&identity)?, addr(&booking)?, addr(&gateway)?);
        let stops = Stops::default();
        let issuer = policies.issuer;
        let upstream = |addr: SocketAddr| addr.to_string().parse::<Upstream>().map_err(Failure::new);

        let identity_server = identity::build(
            identity::Config {
                listener: identity.into(),
                database: open(&database_url, identity::ROLE, "frontdesk-identity")?,
                master_key,
                issuer: issuer.clone(),
                policy,
            },
            stops.identity.ending(),
        )
        .await
        .map_err(Failure::new)?;
        let booking_config = booking::Config {
            listener: booking.into(),
            database: open(&database_url, booking::ROLE, "frontdesk-booking")?,
            issuer,
            authority: RemoteIdentity::new(upstream(identity_addr)?),
            policy: policies.booking,
        };
        let booking_server = booking::build(booking_config, stops.booking.ending()).map_err(Failure::new)?;
        let gateway_config = gateway::Config {
            listener: gateway.into(),
            identity: upstream(identity_addr)?,
            booking: upstream(booking_addr)?,
            policy: policies.gateway,
            version: VERSION,
        };
        let gateway_server = Gateway::new(gateway_config, &stops.gateway).map_err(Failure::new)?;

        let servers = Servers { identity: identity_server, booking: booking_server, gateway: gateway_server };
        let mut system = Self {
            identity: identity_addr,
            booking: booking_addr,
            gateway: gateway_addr,
            readiness: servers.readiness(),
            metrics: servers.metrics(),
            servers: servers.run(&stops),
            stops,
            drained: CancellationToken::new(),
        };
        system.ready().await?;
        Ok(system)
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
        tokio::spawn(port.serve(self.stops.gateway.leaving().clone(), self.drained.clone()));
    }

    /// Stops the servers one after another, so that each takes the calls of those before
    /// it for a while, and waits until they have drained.
    pub async fn stop(mut self) -> Result<(), Failure> {
        let Stops { gateway, booking, identity } = &self.stops;
        for stop in [gateway, booking, identity] {
            stop.begin();
            if !self.servers.is_empty()
                && let Ok(Some(ended)) = tokio::time::timeout(HEAD_START, self.servers.join_next()).await
            {
                ended.map_err(Failure::new)??;
            }
        }
        while let Some(ended) = self.servers.join_next().await {
            ended.map_err(Failure::new)??;
        }
        self.drained.cancel();
        Ok(())
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

impl Servers {
    /// Whether all of them can do their work.
    fn readiness(&self) -> Readiness {
        let services = self.identity.readiness.clone().with_part(self.booking.readiness.clone());
        services.with_part(self.gateway.readiness())
    }

    /// What all of them count.
    fn metrics(&self) -> Metrics {
        self.identity.metrics.clone().and(self.booking.metrics.clone()).and(self.gateway.metrics())
    }

    fn run(self, stops: &Stops) -> JoinSet<Result<(), Failure>> {
        let Self { identity, booking, gateway } = self;
        let mut running = JoinSet::new();
        for (server, stop) in [(identity, &stops.identity), (booking, &stops.booking)] {
            let stop = stop.clone();
            running.spawn(async move { server.serve(stop).await.map_err(Failure::new) });
        }
        running.spawn(async move {
            gateway.serve().await;
            Ok(())
        });
        running
    }
}

impl Default for Stops {
    fn default() -> Self {
        let [gateway, booking, identity] = std::array::from_fn(|_| Stop::new(StopPolicy::AT_ONCE));
        Self { gateway, booking, identity }
    }
}

fn open(url: &str, role: &'static str, name: &'static str) -> Result<Database, Failure> {
    let config = pg::Config { url: url.to_owned(), pool_size: pg::Config::DEFAULT_POOL_SIZE };
    config.open(role, name).map_err(Failure::new)
}
