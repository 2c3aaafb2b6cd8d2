//! The side that connects to another part.

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::files::{Made, Pair, Reloaded, authorities, expires};
use crate::settings::{Form, Setting, Settings, Unset};
use crate::telemetry::Scrape;

static UPSTREAM_AUTHORITY: Setting = Setting {
    name: "UPSTREAM_AUTHORITY",
    form: Form::Described("a file of certificates in PEM"),
    unset: Unset::Means("services are called without TLS"),
    example: "/etc/frontdesk/tls/ca.crt",
    meaning: "The authorities of which one must have signed the certificates of the services that the role calls, which must be for the host as IDENTITY_ADDR and BOOKING_ADDR have it.",
    secret: false,
};
static UPSTREAM_CERTIFICATE: Setting = Setting {
    name: "UPSTREAM_CERTIFICATE",
    form: Form::Described("a file of certificates in PEM, its own first"),
    unset: Unset::Means("none is shown"),
    example: "/etc/frontdesk/tls/tls.crt",
    meaning: "The certificate that the role shows to the services that it calls; read again when it has changed.",
    secret: false,
};
static UPSTREAM_KEY: Setting = Setting {
    name: "UPSTREAM_KEY",
    form: Form::Described("a file with a private key in PEM"),
    unset: Unset::Means("none is shown"),
    example: "/etc/frontdesk/tls/tls.key",
    meaning: "The private key of UPSTREAM_CERTIFICATE.",
    secret: false,
};

/// The files of a role that calls others over TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientTlsFiles {
    authority: PathBuf,
    own: Option<Pair>,
}

/// How a role calls others over TLS. Clones read their files together.
#[derive(Debug, Clone)]
pub struct ClientTls {
    config: Arc<Reloaded<ClientConfig>>,
}

impl ClientTlsFiles {
    /// Which files, if any. The outer `None` is a setting that cannot be used.
    pub fn read(settings: &mut Settings) -> Option<Option<Self>> {
        let authority: Option<PathBuf> = settings.if_set(&UPSTREAM_AUTHORITY);
        let certificate: Option<PathBuf> = settings.if_set(&UPSTREAM_CERTIFICATE);
        let key: Option<PathBuf> = settings.if_set(&UPSTREAM_KEY);
        let own = match (certificate, key) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some(Pair { certificate, key }),
            _ => {
                return settings
                    .refuse_because("UPSTREAM_CERTIFICATE and UPSTREAM_KEY go together: set both, or none.");
            }
        };
        match (authority, own) {
            (Some(authority), own) => Some(Some(Self { authority, own })),
            (None, None) => Some(None),
            (None, Some(_)) => settings.refuse_because(
                "UPSTREAM_CERTIFICATE needs UPSTREAM_AUTHORITY: without it services are called without TLS, and no certificate is shown.",
            ),
        }
    }

    fn make(&self) -> Result<Made<ClientConfig>, String> {
        // Named, whatever another part of the process has chosen.
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("TLS cannot be set up: {error}"))?
            .with_root_certificates(authorities(&self.authority)?);
        let (mut config, expires) = match &self.own {
            None => (config.with_no_client_auth(), None),
            Some(own) => {
                let (chain, key) = own.read()?;
                let expires = chain.first().and_then(expires);
                let config = config.with_client_auth_cert(chain, key).map_err(|error| {
                    format!("UPSTREAM_CERTIFICATE and UPSTREAM_KEY do not go together: {error}")
                })?;
                (config, expires)
            }
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Made { of: config, expires })
    }
}

impl ClientTls {
    /// Reads the files. The error is a sentence.
    /// `of` is who is called, in figures.
    pub fn open(of: &'static str, files: ClientTlsFiles) -> Result<Self, String> {
        let own = files.own.iter().flat_map(|own| [&own.certificate, &own.key]);
        let read = [&files.authority].into_iter().chain(own).cloned().collect();
        Ok(Self { config: Arc::new(Reloaded::open(of, read, move || files.make())?) })
    }

    /// Makes the handshake with a host, whose certificate must be for this name.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, String> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned())
            .map_err(|_| format!("{host} is not a name that a certificate can have"))?;
        let connected = TlsConnector::from(self.config.current()).connect(name, stream).await;
        connected.map_err(|error| format!("TLS with it failed ({error})"))
    }

    /// The figures of its files.
    pub fn figures(&self, scrape: &mut Scrape) {
        self.config.figures(scrape);
    }
}
