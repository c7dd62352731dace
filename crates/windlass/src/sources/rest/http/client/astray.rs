//! Links and redirects that try to lead credentials, headers and bodies astray. What a request is prepared to is what is
//! sent: the address is the one that the client connects to.

use serde_json::json;

use super::super::{AuthConfig, RequestBody};
use super::*;
use crate::sources::rest::paginate::resolve_link;

const CANARY: &str = "hushhush";

/// Where the API is.
const HOME: &str = "http://127.0.0.1:18090/v1/things?page=1";

fn client(options: serde_json::Value) -> HttpTransport {
    let mut all = json!({ "netrc": false, "environment_proxy": false });
    all.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    HttpTransport::new(serde_json::from_value(all).unwrap()).unwrap()
}

/// A request with a secret in everything that the caller can set.
fn request(home: &str, auth: &serde_json::Value) -> Request {
    let mut request = Request::new("GET", home);
    for name in ["X-Api-Key", "X-Anything", "Cookie", "User-Agent", "Accept", "Proxy-Authorization"] {
        request.set_header(name, CANARY);
    }
    let config: AuthConfig = serde_json::from_value(auth.clone()).unwrap();
    request.auth = Some(config.build().unwrap());
    request
}

fn kinds_of_auth() -> Vec<serde_json::Value> {
    vec![
        json!({"type": "bearer", "token": CANARY}),
        json!({"type": "http_basic", "username": "u", "password": CANARY}),
        json!({"type": "api_key", "name": "X-Key", "api_key": CANARY}),
        json!({"type": "api_key", "name": "k", "api_key": CANARY, "location": "query"}),
        json!({"type": "api_key", "name": "k", "api_key": CANARY, "location": "cookie"}),
    ]
}

/// Whether anything of the caller is in what goes over the wire.
fn carries(prepared: &Prepared) -> bool {
    let basic = basic("u", CANARY);
    let headers =
        prepared.headers.values().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let mut all = headers.chain([prepared.url.to_string()]);
    all.any(|text| text.contains(CANARY) || text.contains(&basic))
        || prepared.headers.contains_key("authorization")
}

/// Links of servers: those that lead home, by any road, and all others.
fn links() -> Vec<(bool, String)> {
    let text = include_str!("../../../../../../../conformance/links_astray.json");
    let lists: serde_json::Value = serde_json::from_str(text).unwrap();
    let of = |list: &str, is_home: bool| {
        let links = lists[list].as_array().unwrap().iter();
        links.map(|link| (is_home, link.as_str().unwrap().to_owned())).collect::<Vec<_>>()
    };
    [of("home", true), of("elsewhere", false)].concat()
}

#[tokio::test]
async fn links_lead_nothing_of_the_caller_astray() {
    let (client, home) = (client(json!({})), url::origin(HOME).unwrap());
    let links = links();
    assert!(links.len() >= 105, "{}", links.len());
    let mut wrong = Vec::new();
    for auth in kinds_of_auth() {
        let template = request(HOME, &auth);
        for (is_home, link) in &links {
            let mut next = template.clone();
            next.url = resolve_link(HOME, link);
            // What is no address is not sent at all.
            let Ok(prepared) = client.prepare(&next).await else {
                wrong.extend(is_home.then(|| format!("{link:?} is refused")));
                continue;
            };
            let is_sent_home = url::origin_of(&prepared.url) == home;
            if is_sent_home != *is_home || carries(&prepared) != *is_home {
                wrong.push(format!(
                    "{link:?} goes to {}, with credentials: {}",
                    prepared.url,
                    carries(&prepared)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn redirects_lead_nothing_of_the_caller_astray() {
    let (client, home) = (client(json!({})), url::origin(HOME).unwrap());
    for auth in kinds_of_auth() {
        let template = request(HOME, &auth);
        for (_, location) in links() {
            for status in [301, 302, 303, 307, 308] {
                let hop = client.prepare(&template).await.unwrap();
                let Ok(next) = client.redirected(hop, status, &location) else { continue };
                let is_home = url::origin_of(&next.url) == home;
                // A key in the query is not repeated by a redirect.
                let has_headers = next.headers.contains_key("x-api-key");
                assert_eq!(has_headers, is_home, "{status} {location:?}");
                assert!(is_home || !carries(&next), "{status} {location:?}: {}", next.url);
                assert!(next.url.username().is_empty() && next.url.password().is_none());
            }
        }
    }
}

#[tokio::test]
async fn bodies_go_to_no_other_host() {
    let client = client(json!({}));
    let mut template = request(HOME, &kinds_of_auth()[0]);
    template.method = "POST".to_owned();
    template.body = RequestBody::Form(json!({"client_secret": CANARY}).as_object().unwrap().clone());
    for status in [301, 302, 303, 307, 308] {
        let hop = client.prepare(&template).await.unwrap();
        match client.redirected(hop, status, "http://evil.example/?token=hidden") {
            Ok(next) => {
                assert!(status < 307 && next.body.is_none() && next.method == Method::GET, "{status}");
            }
            Err(error) => {
                assert!(
                    status >= 307 && error.hint().unwrap().contains("[evil.example:80]"),
                    "{status} {error}"
                );
                assert!(!error.chain().contains("hidden") && !error.chain().contains(CANARY), "{error}");
            }
        }
    }
    template.url = "http://evil.example/".to_owned();
    assert!(client.prepare(&template).await.is_err());
}

#[tokio::test]
async fn exceptions_are_those_that_are_listed() {
    let cases = [
        ("http://h/", "o", "http://o/", true),
        ("http://h/", "O", "http://o:8080/", true),
        ("http://h/", "o", "http://o.evil/", false),
        ("http://h/", "o", "http://xo/", false),
        ("http://h/", "o:8080", "http://o:8080/", true),
        ("http://h/", "o:8080", "http://o/", false),
        ("http://h/", "o:80", "http://o/", true),
        ("http://h/", "http://o", "http://o/", true),
        ("http://h/", "http://o", "https://o/", false),
        ("http://h/", "https://o/", "https://o/", true),
        ("https://h/", "o", "https://o/", true),
        ("https://h/", "o", "http://o/", false),
        ("https://h/", "h", "http://h/", false),
        ("https://h/", "o:80", "http://o/", true),
        ("https://h/", "http://o", "http://o/", true),
        ("http://h/", "[::1]", "http://[::1]:8080/", true),
        ("http://h/", "bücher.example", "http://xn--bcher-kva.example/", true),
        ("http://h/", "*", "http://o/", false),
        ("http://h/", "", "http://o/", false),
        ("http://h/", "http://", "http://o/", false),
    ];
    for (home, listed, to, expected) in cases {
        let client = client(json!({ "send_credentials_to": [listed] }));
        let mut next = request(home, &kinds_of_auth()[0]);
        next.url = to.to_owned();
        let prepared = client.prepare(&next).await.unwrap();
        assert_eq!(carries(&prepared), expected, "{home} -> {to}, listed {listed}");
        let mut first = request(home, &kinds_of_auth()[0]);
        first.follow_redirects = true;
        let hop = client.prepare(&first).await.unwrap();
        assert_eq!(
            carries(&client.redirected(hop, 302, to).unwrap()),
            expected,
            "{home} => {to}, listed {listed}"
        );
    }
}

#[tokio::test]
async fn a_template_that_is_bound_to_nobody_sends_nothing() {
    let client = client(json!({}));
    // An address that a record gives, where the file names no host.
    let mut next = request("http://evil.example/", &kinds_of_auth()[0]);
    next.bind_credentials(&[""]);
    assert!(!carries(&client.prepare(&next).await.unwrap()));
    next.bind_credentials(&["", "http://evil.example"]);
    assert!(carries(&client.prepare(&next).await.unwrap()));
}

#[tokio::test]
async fn the_entry_for_all_hosts_of_netrc_follows_no_link() {
    let folder = tempfile::tempdir().unwrap();
    let netrc = folder.path().join("netrc");
    std::fs::write(&netrc, format!("machine o login u password own\ndefault login u password {CANARY}"))
        .unwrap();
    let client = client(json!({})).with_netrc(&netrc);
    let mut request = Request::new("GET", "http://h/");
    assert!(carries(&client.prepare(&request).await.unwrap()));
    for (link, expected) in [("http://evil.example/", None), ("http://o/", Some(basic("u", "own")))] {
        request.url = link.to_owned();
        let prepared = client.prepare(&request).await.unwrap();
        let sent = prepared.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(sent, expected, "{link}");
    }
}
