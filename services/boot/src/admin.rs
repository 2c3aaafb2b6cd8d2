//! The operator port: how this process is, for probes and for monitoring, apart
//! from the port that callers use. It is off unless `ADMIN_LISTEN` is set and
//! asks nobody who they are, so it belongs on loopback or on a network of its
//! own.
//!
//! `/livez` says that the process runs, `/readyz` whether it can do its work,
//! `/metrics` what Prometheus collects, `/version` which build it is, `/settings` what
//! it goes by, without secrets, for `frontdesk doctor`. It answers until the last call
//! is drained, and says that it is stopping.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::settings::{Form, InForce, Setting, Settings, Unset};
use crate::telemetry::metrics;
use crate::{Answer, Cleartext, Metrics, Readiness, Version};

/// Most connections at once; more are closed.
const MAX_CONNECTIONS: usize = 64;
/// Time for the head of a request, and for a connection that asks nothing.
const HEAD_TIME: Duration = Duration::from_secs(10);

static ADMIN_LISTEN: Setting = Setting {
    name: "ADMIN_LISTEN",
    form: Form::Listen,
    unset: Unset::Means("off"),
    example: "127.0.0.1:9090",
    meaning: "Where the operator port listens, with /livez, /readyz, /metrics, /version and /settings; without access control.",
    secret: false,
};

/// The operator port of a process.
#[derive(Debug)]
pub struct AdminPort {
    /// Where it listens.
    pub listener: TcpListener,
    /// What `/readyz` and `/metrics` show.
    pub readiness: Readiness,
    /// What is counted, for `/metrics`.
    pub metrics: Metrics,
    /// What `/version` answers.
    pub version: Version,
    /// What the process is called, for `/settings`.
    pub name: &'static str,
    /// What it goes by, for `/settings`.
    pub settings: InForce,
}

/// What is shown.
#[derive(Debug, Clone)]
struct Shown {
    readiness: Readiness,
    metrics: Metrics,
    version: Version,
    name: &'static str,
    settings: InForce,
}

impl AdminPort {
    /// Where it should listen, if it should; beyond this machine somebody has to say so.
    pub fn read(settings: &mut Settings) -> Option<SocketAddr> {
        let clear = Cleartext::read(settings);
        let addr = settings.listen_if_set(&ADMIN_LISTEN)?;
        clear.check_operator_port(settings, &ADMIN_LISTEN, addr);
        Some(addr)
    }

    /// Where it listens, for a command that asks it.
    pub fn read_needed(settings: &mut Settings) -> Option<SocketAddr> {
        settings.listen_needed(&ADMIN_LISTEN)
    }

    /// Answers until `end`; from `stopping` on it says so.
    pub async fn serve(self, stopping: CancellationToken, end: CancellationToken) {
        let Self { listener, readiness, metrics, version, name, settings } = self;
        let shown = Shown { readiness, metrics, version, name, settings };
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        while let Some(accepted) = end.run_until_cancelled(listener.accept()).await {
            let stream = match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of file descriptors, most likely: let some close.
                    tracing::warn!(%error, "a connection to the operator port could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
                tracing::debug!("there are too many connections to the operator port");
                continue;
            };
            tokio::spawn(connection(stream, shown.clone(), stopping.clone(), place));
        }
    }
}

async fn connection(
    stream: TcpStream,
    shown: Shown,
    stopping: CancellationToken,
    _place: OwnedSemaphorePermit,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (shown, stopping) = (shown.clone(), stopping.is_cancelled());
        async move {
            let (method, path) = (request.method(), request.uri().path());
            Ok::<_, Infallible>(answer(method, path, &shown, stopping).await)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the operator port ended early");
    }
}

async fn answer(method: &Method, path: &str, shown: &Shown, stopping: bool) -> Response<Full<Bytes>> {
    if !matches!(path, "/livez" | "/readyz" | "/metrics" | "/version" | "/settings") {
        let known =
            "{\"error\":\"not found: there are /livez, /readyz, /metrics, /version and /settings\"}\n";
        return response(StatusCode::NOT_FOUND, "application/json", known.to_owned());
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut refused = response(StatusCode::METHOD_NOT_ALLOWED, "application/json", String::new());
        refused.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refused;
    }
    match path {
        "/livez" => response(StatusCode::OK, "application/json", "{\"status\":\"alive\"}\n".to_owned()),
        "/readyz" => ready(&shown.readiness.ask().await, &shown.readiness.notes(), stopping),
        "/version" => response(StatusCode::OK, "application/json", shown.version.json()),
        "/settings" => response(StatusCode::OK, "application/json", goes_by(shown)),
        _ => {
            let readiness = &shown.readiness;
            let text = shown.metrics.text(shown.version, &readiness.ask().await, &readiness.tasks());
            response(StatusCode::OK, metrics::MEDIA_TYPE, text)
        }
    }
}

/// Which build of what runs, and the settings in force.
fn goes_by(shown: &Shown) -> String {
    let Shown { version: Version { number, commit }, name, settings, .. } = shown;
    let body = serde_json::json!({
        "name": name, "version": number, "commit": commit, "settings": settings.json(),
    });
    format!("{body}\n")
}

fn ready(answers: &[Answer], notes: &[(&str, String)], stopping: bool) -> Response<Full<Bytes>> {
    let ready = answers.iter().all(|answer| answer.result.is_ok());
    let (status, word) = match (stopping, ready) {
        (true, _) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
        (false, true) => (StatusCode::OK, "ready"),
        (false, false) => (StatusCode::SERVICE_UNAVAILABLE, "not_ready"),
    };
    let checks: serde_json::Map<String, serde_json::Value> = answers
        .iter()
        .map(|answer| {
            let result = answer.result.as_ref().err().map_or("ok", String::as_str);
            (answer.name.to_owned(), result.into())
        })
        .collect();
    let mut body = serde_json::json!({"status": word, "checks": checks});
    if !notes.is_empty() {
        let notes = notes.iter().map(|(name, note)| ((*name).to_owned(), note.clone().into()));
        body["notes"] = serde_json::Value::Object(notes.collect());
    }
    response(status, "application/json", format!("{body}\n"))
}

fn response(status: StatusCode, media_type: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;
    use crate::Background;

    const VERSION: Version = Version { number: "1.2.3", commit: "4a2c910" };

    async fn text(response: Response<Full<Bytes>>) -> (u16, String) {
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn shown(good: bool) -> Shown {
        let missing = move || async move { if good { Ok(()) } else { Err("it is away".to_owned()) } };
        let room = Background::new(CancellationToken::new());
        Shown {
            readiness: Readiness::new(room).with("database", missing),
            metrics: Metrics::default(),
            version: VERSION,
            name: "frontdesk-booking",
            settings: InForce::default(),
        }
    }

    #[tokio::test]
    async fn each_path_says_how_the_process_is() {
        let ask = async |path: &str, good: bool, stopping: bool| {
            text(answer(&Method::GET, path, &shown(good), stopping).await).await
        };
        assert_eq!(ask("/livez", false, true).await.0, 200);
        let (status, body) = ask("/readyz", true, false).await;
        assert_eq!(
            (status, body.as_str()),
            (200, "{\"status\":\"ready\",\"checks\":{\"database\":\"ok\",\"background\":\"ok\"}}\n")
        );
        let (status, body) = ask("/readyz", false, false).await;
        assert!(status == 503 && body.contains("\"database\":\"it is away\""), "{body}");
        let (status, body) = ask("/readyz", true, true).await;
        assert!(status == 503 && body.contains("stopping"), "{body}");
        let (status, body) = ask("/metrics", false, false).await;
        assert!(status == 200 && body.contains("frontdesk_ready{check=\"database\"} 0"), "{body}");
        let (status, body) = ask("/version", false, true).await;
        assert_eq!((status, body.as_str()), (200, "{\"version\":\"1.2.3\",\"commit\":\"4a2c910\"}\n"));
        let (status, body) = ask("/settings", true, false).await;
        assert!(
            status == 200 && body.contains("\"name\":\"frontdesk-booking\"") && body.contains("4a2c910"),
            "{body}"
        );
        assert_eq!(ask("/", true, false).await.0, 404);
        let refused = answer(&Method::POST, "/readyz", &shown(true), false).await;
        assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(refused.headers()[ALLOW], "GET, HEAD");
    }

    #[tokio::test]
    async fn it_answers_over_a_socket_until_the_end() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (stopping, end) = (CancellationToken::new(), CancellationToken::new());
        let Shown { readiness, metrics, version, name, settings } = shown(true);
        let port = AdminPort { listener, readiness, metrics, version, name, settings };
        let serving = tokio::spawn(port.serve(stopping.clone(), end.clone()));
        stopping.cancel();
        let mut stream = TcpStream::connect(addr).await.unwrap();
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("stopping"), "{said}");
        end.cancel();
        serving.await.unwrap();
        assert!(TcpStream::connect(addr).await.is_err());
    }
}
