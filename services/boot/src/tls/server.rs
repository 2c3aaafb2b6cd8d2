//! The side that listens. A handshake is made while the connection is read for the first
//! time: whoever accepts connections waits for nobody.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};
use tonic::transport::server::{Connected, TcpConnectInfo};

use super::clear::Cleartext;
use super::files::{Made, Pair, Reloaded, authorities, expires};
use super::peers::Named;
use crate::settings::{Form, Setting, Settings, Unset};
use crate::telemetry::{Count, Scrape};
use crate::{Metrics, Readiness, ServeError, bind};

static TLS_CERTIFICATE: Setting = Setting {
    name: "TLS_CERTIFICATE",
    form: Form::Described("a file of certificates in PEM, its own first"),
    unset: Unset::Means("the role speaks no TLS"),
    example: "/etc/frontdesk/tls/tls.crt",
    meaning: "The certificate that the role shows to its callers; read again when it has changed.",
    secret: false,
};
static TLS_KEY: Setting = Setting {
    name: "TLS_KEY",
    form: Form::Described("a file with a private key in PEM"),
    unset: Unset::Means("the role speaks no TLS"),
    example: "/etc/frontdesk/tls/tls.key",
    meaning: "The private key of TLS_CERTIFICATE.",
    secret: false,
};
static TLS_CLIENT_AUTHORITY: Setting = Setting {
    name: "TLS_CLIENT_AUTHORITY",
    form: Form::Described("a file of certificates in PEM"),
    unset: Unset::Means("callers need no certificate"),
    example: "/etc/frontdesk/tls/ca.crt",
    meaning: "The authorities of which one must have signed a caller's certificate.",
    secret: false,
};
static TLS_CLIENT_NAMES: Setting = Setting {
    name: "TLS_CLIENT_NAMES",
    form: Form::Described("host names and URIs, several with commas"),
    unset: Unset::Means("any name"),
    example: "gateway.frontdesk.internal,spiffe://example.org/ns/frontdesk/sa/booking",
    meaning: "Names of which a caller's certificate must have one, as a subject alternative name.",
    secret: false,
};

/// Where a role listens.
#[derive(Debug)]
pub struct Listener {
    pub tcp: TcpListener,
    /// How it speaks TLS, if it does.
    pub tls: Option<ServerTls>,
}

/// Where a role is to listen.
#[derive(Debug)]
pub struct Listen {
    pub addr: SocketAddr,
    tls: Option<ServerTlsFiles>,
}

/// The files of a role that speaks TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerTlsFiles {
    pair: Pair,
    client_authority: Option<PathBuf>,
    client_names: Vec<String>,
}

/// How a role speaks TLS. Clones read their files together.
#[derive(Debug, Clone)]
pub struct ServerTls {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    config: Reloaded<ServerConfig>,
    failed: Count,
}

/// A connection that was accepted.
pub struct Accepted {
    io: Io,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
}

enum Io {
    Clear(TcpStream),
    Begins(Box<Accept<TcpStream>>, ServerTls),
    Open(Box<TlsStream<TcpStream>>),
    Failed,
}

impl ServerTlsFiles {
    /// Which files, if any. The error is a setting that cannot be used, which is noted.
    fn read(settings: &mut Settings) -> Result<Option<Self>, ()> {
        let certificate: Option<PathBuf> = settings.if_set(&TLS_CERTIFICATE);
        let key: Option<PathBuf> = settings.if_set(&TLS_KEY);
        let client_authority: Option<PathBuf> = settings.if_set(&TLS_CLIENT_AUTHORITY);
        let client_names: Option<String> = settings.if_set(&TLS_CLIENT_NAMES);
        let client_names: Vec<String> = client_names.map_or_else(Vec::new, |list| {
            list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
        });
        match (certificate, key) {
            (Some(certificate), Some(key)) if client_names.is_empty() || client_authority.is_some() => {
                let pair = Pair { certificate, key };
                Ok(Some(Self { pair, client_authority, client_names }))
            }
            (None, None) if client_authority.is_none() && client_names.is_empty() => Ok(None),
            (Some(_), Some(_)) => Err(settings.refuse_because(
                "TLS_CLIENT_NAMES needs TLS_CLIENT_AUTHORITY: names count for nothing in certificates that nobody has signed.",
            )),
            _ => Err(settings.refuse_because(
                "TLS_CERTIFICATE and TLS_KEY go together, and TLS_CLIENT_AUTHORITY needs both: set them, or none.",
            )),
        }
        .map_err(|_: Option<()>| ())
    }

    fn make(&self, protocols: &[&[u8]]) -> Result<Made<ServerConfig>, String> {
        // Named, whatever another part of the process has chosen.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let clients: Arc<dyn ClientCertVerifier> = match &self.client_authority {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(file) => {
                let chain =
                    WebPkiClientVerifier::builder_with_provider(authorities(file)?, Arc::clone(&provider))
                        .build()
                        .map_err(|error| format!("{}: {error}", file.display()))?;
                if self.client_names.is_empty() {
                    chain
                } else {
                    Arc::new(Named::new(chain, self.client_names.clone()))
                }
            }
        };
        let (chain, key) = self.pair.read()?;
        let expires = chain.first().and_then(expires);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_client_cert_verifier(clients)
            .with_single_cert(chain, key)
            .map_err(|error| format!("TLS_CERTIFICATE and TLS_KEY do not go together: {error}"))?;
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Made { of: config, expires })
    }
}

impl ServerTls {
    /// Reads the files. The error is a sentence.
    pub fn open(files: ServerTlsFiles, protocols: &'static [&'static [u8]]) -> Result<Self, String> {
        let ServerTlsFiles { pair, client_authority, .. } = &files;
        let read = [&pair.certificate, &pair.key].into_iter().chain(client_authority).cloned().collect();
        let config = Reloaded::open("port", read, move || files.make(protocols))?;
        Ok(Self { inner: Arc::new(Inner { config, failed: Count::default() }) })
    }

    fn figures(&self, scrape: &mut Scrape) {
        self.inner.config.figures(scrape);
        let help = "Handshakes with callers that failed.";
        scrape.count("frontdesk_tls_handshakes_failed_total", help, &[], self.inner.failed.get());
    }
}

impl Listen {
    /// Reads the setting of the address, and those of TLS.
    pub fn read(settings: &mut Settings, setting: &'static Setting, clear: Cleartext) -> Option<Self> {
        let addr = settings.listen(setting);
        let tls = ServerTlsFiles::read(settings);
        let (addr, tls) = (addr?, tls.ok()?);
        clear.check_listening(settings, setting, addr, tls.is_some());
        Some(Self { addr, tls })
    }

    /// Takes the address, and reads the files of TLS if there are any.
    pub async fn open(self, protocols: &'static [&'static [u8]]) -> Result<Listener, ServeError> {
        let tls = self.tls.map(|files| ServerTls::open(files, protocols)).transpose();
        let tls = tls.map_err(ServeError::Tls)?;
        Ok(Listener { tcp: bind(self.addr).await?, tls })
    }
}

impl Listener {
    /// What over HTTP/2 alone is spoken.
    pub const GRPC: &'static [&'static [u8]] = &[b"h2"];
    /// What browsers speak, too.
    pub const HTTP: &'static [&'static [u8]] = &[b"h2", b"http/1.1"];

    /// What readiness says besides: files that have changed and cannot be used.
    #[must_use]
    pub fn noted_by(&self, readiness: Readiness) -> Readiness {
        match self.tls.clone() {
            Some(tls) => readiness.with_note("tls", move || tls.inner.config.problem()),
            None => readiness,
        }
    }

    /// The figures of its certificate.
    pub fn metrics(&self, part: &'static str) -> Metrics {
        match self.tls.clone() {
            Some(tls) => Metrics::default().with(part, move |scrape| tls.figures(scrape)),
            None => Metrics::default(),
        }
    }
}

impl From<TcpListener> for Listener {
    /// In the clear.
    fn from(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }
}

impl Accepted {
    /// A connection, over TLS if that is spoken.
    pub fn new(stream: TcpStream, tls: Option<&ServerTls>) -> Self {
        let (peer, local) = (stream.peer_addr().ok(), stream.local_addr().ok());
        let io = match tls {
            None => Io::Clear(stream),
            Some(tls) => {
                let accept = TlsAcceptor::from(tls.inner.config.current()).accept(stream);
                Io::Begins(Box::new(accept), tls.clone())
            }
        };
        Self { io, peer, local }
    }

    /// The open connection: the handshake is made first.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<&mut Io>> {
        if let Io::Begins(accept, tls) = &mut self.io {
            match ready!(Pin::new(accept.as_mut()).poll(context)) {
                Ok(stream) => self.io = Io::Open(Box::new(stream)),
                Err(error) => {
                    tls.inner.failed.add_one();
                    tracing::debug!(%error, peer = ?self.peer, "a TLS handshake failed");
                    self.io = Io::Failed;
                    return Poll::Ready(Err(error));
                }
            }
        }
        Poll::Ready(Ok(&mut self.io))
    }
}

fn failed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the TLS handshake has failed")
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match ready!(self.poll_open(context))? {
            Io::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Io::Open(stream) => Pin::new(stream.as_mut()).poll_read(context, buffer),
            Io::Begins(..) | Io::Failed => Poll::Ready(Err(failed())),
        }
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_open(context))? {
            Io::Clear(stream) => Pin::new(stream).poll_write(context, bytes),
            Io::Open(stream) => Pin::new(stream.as_mut()).poll_write(context, bytes),
            Io::Begins(..) | Io::Failed => Poll::Ready(Err(failed())),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match ready!(self.poll_open(context))? {
            Io::Clear(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Io::Open(stream) => Pin::new(stream.as_mut()).poll_write_vectored(context, slices),
            Io::Begins(..) | Io::Failed => Poll::Ready(Err(failed())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Clear(stream) => Pin::new(stream).poll_flush(context),
            Io::Open(stream) => Pin::new(stream.as_mut()).poll_flush(context),
            // Nothing was written.
            Io::Begins(..) | Io::Failed => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Io::Open(stream) => Pin::new(stream.as_mut()).poll_shutdown(context),
            Io::Begins(..) | Io::Failed => Poll::Ready(Ok(())),
        }
    }
}

impl Connected for Accepted {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: self.local, remote_addr: self.peer }
    }
}

impl fmt::Debug for Accepted {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Accepted").field("peer", &self.peer).finish_non_exhaustive()
    }
}
