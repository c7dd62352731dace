//! Who sends a request: tokens, keys, passwords, and tokens that are fetched with them.
//!
//! What is not here implements [`Auth`](super::Auth).

mod api_key;
mod basic;
mod bearer;
mod jwt;
mod oauth2;
mod token;

use std::borrow::Cow;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use windlass_core::{Code, Error, Result};

use super::Auth;
use crate::config::{Secret, choices};

pub use api_key::{ApiKeyAuth, ApiKeyLocation};
pub use basic::HttpBasicAuth;
pub use bearer::BearerAuth;
pub use jwt::{OAuthJwtAuth, Scopes};
pub use oauth2::OAuth2ClientCredentials;

/// The option `auth`: the name of a kind, whose fields come from the settings, or a map with `type`. A map without it is
/// of the kind `bearer`.
#[derive(Clone, Debug)]
pub enum AuthConfig {
    /// `Authorization: Bearer TOKEN`.
    Bearer(BearerAuth),
    /// A key in a header, the query or a cookie.
    ApiKey(ApiKeyAuth),
    /// User and password.
    HttpBasic(HttpBasicAuth),
    /// A token that is fetched with an id and a secret.
    OAuth2ClientCredentials(OAuth2ClientCredentials),
    /// A token that is fetched with a signed statement.
    OAuthJwt(OAuthJwtAuth),
}

/// The names of the kinds.
const KINDS: [&str; 5] = ["bearer", "api_key", "http_basic", "oauth2_client_credentials", "oauth_jwt"];

impl AuthConfig {
    /// What signs the requests. Errors: a field is missing, a key that is none.
    pub fn build(self) -> Result<Arc<dyn Auth>> {
        Ok(match self {
            Self::Bearer(config) => Arc::new(bearer::Bearer::new(config)?),
            Self::ApiKey(config) => Arc::new(api_key::ApiKey::new(config)?),
            Self::HttpBasic(config) => Arc::new(basic::HttpBasic::new(config)?),
            Self::OAuth2ClientCredentials(config) => Arc::new(oauth2::ClientCredentials::new(config)?),
            Self::OAuthJwt(config) => Arc::new(jwt::Jwt::new(config)?),
        })
    }
}

impl<'de> Deserialize<'de> for AuthConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let (kind, fields) = match Value::deserialize(deserializer)? {
            Value::String(kind) => (kind, Map::new()),
            Value::Object(mut fields) => match fields.shift_remove("type") {
                None | Some(Value::Null) => ("bearer".to_owned(), fields),
                Some(Value::String(kind)) => (kind, fields),
                Some(_) => return Err(D::Error::custom("`type` must be a text")),
            },
            _ => return Err(D::Error::custom("must be the name of a kind, or a map with `type`")),
        };
        let fields = Value::Object(fields);
        let config = match kind.as_str() {
            "bearer" => serde_json::from_value(fields).map(Self::Bearer),
            "api_key" => serde_json::from_value(fields).map(Self::ApiKey),
            "http_basic" => serde_json::from_value(fields).map(Self::HttpBasic),
            "oauth2_client_credentials" => serde_json::from_value(fields).map(Self::OAuth2ClientCredentials),
            "oauth_jwt" => serde_json::from_value(fields).map(Self::OAuthJwt),
            _ => {
                let near = choices(&kind, KINDS);
                return Err(D::Error::custom(format!("there is no kind `{kind}` of auth; {near}")));
            }
        };
        config.map_err(D::Error::custom)
    }
}

/// The forms that [`AuthConfig`] is written in.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the forms; what is read is an `AuthConfig`")]
enum AuthForms {
    /// The name of a kind; its fields come from the settings.
    Name(AuthName),
    /// A kind and its fields.
    Kind(AuthKind),
    /// The fields of `bearer`.
    Bearer(BearerAuth),
}

#[derive(JsonSchema)]
#[serde(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the forms")]
enum AuthName {
    Bearer,
    ApiKey,
    HttpBasic,
    #[serde(rename = "oauth2_client_credentials")]
    OAuth2ClientCredentials,
    #[serde(rename = "oauth_jwt")]
    OAuthJwt,
}

#[derive(JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the forms")]
enum AuthKind {
    /// `Authorization: Bearer TOKEN`.
    Bearer(BearerAuth),
    /// A key in a header, the query or a cookie.
    ApiKey(ApiKeyAuth),
    /// User and password.
    HttpBasic(HttpBasicAuth),
    /// A token that is fetched with an id and a secret.
    #[serde(rename = "oauth2_client_credentials")]
    OAuth2ClientCredentials(OAuth2ClientCredentials),
    /// A token that is fetched with a signed statement.
    #[serde(rename = "oauth_jwt")]
    OAuthJwt(OAuthJwtAuth),
}

impl JsonSchema for AuthConfig {
    fn schema_name() -> Cow<'static, str> {
        "AuthConfig".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        AuthForms::json_schema(generator)
    }
}

/// Reads a secret. Numbers are taken as they are written, since a password may look like one; no value is shown.
fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<Secret>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.as_str().into())),
        number @ Value::Number(_) => Ok(Some(number.to_string().as_str().into())),
        _ => Err(D::Error::custom("a secret must be a text")),
    }
}

/// The value of a field that has to be there.
fn required<T>(kind: &str, name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| {
        Error::of(Code::MissingKey, format!("auth of type `{kind}`: `{name}` is missing")).with_detail("key", name).with_hint(format!(
            "write `{name}: \"${{NAME_OF_A_VARIABLE}}\"` there, or put it into secrets.toml or the environment"
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::check;

    fn read(value: Value) -> std::result::Result<AuthConfig, String> {
        serde_json::from_value(value).map_err(|error| error.to_string())
    }

    #[test]
    fn forms_of_the_option() {
        assert!(matches!(read(json!("bearer")), Ok(AuthConfig::Bearer(_))));
        assert!(matches!(read(json!({"token": "t"})), Ok(AuthConfig::Bearer(BearerAuth { token: Some(_) }))));
        assert!(matches!(read(json!({"type": "api_key", "api_key": 123})), Ok(AuthConfig::ApiKey(_))));
        let jwt =
            json!({"type": "oauth_jwt", "client_id": "c", "scopes": "a b", "auth_endpoint": "http://h"});
        assert!(matches!(read(jwt), Ok(AuthConfig::OAuthJwt(_))));
        assert!(read(json!("beaer")).unwrap_err().contains("did you mean `bearer`?"));
        assert!(
            read(json!({"type": "http_basic", "user": "u"})).unwrap_err().contains("unknown field `user`")
        );
    }

    #[test]
    fn errors_and_debug_show_no_secret() {
        let wrong = json!({"type": "oauth2_client_credentials", "client_secret": {"hidden": "hidden"}});
        assert!(!read(wrong).unwrap_err().contains("hidden"));
        let right = json!({"type": "http_basic", "username": "u", "password": "hidden"});
        let config = read(right).unwrap();
        assert!(!format!("{config:?}").contains("hidden"));
        assert!(!format!("{:?}", config.build().unwrap()).contains("hidden"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let cases = [
            ("bearer", "token"),
            ("api_key", "api_key"),
            ("http_basic", "username"),
            ("oauth2_client_credentials", "access_token_url"),
            ("oauth_jwt", "client_id"),
        ];
        for (kind, field) in cases {
            let error = read(json!(kind)).unwrap().build().unwrap_err();
            assert!(error.message().contains(kind) && error.message().contains(field), "{error}");
        }
    }

    #[test]
    fn the_schema_knows_the_forms() {
        let schema = SchemaGenerator::default().into_root_schema_for::<AuthConfig>();
        let problems = |value: Value| -> Vec<String> {
            check(schema.as_value(), &value)
                .into_iter()
                .map(|p| format!("{}: {} {}", p.pointer, p.message, p.hint.unwrap_or_default()))
                .collect()
        };
        for right in [
            json!("api_key"),
            json!({"token": "t"}),
            json!({"type": "bearer"}),
            json!({"type": "api_key", "name": "sid", "api_key": "k", "location": "cookie"}),
            json!({"type": "oauth2_client_credentials", "access_token_request_data": {"scope": "a"}}),
            json!({"type": "oauth_jwt", "scopes": ["a"]}),
        ] {
            assert_eq!(problems(right.clone()), [""; 0], "{right}");
        }
        assert_eq!(problems(json!("beaer")).len(), 1);
        let wrong = problems(json!({"type": "http_basic", "usrname": "u"}));
        assert_eq!(wrong, ["/usrname: unknown key `usrname` did you mean `username`?"]);
    }
}
