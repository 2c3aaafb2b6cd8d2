//! What is made of certificate files, and made again when they have changed. While new ones
//! cannot be used, the old ones are: log, readiness and a figure say so.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use crate::telemetry::{Count, Scrape};

/// How often files are looked at, while somebody connects or asks.
const LOOK: Duration = Duration::from_secs(1);

/// A certificate with what is between it and its authority, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What is made of files.
pub struct Reloaded<T> {
    /// What it is for, in figures and in the log.
    of: &'static str,
    files: Vec<PathBuf>,
    make: Box<dyn Fn() -> Result<Made<T>, String> + Send + Sync>,
    state: Mutex<State<T>>,
    loaded: Count,
    refused: Count,
}

/// What was made, and when its certificate expires, in seconds since 1970.
pub struct Made<T> {
    pub of: T,
    pub expires: Option<u64>,
}

struct State<T> {
    stamp: Stamp,
    looked: Instant,
    current: Arc<T>,
    expires: Option<u64>,
    /// Why the files as they are now cannot be used.
    problem: Option<String>,
}

/// Which files there are, as far as can be seen without reading them.
type Stamp = Vec<Option<(u64, i64, i64, u64)>>;

impl<T> Reloaded<T> {
    /// Reads files that must be good.
    pub fn open(
        of: &'static str,
        files: Vec<PathBuf>,
        make: impl Fn() -> Result<Made<T>, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let stamp = stamp(&files);
        let Made { of: current, expires } = make()?;
        let (looked, current) = (Instant::now(), Arc::new(current));
        let state = Mutex::new(State { stamp, looked, current, expires, problem: None });
        let (loaded, refused) = (Count::default(), Count::default());
        loaded.add_one();
        Ok(Self { of, files, make: Box::new(make), state, loaded, refused })
    }

    /// What the files say now or, while they cannot be used, said before.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.looked_at().current)
    }

    /// Why files that have changed are not used.
    pub fn problem(&self) -> Option<String> {
        self.looked_at().problem.clone()
    }

    pub fn figures(&self, scrape: &mut Scrape) {
        let expires = self.looked_at().expires;
        let of = ("of", self.of);
        if let Some(expires) = expires {
            let help = "When the certificate expires, in seconds since 1970.";
            scrape.how_many("frontdesk_tls_certificate_expires_timestamp_seconds", help, &[of], expires);
        }
        for (outcome, count) in [("used", &self.loaded), ("refused", &self.refused)] {
            let help = "How often certificate files were read, and whether they could be used.";
            scrape.count("frontdesk_tls_files_read_total", help, &[of, ("outcome", outcome)], count.get());
        }
    }

    fn looked_at(&self) -> MutexGuard<'_, State<T>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() < LOOK {
            return state;
        }
        state.looked = Instant::now();
        let stamp = stamp(&self.files);
        if stamp == state.stamp {
            return state;
        }
        state.stamp = stamp;
        match (self.make)() {
            Ok(Made { of, expires }) => {
                self.loaded.add_one();
                tracing::info!(of = self.of, "certificate files have changed and are used");
                (state.current, state.expires, state.problem) = (Arc::new(of), expires, None);
            }
            Err(problem) => {
                self.refused.add_one();
                tracing::warn!(
                    of = self.of,
                    problem,
                    "certificate files have changed and cannot be used; the old ones are"
                );
                state.problem = Some(problem);
            }
        }
        state
    }
}

fn stamp(files: &[PathBuf]) -> Stamp {
    let of = |file: &PathBuf| {
        let file = fs::metadata(file).ok()?;
        Some((file.ino(), file.mtime(), file.mtime_nsec(), file.len()))
    };
    files.iter().map(of).collect()
}

impl Pair {
    /// The certificate, those between it and its authority, and the key.
    pub fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), String> {
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unreadable(&self.key, &error, "a private key in PEM, not encrypted"))?;
        Ok((certificates(&self.certificate)?, key))
    }
}

/// The certificates of a file.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let wanted = "certificates in PEM";
    let read: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file).and_then(Iterator::collect);
    let read = read.map_err(|error| unreadable(file, &error, wanted))?;
    if read.is_empty() { Err(format!("{}: it does not hold {wanted}", file.display())) } else { Ok(read) }
}

/// The authorities of a file.
pub fn authorities(file: &Path) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(certificates(file)?);
    if roots.is_empty() {
        return Err(format!("{}: it has no certificate of an authority that can be used", file.display()));
    }
    Ok(Arc::new(roots))
}

/// When a certificate expires.
pub fn expires(certificate: &CertificateDer<'_>) -> Option<u64> {
    let read = Certificate::from_der(certificate).ok()?;
    Some(read.tbs_certificate.validity.not_after.to_unix_duration().as_secs())
}

fn unreadable(file: &Path, error: &pem::Error, wanted: &str) -> String {
    match error {
        pem::Error::Io(error) => format!("{}: it cannot be read ({error})", file.display()),
        _ => format!("{}: it does not hold {wanted}", file.display()),
    }
}

impl<T> fmt::Debug for Reloaded<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reloaded").field("files", &self.files).finish_non_exhaustive()
    }
}
