//! Requests that failed, as errors.

use reqwest::StatusCode;
use windlass_core::{Code, Error};

use super::{Response, shown_body, url};

/// Why an attempt has no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("the server cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("TLS cannot be agreed on with the server")]
    Tls(#[source] reqwest::Error),
    #[error("the server did not answer in time ({seconds} s)")]
    Timeout { seconds: f64 },
    #[error("the server closed the connection before its answer was complete")]
    Cut(#[source] reqwest::Error),
    #[error("the body is not encoded as its header `content-encoding: {encoding}` says")]
    Encoding {
        encoding: String,
        #[source]
        cause: Option<std::io::Error>,
    },
    #[error("the body cannot be kept in a file")]
    Spool(#[source] std::io::Error),
    #[error("the request cannot be sent")]
    Unsendable(#[source] reqwest::Error),
}

impl Failure {
    /// What went wrong while a request was sent or its answer read.
    pub(super) fn of(error: reqwest::Error) -> Self {
        // The URL may hold secrets, and whoever reports this names it without them.
        let error = error.without_url();
        if error.is_builder() {
            Self::Unsendable(error)
        } else if is_tls(&error, error.is_connect()) {
            Self::Tls(error)
        } else if error.is_connect() {
            Self::Unreachable(error)
        } else {
            Self::Cut(error)
        }
    }

    /// Whether another attempt may have an answer.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::Tls(_) | Self::Timeout { .. } | Self::Cut(_) => true,
            Self::Encoding { .. } | Self::Spool(_) | Self::Unsendable(_) => false,
        }
    }

    /// The error of a request, with its method and its URL without secrets.
    pub(super) fn into_error(self, method: &str, url: &str) -> Error {
        let hint = match &self {
            Self::Unreachable(_) => {
                "check host and port of the URL, and whether a proxy or firewall stands between"
            }
            Self::Tls(_) => {
                "the certificate is not trusted or not for this host: `ca_file` names a file of certificates to trust"
            }
            Self::Timeout { .. } => "`request_timeout` gives the server more time",
            Self::Cut(_) => "the server or something between ended it: fewer records per page may help",
            Self::Encoding { .. } => {
                "this is a fault of the server: `headers: {Accept-Encoding: identity}` asks for plain bodies"
            }
            Self::Spool(_) => "large bodies go to the folder for temporary files, which $TMPDIR names",
            Self::Unsendable(_) => "headers and methods have no line breaks and no other control characters",
        };
        let what = format!("{method} {}: {self}", url::masked(url));
        let retry = self.may_pass();
        let error = match self {
            Self::Unsendable(cause) => Error::config(what).with_source(cause),
            Self::Unreachable(cause) | Self::Tls(cause) | Self::Cut(cause) => {
                Error::of(Code::SourceUnreachable, what).with_source(cause)
            }
            Self::Encoding { cause: Some(cause), .. } | Self::Spool(cause) => {
                Error::source_failed(what).with_source(cause)
            }
            Self::Timeout { .. } => Error::of(Code::SourceUnreachable, what),
            Self::Encoding { cause: None, .. } => Error::source_failed(what),
        };
        let error = error.with_hint(hint);
        if retry { error.retryable() } else { error }
    }
}

/// Whether TLS is at the bottom of an error, or the end of a connection, which while connecting is that of the handshake.
/// Errors of I/O hide what they hold from the chain of causes.
fn is_tls(error: &(dyn std::error::Error + 'static), is_connecting: bool) -> bool {
    let io = error.downcast_ref::<std::io::Error>();
    error.is::<rustls::Error>()
        || is_connecting && io.is_some_and(|io| io.kind() == std::io::ErrorKind::UnexpectedEof)
        || io.and_then(std::io::Error::get_ref).is_some_and(|inner| is_tls(inner, is_connecting))
        || error.source().is_some_and(|cause| is_tls(cause, is_connecting))
}

/// The error of an answer whose status says that the request failed.
pub(super) fn of_status(response: &Response, method: &str) -> Error {
    let status = response.status;
    let reason =
        StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("unknown");
    let side = if status < 500 { "Client" } else { "Server" };
    let mut text =
        format!("{status} {side} Error: {reason} for url: {} ({method})", url::masked(&response.url));
    if let Some(most) = response.shown_body {
        // More tells whether something is left out, and keeps a secret at the end whole.
        text.push_str(&format!("\nResponse: {}", shown_body(&response.excerpt(most + 4096), most)));
    }
    let mut error = Error::of(Code::HttpStatus, text).with_detail("status", status);
    if let (401 | 403, Some(host)) = (status, &response.withheld_from) {
        error = error.with_hint(format!(
            "credentials do not go to {host}, where a link or redirect led: `send_credentials_to: [{host}]` lets them"
        ));
    }
    match status {
        401 => error.with_hint(
            "the server wants other credentials: look at the `auth` block of the client or endpoint",
        ),
        403 => error.with_hint("the credentials of the `auth` block may not read this, or it lacks them"),
        404 => error.with_hint(
            "`response_actions: [{status_code: 404, action: ignore}]` takes what is not there for no records",
        ),
        407 => error.with_hint("the proxy wants credentials: they stand in the URL of $HTTPS_PROXY"),
        429 => error
            .with_hint("the server wants fewer requests: lower `max_connections`, or try again later")
            .retryable(),
        500.. => error.with_hint("the server failed; `request_max_attempts` tries more often").retryable(),
        _ => error,
    }
}
