//! Entry points of the fuzz targets: each takes any text and checks what holds for all of them. They panic where a
//! promise is broken, which is what a fuzzer looks for.

use reqwest::Url;
use serde_json::Map;

use super::http::{origin, route};
use super::paginate::{resolve_link, web_links};

/// A host and a link, parted by a line break: what is meant for the host goes nowhere else, whoever reads the address.
pub fn link(text: &str) {
    let (home, reference) = text.split_once('\n').unwrap_or(("http://127.0.0.1:1/a/b?c=d", text));
    let Some(own) = origin(home) else { return };
    let to = resolve_link(home, reference);
    let Ok((sent, withheld)) = route(&to, &Map::new(), Some(&own), &[]) else { return };
    let Ok((home, _)) = route(home, &Map::new(), None, &[]) else { return };
    let is_upgrade =
        (home.scheme(), home.port(), sent.scheme(), sent.port()) == ("http", None, "https", None);
    let is_same =
        (home.scheme(), home.port_or_known_default()) == (sent.scheme(), sent.port_or_known_default());
    let is_home = home.host() == sent.host() && (is_same || is_upgrade);
    assert_eq!(withheld.is_none(), is_home, "{to}");
    assert_eq!(Url::parse(sent.as_str()).as_ref(), Ok(&sent), "the client reads the address once more");
    // By the letter of RFC 3986, as other parsers and proxies read it.
    let authority = sent.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let port = sent.port().map(|port| format!(":{port}")).unwrap_or_default();
    assert_eq!(place, format!("{}{port}", sent.host_str().unwrap_or_default()), "one host for all readers");
}

/// A header `Link`: every target stands in it, and what was read means the same when it is written by the book.
pub fn link_header(text: &str) {
    for link in web_links(text) {
        assert!(text.contains(&link.target), "a target is a part of the header");
        let relations = link.relations.join(" ");
        if link.target.contains('>') || relations.contains(['"', '\\']) {
            continue;
        }
        let written = format!("<{}>; title=\"a, <b>; rel=c\"; rel=\"{relations}\", <x>; rel=y", link.target);
        assert_eq!(web_links(&written).first(), Some(&link), "{written}");
    }
}
