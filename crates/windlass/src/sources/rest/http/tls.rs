//! TLS as everything else here has it: rustls with ring, and the certificates of the system.

use std::path::Path;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use windlass_core::{Code, Error, Result};

/// Trusts the system's certificates and those of a file. Errors: the file cannot be read or has none.
pub(super) fn config(ca_file: Option<&Path>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(path) = ca_file {
        let wrong = |why: &str| {
            Error::of(Code::TlsUnusable, format!("`ca_file`: {why}"))
                .at_file(path.display().to_string())
                .with_hint("it holds certificates between BEGIN CERTIFICATE and END CERTIFICATE")
        };
        let certificates = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<std::result::Result<Vec<_>, _>>)
            .map_err(|cause| wrong("the certificates cannot be read").with_source(cause))?;
        if roots.add_parsable_certificates(certificates).0 == 0 {
            return Err(wrong("there is no certificate that could be trusted"));
        }
    }
    Ok(ClientConfig::builder_with_provider(ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(|cause| Error::of(Code::TlsUnusable, "TLS cannot be set up").with_source(cause))?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
