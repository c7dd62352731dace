//! Failures of the connection, and what the server said.

use std::fmt;

use windlass_core::Error;

use crate::side::Side;

/// What the server said, without its details, which may hold values of rows.
#[derive(Debug)]
pub(crate) struct Refusal(pub(crate) String);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refusal {}

/// What a broken connection means for the user. `what` was tried.
pub(crate) fn broken(error: Error, side: Side, what: &str, cause: tokio_postgres::Error) -> Error {
    let mut text = String::new();
    let mut io = None;
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(&cause);
    while let Some(piece) = next {
        text.push_str(&piece.to_string());
        text.push('\n');
        io = io.or(piece.downcast_ref::<std::io::Error>().map(std::io::Error::kind));
        next = piece.source();
    }
    let has = |piece: &str| text.contains(piece);
    let place = side.key();
    let hint = if has("password missing") {
        format!("the server asks for a password; set {place}.password")
    } else if has("TLS") || has("certificate") || has("tls") {
        "check sslmode and sslrootcert: `disable` speaks no TLS, `require` verifies nothing, `verify-full` needs a \
         certificate that is signed for the host"
            .to_owned()
    } else if has("lookup address") {
        format!("no server has this name; check the host of {place}")
    } else if io == Some(std::io::ErrorKind::ConnectionRefused) || io == Some(std::io::ErrorKind::NotFound) {
        format!("no server listens there; check host and port of {place}, and that the server runs")
    } else if io == Some(std::io::ErrorKind::TimedOut) || has("timeout") || has("timed out") {
        "the server does not answer; check host and port, firewalls, and connect_timeout".to_owned()
    } else if what == "open" {
        format!("check host and port of {place}")
    } else {
        match side {
            Side::Source => "the connection was lost; run again",
            Side::Destination => {
                "the connection was lost; the load was rolled back, nothing is lost; run again"
            }
        }
        .to_owned()
    };
    let is_setting = has("password missing") || has("does not support TLS") || has("certificate");
    let error = if is_setting { error } else { error.retryable() };
    error.with_source(cause).with_hint(hint)
}
