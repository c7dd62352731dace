//! Requests and answers of HTTP, and the two seams of the client: what signs a request, and what carries it.
//!
//! [`HttpTransport`] carries requests over the network.

mod auth;
mod body;
mod cassette;
mod client;
mod cookies;
mod encode;
mod failure;
mod gate;
mod netrc;
mod pace;
mod request;
mod response;
mod retry;
mod settings;
mod shown;
mod tls;
mod url;

use std::fmt;

use async_trait::async_trait;
use windlass_core::Result;

use crate::config::Secret;

pub use auth::{
    ApiKeyAuth, ApiKeyLocation, AuthConfig, BearerAuth, HttpBasicAuth, OAuth2ClientCredentials, OAuthJwtAuth,
    Scopes,
};
pub use cassette::{EXCHANGES_FILE, RecordingTransport, ReplayingTransport};
pub use client::{HttpTransport, RetryCondition};
pub(crate) use encode::{PythonTexts, write_python, write_quoted};
pub use encode::{python_json, python_text};
pub use gate::HostGates;
pub use pace::{NotedPace, Pace, RealPace};
pub use request::{Request, RequestBody, Settles};
pub use response::{Response, Spooled};
pub use settings::HttpSettings;
pub use shown::shown_body;
pub use url::{is_address, is_web, join as join_url, masked as masked_url};
pub(crate) use url::{origin, route};
pub use windlass_core::masking::is_secret_name;

/// Carries requests: over the network with retries and limits, or from a recording.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends a request and gives the last answer, whatever its status.
    ///
    /// Errors: no answer after all attempts, a budget that is spent, an address that is not http(s).
    async fn send(&self, request: &Request) -> Result<Response>;
}

/// Signs requests.
#[async_trait]
pub trait Auth: Send + Sync + fmt::Debug {
    /// Adds to the request what the server wants to see; runs for every request anew.
    ///
    /// Errors: a token cannot be had.
    async fn sign(&self, request: &mut Request, transport: &dyn Transport) -> Result<()>;

    /// Forgets what the server refuses by 401; whether the request is worth signing and sending once more.
    fn refresh(&self) -> bool {
        false
    }

    /// What recordings and errors must not hold.
    fn secrets(&self) -> Vec<Secret> {
        Vec::new()
    }
}
