//! A token in the header `Authorization`.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::Result;

use super::required;
use crate::config::Secret;
use crate::sources::rest::http::{Auth, Request, Transport};

/// Options of `bearer`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BearerAuth {
    /// The token.
    #[serde(deserialize_with = "super::secret")]
    pub token: Option<Secret>,
}

#[derive(Debug)]
pub(super) struct Bearer {
    token: Secret,
}

impl Bearer {
    pub(super) fn new(config: BearerAuth) -> Result<Self> {
        Ok(Self { token: required("bearer", "token", config.token)? })
    }
}

#[async_trait]
impl Auth for Bearer {
    async fn sign(&self, request: &mut Request, _transport: &dyn Transport) -> Result<()> {
        request.set_header("Authorization", format!("Bearer {}", self.token.expose()));
        Ok(())
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.token.clone()]
    }
}
