//! A token that is fetched with an id and a secret.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use windlass_core::Result;

use super::required;
use super::token::FetchedToken;
use crate::config::Secret;
use crate::sources::rest::http::{Auth, Request, RequestBody, Transport};

/// Options of `oauth2_client_credentials`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OAuth2ClientCredentials {
    /// A token that is known. It is used where `access_token_url` is not given; else one is fetched, as in the reference.
    #[serde(deserialize_with = "super::secret")]
    pub access_token: Option<Secret>,
    /// Where tokens are fetched.
    pub access_token_url: Option<String>,
    /// Who fetches them.
    #[serde(deserialize_with = "super::secret")]
    pub client_id: Option<Secret>,
    /// The secret that shows it.
    #[serde(deserialize_with = "super::secret")]
    pub client_secret: Option<Secret>,
    /// Fields of the request for a token, beside or in place of the usual ones.
    pub access_token_request_data: Map<String, Value>,
    /// Seconds that a token holds if the server does not say so. Default 3600.
    pub default_token_expiration: i64,
    /// Whether another token is fetched, once, when a request is answered by 401. Default false.
    pub refresh_on_unauthorized: bool,
}

impl Default for OAuth2ClientCredentials {
    fn default() -> Self {
        Self {
            access_token: None,
            access_token_url: None,
            client_id: None,
            client_secret: None,
            access_token_request_data: Map::new(),
            default_token_expiration: 3600,
            refresh_on_unauthorized: false,
        }
    }
}

#[derive(Debug)]
pub(super) struct ClientCredentials {
    source: TokenSource,
    default_seconds: i64,
    refreshes: bool,
    token: FetchedToken,
}

#[derive(Debug)]
enum TokenSource {
    Known(Secret),
    Fetched { url: String, client_id: Secret, client_secret: Secret, fields: Map<String, Value> },
}

impl ClientCredentials {
    pub(super) fn new(config: OAuth2ClientCredentials) -> Result<Self> {
        const KIND: &str = "oauth2_client_credentials";
        let source = match (config.access_token_url, config.access_token) {
            (None, Some(token)) => TokenSource::Known(token),
            (url, _) => TokenSource::Fetched {
                url: required(KIND, "access_token_url", url)?,
                client_id: required(KIND, "client_id", config.client_id)?,
                client_secret: required(KIND, "client_secret", config.client_secret)?,
                fields: config.access_token_request_data,
            },
        };
        Ok(Self {
            source,
            default_seconds: config.default_token_expiration,
            refreshes: config.refresh_on_unauthorized,
            token: FetchedToken::default(),
        })
    }
}

#[async_trait]
impl Auth for ClientCredentials {
    async fn sign(&self, request: &mut Request, transport: &dyn Transport) -> Result<()> {
        let token = match &self.source {
            TokenSource::Known(token) => token.clone(),
            TokenSource::Fetched { url, client_id, client_secret, fields } => {
                let request = || {
                    let mut request = Request::new("POST", url);
                    let mut form = Map::new();
                    form.insert("client_id".to_owned(), client_id.expose().into());
                    form.insert("client_secret".to_owned(), client_secret.expose().into());
                    form.insert("grant_type".to_owned(), "client_credentials".into());
                    form.extend(fields.clone());
                    request.body = RequestBody::Form(form);
                    Ok(request)
                };
                self.token.get(request, self.default_seconds, transport).await?
            }
        };
        request.set_header("Authorization", format!("Bearer {}", token.expose()));
        Ok(())
    }

    fn refresh(&self) -> bool {
        let may = self.refreshes && matches!(self.source, TokenSource::Fetched { .. });
        if may {
            self.token.forget();
        }
        may
    }

    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.token.secrets();
        match &self.source {
            TokenSource::Known(token) => secrets.push(token.clone()),
            TokenSource::Fetched { client_id, client_secret, .. } => {
                secrets.extend([client_id.clone(), client_secret.clone()]);
            }
        }
        secrets
    }
}
