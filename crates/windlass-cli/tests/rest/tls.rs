//! A server whose certificate nobody trusts unless told to: it is for `localhost`, from an authority of these tests.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};

/// The authority.
pub(crate) const AUTHORITY: &str = include_str!("tls/ca.pem");

/// Gives this answer to everything; its port.
pub(crate) fn serve(body: &'static str) -> u16 {
    let certificates: Vec<_> =
        CertificateDer::pem_slice_iter(include_bytes!("tls/server.pem")).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = stream.unwrap();
            let mut stream = Stream::new(&mut connection, &mut stream);
            // A client that does not trust the certificate leaves.
            if stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
                )
                .unwrap();
            }
        }
    });
    port
}
