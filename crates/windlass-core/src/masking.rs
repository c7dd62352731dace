//! Secrets by their value: what was learnt here stands in no text that is masked, whatever it is called there and however
//! it is escaped. One place for errors, logs, results and recordings of all faces.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// Shorter texts are not learnt: they would be found by chance.
const SHORTEST: usize = 6;

/// Texts shorter than this, and those of digits, are secrets only where no letter or digit stands beside them.
const LONG: usize = 10;

/// Secrets that are remembered; a process that fetches tokens for years does not grow for ever.
const MOST: usize = 10_000;

/// What everybody knows and messages are made of.
const NO_SECRETS: [&str; 16] = [
    "anonymous",
    "bearer",
    "default",
    "duckdb",
    "example",
    "localhost",
    "mariadb",
    "mysql",
    "password",
    "postgres",
    "postgresql",
    "public",
    "secret",
    "sqlite",
    "string",
    "windlass",
];

struct Known {
    secrets: BTreeSet<String>,
    /// Their forms, the longest first: one may be a part of another.
    forms: Vec<String>,
}

static KNOWN: RwLock<Known> = RwLock::new(Known { secrets: BTreeSet::new(), forms: Vec::new() });

/// Remembers a secret. Texts that are too short or known to everybody are none.
pub fn learn(secret: &str) {
    let secret = secret.trim();
    if secret.len() < SHORTEST || secret == MASK || NO_SECRETS.contains(&secret.to_ascii_lowercase().as_str())
    {
        return;
    }
    let is_known = KNOWN.read().unwrap_or_else(PoisonError::into_inner).secrets.contains(secret);
    if is_known {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.secrets.len() >= MOST || !known.secrets.insert(secret.to_owned()) {
        return;
    }
    known.forms.extend(forms(secret));
    known.forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    known.forms.dedup();
}

/// Remembers what is secret of a text that may be a URL: its password, and parameters with names of secrets. Any other text
/// is no secret but an address.
pub fn learn_address(text: &str) {
    let Some((_, rest)) = text.split_once("://").or_else(|| text.split_once(':')) else { return };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    // A password may hold what ends an authority, so the last `@` counts.
    let authority = match rest.rfind('@') {
        Some(at) if rest[..at].contains(':') => &rest[..at],
        _ => rest[..end].rsplit_once('@').map_or("", |(userinfo, _)| userinfo),
    };
    // An `@` further on may be one of a parameter.
    let nearest = rest[..end].rsplit_once('@').map_or("", |(userinfo, _)| userinfo);
    if let Some((_, password)) = nearest.split_once(':') {
        learn(password);
        learn(&percent_decoded(password));
    }
    if let Some((_, password)) = authority.split_once(':') {
        learn(password);
        learn(&percent_decoded(password));
        // Who reads the address otherwise takes a part of a password that is not escaped for the host or the database.
        let before_query = rest.split('?').next().unwrap_or_default();
        if rest.rfind('@') == before_query.rfind('@') {
            password.split(['@', '/', '#']).for_each(learn);
        }
    }
    let query = rest.split_once('?').map_or("", |(_, query)| query.split('#').next().unwrap_or_default());
    for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if is_secret_name(&percent_decoded(name)) {
            learn(value);
            learn(&percent_decoded(value));
        }
    }
}

/// Remembers a setting: what is secret by its name, and of addresses what is secret in them.
pub fn learn_setting(key: &str, value: &str) {
    let key = key.to_ascii_lowercase();
    let is_other = ["_url", "_path", "_param", "_name", "_endpoint", "_type", "_expiration", "credentials"]
        .iter()
        .any(|end| key.ends_with(end))
        || ["auth", "key", "code", "session", "pass", "sid"].contains(&key.as_str());
    if is_secret_name(&key) && !is_other {
        learn(value);
    } else {
        learn_address(value);
    }
}

/// Remembers all settings of a document.
pub fn learn_settings(value: &Value) {
    match value {
        Value::Object(members) => {
            for (key, member) in members {
                match member.as_str() {
                    Some(text) => learn_setting(key, text),
                    None => learn_settings(member),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(learn_settings),
        _ => {}
    }
}

/// The text without secrets.
pub fn masked(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    if known.forms.is_empty() || text.len() < SHORTEST {
        return Cow::Borrowed(text);
    }
    let mut text = Cow::Borrowed(text);
    for form in &known.forms {
        if let Some(without) = replaced(&text, form) {
            text = Cow::Owned(without);
        }
    }
    match without_encoded(&text, &known.forms) {
        Some(without) => Cow::Owned(without),
        None => text,
    }
}

/// Takes the secrets out of all texts of a value, names of members too.
pub fn mask_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(without) = masked(text) {
                *text = without;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask_value),
        Value::Object(members) => {
            for (_, member) in members.iter_mut() {
                mask_value(member);
            }
            if members.keys().any(|name| matches!(masked(name), Cow::Owned(_))) {
                let all = std::mem::take(members);
                members.extend(all.into_iter().map(|(name, member)| (masked(&name).into_owned(), member)));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Parts of names whose values are secrets.
const SECRET_PARTS: [&str; 14] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "api_key",
    "api-key",
    "signature",
    "credential",
    "private_key",
    "privatekey",
    "access_key",
    "accesskey",
];

/// Names whose values are secrets.
const SECRET_NAMES: [&str; 26] = [
    "key",
    "pwd",
    "pass",
    "auth",
    "authorization",
    "proxy-authorization",
    "cookie",
    "set-cookie",
    "sig",
    "appid",
    "app_id",
    "app_key",
    "appkey",
    "jwt",
    "session",
    "sessionid",
    "session_id",
    "sid",
    "subscription-key",
    "ocp-apim-subscription-key",
    "user_key",
    "userkey",
    "hapikey",
    "assertion",
    "client_assertion",
    "code",
];

/// Whether a parameter, header, member or setting of this name holds what nobody should read.
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // Where a page goes on is no secret by its name.
    let is_of_pages = name.contains("page") || name.contains("next") || name.contains("continuation");
    SECRET_NAMES.contains(&name.as_str())
        || !is_of_pages && SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// The ways in which a secret is written.
fn forms(secret: &str) -> Vec<String> {
    let escaped = |keep: &str, blank: Option<char>, upper: bool| -> String {
        let mut out = String::new();
        for byte in secret.bytes() {
            match byte {
                b' ' if blank.is_some() => out.extend(blank),
                byte if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) => {
                    out.push(char::from(byte));
                }
                byte if upper => out.push_str(&format!("%{byte:02X}")),
                byte => out.push_str(&format!("%{byte:02x}")),
            }
        }
        out
    };
    let json = |text: &str| Value::from(text).to_string().trim_matches('"').to_owned();
    let plain_json = json(secret);
    let ascii_json = ascii(&plain_json);
    let percent = escaped("-_.~", None, true);
    let mut all = vec![
        secret.to_owned(),
        percent.replace('%', "%25"),
        escaped("-_.~", None, false),
        escaped("-_.~/", None, true),
        escaped("-_.~", Some('+'), true),
        escaped("-_.~!$&'()*+,;=:/?@[]#%", None, true),
        escaped("", None, true),
        // An answer that quotes another is escaped twice.
        json(&plain_json),
        json(&ascii_json),
        plain_json,
        ascii_json,
        percent,
        html(secret, "&quot;", "&#39;"),
        html(secret, "&quot;", "&#x27;"),
        html(secret, "&#34;", "&#39;"),
        html(secret, "\"", "'"),
        secret.escape_debug().to_string(),
        secret.replace('\n', "\\n"),
    ];
    // Keys of several lines are printed line by line.
    all.extend(
        secret
            .lines()
            .map(str::trim)
            .filter(|line| line.len() >= 24 && !line.starts_with("-----"))
            .map(str::to_owned),
    );
    all
}

/// A text of JSON without any letter beyond ASCII, as Python writes it.
fn ascii(json: &str) -> String {
    let mut out = String::new();
    for c in json.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    out
}

fn html(text: &str, quote: &str, apostrophe: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', quote).replace('\'', apostrophe)
}

/// The text with all places of a form masked; `None` if it has none.
fn replaced(text: &str, form: &str) -> Option<String> {
    text.contains(form).then_some(())?;
    let is_bounded = form.len() < LONG || form.bytes().all(|byte| byte.is_ascii_digit());
    let mut out = String::with_capacity(text.len());
    let (mut done, mut found) = (0, false);
    for (at, _) in text.match_indices(form) {
        let before = text[..at].chars().next_back();
        let behind = text[at + form.len()..].chars().next();
        let is_inside = [before, behind].into_iter().flatten().any(char::is_alphanumeric);
        if is_bounded && is_inside {
            continue;
        }
        out.push_str(&text[done..at]);
        out.push_str(MASK);
        done = at + form.len();
        found = true;
    }
    out.push_str(&text[done..]);
    found.then_some(out)
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The text with every piece of base64 masked that hides a form, such as user and password of a header.
fn without_encoded(text: &str, forms: &[String]) -> Option<String> {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '-' | '_');
    let mut out = String::new();
    let (mut done, mut at) = (0, 0);
    while let Some(start) = text[at..].find(is_digit).map(|start| at + start) {
        let end = text[start..].find(|c| !is_digit(c)).map_or(text.len(), |end| start + end);
        at = end;
        if end - start < SHORTEST {
            continue;
        }
        let run = &text[start..end];
        let hides = |decoded: Vec<u8>| {
            let decoded = String::from_utf8_lossy(&decoded).into_owned();
            forms.iter().any(|form| decoded.contains(form.as_str()))
        };
        let decoded = [STANDARD.decode(run).ok(), URL_SAFE.decode(run).ok()];
        if decoded.into_iter().flatten().any(hides) {
            out.push_str(&text[done..start]);
            out.push_str(MASK);
            // The padding belongs to it.
            done = end + text[end..].bytes().take_while(|byte| *byte == b'=').count();
        }
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// A text without its percent escapes.
fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digit = |offset: usize| char::from(*bytes.get(at + offset)?).to_digit(16);
        match (byte, digit(1), digit(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_found_however_it_is_written() {
        let secret = "h/ush+hu sh&é\"1";
        learn(secret);
        let standard = |text: &str| base64::engine::general_purpose::STANDARD.encode(text);
        for text in [
            secret.to_owned(),
            "h%2Fush%2Bhu%20sh%26%C3%A9%221".to_owned(),
            "h%2fush%2bhu%20sh%26%c3%a9%221".to_owned(),
            "h%2Fush%2Bhu+sh%26%C3%A9%221".to_owned(),
            json!({ "k": secret }).to_string(),
            json!({ "k": json!({ "k": secret }).to_string() }).to_string(),
            "h/ush+hu sh&\\u00e9\\\"1".to_owned(),
            "{\"detail\": \"h/ush+hu sh&\\\\u00e9\\\\\\\"1\"}".to_owned(),
            "h/ush+hu sh&amp;é&quot;1".to_owned(),
            "h%252Fush%252Bhu%2520sh%2526%25C3%25A9%25221".to_owned(),
            format!("{secret:?}"),
            standard(secret),
            standard(&format!("user:{secret}")),
            standard(&format!("u:{secret}")),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("us:{secret}")),
        ] {
            let shown = masked(&format!("a <{text}> b")).into_owned();
            assert!(
                shown.contains(MASK) && shown.starts_with("a <") && shown.ends_with("> b"),
                "{text}: {shown}"
            );
            assert!(!shown.contains("ush") && !shown.contains(&text), "{text}: {shown}");
        }
        let mut value = json!({"a": [secret, 1], secret: {"b": format!("x{secret}y")}});
        mask_value(&mut value);
        assert_eq!(value, json!({"a": ["***", 1], "***": {"b": "x***y"}}));
    }

    #[test]
    fn short_and_common_texts_are_no_secrets_and_others_keep_their_surroundings() {
        for text in ["", "abc", "Postgres", "password", MASK] {
            learn(text);
            assert_eq!(masked(&format!("the {text} is here")), format!("the {text} is here"));
        }
        learn("748291");
        learn("plumtree");
        assert_eq!(
            masked("748291 and 17482915, plumtree and plumtrees"),
            "*** and 17482915, *** and plumtrees"
        );
    }

    #[test]
    fn addresses_hold_passwords_and_tokens() {
        learn_address(
            "postgresql://loader:pa%40ss-of-one@h:5432/db?sslmode=require&application_name=etl-of-mine",
        );
        learn_address("md:db?motherduck_token=eyJ.of-two&x=fine-as-it-is");
        learn_address("mysql://u:p/ss#of-three@h/db");
        learn_address("./some-file-of-mine.db");
        let shown = masked(
            "loader pa@ss-of-one pa%40ss-of-one require etl-of-mine eyJ.of-two fine-as-it-is p/ss#of-three ./some-file-of-mine.db",
        );
        assert_eq!(shown, "loader *** *** require etl-of-mine *** fine-as-it-is *** ./some-file-of-mine.db");
    }

    #[test]
    fn parts_of_a_password_that_is_not_escaped_are_hidden() {
        learn_address("postgresql://u:a@b/canary-of-parts@127.0.0.1:1/my_db");
        assert_eq!(
            masked("postgresql://b:5432/canary-of-parts@127.0.0.1:1/my_db"),
            "postgresql://b:5432/***@127.0.0.1:1/my_db"
        );
        learn_address("https://u:secret-of-mail@plain-host/plain-path?mail=me@home");
        assert_eq!(masked("secret-of-mail plain-host plain-path"), "*** plain-host plain-path");
    }

    #[test]
    fn names_say_what_is_secret() {
        for name in [
            "api_key",
            "X-Api-Key",
            "KEY",
            "sig",
            "appid",
            "motherduck_token",
            "X-Amz-Signature",
            "client_secret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in
            ["page", "next_page_token", "keyword", "author", "monkey", "id", "q", "passenger", "pageToken"]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}
