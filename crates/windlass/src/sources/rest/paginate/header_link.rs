//! Links in the header `Link`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::Result;

use super::link::{FindLink, LinkChain};
use super::link_header::{WebLink, web_links};
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
pub(super) fn linked(response: &Response, relation: &str) -> Option<String> {
    let is_link = |name: &str| name.eq_ignore_ascii_case("link");
    let headers = response.headers.iter().filter(|(name, _)| is_link(name)).map(|(_, value)| value.as_str());
    target_of(&headers.collect::<Vec<_>>().join(", "), relation)
}

/// The URL that the text of a header names for a relation; the last one of several.
pub fn target_of(header: &str, relation: &str) -> Option<String> {
    let is_wanted = |link: &WebLink| link.relations.iter().any(|known| known.eq_ignore_ascii_case(relation));
    web_links(header).into_iter().rev().find(is_wanted).map(|link| link.target)
}
