//! A token that is fetched with a statement signed by a private key (RFC 7523).

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use indexmap::IndexMap;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass_core::{Error, Result};

use super::required;
use super::token::FetchedToken;
use crate::config::Secret;
use crate::env::{Clock as _, SystemClock};
use crate::sources::rest::http::{Auth, Request, RequestBody, Transport};

/// Options of `oauth_jwt`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OAuthJwtAuth {
    /// Who fetches tokens.
    pub client_id: Option<String>,
    /// The private RSA key, as PEM (PKCS#8 or PKCS#1).
    #[serde(deserialize_with = "super::secret")]
    pub private_key: Option<Secret>,
    /// What the private key is encrypted with.
    #[serde(deserialize_with = "super::secret")]
    pub private_key_passphrase: Option<Secret>,
    /// Where tokens are fetched.
    pub auth_endpoint: Option<String>,
    /// What the token is to allow.
    pub scopes: Option<Scopes>,
    /// Headers of the request for a token.
    pub headers: IndexMap<String, String>,
    /// Seconds that a token holds if the server does not say so. Default 3600.
    pub default_token_expiration: i64,
}

/// What a token allows: a list, or a text with spaces between.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Scopes {
    /// A text.
    Text(String),
    /// A list.
    List(Vec<String>),
}

impl Default for OAuthJwtAuth {
    fn default() -> Self {
        Self {
            client_id: None,
            private_key: None,
            private_key_passphrase: None,
            auth_endpoint: None,
            scopes: None,
            headers: IndexMap::new(),
            default_token_expiration: 3600,
        }
    }
}

/// Seconds that a statement holds.
const STATEMENT_SECONDS: i64 = 3600;

#[derive(Debug)]
pub(super) struct Jwt {
    client_id: String,
    key: RsaKeyPair,
    key_text: Secret,
    endpoint: String,
    scopes: Option<String>,
    headers: IndexMap<String, String>,
    default_seconds: i64,
    token: FetchedToken,
}

impl Jwt {
    pub(super) fn new(config: OAuthJwtAuth) -> Result<Self> {
        const KIND: &str = "oauth_jwt";
        let client_id = required(KIND, "client_id", config.client_id)?;
        let key_text = required(KIND, "private_key", config.private_key)?;
        let key = read_key(&key_text, config.private_key_passphrase.as_ref())?;
        Ok(Self {
            client_id,
            key,
            key_text,
            endpoint: required(KIND, "auth_endpoint", config.auth_endpoint)?,
            scopes: config.scopes.map(|scopes| match scopes {
                Scopes::Text(text) => text,
                Scopes::List(list) => list.join(" "),
            }),
            headers: config.headers,
            default_seconds: config.default_token_expiration,
            token: FetchedToken::default(),
        })
    }

    /// The signed statement. `now` is in seconds since the epoch.
    fn statement(&self, now: i64) -> Result<String> {
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), self.client_id.as_str().into());
        claims.insert("sub".to_owned(), self.client_id.as_str().into());
        claims.insert("aud".to_owned(), self.endpoint.as_str().into());
        claims.insert("exp".to_owned(), (now + STATEMENT_SECONDS).into());
        claims.insert("iat".to_owned(), now.into());
        if let Some(scopes) = &self.scopes {
            claims.insert("scope".to_owned(), scopes.as_str().into());
        }
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims.into()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| Error::internal("a statement cannot be signed"))?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn read_key(text: &Secret, passphrase: Option<&Secret>) -> Result<RsaKeyPair> {
    let wrong = |why: &str| Error::config(format!("auth of type `oauth_jwt`: `private_key` {why}"));
    // In settings of the environment, lines often end in `\n` as two characters.
    let text = text.expose().trim().replace("\\n", "\n");
    if text.contains("ENCRYPTED") {
        let passphrase = passphrase.ok_or_else(|| {
            wrong("is encrypted").with_hint("`private_key_passphrase` is what it is encrypted with")
        })?;
        let (_, document) = pkcs8::SecretDocument::from_pem(&text)
            .map_err(|_| wrong("cannot be read").with_hint("convert it by `openssl pkcs8 -topk8`"))?;
        let key = pkcs8::EncryptedPrivateKeyInfoRef::try_from(document.as_bytes())
            .ok()
            .and_then(|encrypted| encrypted.decrypt(passphrase.expose()).ok())
            .ok_or_else(|| wrong("is not decrypted by `private_key_passphrase`"))?;
        return RsaKeyPair::from_pkcs8(key.as_bytes())
            .map_err(|cause| wrong(&format!("is no RSA key that can be used: {cause}")));
    }
    let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| {
        wrong("is no private key")
            .with_hint("it begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----")
    })?;
    let key = match &key {
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        _ => return Err(wrong("is no RSA key")),
    };
    key.map_err(|cause| wrong(&format!("is no RSA key that can be used: {cause}")))
}

#[async_trait]
impl Auth for Jwt {
    async fn sign(&self, request: &mut Request, transport: &dyn Transport) -> Result<()> {
        let fetch = || {
            let mut request = Request::new("POST", &self.endpoint);
            request.headers.clone_from(&self.headers);
            let mut form = Map::new();
            form.insert("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:jwt-bearer".into());
            form.insert(
                "assertion".to_owned(),
                self.statement(SystemClock.now().div_euclid(1_000_000))?.into(),
            );
            request.body = RequestBody::Form(form);
            Ok(request)
        };
        let token = self.token.get(fetch, self.default_seconds, transport).await?;
        request.set_header("Authorization", format!("Bearer {}", token.expose()));
        Ok(())
    }

    fn secrets(&self) -> Vec<Secret> {
        let mut secrets = self.token.secrets();
        secrets.push(self.key_text.clone());
        secrets
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

    use super::*;

    const PLAIN: &str = include_str!("test_keys/pkcs8.pem");
    const OLD: &str = include_str!("test_keys/pkcs1.pem");
    const ENCRYPTED: &str = include_str!("test_keys/encrypted.pem");

    fn jwt(key: &str, passphrase: Option<&str>) -> Result<Jwt> {
        Jwt::new(OAuthJwtAuth {
            client_id: Some("cid".to_owned()),
            private_key: Some(key.into()),
            private_key_passphrase: passphrase.map(Secret::from),
            auth_endpoint: Some("http://h/jwt".to_owned()),
            scopes: Some(Scopes::List(vec!["a".to_owned(), "b".to_owned()])),
            ..OAuthJwtAuth::default()
        })
    }

    #[test]
    fn statements_are_signed_with_keys_of_all_forms() {
        let mut statements = Vec::new();
        let one_line = PLAIN.replace('\n', "\\n");
        for (key, passphrase) in [(PLAIN, None), (OLD, None), (&one_line, None), (ENCRYPTED, Some("secret"))]
        {
            let jwt = jwt(key, passphrase).unwrap();
            let statement = jwt.statement(1_700_000_000).unwrap();
            let (text, signature) = statement.rsplit_once('.').unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, jwt.key.public());
            public.verify(text.as_bytes(), &signature).unwrap();
            statements.push(statement);
        }
        statements.dedup();
        let [statement] = &statements[..] else { panic!("one key, one statement") };
        let parts: Vec<String> = statement
            .split('.')
            .take(2)
            .map(|part| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap())
            .collect();
        assert_eq!(parts[0], r#"{"alg":"RS256","typ":"JWT"}"#);
        assert_eq!(
            parts[1],
            r#"{"iss":"cid","sub":"cid","aud":"http://h/jwt","exp":1700003600,"iat":1700000000,"scope":"a b"}"#
        );
    }

    #[test]
    fn keys_that_are_none_are_refused_unseen() {
        let cases = [("hidden", None), (ENCRYPTED, None), (ENCRYPTED, Some("hidden")), (&PLAIN[..200], None)];
        for (key, passphrase) in cases {
            let error = jwt(key, passphrase).unwrap_err().chain();
            assert!(error.contains("private_key") && !error.contains("hidden"), "{error}");
        }
    }
}
