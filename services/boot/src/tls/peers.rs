//! Which callers are let in: whose certificate an authority has signed, and who has one of
//! the names that may call, if there is a list of them.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// Callers with one of these names.
#[derive(Debug)]
pub struct Named {
    chain: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl Named {
    /// Of those that `chain` lets in.
    pub fn new(chain: Arc<dyn ClientCertVerifier>, names: Vec<String>) -> Self {
        Self { chain, names }
    }
}

impl ClientCertVerifier for Named {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.chain.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        shown: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.chain.verify_client_cert(shown, between, now)?;
        let has = names(shown).ok_or(CertificateError::BadEncoding)?;
        if has.iter().any(|name| self.names.iter().any(|may| may.eq_ignore_ascii_case(name))) {
            return Ok(verified);
        }
        tracing::warn!(names = ?has, "a caller's certificate has none of the names of TLS_CLIENT_NAMES");
        Err(CertificateError::NotValidForName.into())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// The names of a certificate that a service can have: hosts, and URIs such as those of
/// SPIFFE.
fn names(certificate: &CertificateDer<'_>) -> Option<Vec<String>> {
    let read = Certificate::from_der(certificate).ok()?;
    let alternatives = read.tbs_certificate.get::<SubjectAltName>().ok()?;
    let names = alternatives.into_iter().flat_map(|(_, SubjectAltName(names))| names);
    let text = |name| match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::UniformResourceIdentifier(name) => Some(name.to_string()),
        _ => None,
    };
    Some(names.filter_map(text).collect())
}
