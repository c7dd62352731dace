//! Cookies that answers set and later requests carry, as sessions of APIs need them.

use reqwest::Url;
use reqwest::header::{HeaderMap, SET_COOKIE};

use super::retry::parse_http_date;

/// The most cookies that are kept; the oldest go first.
const MOST: usize = 300;

/// The cookies of a client.
#[derive(Default)]
pub(super) struct CookieJar {
    cookies: Vec<Cookie>,
}

struct Cookie {
    name: String,
    value: String,
    domain: String,
    /// The port of who set it: another one may belong to somebody else.
    port: Option<u16>,
    /// Whether hosts below the domain get it too.
    is_for_subdomains: bool,
    path: String,
    is_secure: bool,
    /// Microseconds since the epoch.
    expires: Option<i64>,
}

impl CookieJar {
    /// Keeps what an answer sets. `now` is in microseconds since the epoch.
    pub(super) fn keep(&mut self, url: &Url, headers: &HeaderMap, now: i64) {
        for text in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            let Some(cookie) = parse(text, url, now) else { continue };
            self.cookies.retain(|other| {
                (&other.name, &other.domain, &other.path, other.port)
                    != (&cookie.name, &cookie.domain, &cookie.path, cookie.port)
            });
            if cookie.expires.is_none_or(|expires| expires > now) {
                self.cookies.push(cookie);
            }
        }
        let surplus = self.cookies.len().saturating_sub(MOST);
        self.cookies.drain(..surplus);
    }

    /// The header `Cookie` of a request; `None` if it has none.
    pub(super) fn header(&self, url: &Url, now: i64) -> Option<String> {
        let host = url.host_str()?.to_ascii_lowercase();
        let fits = |cookie: &&Cookie| {
            let same_host = cookie.domain == host;
            (same_host || cookie.is_for_subdomains && is_below(&host, &cookie.domain))
                && is_own_port(cookie.port, url.port_or_known_default())
                && is_path_below(url.path(), &cookie.path)
                && (!cookie.is_secure || url.scheme() == "https")
                && cookie.expires.is_none_or(|expires| expires > now)
        };
        let mut cookies: Vec<&Cookie> = self.cookies.iter().filter(fits).collect();
        cookies.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pairs: Vec<String> =
            cookies.iter().map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

fn parse(text: &str, url: &Url, now: i64) -> Option<Cookie> {
    let host = url.host_str()?.to_ascii_lowercase();
    let mut parts = text.split(';');
    let (name, value) = parts.next()?.split_once('=')?;
    let default_path = match url.path().rfind('/') {
        None | Some(0) => "/",
        Some(end) => &url.path()[..end],
    };
    let mut cookie = Cookie {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
        domain: host.clone(),
        port: url.port_or_known_default(),
        is_for_subdomains: false,
        path: default_path.to_owned(),
        is_secure: false,
        expires: None,
    };
    let mut max_age = None;
    for part in parts {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "domain" if !value.is_empty() => {
                let domain = value.trim_start_matches('.').to_ascii_lowercase();
                // A host sets cookies for itself and what it is part of, never for a whole top-level domain.
                let is_own = host == domain || is_below(&host, &domain) && domain.contains('.');
                if !is_own {
                    return None;
                }
                cookie.is_for_subdomains = host.parse::<std::net::IpAddr>().is_err();
                cookie.domain = domain;
            }
            "path" if value.starts_with('/') => value.clone_into(&mut cookie.path),
            "secure" => cookie.is_secure = true,
            "max-age" => max_age = value.parse::<i64>().ok(),
            "expires" => cookie.expires = parse_http_date(value),
            _ => {}
        }
    }
    if let Some(seconds) = max_age {
        cookie.expires = Some(now.saturating_add(seconds.saturating_mul(1_000_000)));
    }
    (!cookie.name.is_empty()).then_some(cookie)
}

/// Whether what a port set may go to another: the same, or that of TLS in place of that without.
fn is_own_port(of: Option<u16>, to: Option<u16>) -> bool {
    of == to || matches!((of, to), (Some(80), Some(443)))
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

fn is_path_below(path: &str, of: &str) -> bool {
    path == of || path.starts_with(of) && (of.ends_with('/') || path[of.len()..].starts_with('/'))
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    /// What a request to `to` carries after an answer from `from` set these.
    fn sent(from: &str, set: &[&str], to: &str) -> Option<String> {
        let mut headers = HeaderMap::new();
        for text in set {
            headers.append(SET_COOKIE, HeaderValue::from_str(text).unwrap());
        }
        let mut jar = CookieJar::default();
        jar.keep(&Url::parse(from).unwrap(), &headers, 1_000_000);
        jar.header(&Url::parse(to).unwrap(), 2_000_000)
    }

    #[test]
    fn cookies_go_where_they_belong() {
        let cases = [
            ("http://h/a/b", "s=1", "http://h/a/c", Some("s=1")),
            ("http://h/a/b", "s=1", "http://h/ab", None),
            ("http://h/a/b", "s=1; Path=/", "http://h/x", Some("s=1")),
            ("http://h/", "s=1", "http://o/", None),
            ("http://api.h.com/", "s=1; Domain=.h.com", "http://www.h.com/", Some("s=1")),
            ("http://api.h.com/", "s=1", "http://www.api.h.com/", None),
            ("http://h.com/", "s=1; Domain=com", "http://o.com/", None),
            ("http://h/", "s=1; Domain=o", "http://o/", None),
            ("https://h/", "s=1; Secure", "http://h/", None),
            ("http://h:1/", "s=1", "http://h:2/", None),
            ("http://h/", "s=1", "https://h/", Some("s=1")),
            ("https://h/", "s=1", "http://h/", None),
            ("http://h/", "s=1; Max-Age=0", "http://h/", None),
            ("http://h/", "s=1; Max-Age=10", "http://h/", Some("s=1")),
            ("http://h/", "s=1; Expires=Wed, 21 Oct 2015 07:28:00 GMT", "http://h/", Some("s=1")),
            ("http://h/", "s=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "http://h/", None),
            ("http://h/", "=1", "http://h/", None),
        ];
        for (from, set, to, expected) in cases {
            assert_eq!(sent(from, &[set], to).as_deref(), expected, "{from} {set} {to}");
        }
    }

    #[test]
    fn a_later_cookie_takes_the_place_of_an_earlier() {
        assert_eq!(sent("http://h/", &["a=1", "b=2", "a=3"], "http://h/").as_deref(), Some("b=2; a=3"));
        assert_eq!(sent("http://h/", &["a=1", "a=; Max-Age=-1"], "http://h/"), None);
    }
}
