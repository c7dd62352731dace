//! Links in the body.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::Result;
use windlass_core::json::JsonPath;

use super::link::Link;
use super::values::{is_truthy, path_of};
use super::{Answer, Paginator};
use crate::sources::rest::http::Request;

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
        Ok(Box::new(JsonLink { path, stop_on_empty: self.stop_on_empty_link, link: Link::new() }))
    }
}

#[derive(Clone, Debug)]
struct JsonLink {
    path: Option<JsonPath>,
    stop_on_empty: bool,
    link: Link,
}

impl Paginator for JsonLink {
    fn begin(&mut self, _: &mut Request) -> Result<()> {
        self.link.begin();
        Ok(())
    }

    fn update(&mut self, answer: &Answer<'_>) -> Result<()> {
        let next = self.path.as_ref().map(|path| answer.first(path)).transpose()?.flatten();
        let next = next.filter(|next| !self.stop_on_empty || is_truthy(next));
        self.link.set(next.as_ref(), answer.request);
        Ok(())
    }

    fn apply(&self, request: &mut Request) -> Result<()> {
        self.link.apply(request)
    }

    fn has_next(&self) -> bool {
        self.link.has_next()
    }

    fn next_name(&self) -> Option<String> {
        self.link.name()
    }

    fn position(&self) -> Option<Value> {
        self.link.position()
    }

    fn resume(&mut self, position: &Value) -> Result<()> {
        self.link.resume(position)
    }

    fn paths(&self) -> Vec<&JsonPath> {
        self.path.iter().collect()
    }
}
