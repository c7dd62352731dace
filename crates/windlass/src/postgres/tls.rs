//! TLS as libpq's `sslmode` means it.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;
use windlass_core::{Code, Error, Result};

/// What is checked of a server's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verification {
    /// Nothing: the connection is encrypted, but may be to anybody.
    None,
    /// Who signed it.
    Chain,
    /// Who signed it, and that it is the server's.
    ChainAndHost,
}

/// Which certificates are trusted and shown.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    pub(crate) verification: Verification,
    /// File of trusted certificates; the system's when missing.
    pub(crate) root: Option<String>,
    /// Files of the certificate and key that the client shows.
    pub(crate) client: Option<(String, String)>,
}

impl Tls {
    /// Errors: files that cannot be read, a system without certificates.
    pub(crate) fn connector(&self) -> Result<MakeRustlsConnect> {
        let provider = Arc::new(ring::default_provider());
        let failed =
            |cause: rustls::Error| Error::of(Code::TlsUnusable, "TLS cannot be set up").with_source(cause);
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(failed)?;
        let chain = || {
            WebPkiServerVerifier::builder_with_provider(Arc::new(self.roots()?), Arc::clone(&provider))
                .build()
                .map_err(|cause| {
                    Error::of(Code::TlsUnusable, "the trusted certificates cannot be used").with_source(cause)
                })
        };
        let lenient = |chain| Arc::new(Lenient { provider: Arc::clone(&provider), chain });
        let verifier: Arc<dyn ServerCertVerifier> = match self.verification {
            Verification::None => lenient(None),
            Verification::Chain => lenient(Some(chain()?)),
            Verification::ChainAndHost => chain()?,
        };
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let config = match &self.client {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate, "sslcert")?;
                let key =
                    PrivateKeyDer::from_pem_file(key).map_err(|cause| unreadable("sslkey", key, cause))?;
                builder.with_client_auth_cert(chain, key).map_err(failed)?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        match &self.root {
            Some(file) if file != "system" => {
                for certificate in certificates(file, "sslrootcert")? {
                    roots.add(certificate).map_err(|cause| unreadable("sslrootcert", file, cause))?;
                }
            }
            _ => {
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
            }
        }
        if roots.is_empty() {
            return Err(Error::of(Code::TlsUnusable, "there are no certificates to verify the server with")
                .with_hint("name a file with sslrootcert, or use sslmode=require, which verifies nothing"));
        }
        Ok(roots)
    }
}

fn unreadable(key: &str, file: &str, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::of(Code::TlsUnusable, format!("the file of {key} cannot be used"))
        .with_source(cause)
        .at_file(file)
        .with_hint("name a file in PEM form that windlass may read")
}

fn certificates(file: &str, key: &str) -> Result<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|cause| unreadable(key, file, cause))
}

/// Checks less of a certificate than it should be, as some modes of libpq do.
#[derive(Debug)]
struct Lenient {
    provider: Arc<CryptoProvider>,
    /// Who signed the certificate is checked with `sslmode=verify-ca`, and with `sslmode=require` nothing.
    chain: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        // The name is looked at last, after the chain was found good.
        match chain.verify_server_cert(certificate, intermediates, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            result => result,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
