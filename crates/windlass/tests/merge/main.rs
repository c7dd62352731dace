//! Merging as a whole: histories of runs against small interpreters of what each strategy promises.
#![cfg(feature = "duckdb")]
#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod histories;
mod newest;
mod starting_over;

use std::sync::Arc;

use serde_json::{Value, json};
use windlass::core::hints::ResourceHints;
use windlass::destination::Destination;
use windlass::destinations::DuckDb;
use windlass::pipeline::{LoadInfo, Pipeline, PipelineSettings, RunOptions};
use windlass::source::{Resource, Source, SourceSettings};
use windlass::sources::{InlineResource, InlineSource};

/// A pipeline into a DuckDB in memory, with its own working folder.
struct Bench {
    destination: Arc<dyn Destination>,
    folder: tempfile::TempDir,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    fn new() -> Self {
        Self {
            destination: Arc::new(DuckDb::memory()),
            folder: tempfile::tempdir().unwrap(),
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    fn pipeline(&self) -> Pipeline {
        let mut settings = PipelineSettings::default();
        settings.extract.workers = 2;
        Pipeline::new("p", Arc::clone(&self.destination), self.folder.path())
            .unwrap()
            .dataset("ds")
            .settings(settings)
    }

    /// Runs the pipeline over one resource `t`; `page` records make a page.
    fn run(
        &self,
        hints: &Value,
        records: &[Value],
        page: usize,
        options: &RunOptions,
    ) -> windlass::core::Result<LoadInfo> {
        let hints: ResourceHints = serde_json::from_value(hints.clone()).unwrap();
        let pages =
            records.chunks(page.max(1)).map(|page| page.iter().map(|row| format!("{row}\n")).collect());
        let resource =
            InlineResource { resource: Resource { hints, ..Resource::new("t") }, pages: pages.collect() };
        let source: Box<dyn Source> = Box::new(InlineSource {
            name: "s".to_owned(),
            resources: vec![resource],
            settings: SourceSettings::default(),
        });
        self.runtime.block_on(self.pipeline().run(&[source], options))
    }

    /// The rows of a query that gives one text column, in order.
    fn texts(&self, sql: &str) -> Vec<String> {
        use arrow_array::cast::AsArray as _;
        let pipeline = self.pipeline();
        let batches = self.runtime.block_on(async { pipeline.connect().await?.query(sql).await }).unwrap();
        let mut texts = Vec::new();
        for batch in batches {
            texts.extend(
                batch.column(0).as_string::<i32>().iter().map(|text| text.unwrap_or("null").to_owned()),
            );
        }
        texts.sort();
        texts
    }
}

/// A row with a list of lists, so that all tables and columns are there from the first run on.
fn first_row(id: i64) -> Value {
    json!({ "id": id, "v": 0, "n": 0, "d": false, "l": [{ "x": 0, "m": [0] }] })
}
