//! TLS to the database: rustls, with the files that a connection string names. They are
//! read again when they have changed, so that a renewed certificate needs no restart. While new
//! ones cannot be used, because they are half written say, the old ones are, and the log says so.
//! Whether a connection uses TLS at all is known in `address.rs`; whom to believe, in
//! `tls/verifier.rs`.

mod verifier;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use boot::FileStamps;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::{CertificateError, ClientConfig, Error, RootCertStore, SupportedProtocolVersion};
use tokio_postgres::Socket;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres_rustls::MakeRustlsConnect;

use self::verifier::{Believed, Signed, Verifier};

/// What servers of 17 and later want to hear of whoever begins with TLS.
const PROTOCOL: &[u8] = b"postgresql";

/// Whose signature a server's certificate needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Roots {
    /// Nobody's: the connection is encrypted, with whoever it is.
    None,
    /// An authority of this machine.
    System,
    /// One of this file.
    File(PathBuf),
}

/// Who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How connections are encrypted.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    of: Arc<Files>,
}

#[derive(Debug)]
struct Files {
    parameters: Parameters,
    built: Mutex<Option<Built>>,
}

/// What a connection string says of TLS.
#[derive(Debug, Clone)]
struct Parameters {
    roots: Roots,
    verifies_names: bool,
    identity: Option<Identity>,
    revoked: Option<PathBuf>,
    versions: Vec<&'static SupportedProtocolVersion>,
    sends_server_name: bool,
}

/// What was made of the files.
struct Built {
    of: FileStamps,
    connector: MakeRustlsConnect,
    /// Why the files as they are now cannot be used.
    problem: Option<String>,
}

impl Tls {
    pub(crate) fn new(roots: Roots, verifies_names: bool, identity: Option<Identity>) -> Self {
        let parameters = Parameters {
            roots,
            verifies_names,
            identity,
            revoked: None,
            versions: rustls::ALL_VERSIONS.to_vec(),
            sends_server_name: true,
        };
        Self::of(parameters)
    }

    fn of(parameters: Parameters) -> Self {
        Self { of: Arc::new(Files { parameters, built: Mutex::default() }) }
    }

    /// A file of certificates that are not to be believed any more.
    pub(crate) fn with_revoked(self, file: Option<&Path>) -> Self {
        Self::of(Parameters { revoked: file.map(Path::to_owned), ..self.of.parameters.clone() })
    }

    /// Whether the host's name is sent before the connection is encrypted.
    pub(crate) fn with_server_name_sent(self, sends_server_name: bool) -> Self {
        Self::of(Parameters { sends_server_name, ..self.of.parameters.clone() })
    }

    /// The versions from one to another, as libpq calls them.
    pub(crate) fn with_versions(self, least: Option<&str>, most: Option<&str>) -> Result<Self, String> {
        let versions = match (least, most) {
            (None | Some("TLSv1" | "TLSv1.1" | "TLSv1.2"), None | Some("TLSv1.3")) => rustls::ALL_VERSIONS.to_vec(),
            (Some("TLSv1.3"), None | Some("TLSv1.3")) => vec![&rustls::version::TLS13],
            (None | Some("TLSv1" | "TLSv1.1" | "TLSv1.2"), Some("TLSv1.2")) => vec![&rustls::version::TLS12],
            _ => return Err("`ssl_min_protocol_version` and `ssl_max_protocol_version` take TLSv1.2 and TLSv1.3, the first no later than the second: older versions are not spoken here".to_owned()),
        };
        Ok(Self::of(Parameters { versions, ..self.of.parameters.clone() }))
    }

    /// Whether a server has to be the one that it is called.
    pub(crate) fn verifies_names(&self) -> bool {
        self.of.parameters.verifies_names
    }

    /// Whether the files can be used, as a sentence if not.
    pub(crate) fn check(&self) -> Result<(), String> {
        let is_used = self.of.parameters.roots != Roots::None || self.of.parameters.identity.is_some();
        if is_used { self.connector().map(drop).map_err(|Unusable(sentence)| sentence) } else { Ok(()) }
    }

    fn connector(&self) -> Result<MakeRustlsConnect, Unusable> {
        let mut built = self.of.built.lock().unwrap_or_else(PoisonError::into_inner);
        let stamps = self.of.parameters.stamps();
        if let Some(built) = &*built
            && built.of == stamps
        {
            return Ok(built.connector.clone());
        }
        let connector = match (self.of.parameters.config(), &mut *built) {
            (Ok(config), _) => MakeRustlsConnect::new(config),
            (Err(problem), None) => return Err(problem),
            (Err(Unusable(problem)), Some(before)) => {
                // They are read again for each connection, and said to be unusable once.
                if before.problem.as_ref() != Some(&problem) {
                    tracing::warn!(
                        problem,
                        "certificate files for the database have changed and cannot be used; the old ones are"
                    );
                    before.problem = Some(problem);
                }
                return Ok(before.connector.clone());
            }
        };
        *built = Some(Built { of: stamps, connector: connector.clone(), problem: None });
        Ok(connector)
    }
}

impl MakeTlsConnect<Socket> for Tls {
    type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;
    type TlsConnect = <MakeRustlsConnect as MakeTlsConnect<Socket>>::TlsConnect;
    type Error = io::Error;

    fn make_tls_connect(&mut self, host: &str) -> Result<Self::TlsConnect, io::Error> {
        let mut connector = self.connector().map_err(io::Error::other)?;
        MakeTlsConnect::<Socket>::make_tls_connect(&mut connector, host).map_err(|never| match never {})
    }
}

impl Parameters {
    fn stamps(&self) -> FileStamps {
        let roots = match &self.roots {
            Roots::File(file) => Some(file),
            Roots::None | Roots::System => None,
        };
        let identity = self.identity.iter().flat_map(|identity| [&identity.certificate, &identity.key]);
        FileStamps::of(roots.into_iter().chain(identity).chain(&self.revoked))
    }

    fn config(&self) -> Result<ClientConfig, Unusable> {
        // Named, whatever another part of the process has chosen.
        let provider = Arc::new(aws_lc_rs::default_provider());
        let believed = self.believed(&provider)?;
        let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&self.versions)
            .map_err(|error| Unusable(format!("TLS cannot be set up: {error}")))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Verifier { provider, believed }));
        let mut config = match &self.identity {
            None => config.with_no_client_auth(),
            Some(Identity { certificate, key }) => {
                let chain = certificates("sslcert", certificate)?;
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| {
                    unreadable("sslkey", key, &error, "a private key in PEM, not encrypted")
                })?;
                config
                    .with_client_auth_cert(chain, secret)
                    .map_err(|error| Unusable(format!("sslcert and sslkey do not go together: {error}")))?
            }
        };
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        config.enable_sni = self.sends_server_name;
        Ok(config)
    }

    fn believed(&self, provider: &Arc<CryptoProvider>) -> Result<Believed, Unusable> {
        let (own, roots) = match &self.roots {
            Roots::None => return Ok(Believed::Anybody),
            Roots::System => (Vec::new(), system_roots()?),
            Roots::File(file) => {
                let own = certificates("sslrootcert", file)?;
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(own.iter().cloned());
                if roots.is_empty() {
                    return Err(Unusable(format!(
                        "sslrootcert {} has no certificate that can be used",
                        file.display()
                    )));
                }
                (own, roots)
            }
        };
        let mut chain = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
        if let Some(file) = &self.revoked {
            let lists: Result<Vec<_>, _> =
                CertificateRevocationListDer::pem_file_iter(file).and_then(Iterator::collect);
            let lists =
                lists.map_err(|error| unreadable("sslcrl", file, &error, "revocation lists in PEM"))?;
            // As libpq does: every certificate needs a list, and one that is still good.
            chain = chain.with_crls(lists).enforce_revocation_expiration();
        }
        let chain =
            chain.build().map_err(|error| Unusable(format!("whom to believe cannot be set up: {error}")))?;
        Ok(Believed::Signed(Signed { chain, own, verifies_names: self.verifies_names }))
    }
}

fn system_roots() -> Result<RootCertStore, Unusable> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let sentence = "sslrootcert=system: this machine has no authorities to believe; install them (Debian: ca-certificates) or name a file";
        return Err(Unusable(sentence.to_owned()));
    }
    Ok(roots)
}

fn certificates(parameter: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Unusable> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let read = read.map_err(|error| unreadable(parameter, file, &error, "certificates in PEM"))?;
    if read.is_empty() {
        return Err(Unusable(format!("{parameter} {}: the file has no certificates in PEM", file.display())));
    }
    Ok(read)
}

fn unreadable(parameter: &str, file: &Path, error: &rustls::pki_types::pem::Error, wanted: &str) -> Unusable {
    let why = match error {
        rustls::pki_types::pem::Error::Io(error) => format!("the file cannot be read ({error})"),
        _ => format!("the file does not hold {wanted}"),
    };
    Unusable(format!("{parameter} {}: {why}", file.display()))
}

/// What went wrong between us and a server, and the way out.
pub(crate) fn distrusted(error: &Error) -> (String, &'static str) {
    let Error::InvalidCertificate(problem) = error else {
        return (
            format!("TLS with it failed ({error})"),
            "if the server wants a certificate, name sslcert and sslkey in DATABASE_URL; else see its log",
        );
    };
    match problem {
        CertificateError::UnknownIssuer => (
            "its certificate is signed by nobody whom sslrootcert names".to_owned(),
            "name the file of the authority that signed it in sslrootcert",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            format!("its certificate is for another host ({problem})"),
            "write the host as the certificate has it (hostaddr takes the address beside it), or have one made for this name",
        ),
        CertificateError::Revoked => (
            "its certificate was revoked, says sslcrl".to_owned(),
            "find out why, and have another one made for it",
        ),
        CertificateError::UnknownRevocationStatus
        | CertificateError::ExpiredRevocationList
        | CertificateError::ExpiredRevocationListContext { .. } => (
            format!("sslcrl has no list of its authority that is still good ({problem})"),
            "put the newest list of each authority between the server and sslrootcert into the file of sslcrl",
        ),
        _ => (
            format!("its certificate is not to be believed ({problem})"),
            "have it renewed, and check both clocks",
        ),
    }
}

/// Files that cannot be used, as a sentence.
#[derive(Debug)]
pub(crate) struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

impl fmt::Debug for Built {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Built")
    }
}

#[cfg(test)]
mod tests;
