//! Addresses: joined, with parameters, and without what nobody should read.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use reqwest::Url;
use serde_json::{Map, Value};
use windlass_core::masking::{self, MASK};
use windlass_core::{Code, Error, Result};

use super::encode::python_text;
use crate::config::Secret;

/// What stands in a form as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'.').remove(b'-').remove(b'~').remove(b' ');

/// What stands in an address as it is, besides escapes.
const ADDRESS: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'?')
    .remove(b'@')
    .remove(b'[')
    .remove(b']');

/// Parameters whose values errors show: those of pages, ranges and forms. All others may be secrets of APIs that call them
/// as they like.
const SHOWN_PARAMETERS: [&str; 53] = [
    "page",
    "p",
    "pageno",
    "page_no",
    "pagenumber",
    "page_number",
    "page_num",
    "pageindex",
    "page_index",
    "page[number]",
    "page[size]",
    "pagesize",
    "page_size",
    "per_page",
    "perpage",
    "size",
    "limit",
    "$limit",
    "max",
    "count",
    "$count",
    "top",
    "$top",
    "skip",
    "$skip",
    "offset",
    "$offset",
    "start",
    "end",
    "from",
    "to",
    "since",
    "until",
    "before",
    "after",
    "date",
    "start_date",
    "end_date",
    "updated_since",
    "updated_after",
    "updated_at",
    "created_after",
    "sort",
    "order",
    "order_by",
    "direction",
    "q",
    "query",
    "format",
    "state",
    "status",
    "version",
    "client_id",
];

/// The address of a path below a base. A path that is an address of the web stands for itself.
pub fn join(base: &str, path: &str) -> String {
    if is_web(path) || base.is_empty() {
        path.to_owned()
    } else if path.is_empty() {
        base.to_owned()
    } else {
        format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'))
    }
}

/// Whether a text begins as an address of the web does.
pub fn is_web(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, _)| {
        scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
    })
}

/// Whether a text is an address of the web.
pub fn is_address(text: &str) -> bool {
    origin(text).is_some()
}

/// Scheme, host and port that a request for this address is sent to, after all rewriting; `None` if it is not one of the
/// web. The text itself must not be asked: `http://a\@b/` is read as host `a` by some and goes to `b`.
pub(crate) fn origin(url: &str) -> Option<String> {
    Some(origin_of(&with_parameters(url, &Map::new()).ok()?))
}

pub(super) fn origin_of(url: &Url) -> String {
    let port = url.port_or_known_default().unwrap_or_default();
    format!("{}://{}:{port}", url.scheme(), url.host_str().unwrap_or_default())
}

/// Whether what is meant for one origin may be sent to another: the same, or the same host with TLS added.
pub(super) fn may_follow(from: &str, to: &str) -> bool {
    let upgraded = from
        .strip_prefix("http://")
        .and_then(|rest| rest.strip_suffix(":80"))
        .map(|host| format!("https://{host}:443"));
    from == to || upgraded.is_some_and(|upgraded| upgraded == to)
}

/// The address that a request goes to, and the host and port of it where what is meant for `home` is not to go there.
///
/// What is sent decides, not what is written: the parser of the client has the last word on the host.
/// Errors: no address of the web.
pub(crate) fn route(
    url: &str,
    params: &Map<String, Value>,
    home: Option<&str>,
    listed: &[String],
) -> Result<(Url, Option<String>)> {
    let address = with_parameters(url, params)?;
    let place = home.and_then(|home| foreign_place(home, &origin_of(&address), listed));
    Ok((address, place))
}

/// Host and port of an origin, where what is meant for another is not to go there.
pub(super) fn foreign_place(home: &str, there: &str, listed: &[String]) -> Option<String> {
    let is_home = may_follow(home, there) || is_listed(listed, home, there);
    (!is_home).then(|| there.split_once("://").map_or(there, |(_, place)| place).to_owned())
}

/// Whether a list of hosts, `host:port` and origins names a place to which something is sent that was meant for another.
///
/// A host alone never stands for giving up TLS: who wants that writes the port or the scheme as well.
pub(super) fn is_listed(list: &[String], from: &str, to: &str) -> bool {
    let Some((scheme, _)) = to.split_once("://") else { return false };
    let gives_up_tls = from.starts_with("https://") && scheme == "http";
    list.iter().map(|entry| entry.trim().trim_end_matches('/')).any(|entry| {
        let has_scheme = entry.contains("://");
        let has_port = entry
            .rsplit_once(':')
            .is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()));
        let address = if has_scheme { entry.to_owned() } else { format!("{scheme}://{entry}") };
        let Ok(named) = Url::parse(&address) else { return false };
        if has_scheme || has_port {
            return origin_of(&named) == to;
        }
        let host = to.rsplit_once(':').map_or(to, |(host, _)| host);
        !gives_up_tls && format!("{scheme}://{}", named.host_str().unwrap_or_default()) == host
    })
}

/// The address that goes over the wire: escapes what has to be, and appends the parameters to the query.
///
/// Errors: no address of the web; it is shown without its secrets.
pub(super) fn with_parameters(url: &str, params: &Map<String, Value>) -> Result<Url> {
    let (address, _fragment) = url.split_once('#').unwrap_or((url, ""));
    let address = with_query(&requote(address.trim_start()), &form(params));
    let address = address.strip_suffix('?').unwrap_or(&address);
    let wrong = || {
        Error::of(Code::InvalidAddress, format!("`{}` is not an address of the web", masked(url))).with_hint(
            "a URL begins with http:// or https://; paths are joined to the `base_url` of the client",
        )
    };
    let parsed = Url::parse(address).map_err(|cause| wrong().with_source(cause))?;
    if matches!(parsed.scheme(), "http" | "https") && parsed.has_host() { Ok(parsed) } else { Err(wrong()) }
}

/// An address with more in its query.
pub(super) fn with_query(url: &str, added: &str) -> String {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let fragment = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
    if added.is_empty() {
        return format!("{url}{fragment}");
    }
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let separator = if query.is_empty() { "" } else { "&" };
    format!("{path}?{query}{separator}{added}{fragment}")
}

/// A parameter as it stands in a query.
pub(super) fn pair(name: &str, value: &str) -> String {
    format!("{}={}", form_text(name), form_text(value))
}

/// Parameters in the form of a query or a form: lists repeat the name, nulls are left out, objects give their keys.
pub(super) fn form(params: &Map<String, Value>) -> String {
    let mut pairs = Vec::new();
    for (name, value) in params {
        let mut add = |text: &str| pairs.push(pair(name, text));
        match value {
            Value::Null => {}
            Value::Array(items) => {
                items.iter().filter(|item| !item.is_null()).for_each(|item| add(&python_text(item)));
            }
            Value::Object(members) => members.keys().for_each(|key| add(key)),
            value => add(&python_text(value)),
        }
    }
    pairs.join("&")
}

/// A text as it stands in a form or a query.
pub(super) fn form_text(text: &str) -> String {
    utf8_percent_encode(text, FORM).to_string().replace(' ', "+")
}

/// Escapes what is illegal in an address and leaves the rest, escapes included, as it is.
fn requote(address: &str) -> String {
    let bytes = address.as_bytes();
    let escape = |at: usize| {
        let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
        Some((digit(bytes.get(at + 1))? * 16 + digit(bytes.get(at + 2))?) as u8)
    };
    let percents = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').map(|(at, _)| at);
    // Where one percent sign begins no escape, all of them are taken as signs.
    let has_escapes = percents.map(escape).all(|byte| byte.is_some());
    let mut out = String::with_capacity(address.len());
    let mut rest = address;
    while let Some(at) = rest.find('%') {
        out.extend(utf8_percent_encode(&rest[..at], ADDRESS));
        let place = address.len() - rest.len() + at;
        match escape(place).filter(|_| has_escapes) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 3..];
            }
            Some(byte) => {
                out.push_str(&format!("%{byte:02X}"));
                rest = &rest[at + 3..];
            }
            None => {
                out.push_str("%25");
                rest = &rest[at + 1..];
            }
        }
    }
    out.extend(utf8_percent_encode(rest, ADDRESS));
    out
}

/// An address for people: without user, password and known secrets, and with the values of those parameters only that are
/// known to be harmless; the others are `***`.
pub fn masked(url: &str) -> String {
    masked_with(url, &[])
}

/// The same, and without these secrets.
pub(super) fn masked_with(url: &str, secrets: &[Secret]) -> String {
    let is_harmless = |name: &str, value: &str| {
        let is_date = value.len() >= 8
            && value.starts_with(|c: char| c.is_ascii_digit())
            && value.bytes().all(|byte| byte.is_ascii_digit() || b"-:.TZ+ ".contains(&byte))
            && value.contains('-');
        let is_small = value.len() <= 6 && value.bytes().all(|byte| byte.is_ascii_digit());
        let is_word = matches!(value, "" | "true" | "false" | "True" | "False");
        SHOWN_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()) || is_small || is_date || is_word
    };
    rewritten(url, secrets, &is_harmless)
}

/// An address for recordings, which have to tell one request from another: without user, password and known secrets, and
/// without the values of parameters that are called like some.
pub(super) fn recorded_with(url: &str, secrets: &[Secret]) -> String {
    rewritten(url, secrets, &|_, _| true)
}

fn rewritten(url: &str, secrets: &[Secret], is_shown: &dyn Fn(&str, &str) -> bool) -> String {
    let (address, query) = match url.split_once('?') {
        Some((address, query)) => (address, Some(query)),
        None => (url, None),
    };
    let mut out = match address
        .split_once("://")
        .map(|(scheme, rest)| (scheme, rest, rest.find('/').unwrap_or(rest.len())))
    {
        Some((scheme, rest, end)) => match rest[..end].rfind('@') {
            Some(at) => format!("{scheme}://***@{}", &rest[at + 1..]),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    };
    out = masking::masked(&out).into_owned();
    for (index, pair) in query.into_iter().flat_map(|query| query.split('&')).enumerate() {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name), decoded(value));
        out.push(if index == 0 { '?' } else { '&' });
        let is_known =
            masking::masked(&value) != value || secrets.iter().any(|secret| secret.expose() == value);
        let is_secret = is_known || masking::is_secret_name(&name) || !is_shown(&name, &value);
        // What is masked already stays readable.
        let value = if is_secret || value == MASK { MASK.to_owned() } else { form_text(&value) };
        out.push_str(&format!("{}={value}", form_text(&masking::masked(&name))));
    }
    out
}

/// Whether two queries have the same parameters in the same order, however they are escaped.
pub(super) fn same_query(one: &str, other: &str) -> bool {
    let pairs = |query: &str| -> Vec<(String, String)> {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect()
    };
    one == other || pairs(one) == pairs(other)
}

/// The text of a part of a query.
pub(super) fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(url: &str, params: Value) -> String {
        let url = with_parameters(url, params.as_object().unwrap()).unwrap();
        url.as_str().strip_prefix("http://h").unwrap().to_owned()
    }

    #[test]
    fn parameters_are_encoded_as_a_form() {
        let params = json!({
            "t": true, "f": false, "n": null, "l": [1, "b", null], "e": [], "fl": 1.0, "u": "é ~*'()", "o": {"x": 1, "y": 2},
            "r": "a+b/c?d=e&f:g,h@i$[]", "empty": "",
        });
        assert_eq!(
            sent("http://h/items?x=1&y=", params),
            "/items?x=1&y=&t=True&f=False&l=1&l=b&fl=1.0&u=%C3%A9+~%2A%27%28%29&o=x&o=y\
             &r=a%2Bb%2Fc%3Fd%3De%26f%3Ag%2Ch%40i%24%5B%5D&empty="
        );
    }

    #[test]
    fn a_query_that_is_there_is_kept() {
        assert_eq!(sent("http://h/a?$skiptoken=1&b=%7e%2f&c=[x]", json!({})), "/a?$skiptoken=1&b=~%2F&c=[x]");
        assert_eq!(sent("http://h/a b/é?d=100% of", json!({})), "/a%20b/%C3%A9?d=100%25%20of");
        assert_eq!(sent("http://h/a?#part", json!({"b": 1})), "/a?b=1");
        assert_eq!(sent("http://h/a?", json!({})), "/a");
    }

    #[test]
    fn paths_are_joined_to_the_base() {
        assert_eq!(join("http://h/v1//", "//items/"), "http://h/v1/items/");
        assert_eq!(join("http://h/v1/", ""), "http://h/v1/");
        assert_eq!(join("http://h/v1", "http://o/x?y=1"), "http://o/x?y=1");
        assert_eq!(join("", "http://o/x"), "http://o/x");
        assert_eq!(join("http://h/api/?token=x", "a"), "http://h/api/?token=x/a");
    }

    #[test]
    fn what_is_no_address_of_the_web_is_refused_without_its_secrets() {
        for url in
            ["", "ftp://h/a?key=hidden", "/relative?token=hidden", "http://", "http://u:hidden@/x", "data:,x"]
        {
            let error = with_parameters(url, &Map::new()).unwrap_err();
            assert!(error.chain().contains("is not an address of the web"), "{error}");
            assert!(!error.chain().contains("hidden"), "{error}");
        }
    }

    #[test]
    fn secrets_of_an_address_are_masked() {
        assert_eq!(
            masked(
                "http://u:p@h/i?api_key=S&TOKEN=T&q=a b&e=&Key=k&sig=x&appid=7&wid=h-4&id=12&t=2026-01-01T00:00:00Z&page=p"
            ),
            "http://***@h/i?api_key=***&TOKEN=***&q=a+b&e=&Key=***&sig=***&appid=***&wid=***&id=12&t=2026-01-01T00%3A00%3A00Z&page=p"
        );
        assert_eq!(recorded_with("http://h/i?token=T&wid=h-4", &[]), "http://h/i?token=***&wid=h-4");
        assert_eq!(masked("https://h/p@th"), "https://h/p@th");
    }

    #[test]
    fn credentials_follow_to_the_same_host_only() {
        let origins = ["http://h/a", "http://h:80/b", "https://h/", "http://h:8080/", "http://o/"]
            .map(|url| origin(url).unwrap());
        let follow: Vec<bool> = origins.iter().map(|to| may_follow(&origins[0], to)).collect();
        assert_eq!(follow, [true, true, true, false, false]);
        assert!(!may_follow(&origins[2], &origins[0]), "TLS is not given up");
        assert_eq!(origin("ftp://h/"), None);
    }
}
