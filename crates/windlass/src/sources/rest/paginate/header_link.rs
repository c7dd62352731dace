//! Links in the header `Link`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::Result;

use super::link::{FindLink, LinkChain};
use super::{Answer, Paginator};
use crate::sources::rest::http::Response;

/// `header_link`: the header `Link` holds the URL of the next page, as RFC 8288 says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderLinkOptions {
    /// The relation whose link is the next page.
    pub links_next_key: String,
}

impl Default for HeaderLinkOptions {
    fn default() -> Self {
        Self { links_next_key: "next".to_owned() }
    }
}

impl HeaderLinkOptions {
    pub(super) fn build(&self) -> Box<dyn Paginator> {
        Box::new(LinkChain::new(HeaderLink { relation: self.links_next_key.clone() }))
    }
}

#[derive(Debug)]
struct HeaderLink {
    relation: String,
}

impl FindLink for HeaderLink {
    fn find(&self, answer: &Answer<'_>) -> Result<Option<Value>> {
        Ok(linked(answer.response, &self.relation).map(Value::from))
    }
}

/// The URL that the headers `Link` name for a relation; the last one of several.
///
/// Names are compared as they are, and several in one `rel` are one name, as in the reference.
pub(super) fn linked(response: &Response, relation: &str) -> Option<String> {
    let is_link = |name: &str| name.eq_ignore_ascii_case("link");
    let headers = response.headers.iter().filter(|(name, _)| is_link(name)).map(|(_, value)| value.as_str());
    let joined = headers.collect::<Vec<_>>().join(", ");
    split_links(&joined).into_iter().rev().find_map(|link| {
        let (url, params) = link.split_once(';')?;
        let bare = |text: &str| text.trim_matches([' ', '\'', '"']).to_owned();
        let pairs = params.split(';').map_while(|param| param.split_once('='));
        let rel = pairs.filter(|(key, _)| bare(key) == "rel").last()?.1;
        (bare(rel) == relation).then(|| url.trim_matches(['<', '>', ' ', '\'', '"']).to_owned())
    })
}

/// The links of a header: they are parted by a comma before a `<`.
fn split_links(header: &str) -> Vec<&str> {
    let mut links = Vec::new();
    let mut start = 0;
    for (at, _) in header.match_indices(',') {
        let rest = header[at + 1..].trim_start_matches(' ');
        if rest.starts_with('<') {
            links.push(&header[start..at]);
            start = at + 1;
        }
    }
    links.push(&header[start..]);
    links
}
