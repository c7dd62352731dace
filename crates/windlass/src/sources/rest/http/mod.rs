//! Requests and answers of HTTP, and the two seams of the client: what signs a request, and what carries it.

mod request;
mod response;

use std::fmt;

use async_trait::async_trait;
use windlass_core::Result;

pub use request::{Request, RequestBody};
pub use response::Response;

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
}
