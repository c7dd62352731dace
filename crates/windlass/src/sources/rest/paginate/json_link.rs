//! Links in the body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::Result;
use windlass_core::json::JsonPath;

use super::link::{FindLink, LinkChain, absent_notice};
use super::values::{is_truthy, path_of};
use super::{Answer, PageNotice, Paginator};

/// `json_link`: the body holds the URL of the next page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct JsonLinkOptions {
    /// Where the URL is, as JSONPath.
    pub next_url_path: String,
    /// Whether an empty text, `false` and `0` end the pages as null does.
    pub stop_on_empty_link: bool,
}

impl Default for JsonLinkOptions {
    fn default() -> Self {
        Self { next_url_path: "next".to_owned(), stop_on_empty_link: false }
    }
}

impl JsonLinkOptions {
    pub(super) fn build(&self) -> Result<Box<dyn Paginator>> {
        let path = path_of("next_url_path", Some(&self.next_url_path))?;
        Ok(Box::new(LinkChain::new(JsonLink { path, stop_on_empty: self.stop_on_empty_link })))
    }
}

#[derive(Debug)]
struct JsonLink {
    path: Option<JsonPath>,
    stop_on_empty: bool,
}

impl FindLink for JsonLink {
    fn find(&self, answer: &Answer<'_>) -> Result<Option<Value>> {
        let next = self.path.as_ref().map(|path| answer.first(path)).transpose()?.flatten();
        Ok(next.filter(|next| !self.stop_on_empty || is_truthy(next)))
    }

    fn absent(&self, answer: &Answer<'_>) -> Result<Option<PageNotice>> {
        let Some(path) = &self.path else { return Ok(None) };
        Ok(answer.first(path)?.is_none().then(|| absent_notice("next_url_path", path, answer)))
    }

    fn paths(&self) -> Vec<&JsonPath> {
        self.path.iter().collect()
    }
}
