//! Credentials that the file leaves out and the settings have.

use serde_json::{Map, Value};

/// What each kind of credentials consists of.
const KINDS: [(&str, &[&str]); 5] = [
    ("bearer", &["token"]),
    ("api_key", &["api_key", "name", "location"]),
    ("http_basic", &["username", "password"]),
    (
        "oauth2_client_credentials",
        &["access_token", "access_token_url", "client_id", "client_secret", "default_token_expiration"],
    ),
    ("oauth_jwt", &["client_id", "private_key", "auth_endpoint", "scopes", "private_key_passphrase"]),
];

/// Fills in what the `auth` blocks of a source leave out; `setting` looks a key up in the section `credentials`.
pub(crate) fn fill(source: &mut Map<String, Value>, setting: &dyn Fn(&str) -> Option<Value>) {
    if let Some(auth) = source.get_mut("client").and_then(|client| client.get_mut("auth")) {
        fill_auth(auth, setting);
    }
    let defaults = source.get_mut(super::defaults::DEFAULTS);
    if let Some(auth) = defaults.and_then(|defaults| defaults.get_mut("endpoint")?.get_mut("auth")) {
        fill_auth(auth, setting);
    }
    let resources = source.get_mut("resources").and_then(Value::as_array_mut);
    for resource in resources.into_iter().flatten() {
        if let Some(auth) = resource.get_mut("endpoint").and_then(|endpoint| endpoint.get_mut("auth")) {
            fill_auth(auth, setting);
        }
    }
}

fn fill_auth(auth: &mut Value, setting: &dyn Fn(&str) -> Option<Value>) {
    let kind =
        auth.as_str().or_else(|| auth.get("type").and_then(Value::as_str)).unwrap_or("bearer").to_owned();
    let Some((_, keys)) = KINDS.iter().find(|(known, _)| *known == kind) else { return };
    if auth.is_string() {
        *auth = serde_json::json!({ "type": kind });
    }
    let Value::Object(map) = auth else { return };
    for key in *keys {
        if map.get(*key).is_none_or(Value::is_null)
            && let Some(value) = setting(key)
        {
            map.insert((*key).to_owned(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_out_comes_from_the_settings() {
        let setting = |key: &str| match key {
            "token" | "password" => Some(json!("from settings")),
            _ => None,
        };
        let mut source = json!({
            "client": {"auth": "bearer"},
            "resources": [
                "a",
                {"endpoint": {"auth": {"type": "http_basic", "username": "u"}}},
                {"endpoint": {"auth": {"token": "own"}}},
                {"endpoint": {"auth": null}},
                {"endpoint": {"auth": {"type": "other"}}},
            ],
        });
        let Value::Object(map) = &mut source else { unreachable!() };
        fill(map, &setting);
        assert_eq!(source["client"]["auth"], json!({"type": "bearer", "token": "from settings"}));
        let auth = |index: usize| &source["resources"][index]["endpoint"]["auth"];
        assert_eq!(*auth(1), json!({"type": "http_basic", "username": "u", "password": "from settings"}));
        assert_eq!(*auth(2), json!({"token": "own"}));
        assert_eq!(*auth(3), Value::Null);
        assert_eq!(*auth(4), json!({"type": "other"}));
    }
}
