//! Items that stand in the pipeline file or come from a program.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use windlass_core::{Error, Result};

use crate::source::{Body, Extractor, Origin, Page, Resource, Source, SourceContext, SourceSettings};

/// Records of one resource, in pages of JSON lines. Strings may be typed strings.
#[derive(Clone, Debug)]
pub struct InlineResource {
    /// Name, hints and limits.
    pub resource: Resource,
    /// The records: one JSON value per line.
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

    async fn open(&self, resource: &Resource, _: &SourceContext) -> Result<Vec<Box<dyn Extractor>>> {
        let inline =
            self.resources.iter().find(|inline| inline.resource.name == resource.name).ok_or_else(|| {
                Error::internal("a resource is not of this source").at_resource(&resource.name)
            })?;
        Ok(vec![Box::new(InlineExtractor { pages: inline.pages.iter().cloned().collect(), first: 0 })])
    }
}

struct InlineExtractor {
    pages: VecDeque<String>,
    first: u64,
}

#[async_trait]
impl Extractor for InlineExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        let Some(text) = self.pages.pop_front() else { return Ok(None) };
        let first = self.first;
        self.first += text.lines().count() as u64;
        let origin = Arc::new(Origin::default());
        Ok(Some(Page { body: Body::Lines(text.into_bytes()), first, origin }))
    }
}
