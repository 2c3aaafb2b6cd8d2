//! One role per process, or all of them in one. What a role reads and serves is in its crate;
//! here are only the steps of a start.

use std::net::SocketAddr;

use access::RemoteIdentity;
use boot::{
    AdminPort, GrpcServer, InForce, Listener, Log, Metrics, Readiness, Settings, Stop, StopPolicy,
    Supervisor, Traces,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::migrate::SETS;
use crate::settings::Source;
use crate::system::{Calls, Parts, Policies, System};
use crate::version::VERSION;
use crate::{Failure, migrate};

/// What every role has beside its own settings.
struct Process {
    stop: Stop,
    /// The operator port, if it is on.
    admin: Option<TcpListener>,
    supervisor: Supervisor,
    /// As it is called in traces and on the operator port.
    name: &'static str,
    settings: InForce,
}

/// `frontdesk identity`.
pub async fn identity(source: &Source) -> Result<(), Failure> {
    let (process, environment) =
        Process::start(source, "frontdesk-identity", identity::Environment::read).await?;
    let identity::Environment { listen, database, issuer, master_key, policy } = environment;
    migrate::check(&database.url, &identity::MIGRATIONS).await?;
    let (addr, listener) = (listen.addr, listen.open(Listener::GRPC).await.map_err(Failure::new)?);
    let database = database.open(identity::ROLE, "frontdesk-identity").map_err(Failure::new)?;
    let config = identity::Config { listener, database, master_key, issuer, policy };
    let server = identity::build(config, process.stop.ending()).await.map_err(Failure::new)?;
    tracing::info!(%addr, "identity listens");
    process.serve_grpc(server, "identity").await
}

/// `frontdesk booking`.
pub async fn booking(source: &Source) -> Result<(), Failure> {
    let (process, environment) =
        Process::start(source, "frontdesk-booking", booking::Environment::read).await?;
    let booking::Environment { listen, database, issuer, identity, policy } = environment;
    let authority = RemoteIdentity::new(identity.open().map_err(Failure::new)?);
    migrate::check(&database.url, &booking::MIGRATIONS).await?;
    let (addr, listener) = (listen.addr, listen.open(Listener::GRPC).await.map_err(Failure::new)?);
    let database = database.open(booking::ROLE, "frontdesk-booking").map_err(Failure::new)?;
    let config = booking::Config { listener, database, issuer, authority, policy };
    let server = booking::build(config, process.stop.ending()).map_err(Failure::new)?;
    tracing::info!(%addr, "booking listens");
    process.serve_grpc(server, "booking").await
}

/// `frontdesk gateway`.
pub async fn gateway(source: &Source) -> Result<(), Failure> {
    let (process, environment) =
        Process::start(source, "frontdesk-gateway", gateway::Environment::read).await?;
    let gateway::Environment { listen, identity, booking, policy } = environment;
    let (identity, booking) = (identity.open().map_err(Failure::new)?, booking.open().map_err(Failure::new)?);
    let (addr, listener) = (listen.addr, listen.open(Listener::HTTP).await.map_err(Failure::new)?);
    let config = gateway::Config { listener, identity, booking, policy, version: VERSION };
    let server = gateway::Gateway::new(config, &process.stop).map_err(Failure::new)?;
    tracing::info!(%addr, "gateway listens");
    let (readiness, metrics) = (server.readiness(), server.metrics());
    let serving = async {
        server.serve().await;
        Ok(())
    };
    process.serve(readiness, metrics, serving).await
}

/// `frontdesk serve`: all roles in one process.
pub async fn serve(source: &Source) -> Result<(), Failure> {
    let (process, all) = Process::start(source, "frontdesk", All::read).await?;
    let All { identity, booking, gateway } = all;
    let identity::Environment { listen: identity_listen, database, issuer, master_key, policy } = identity;
    for set in SETS {
        migrate::check(&database.url, set).await?;
    }
    let listens = [identity_listen.addr, booking.listen.addr, gateway.listen.addr];
    let parts = Parts {
        database,
        master_key,
        identity: identity_listen.open(Listener::GRPC).await.map_err(Failure::new)?,
        booking: booking.listen.open(Listener::GRPC).await.map_err(Failure::new)?,
        gateway: gateway.listen.open(Listener::HTTP).await.map_err(Failure::new)?,
        policies: Policies { issuer, identity: policy, booking: booking.policy, gateway: gateway.policy },
        calls: Calls::InProcess,
        stop: process.stop.policy(),
    };
    let mut system = Box::pin(System::run(parts)).await?;
    for (name, addr) in ["identity", "booking", "gateway"].into_iter().zip(listens) {
        tracing::info!(%addr, "{name} listens");
    }
    let (readiness, metrics) = (system.readiness(), system.metrics());
    let stop = process.stop.clone();
    let serving = async move {
        let ended = tokio::select! {
            () = stop.leaving().cancelled() => return system.stop().await,
            ended = system.ended() => ended,
        };
        // Without one of them nobody is to be kept here, and the supervisor is told.
        stop.leave();
        let failure = ended.err().unwrap_or_else(|| Failure::new("a server ended by itself"));
        // What else breaks meanwhile mostly comes of it.
        if let Err(further) = system.stop_at_once().await {
            tracing::error!(error = %further, "another server failed as well");
        }
        Err(failure)
    };
    process.serve(readiness, metrics, serving).await
}

/// What all roles read where none has to be told where the others are.
pub struct All {
    identity: identity::Environment,
    booking: booking::Environment<()>,
    gateway: gateway::Environment<()>,
}

impl All {
    /// Reads every setting of all roles.
    pub fn read(settings: &mut Settings) -> Option<Self> {
        let identity = identity::Environment::read(settings);
        let booking = booking::Environment::read_within(settings);
        let gateway = gateway::Environment::read_within(settings);
        Some(Self { identity: identity?, booking: booking?, gateway: gateway? })
    }
}

/// Reads what a role needs: its own settings, and those of every process.
pub fn read<T>(
    role: impl FnOnce(&mut Settings) -> Option<T>,
) -> impl FnOnce(&mut Settings) -> Option<Role<T>> {
    move |settings| {
        let own = role(settings);
        let log = Log::read(settings);
        let traces = Traces::read(settings);
        let admin = AdminPort::read(settings);
        let stop = StopPolicy::read(settings);
        let supervisor = Supervisor::read(settings);
        let in_force = settings.in_force();
        Some(Role { own: own?, log: log?, traces: traces?, admin, stop: stop?, supervisor, in_force })
    }
}

/// The settings of a role.
pub struct Role<T> {
    own: T,
    log: Log,
    traces: Traces,
    admin: Option<SocketAddr>,
    stop: StopPolicy,
    supervisor: Supervisor,
    in_force: InForce,
}

/// Takes the address of the operator port.
pub async fn operator_port(addr: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = boot::bind(addr).await.map_err(Failure::new)?;
    tracing::info!(%addr, "the operator port listens");
    Ok(listener)
}

impl Process {
    /// Reads the settings and starts the log. From then on a signal is a stop.
    async fn start<T>(
        source: &Source,
        name: &'static str,
        role: impl FnOnce(&mut Settings) -> Option<T>,
    ) -> Result<(Self, T), Failure> {
        let Role { own, log, traces, admin, stop, supervisor, in_force: settings } =
            source.read(read(role))?;
        log.start().map_err(Failure::new)?;
        traces.start(name).map_err(Failure::new)?;
        let stop = Stop::on_signal(stop).map_err(Failure::new)?;
        let admin = match admin {
            Some(addr) => Some(operator_port(addr).await?),
            None => None,
        };
        Ok((Self { stop, admin, supervisor, name, settings }, own))
    }

    async fn serve_grpc(self, server: GrpcServer, part: &'static str) -> Result<(), Failure> {
        let readiness = server.listener.noted_by(server.readiness.clone());
        let metrics = server.metrics.clone().and(server.listener.metrics(part));
        let stop = self.stop.clone();
        self.serve(readiness, metrics, async { server.serve(stop).await.map_err(Failure::new) }).await
    }

    /// Serves until the last call is drained; the operator port answers as long.
    async fn serve(
        self,
        readiness: Readiness,
        metrics: Metrics,
        serving: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let end = CancellationToken::new();
        let Self { name, stop, admin, supervisor, settings } = self;
        let port = admin.map(|listener| {
            let port = AdminPort { listener, readiness, metrics, version: VERSION, name, settings };
            tokio::spawn(port.serve(stop.leaving().clone(), end.clone()))
        });
        supervisor.serving();
        tokio::spawn(async move {
            stop.leaving().cancelled().await;
            supervisor.stopping();
        });
        let result = serving.await;
        end.cancel();
        if let Some(port) = port {
            port.await.map_err(Failure::new)?;
        }
        Traces::send().await;
        result
    }
}
