//! Whom to believe. What libpq takes and webpki does not is taken here, too: the
//! self-signed certificate that PostgreSQL's manual makes (18.9.3), believed because it is
//! in `sslrootcert` itself, and a host's name that is only in the subject.

use std::sync::Arc;
use std::time::Duration;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::db::rfc4519::COMMON_NAME;
use x509_cert::ext::pkix::SubjectAltName;

/// Decides whether a server is believed.
#[derive(Debug)]
pub(super) struct Verifier {
    pub provider: Arc<CryptoProvider>,
    pub believed: Believed,
}

/// Who is believed.
#[derive(Debug)]
pub(super) enum Believed {
    /// Anybody: whoever listens in hears nothing, whoever stands between does.
    Anybody,
    /// Somebody whose certificate an authority has signed.
    Signed(Signed),
}

#[derive(Debug)]
pub(super) struct Signed {
    pub chain: Arc<WebPkiServerVerifier>,
    /// The authorities' own certificates, where a file has them.
    pub own: Vec<CertificateDer<'static>>,
    pub verifies_names: bool,
}

impl Signed {
    /// The certificate that somebody shows is one that is believed by itself.
    fn verify_own(
        &self,
        shown: &CertificateDer<'_>,
        host: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = parsed(shown)?;
        let validity = parsed.tbs_certificate.validity;
        let now = Duration::from_secs(now.as_secs());
        if now < validity.not_before.to_unix_duration() {
            return Err(CertificateError::NotValidYet.into());
        }
        if now > validity.not_after.to_unix_duration() {
            return Err(CertificateError::Expired.into());
        }
        if !self.verifies_names {
            return Ok(());
        }
        rustls::client::verify_server_name(&ParsedCertificate::try_from(shown)?, host).or_else(|error| {
            if is_wrong_name(&error) { named_in_subject(&parsed, host, error) } else { Err(error) }
        })
    }

    fn verify(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<(), Error> {
        if self.own.iter().any(|own| own == shown) {
            return self.verify_own(shown, host, now);
        }
        match self.chain.verify_server_cert(shown, between, host, stapled, now) {
            // The chain is looked at first, and was good.
            Err(error) if is_wrong_name(&error) && self.verifies_names => {
                named_in_subject(&parsed(shown)?, host, error)
            }
            Err(error) if is_wrong_name(&error) => Ok(()),
            verified => verified.map(drop),
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        stapled: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Believed::Signed(signed) = &self.believed {
            signed.verify(shown, between, host, stapled, now)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn parsed(shown: &CertificateDer<'_>) -> Result<Certificate, Error> {
    Certificate::from_der(shown).map_err(|_| CertificateError::BadEncoding.into())
}

fn is_wrong_name(error: &Error) -> bool {
    let names = |error: &CertificateError| {
        matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
    };
    matches!(error, Error::InvalidCertificate(error) if names(error))
}

/// A host's name in the subject counts where the certificate has no other names (RFC 6125
/// 6.4.4); `otherwise` is what is said if it is not there.
fn named_in_subject(certificate: &Certificate, host: &ServerName<'_>, otherwise: Error) -> Result<(), Error> {
    let body = &certificate.tbs_certificate;
    let has_names = body.get::<SubjectAltName>().map_or(true, |names| names.is_some());
    let host = host.to_str();
    let is_named = !has_names
        && body
            .subject
            .0
            .iter()
            .flat_map(|part| part.0.iter())
            .filter(|part| part.oid == COMMON_NAME)
            .any(|name| std::str::from_utf8(name.value.value()).is_ok_and(|name| names(name, &host)));
    if is_named { Ok(()) } else { Err(otherwise) }
}

/// Whether a name is a host's, with `*.` for one label in front.
fn names(name: &str, host: &str) -> bool {
    name.eq_ignore_ascii_case(host)
        || match (name.strip_prefix("*."), host.split_once('.')) {
            (Some(name), Some((_, host))) => name.contains('.') && name.eq_ignore_ascii_case(host),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn a_star_stands_for_one_label() {
        assert!(names("DB.example.com", "db.example.com") && names("*.example.com", "db.example.com"));
        for (name, host) in [
            ("example.com", "db.example.com"),
            ("*.example.com", "a.b.example.com"),
            ("*.com", "example.com"),
            ("*.example.com", "example.com"),
        ] {
            assert!(!names(name, host), "{name} {host}");
        }
    }
}
