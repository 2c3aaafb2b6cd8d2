//! Where a service is and how it is called, as settings say.

use boot::{Cleartext, ClientTls, ClientTlsFiles, Setting, Settings};

use crate::Upstream;

/// A service that a role calls.
#[derive(Debug)]
pub struct Callee {
    upstream: Upstream,
    name: &'static str,
    tls: Option<ClientTlsFiles>,
}

impl Callee {
    /// Reads where it is. `name` is the role that it runs; `tls` is what the settings of TLS
    /// say, if they can be used.
    pub fn read(
        settings: &mut Settings,
        setting: &'static Setting,
        name: &'static str,
        clear: Cleartext,
        tls: Option<&Option<ClientTlsFiles>>,
    ) -> Option<Self> {
        let upstream: Upstream = settings.parsed(setting)?;
        let tls = tls?.clone();
        clear.check_calling(settings, setting, upstream.hosts(), tls.is_some());
        Some(Self { upstream, name, tls })
    }

    /// Reads the files of TLS, if there are any. The error is a sentence.
    pub fn open(self) -> Result<Upstream, String> {
        match self.tls {
            Some(files) => Ok(self.upstream.with_tls(ClientTls::open(self.name, files)?)),
            None => Ok(self.upstream),
        }
    }
}
