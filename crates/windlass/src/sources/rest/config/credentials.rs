//! Credentials that the file leaves out and the settings have.

use serde_json::{Map, Value};

use crate::sources::Setting;

/// What each kind of credentials needs, and what it may have besides.
const KINDS: [(&str, &[&str], &[&str]); 5] = [
    ("bearer", &["token"], &[]),
    ("api_key", &["api_key"], &["name", "location"]),
    ("http_basic", &["username", "password"], &[]),
    (
        "oauth2_client_credentials",
        &["access_token_url", "client_id", "client_secret"],
        &["access_token", "default_token_expiration"],
    ),
    ("oauth_jwt", &["client_id", "private_key", "auth_endpoint"], &["scopes", "private_key_passphrase"]),
];

/// Fills in what the `auth` blocks of a source leave out; `setting` looks a key up in the section `credentials`.
///
/// Gives what is still missing: the pointer of the block below the source, and the key.
pub(crate) fn fill(source: &mut Map<String, Value>, setting: &Setting<'_>) -> Vec<(String, &'static str)> {
    let mut missing = Vec::new();
    let mut fill = |holder: Option<&mut Value>, pointer: String| {
        if let Some(auth) = holder.and_then(|holder| holder.get_mut("auth")).filter(|auth| !auth.is_null()) {
            missing.extend(fill_auth(auth, setting).into_iter().map(|key| (format!("{pointer}/auth"), key)));
        }
    };
    fill(source.get_mut("client"), "/client".to_owned());
    let key = super::defaults::DEFAULTS;
    fill(source.get_mut(key).and_then(|defaults| defaults.get_mut("endpoint")), format!("/{key}/endpoint"));
    let resources = source.get_mut("resources").and_then(Value::as_array_mut);
    for (index, resource) in resources.into_iter().flatten().enumerate() {
        fill(resource.get_mut("endpoint"), format!("/resources/{index}/endpoint"));
    }
    missing
}

fn fill_auth(auth: &mut Value, setting: &Setting<'_>) -> Vec<&'static str> {
    let kind = match &*auth {
        Value::String(kind) => kind.clone(),
        Value::Object(fields) => match fields.get("type") {
            None | Some(Value::Null) => "bearer".to_owned(),
            Some(kind) => kind.as_str().unwrap_or_default().to_owned(),
        },
        _ => return Vec::new(),
    };
    let Some((_, needed, optional)) = KINDS.iter().find(|(known, _, _)| *known == kind) else {
        return Vec::new();
    };
    if auth.is_string() {
        *auth = serde_json::json!({ "type": kind });
    }
    let Value::Object(map) = auth else { return Vec::new() };
    let mut missing = Vec::new();
    for key in needed.iter().chain(*optional) {
        if map.get(*key).is_some_and(|value| !value.is_null()) {
            continue;
        }
        match setting(key) {
            Some(value) => drop(map.insert((*key).to_owned(), value)),
            None if needed.contains(key) => missing.push(*key),
            None => {}
        }
    }
    missing
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
                {"endpoint": {"auth": {"type": "oauth2_client_credentials", "client_id": "c"}}},
            ],
        });
        let Value::Object(map) = &mut source else { unreachable!() };
        let missing = fill(map, &setting);
        let pointer = || "/resources/5/endpoint/auth".to_owned();
        assert_eq!(missing, [(pointer(), "access_token_url"), (pointer(), "client_secret")]);
        assert_eq!(source["client"]["auth"], json!({"type": "bearer", "token": "from settings"}));
        let auth = |index: usize| &source["resources"][index]["endpoint"]["auth"];
        assert_eq!(*auth(1), json!({"type": "http_basic", "username": "u", "password": "from settings"}));
        assert_eq!(*auth(2), json!({"token": "own"}));
        assert_eq!(*auth(3), Value::Null);
        assert_eq!(*auth(4), json!({"type": "other"}));
    }
}
