//! A key in a header, the query or a cookie.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::Result;

use super::required;
use crate::config::Secret;
use crate::sources::rest::http::{Auth, Request, Transport, url};

/// Options of `api_key`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ApiKeyAuth {
    /// Name of the header, parameter or cookie. Default `Authorization`.
    pub name: String,
    /// The key, which is sent as it is.
    #[serde(deserialize_with = "super::secret")]
    pub api_key: Option<Secret>,
    /// Where it goes. Default `header`.
    pub location: ApiKeyLocation,
}

impl Default for ApiKeyAuth {
    fn default() -> Self {
        Self { name: "Authorization".to_owned(), api_key: None, location: ApiKeyLocation::Header }
    }
}

/// Where a key goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ApiKeyLocation {
    /// Into a header.
    #[default]
    Header,
    /// Behind all parameters of the query.
    Query,
    /// The same as `query`.
    Param,
    /// Into a cookie.
    Cookie,
}

#[derive(Debug)]
pub(super) struct ApiKey {
    name: String,
    key: Secret,
    location: ApiKeyLocation,
}

impl ApiKey {
    pub(super) fn new(config: ApiKeyAuth) -> Result<Self> {
        let key = required("api_key", "api_key", config.api_key)?;
        Ok(Self { name: config.name, key, location: config.location })
    }
}

#[async_trait]
impl Auth for ApiKey {
    async fn sign(&self, request: &mut Request, _transport: &dyn Transport) -> Result<()> {
        let key = self.key.expose();
        match self.location {
            ApiKeyLocation::Header => request.set_header(&self.name, key),
            // It goes behind the parameters, even if there is one of its name, as the reference has it.
            ApiKeyLocation::Query | ApiKeyLocation::Param => {
                let params = std::mem::take(&mut request.params);
                request.url = url::with_query(&request.url, &url::form(&params));
                request.url = url::with_query(&request.url, &url::pair(&self.name, key));
            }
            ApiKeyLocation::Cookie => {
                let own = format!("{}={key}", self.name);
                let cookies = match request.header("Cookie") {
                    Some(cookies) => format!("{cookies}; {own}"),
                    None => own,
                };
                request.set_header("Cookie", cookies);
            }
        }
        Ok(())
    }

    fn secrets(&self) -> Vec<Secret> {
        vec![self.key.clone()]
    }
}
