//! Items that stand in the pipeline file or come from a program.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use windlass_core::hash::shake128;
use windlass_core::value::typed_json;
use windlass_core::{Error, Result};

use super::{SourceEntry, SourceParts};
use crate::config::{parse_options, schema_of};
use crate::source::{
    Body, Extractor, Opening, Origin, Page, Resource, Source, SourceContext, SourceSettings,
};

pub(super) const ENTRY: SourceEntry = SourceEntry {
    name: "inline",
    short: "items that stand in the pipeline file",
    example: "\
type: inline
resources:
  - name: fruits                   # becomes the table
    items:
      - {id: 1, name: apple, colours: [red, green]}
      - {id: 2, name: banana, colours: [yellow]}
    write_disposition: replace     # append | replace
",
    missing: None,
    has_exchanges: false,
    needed: None,
    options: schema_of::<InlineOptions>,
    resource: schema_of::<InlineResourceOptions>,
    forms: None,
    build: |parts| Ok(Box::new(InlineSource::new(parts)?)),
};

/// An inline source has no options of its own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InlineOptions {}

/// Options of a resource of an inline source.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InlineResourceOptions {
    /// The records.
    items: Vec<Value>,
    /// Items of a page. Default: all are one page.
    #[serde(default)]
    page_size: Option<usize>,
}

/// Records of one resource, in pages of lines of typed JSON.
#[derive(Clone, Debug)]
pub struct InlineResource {
    /// Name, hints and limits.
    pub resource: Resource,
    /// The records: one value of typed JSON per line.
    pub pages: Vec<String>,
}

/// Gives the same records on every run.
#[derive(Clone, Debug)]
pub struct InlineSource {
    /// Name of the source.
    pub name: String,
    /// The resources.
    pub resources: Vec<InlineResource>,
    /// Settings of the schema.
    pub settings: SourceSettings,
}

impl InlineSource {
    fn new(parts: SourceParts) -> Result<Self> {
        let InlineOptions {} = parse_options("source", parts.options)?;
        let resources = parts.resources.into_iter().map(|(resource, own)| {
            let own: InlineResourceOptions =
                parse_options(&format!("source.resources.{}", resource.name), own)?;
            let lines = |items: &[Value]| {
                items.iter().map(|item| format!("{}\n", typed_json(item))).collect::<String>()
            };
            let size = own.page_size.unwrap_or(usize::MAX).max(1);
            let pages = if own.items.is_empty() {
                vec![String::new()]
            } else {
                own.items.chunks(size).map(lines).collect()
            };
            Ok(InlineResource { resource, pages })
        });
        Ok(Self { name: parts.name, resources: resources.collect::<Result<_>>()?, settings: parts.settings })
    }
}

#[async_trait]
impl Source for InlineSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn settings(&self) -> SourceSettings {
        self.settings.clone()
    }

    async fn resources(&self, _: &SourceContext) -> Result<Vec<Resource>> {
        Ok(self.resources.iter().map(|inline| inline.resource.clone()).collect())
    }

    fn remedy_for_repeats(&self, _: &Resource) -> Option<String> {
        Some("set `write_disposition: merge` and a `primary_key`".to_owned())
    }

    fn identity(&self) -> Option<Value> {
        let mut digest = [0; 16];
        let pages = self.resources.iter().flat_map(|inline| &inline.pages);
        let text: Vec<String> = pages.map(|page| format!("{} {page}", page.len())).collect();
        shake128(text.concat().as_bytes(), &mut digest);
        Some(format!("{:032x}", u128::from_be_bytes(digest)).into())
    }

    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        let inline =
            self.resources.iter().find(|inline| inline.resource.name == resource.name).ok_or_else(|| {
                Error::internal("a resource is not of this source").at_resource(&resource.name)
            })?;
        let read = opening.position.as_ref().and_then(Value::as_u64).unwrap_or(0) as usize;
        let (before, rest) = inline.pages.split_at(read.min(inline.pages.len()));
        let first = before.iter().map(|page| page.lines().count() as u64).sum();
        Ok(vec![Box::new(InlineExtractor { pages: rest.iter().cloned().collect(), first, read })])
    }
}

struct InlineExtractor {
    pages: VecDeque<String>,
    first: u64,
    /// Pages that were read.
    read: usize,
}

#[async_trait]
impl Extractor for InlineExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        let Some(text) = self.pages.pop_front() else { return Ok(None) };
        let first = self.first;
        self.first += text.lines().count() as u64;
        self.read += 1;
        let origin = Arc::new(Origin::default());
        Ok(Some(Page { body: Body::TypedLines(text.into_bytes()), first, origin }))
    }

    fn position(&self) -> Option<Value> {
        Some(self.read.into())
    }
}
