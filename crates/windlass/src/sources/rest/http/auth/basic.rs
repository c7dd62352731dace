//! User and password.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::Result;

use super::required;
use crate::config::Secret;
use crate::sources::rest::http::{Auth, Request, Transport};

/// Options of `http_basic`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HttpBasicAuth {
    /// Who it is.
    pub username: Option<String>,
    /// The password.
    #[serde(deserialize_with = "super::secret")]
    pub password: Option<Secret>,
}

#[derive(Debug)]
pub(super) struct HttpBasic {
    username: String,
    password: Secret,
}

impl HttpBasic {
    pub(super) fn new(config: HttpBasicAuth) -> Result<Self> {
        Ok(Self {
            username: required("http_basic", "username", config.username)?,
            password: required("http_basic", "password", config.password)?,
        })
    }

    fn encoded(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.username, self.password.expose()))
    }
}

#[async_trait]
impl Auth for HttpBasic {
    async fn sign(&self, request: &mut Request, _transport: &dyn Transport) -> Result<()> {
        request.set_header("Authorization", format!("Basic {}", self.encoded()));
        Ok(())
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.password.clone(), self.encoded().as_str().into()]
    }
}
