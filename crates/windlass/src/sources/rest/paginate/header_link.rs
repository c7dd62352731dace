//! Links in the header `Link`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::Result;

use super::link::{FindLink, LinkChain, absent_header_notice};
use super::link_header::{WebLink, web_links};
use super::{Answer, PageNotice, Paginator};
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

    fn absent(&self, answer: &Answer<'_>) -> Result<Option<PageNotice>> {
        let relations = unknown_relations(&link_header(answer.response), &self.relation);
        Ok((!relations.is_empty()).then(|| {
            let header = format!("a link with rel=\"{}\"", self.relation);
            absent_header_notice(
                "links_next_key",
                &header,
                &format!(", whose header Link has {}", relations.join(", ")),
            )
        }))
    }
}

/// Relations of the only page to others.
const NOT_NEXT: [&str; 6] = ["first", "last", "prev", "previous", "self", "start"];

/// The relations of a header without the wanted one, where some of them may be meant for it: one that names only the page
/// itself, the first and the last is that of an only page.
pub fn unknown_relations(header: &str, wanted: &str) -> Vec<String> {
    let mut relations: Vec<String> = web_links(header).into_iter().flat_map(|link| link.relations).collect();
    relations.iter_mut().for_each(|relation| relation.make_ascii_lowercase());
    let is_there = relations.iter().any(|relation| relation.eq_ignore_ascii_case(wanted));
    let may_be_meant = |relation: &String| !relation.contains(':') && !NOT_NEXT.contains(&relation.as_str());
    if is_there || !relations.iter().any(may_be_meant) {
        return Vec::new();
    }
    relations
}

/// All headers `Link` as one.
fn link_header(response: &Response) -> String {
    let is_link = |name: &str| name.eq_ignore_ascii_case("link");
    let headers = response.headers.iter().filter(|(name, _)| is_link(name)).map(|(_, value)| value.as_str());
    headers.collect::<Vec<_>>().join(", ")
}

/// The URL that the headers `Link` name for a relation; the last one of several.
pub(super) fn linked(response: &Response, relation: &str) -> Option<String> {
    target_of(&link_header(response), relation)
}

/// The URL that the text of a header names for a relation; the last one of several.
pub fn target_of(header: &str, relation: &str) -> Option<String> {
    let is_wanted = |link: &WebLink| link.relations.iter().any(|known| known.eq_ignore_ascii_case(relation));
    web_links(header).into_iter().rev().find(is_wanted).map(|link| link.target)
}
