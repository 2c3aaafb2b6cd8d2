//! A gRPC server as every service of ours runs it: health that follows the
//! service's readiness, reflection v1 and v1alpha, keepalive, a stop in steps.

use std::time::Duration;

use frontdesk_proto::{ErrorReason, Refusal};
use futures::{FutureExt, StreamExt};
use tonic::Status;
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::pages::Pages;
use crate::reflection::with_reflection;
use crate::{InProcess, Listener, Metrics, Observe, Origins, Readiness, ServeError, Stop};

/// How often the service is asked whether it is ready.
const CHECK_EVERY: Duration = Duration::from_secs(1);

/// Most calls at once on a connection. One more waits at whoever calls, for as long as the
/// others last.
pub const MAX_CALLS: u32 = 1000;
/// Bytes of a request that may be under way in one call. A call that takes its time to
/// read keeps as many of the connection's, which has room for all calls: they come over
/// few connections, and must not wait for each other.
const STREAM_WINDOW: u32 = 128 * 1024;

/// A gRPC server that is about to run.
pub struct GrpcServer {
    /// Where it listens.
    pub listener: Listener,
    /// Full names of the services.
    services: Vec<&'static str>,
    /// The services, with their access layer, health and reflection.
    routes: Routes,
    reporter: HealthReporter,
    /// The same without the port.
    within: InProcess,
    /// Whether the service can do its work.
    pub readiness: Readiness,
    /// What each call goes through.
    observe: Observe,
    /// Origins whose pages may call it without the gateway.
    pages: Origins,
    /// What is counted.
    pub metrics: Metrics,
}

impl std::fmt::Debug for GrpcServer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("GrpcServer").field("services", &self.services).finish_non_exhaustive()
    }
}

/// What a server answers.
#[derive(Debug)]
pub struct Services {
    /// Their full names.
    pub names: Vec<&'static str>,
    /// How they are called, with their access layer.
    pub routes: Routes,
    /// What each call goes through.
    pub observe: Observe,
    /// Origins whose pages may call it without the gateway.
    pub pages: Origins,
}

impl GrpcServer {
    /// A server of these services. It is called by other parts of its process from now on, and
    /// over its port when it serves.
    pub fn new(listener: Listener, services: Services, readiness: Readiness, metrics: Metrics) -> Self {
        let Services { names: services, routes, observe, pages } = services;
        let (reporter, health) = tonic_health::server::health_reporter();
        let health = health.accept_compressed(CompressionEncoding::Gzip);
        // It begins as one that serves, without having asked. Nobody else knows of it yet, so
        // there is nothing to wait for.
        let says_no = reporter.set_service_status("", ServingStatus::NotServing);
        let said = tokio::task::unconstrained(says_no).now_or_never();
        debug_assert!(said.is_some(), "somebody else knows of it");
        let routes = with_the_rest_refused(routes, &services).add_service(health);
        let routes = with_reflection(routes, &services);
        let within = InProcess::new(routes.clone(), observe.clone());
        Self { listener, services, routes, reporter, within, readiness, observe, pages, metrics }
    }

    /// The server for other parts of its process.
    pub fn within(&self) -> InProcess {
        self.within.clone()
    }

    /// Serves until the stop, and until calls in progress and background tasks have come
    /// to their end or are cut off. However it ends, no task is left.
    pub async fn serve(self, stop: Stop) -> Result<(), ServeError> {
        let Self { listener, services, routes, reporter, within, readiness, observe, pages, metrics: _ } =
            self;
        let background = readiness.background().clone();
        let tasks = background.stop().clone().drop_guard();
        let _until_the_end = within.until_dropped();
        let watch = tokio::spawn(report_health(reporter, services.clone(), readiness, stop.clone()));
        // The builder's own setting does not reach a listener that was bound before.
        let Listener { tcp, tls } = listener;
        let incoming = TcpIncoming::from(tcp).with_nodelay(Some(true));
        let guests = observe.guests.clone();
        let incoming = incoming.filter_map(move |accepted| {
            std::future::ready(match accepted {
                Ok(stream) => guests.welcome(stream, tls.as_ref()).map(Ok),
                Err(error) => Some(Err(error)),
            })
        });
        // Browsers speak HTTP/1.1 where there is no TLS.
        let serving = connections()
            .accept_http1(!pages.is_empty())
            .layer(Pages::of(pages))
            .layer(observe.clone())
            .add_routes(routes)
            .serve_with_incoming_shutdown(incoming, stop.ending().clone().cancelled_owned());
        tokio::pin!(serving);
        let ended = tokio::select! {
            result = &mut serving => Some(result),
            () = stop.ending().cancelled() => None,
        };
        drop(tasks);
        // What ends by itself has its time, too.
        stop.begin();
        let served = async {
            let ends = async {
                let result = match ended {
                    Some(result) => result,
                    None => serving.await,
                };
                within.drained().await;
                result
            };
            match stop.cut().run_until_cancelled(ends).await {
                Some(result) => {
                    tracing::info!(?services, "stopped; no call was cut off");
                    result
                }
                None => {
                    observe.tell_of_cut(&services);
                    Ok(())
                }
            }
        };
        let (result, ()) = tokio::join!(served, background.join(stop.cut().cancelled()));
        watch.abort();
        Ok(result?)
    }
}

/// How connections are used.
fn connections() -> Server {
    Server::builder()
        .max_concurrent_streams(MAX_CALLS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(MAX_CALLS * STREAM_WINDOW)
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(20)))
}

/// Says which services there are to whoever asks for another one, most likely at the port
/// of the wrong part.
fn with_the_rest_refused(mut routes: Routes, services: &[&str]) -> Routes {
    let sentence = format!(
        "This server has no such service; it has {}. Another part has the others, and the gateway leads to all.",
        services.join(", ")
    );
    let refuse = move || {
        let status = Status::from(Refusal::new(ErrorReason::RouteNotFound, sentence.clone()));
        std::future::ready(status.into_http::<Body>())
    };
    let known = std::mem::take(routes.axum_router_mut());
    *routes.axum_router_mut() = known.fallback(refuse);
    routes
}

async fn report_health(
    mut reporter: HealthReporter,
    services: Vec<&'static str>,
    readiness: Readiness,
    stop: Stop,
) {
    let all = || services.iter().copied().chain([""]);
    let mut last: Option<Result<(), String>> = None;
    loop {
        let leaving = stop.leaving().is_cancelled();
        let now = if leaving { Err("stopping".to_owned()) } else { readiness.ready().await };
        if last.as_ref() != Some(&now) {
            let status = match &now {
                Ok(()) => {
                    tracing::info!(?services, "ready");
                    ServingStatus::Serving
                }
                Err(missing) => {
                    if !leaving {
                        tracing::warn!(?services, missing, "not ready");
                    }
                    ServingStatus::NotServing
                }
            };
            for service in all() {
                reporter.set_service_status(service, status).await;
            }
            last = Some(now);
        }
        if leaving {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK_EVERY) => {}
            () = stop.leaving().cancelled() => {}
        }
    }
    stop.ending().cancelled().await;
    // So that streams of whoever watches it end.
    for service in all() {
        reporter.clear_service_status(service).await;
    }
}

#[cfg(test)]
mod tests {
    use tonic::transport::Endpoint;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus as WireStatus;
    use tonic_health::pb::health_client::HealthClient;

    use std::net::SocketAddr;
    use std::path::Path;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::guests::Guests;
    use crate::{Background, Cleartext, Form, Listen, Setting, Settings, StopPolicy, Unset, Version, bind};

    async fn server(stop: &Stop) -> (GrpcServer, SocketAddr) {
        let room = Background::new(stop.ending().clone());
        room.every(CHECK_EVERY, "hangs", std::future::pending::<Result<(), String>>);
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let readiness = Readiness::new(room);
        let (routes, observe, metrics) = (Routes::default(), Observe::of(&[]), Metrics::default());
        let services = Services { names: Vec::new(), routes, observe, pages: Origins::default() };
        (GrpcServer::new(listener.into(), services, readiness, metrics), addr)
    }

    async fn client(addr: SocketAddr) -> HealthClient<tonic::transport::Channel> {
        HealthClient::new(Endpoint::try_from(format!("http://{addr}")).unwrap().connect().await.unwrap())
    }

    #[tokio::test]
    async fn a_server_that_leaves_says_so_and_goes_on_then_ends_what_watches_it() {
        let stop =
            Stop::new(StopPolicy { delay: Duration::from_millis(300), limit: Duration::from_millis(200) });
        let (server, addr) = server(&stop).await;
        let serving = tokio::spawn(server.serve(stop.clone()));
        let mut client = client(addr).await;
        let mut watch = client.watch(HealthCheckRequest::default()).await.unwrap().into_inner();
        let status = |answer: tonic_health::pb::HealthCheckResponse| answer.status();
        while status(watch.message().await.unwrap().unwrap()) != WireStatus::Serving {}
        stop.begin();
        assert_eq!(status(watch.message().await.unwrap().unwrap()), WireStatus::NotServing);
        let mut another = self::client(addr).await;
        let asked = another.check(HealthCheckRequest::default()).await.unwrap().into_inner();
        assert_eq!(status(asked), WireStatus::NotServing, "it takes calls as before");
        stop.ending().cancelled().await;
        assert!(watch.message().await.unwrap().is_none(), "the stream has its end");
        serving.await.unwrap().unwrap();
        assert!(TcpStream::connect(addr).await.is_err());
    }

    /// Whether a server that is connected to closes the connection, whatever it says.
    async fn is_closed(mut stream: TcpStream) -> bool {
        let mut said = Vec::new();
        tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut said)).await.is_ok()
    }

    /// A listener that speaks TLS by a certificate in this folder.
    async fn with_tls(folder: &Path) -> Listener {
        static LISTEN: Setting = Setting {
            name: "X_LISTEN",
            form: Form::Listen,
            unset: Unset::Refused,
            example: "x",
            meaning: "X.",
            secret: false,
        };
        let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (folder.join("tls.crt"), folder.join("tls.key"));
        std::fs::write(&certificate, pair.cert.pem()).unwrap();
        std::fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
        let files = [("TLS_CERTIFICATE", certificate), ("TLS_KEY", key)];
        let set = files.map(|(name, file)| (name, file.into_os_string()));
        let mut settings = Settings::of(set.into_iter().chain([("X_LISTEN", "127.0.0.1:0".into())]));
        let clear = Cleartext::read(&mut settings);
        Listen::read(&mut settings, &LISTEN, clear).unwrap().open(Listener::GRPC).await.unwrap()
    }

    #[tokio::test]
    async fn who_says_nothing_is_let_go_and_who_has_spoken_may_rest() {
        let folder = std::env::temp_dir().join(format!("frontdesk-silence-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let patience = Duration::from_millis(200);
        for tls in [false, true] {
            let (mut server, _) = server(&stop).await;
            if tls {
                server.listener = with_tls(&folder).await;
            }
            let addr = server.listener.tcp.local_addr().unwrap();
            server.observe.guests = Guests::of(9, 9, patience);
            let scraped = server.observe.metrics("test");
            let serving = tokio::spawn(server.serve(stop.clone()));
            let mut rests = if tls { None } else { Some(client(addr).await) };
            let silent = TcpStream::connect(addr).await.unwrap();
            assert!(is_closed(silent).await, "it said nothing (TLS: {tls})");
            // The beginning of a handshake is not yet one, nor is that of a preface.
            let mut begun = TcpStream::connect(addr).await.unwrap();
            begun.write_all(if tls { b"\x16\x03\x01" } else { b"PRI * HTTP/2.0" }).await.unwrap();
            assert!(is_closed(begun).await, "it did not go on (TLS: {tls})");
            if let Some(client) = &mut rests {
                client.check(HealthCheckRequest::default()).await.unwrap();
            }
            let told = scraped.text(Version { number: "1", commit: "1" }, &[], &[]);
            assert!(told.contains("frontdesk_grpc_connections_silent_total{part=\"test\"} 2"), "{told}");
            serving.abort();
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[tokio::test]
    async fn so_many_are_let_in_at_once() {
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let (mut server, addr) = server(&stop).await;
        server.observe.guests = Guests::of(9, 2, Duration::from_mins(1));
        let serving = tokio::spawn(server.serve(stop.clone()));
        let first = client(addr).await;
        let _second = TcpStream::connect(addr).await.unwrap();
        assert!(is_closed(TcpStream::connect(addr).await.unwrap()).await, "the third of a client");
        drop(first);
        // The server has to hear of it.
        let again = async {
            let endpoint = Endpoint::try_from(format!("http://{addr}")).unwrap();
            while HealthClient::new(endpoint.connect_lazy())
                .check(HealthCheckRequest::default())
                .await
                .is_err()
            {}
        };
        tokio::time::timeout(Duration::from_secs(5), again).await.unwrap();
        serving.abort();
    }

    #[tokio::test]
    async fn calls_and_tasks_share_one_limit_at_the_stop() {
        let limit = Duration::from_millis(400);
        let stop = Stop::new(StopPolicy { delay: Duration::ZERO, limit });
        let (server, addr) = server(&stop).await;
        let serving = tokio::spawn(server.serve(stop.clone()));
        drop(client(addr).await);
        let stopped = tokio::time::Instant::now();
        stop.begin();
        serving.await.unwrap().unwrap();
        let took = stopped.elapsed();
        assert!(took >= limit && took < limit + CHECK_EVERY, "{took:?}");
    }

    #[tokio::test]
    async fn tasks_end_with_a_server_that_ends_without_a_stop() {
        let stop = Stop::new(StopPolicy::AT_ONCE);
        let (server, _) = server(&stop).await;
        let tasks = server.readiness.background().stop().clone();
        let serving = tokio::spawn(server.serve(stop.clone()));
        tokio::task::yield_now().await;
        assert!(!tasks.is_cancelled());
        serving.abort();
        assert!(serving.await.unwrap_err().is_cancelled());
        assert!(tasks.is_cancelled() && !stop.ending().is_cancelled());
    }
}
