//! TLS between the parts, over sockets: whom a caller believes, who is let in, and what
//! happens when certificate files change while calls run.

// A test that cannot go on says where.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use boot::{
    AdminPort, Background, Cleartext, ClientTlsFiles, Form, GrpcServer, InForce, Listen, Listener, Observe,
    Origins, Readiness, Services, Setting, Settings, Stop, StopPolicy, Unset,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose, SanType,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::service::Routes;
use upstream::{Callee, Health, Upstream};

type Authority = CertifiedIssuer<'static, KeyPair>;

static LISTEN: Setting = Setting {
    name: "SERVICE_LISTEN",
    form: Form::Listen,
    unset: Unset::Refused,
    example: "127.0.0.1:1",
    meaning: "Where the service listens.",
    secret: false,
};
static ADDR: Setting = upstream::setting("SERVICE_ADDR", "Where the service is.", "127.0.0.1:1");

fn authority(name: &str) -> Authority {
    let mut of = CertificateParams::new(Vec::new()).unwrap();
    of.distinguished_name.push(DnType::CommonName, name);
    of.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    of.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    CertifiedIssuer::self_signed(of, KeyPair::generate().unwrap()).unwrap()
}

/// How a certificate is not as it should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Made {
    Well,
    Expired,
}

/// A folder of certificate files, which is deleted at the end.
struct Files(PathBuf);

impl Files {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("frontdesk-upstream-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// A certificate for a host or a URI, `NAME.crt`, and its key, `NAME.key`.
    fn sign(&self, name: &str, by: &Authority, of: &str, made: Made) {
        let key = KeyPair::generate().unwrap();
        let is_uri = of.contains("://");
        let hosts = if is_uri { Vec::new() } else { vec![of.to_owned()] };
        let mut params = CertificateParams::new(hosts).unwrap();
        if is_uri {
            params.subject_alt_names.push(SanType::URI(of.try_into().unwrap()));
        }
        if made == Made::Expired {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
        }
        self.write(&format!("{name}.crt"), &params.signed_by(&key, by).unwrap().pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    /// At once, as a renewal does it.
    fn write(&self, name: &str, text: &str) {
        let beside = self.0.join("new");
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.0.join(name)).unwrap();
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

/// A service that speaks TLS.
struct Service {
    addr: SocketAddr,
    /// Its operator port.
    admin: SocketAddr,
    stop: Stop,
}

impl Service {
    /// With `server.crt`; callers need a certificate of these authorities, if they are named.
    async fn start(files: &Files, clients: Option<(&str, &str)>) -> Self {
        let mut set = vec![
            ("SERVICE_LISTEN".to_owned(), "127.0.0.1:0".to_owned()),
            ("TLS_CERTIFICATE".to_owned(), files.path("server.crt")),
            ("TLS_KEY".to_owned(), files.path("server.key")),
        ];
        if let Some((authority, names)) = clients {
            set.push(("TLS_CLIENT_AUTHORITY".to_owned(), files.path(authority)));
            set.push(("TLS_CLIENT_NAMES".to_owned(), names.to_owned()));
        }
        let mut settings = Settings::of(set);
        let clear = Cleartext::read(&mut settings);
        let listen = Listen::read(&mut settings, &LISTEN, clear);
        let listener = settings.finish(listen, &[]).unwrap().open(Listener::GRPC).await.unwrap();
        let (addr, stop) = (listener.tcp.local_addr().unwrap(), Stop::new(StopPolicy::AT_ONCE));
        let readiness = listener.noted_by(Readiness::new(Background::new(stop.ending().clone())));
        let metrics = listener.metrics("service");
        let (routes, observe, pages) = (Routes::default(), Observe::of(&[]), Origins::default());
        let operators = boot::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let admin = operators.local_addr().unwrap();
        let version = boot::Version { number: "1.2.3", commit: "4a2c910" };
        let port = AdminPort {
            listener: operators,
            readiness: readiness.clone(),
            metrics: metrics.clone(),
            version,
            name: "service",
            settings: InForce::default(),
        };
        tokio::spawn(port.serve(stop.leaving().clone(), stop.ending().clone()));
        let services = Services { names: Vec::new(), routes, observe, pages };
        let server = GrpcServer::new(listener, services, readiness, metrics);
        tokio::spawn(server.serve(stop.clone()));
        let service = Self { addr, admin, stop };
        // It says that it serves once it has asked itself.
        tokio::time::sleep(Duration::from_millis(50)).await;
        service
    }

    /// What its operator port answers.
    async fn says(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.admin).await.unwrap();
        let asked = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(asked.as_bytes()).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        said
    }

    /// How often its certificate files were read with this outcome.
    async fn read(&self, outcome: &str) -> String {
        self.figure("read_total", &format!(",outcome=\"{outcome}\"")).await
    }

    /// Whether those that lie there are not the ones in use.
    async fn refused(&self) -> String {
        self.figure("refused", "").await
    }

    /// A figure of its certificate files.
    async fn figure(&self, name: &str, labels: &str) -> String {
        let name = format!("frontdesk_tls_files_{name}{{part=\"service\",of=\"port\"{labels}}} ");
        let said = self.says("/metrics").await;
        said.lines().find_map(|line| line.strip_prefix(&name)).unwrap_or_else(|| panic!("{said}")).to_owned()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.stop.begin();
    }
}

/// Somebody who calls `host` at the service's port, with a certificate of its own or none.
fn caller(files: &Files, host: &str, port: u16, authority: &str, own: Option<&str>) -> Upstream {
    let mut set = vec![
        ("SERVICE_ADDR".to_owned(), format!("{host}:{port}")),
        ("UPSTREAM_AUTHORITY".to_owned(), files.path(authority)),
    ];
    if let Some(own) = own {
        set.push(("UPSTREAM_CERTIFICATE".to_owned(), files.path(&format!("{own}.crt"))));
        set.push(("UPSTREAM_KEY".to_owned(), files.path(&format!("{own}.key"))));
    }
    let mut settings = Settings::of(set);
    let clear = Cleartext::read(&mut settings);
    let tls = ClientTlsFiles::read(&mut settings);
    let callee = Callee::read(&mut settings, &ADDR, "service", clear, tls.as_ref());
    settings.finish(callee, &[]).unwrap().open().unwrap()
}

async fn health(files: &Files, service: &Service, host: &str, authority: &str, own: Option<&str>) -> Health {
    caller(files, host, service.addr.port(), authority, own).health().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_believed_whose_certificate_is_good_and_for_its_name() {
    let (ours, others) = (authority("ours"), authority("others"));
    let files = Files::new("believed");
    files.write("ours.crt", &ours.pem());
    files.write("others.crt", &others.pem());
    for (signer, name, made, host, authority, expected) in [
        (&ours, "localhost", Made::Well, "localhost", "ours.crt", Health::Serving),
        (&ours, "127.0.0.1", Made::Well, "127.0.0.1", "ours.crt", Health::Serving),
        (&ours, "localhost", Made::Expired, "localhost", "ours.crt", Health::Unreachable),
        (&ours, "elsewhere.example", Made::Well, "localhost", "ours.crt", Health::Unreachable),
        (&ours, "localhost", Made::Well, "127.0.0.1", "ours.crt", Health::Unreachable),
        (&others, "localhost", Made::Well, "localhost", "ours.crt", Health::Unreachable),
        (&others, "localhost", Made::Well, "localhost", "others.crt", Health::Serving),
    ] {
        files.sign("server", signer, name, made);
        let service = Service::start(&files, None).await;
        let found = health(&files, &service, host, authority, None).await;
        assert_eq!(found, expected, "{name} as {host}, {authority}");
        // In the clear nothing is said.
        let clear: Upstream = service.addr.to_string().parse().unwrap();
        assert_eq!(clear.health().await, Health::Unreachable);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_is_let_in_whose_certificate_is_good_and_has_a_name_that_may() {
    let (ours, others) = (authority("ours"), authority("others"));
    let files = Files::new("let-in");
    files.write("ours.crt", &ours.pem());
    files.sign("server", &ours, "localhost", Made::Well);
    files.sign("gateway", &ours, "gateway.internal", Made::Well);
    files.sign("booking", &ours, "spiffe://frontdesk/booking", Made::Well);
    files.sign("stranger", &ours, "stranger.internal", Made::Well);
    files.sign("expired", &ours, "gateway.internal", Made::Expired);
    files.sign("forged", &others, "gateway.internal", Made::Well);
    let names = "Gateway.internal, spiffe://frontdesk/booking";
    let service = Service::start(&files, Some(("ours.crt", names))).await;
    for (own, expected) in [
        (Some("gateway"), Health::Serving),
        (Some("booking"), Health::Serving),
        (Some("stranger"), Health::Unreachable),
        (Some("expired"), Health::Unreachable),
        (Some("forged"), Health::Unreachable),
        (None, Health::Unreachable),
    ] {
        assert_eq!(health(&files, &service, "localhost", "ours.crt", own).await, expected, "{own:?}");
    }
    let any = Service::start(&files, Some(("ours.crt", ""))).await;
    assert_eq!(health(&files, &any, "localhost", "ours.crt", Some("stranger")).await, Health::Serving);
    assert_eq!(health(&files, &any, "localhost", "ours.crt", Some("forged")).await, Health::Unreachable);
}

async fn until(what: &str, is: impl AsyncFn() -> bool) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < Duration::from_secs(10), "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_under_load_and_broken_files_change_nothing() {
    let (old, new) = (authority("old"), authority("new"));
    let files = Arc::new(Files::new("renewed"));
    let both = [old.pem(), new.pem()].concat();
    files.write("both.crt", &both);
    files.write("new.crt", &new.pem());
    files.sign("server", &old, "localhost", Made::Well);
    files.sign("own", &old, "gateway.internal", Made::Well);
    let service = Service::start(&files, Some(("both.crt", "gateway.internal"))).await;
    let port = service.addr.port();
    let (over, done, failed) =
        (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let kept = caller(&files, "localhost", port, "both.crt", Some("own"));
    let load = {
        let (over, done, failed) = (Arc::clone(&over), Arc::clone(&done), Arc::clone(&failed));
        let files = Arc::clone(&files);
        tokio::spawn(async move {
            while !over.load(Ordering::Relaxed) {
                for upstream in [&kept, &caller(&files, "localhost", port, "both.crt", Some("own"))] {
                    let good = upstream.health().await == Health::Serving;
                    if good { &done } else { &failed }.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    };
    let only_new = || caller(&files, "localhost", port, "new.crt", Some("own"));
    assert_eq!(only_new().health().await, Health::Unreachable);

    assert_eq!(service.refused().await, "0");
    files.write("server.crt", "not a certificate");
    until("the broken file is noted", async || service.says("/readyz").await.contains("notes")).await;
    let ready = service.says("/readyz").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("server.crt: it does not hold"), "{ready}");
    assert_eq!((&*service.read("used").await, &*service.read("refused").await), ("1", "1"));
    assert_eq!(service.refused().await, "1", "as long as it lies there");
    let before = done.load(Ordering::Relaxed);
    until("calls go on", async || done.load(Ordering::Relaxed) > before + 4).await;

    files.sign("server", &new, "localhost", Made::Well);
    until("the new one is used", async || !service.says("/readyz").await.contains("notes")).await;
    assert_eq!(service.refused().await, "0");
    assert_eq!(only_new().health().await, Health::Serving);
    over.store(true, Ordering::Relaxed);
    load.await.unwrap();
    assert_eq!(failed.load(Ordering::Relaxed), 0, "of {}", done.load(Ordering::Relaxed));
}

#[test]
fn files_that_cannot_be_used_are_named_before_anything_listens() {
    let ours = authority("ours");
    let files = Files::new("named");
    files.write("ours.crt", &ours.pem());
    files.sign("server", &ours, "localhost", Made::Well);
    files.sign("other", &ours, "localhost", Made::Well);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for (certificate, key, said) in [
        ("server.crt", "missing.key", "missing.key: it cannot be read"),
        ("server.key", "server.key", "server.key: it does not hold certificates in PEM"),
        ("server.crt", "ours.crt", "ours.crt: it does not hold a private key in PEM"),
        ("server.crt", "other.key", "TLS_CERTIFICATE and TLS_KEY do not go together"),
    ] {
        let (certificate, key) = (files.path(certificate), files.path(key));
        let set = [("SERVICE_LISTEN", "127.0.0.1:0"), ("TLS_CERTIFICATE", &certificate), ("TLS_KEY", &key)];
        let mut settings = Settings::of(set);
        let clear = Cleartext::read(&mut settings);
        let listen = Listen::read(&mut settings, &LISTEN, clear).unwrap();
        let error = runtime.block_on(listen.open(Listener::GRPC)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    for (set, said) in [
        (&[("TLS_KEY", "x")][..], "go together"),
        (&[("TLS_CLIENT_AUTHORITY", "x")], "needs both"),
        (
            &[("TLS_CERTIFICATE", "x"), ("TLS_KEY", "x"), ("TLS_CLIENT_NAMES", "x")],
            "needs TLS_CLIENT_AUTHORITY",
        ),
        (&[("UPSTREAM_KEY", "x"), ("UPSTREAM_AUTHORITY", "x")], "go together"),
        (&[("UPSTREAM_KEY", "x"), ("UPSTREAM_CERTIFICATE", "x")], "needs UPSTREAM_AUTHORITY"),
    ] {
        let mut settings = Settings::of(set.iter().copied().chain([("SERVICE_LISTEN", "127.0.0.1:0")]));
        let clear = Cleartext::read(&mut settings);
        let (listen, tls) =
            (Listen::read(&mut settings, &LISTEN, clear), ClientTlsFiles::read(&mut settings));
        let error = settings.finish(listen.zip(tls), &[]).unwrap_err();
        assert!(error.0.len() == 1 && error.0[0].contains(said), "{error}");
    }
}
