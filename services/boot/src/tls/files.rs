//! What is made of certificate files, and made again when they have changed. While new ones
//! cannot be used, the old ones are: log, readiness and a figure say so.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::stamps::FileStamps;
use crate::telemetry::{Count, Scrape};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A certificate with what is between it and its authority, and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What is made of files.
pub struct Reloaded<T> {
    shared: Arc<Shared<T>>,
}

/// What was made, and when its certificate expires, in seconds since 1970.
pub struct Made<T> {
    pub of: T,
    pub expires: Option<u64>,
}

struct Shared<T> {
    /// What it is for, in figures and in the log.
    of: &'static str,
    state: Mutex<State<T>>,
    loaded: Count,
    refused: Count,
}

struct State<T> {
    current: Arc<T>,
    expires: Option<u64>,
    /// Why the files as they are now cannot be used.
    problem: Option<String>,
}

/// Looks at the files, as long as somebody uses what is made of them. It has a thread of its
/// own: a folder that hangs makes nobody else wait, and no stop, as a task that blocks would.
struct Watch<T, M> {
    shared: Weak<Shared<T>>,
    files: Vec<PathBuf>,
    stamps: FileStamps,
    make: M,
}

impl<T: Send + Sync + 'static> Reloaded<T> {
    /// Reads files that must be good.
    pub fn open(
        of: &'static str,
        files: Vec<PathBuf>,
        make: impl Fn() -> Result<Made<T>, String> + Send + 'static,
    ) -> Result<Self, String> {
        Self::looking_every(LOOK, of, files, make)
    }

    fn looking_every(
        interval: Duration,
        of: &'static str,
        files: Vec<PathBuf>,
        make: impl Fn() -> Result<Made<T>, String> + Send + 'static,
    ) -> Result<Self, String> {
        let stamps = FileStamps::of(&files);
        let Made { of: current, expires } = make()?;
        let state = Mutex::new(State { current: Arc::new(current), expires, problem: None });
        let (loaded, refused) = (Count::default(), Count::default());
        loaded.add_one();
        let shared = Arc::new(Shared { of, state, loaded, refused });
        let mut watch = Watch { shared: Arc::downgrade(&shared), files, stamps, make };
        let watching = move || {
            while watch.look() {
                thread::park_timeout(interval);
            }
        };
        thread::Builder::new()
            .name("certificates".to_owned())
            .spawn(watching)
            .map_err(|error| format!("nobody can look at the certificate files: {error}"))?;
        Ok(Self { shared })
    }
}

impl<T> Reloaded<T> {
    /// What the files say or, while they cannot be used, said before.
    pub fn current(&self) -> Arc<T> {
        Arc::clone(&self.shared.state().current)
    }

    /// Why files that have changed are not used.
    pub fn problem(&self) -> Option<String> {
        self.shared.state().problem.clone()
    }

    pub fn figures(&self, scrape: &mut Scrape) {
        let Shared { of, loaded, refused, .. } = &*self.shared;
        let (expires, is_refused) = {
            let state = self.shared.state();
            (state.expires, state.problem.is_some())
        };
        let of = ("of", *of);
        if let Some(expires) = expires {
            let help = "When the certificate expires, in seconds since 1970.";
            scrape.how_many("frontdesk_tls_certificate_expires_timestamp_seconds", help, &[of], expires);
        }
        let help =
            "Whether certificate files have changed and cannot be used, so that what is in use is older.";
        scrape.how_many("frontdesk_tls_files_refused", help, &[of], u64::from(is_refused));
        for (outcome, count) in [("used", loaded), ("refused", refused)] {
            let help = "How often certificate files were read, and whether they could be used.";
            scrape.count("frontdesk_tls_files_read_total", help, &[of, ("outcome", outcome)], count.get());
        }
    }
}

impl<T, M: Fn() -> Result<Made<T>, String>> Watch<T, M> {
    /// Whether to look again.
    fn look(&mut self) -> bool {
        if self.shared.strong_count() == 0 {
            return false;
        }
        let stamps = FileStamps::of(&self.files);
        if stamps == self.stamps {
            return true;
        }
        self.stamps = stamps;
        let made = (self.make)();
        let Some(shared) = self.shared.upgrade() else { return false };
        let of = shared.of;
        match made {
            Ok(Made { of: made, expires }) => {
                *shared.state() = State { current: Arc::new(made), expires, problem: None };
                shared.loaded.add_one();
                tracing::info!(of, "certificate files have changed and are used");
            }
            Err(problem) => {
                tracing::warn!(
                    of,
                    problem,
                    "certificate files have changed and cannot be used; the old ones are"
                );
                shared.state().problem = Some(problem);
                shared.refused.add_one();
            }
        }
        true
    }
}

impl<T> Shared<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
        out.debug_struct("Reloaded").field("of", &self.shared.of).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);

    #[test]
    fn files_that_hang_make_nobody_wait() {
        let place = std::env::temp_dir().join(format!("frontdesk-certificates-{}", std::process::id()));
        fs::write(&place, "1").unwrap();
        let ((begun, begins), (go_on, goes_on)) = (mpsc::channel(), mpsc::channel::<()>());
        let file = place.clone();
        let make = move || {
            let read = fs::read_to_string(&file).map_err(|error| error.to_string())?;
            if read != "1" {
                begun.send(()).unwrap();
                goes_on.recv_timeout(PATIENCE).unwrap();
            }
            Ok(Made { of: read, expires: None })
        };
        let every = Duration::from_millis(5);
        let reloaded = Reloaded::looking_every(every, "test", vec![place.clone()], make).unwrap();
        // Whole at once: half a file would be looked at, too.
        let whole = place.with_extension("whole");
        fs::write(&whole, "22").unwrap();
        fs::rename(&whole, &place).unwrap();
        begins.recv_timeout(PATIENCE).expect("nobody looks unless somebody asks");
        assert_eq!(*reloaded.current(), "1", "while it is read");
        go_on.send(()).unwrap();
        let until = std::time::Instant::now() + PATIENCE;
        while *reloaded.current() != "22" && std::time::Instant::now() < until {
            thread::park_timeout(every);
        }
        assert_eq!(*reloaded.current(), "22");
        fs::remove_file(&place).unwrap();
    }
}
