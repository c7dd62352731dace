//! A source that does what a test says: pages, parents, positions, failures and budgets.

use std::collections::{BTreeSet, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray as _;
use async_trait::async_trait;
use serde_json::{Value, json};
use windlass::core::{Error, Result};
use windlass::destination::Destination;
use windlass::destinations::DuckDb;
use windlass::pipeline::{LoadInfo, Pipeline, PipelineSettings, RunOptions};
use windlass::source::{
    Body, CursorRange, Extractor, Opening, Origin, Page, PartitionFailure, Resource, Source, SourceContext,
    SourceSettings, Target, TargetTable,
};

/// Records of a page.
pub(crate) type Records = Vec<Value>;

/// What a resource gives.
#[derive(Clone)]
pub(crate) enum Gives {
    /// These pages.
    Pages(Vec<Records>),
    /// These pages for each record of its parent.
    OfParent(fn(&Value) -> Vec<Records>),
    /// These pages, each into the table beside it; without one, into the resource's own.
    Into(Vec<(Option<TargetTable>, Records)>),
}

/// What a test wants to happen, and what did.
#[derive(Default)]
pub(crate) struct Stage {
    /// Pages that may still be given before the run breaks.
    pub(crate) pages_to_crash: Option<usize>,
    /// Pages that may still be given before the budget is spent.
    pub(crate) budget: Option<usize>,
    /// Ids of parents' records whose children cannot be read.
    pub(crate) broken: BTreeSet<i64>,
    /// Whether positions are refused.
    pub(crate) refuses_positions: bool,
    /// Each page that was given: the resource, and its first record.
    pub(crate) given: Vec<String>,
    /// What each resource was opened with.
    pub(crate) opened: Vec<(String, Opening)>,
    /// The furthest cursor at the time of each request.
    pub(crate) cursors: Vec<Value>,
}

/// The source.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) resources: Vec<(Resource, Gives)>,
    pub(crate) has_positions: bool,
    /// Whether a spent budget tells what was not read of a parent's records.
    pub(crate) lists_unread: bool,
    pub(crate) stage: Arc<Mutex<Stage>>,
}

impl Script {
    pub(crate) fn new(resources: Vec<(Resource, Gives)>) -> Self {
        Self { resources, has_positions: true, lists_unread: true, stage: Arc::default() }
    }

    /// Changes what happens next.
    pub(crate) fn stage<T>(&self, change: impl FnOnce(&mut Stage) -> T) -> T {
        change(&mut self.stage.lock().unwrap())
    }

    /// What was given since the last call.
    pub(crate) fn given(&self) -> Vec<String> {
        self.stage(|stage| std::mem::take(&mut stage.given))
    }
}

#[async_trait]
impl Source for Script {
    fn name(&self) -> &str {
        "s"
    }

    fn settings(&self) -> SourceSettings {
        SourceSettings::default()
    }

    fn identity(&self) -> Option<Value> {
        Some(json!("script"))
    }

    async fn resources(&self, _: &SourceContext) -> Result<Vec<Resource>> {
        Ok(self.resources.iter().map(|(resource, _)| resource.clone()).collect())
    }

    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>> {
        self.stage(|stage| stage.opened.push((resource.name.clone(), opening.clone())));
        if opening.position.is_some() && self.stage(|stage| stage.refuses_positions) {
            return Err(Error::source_failed("the position is too old"));
        }
        let (_, gives) = self.resources.iter().find(|(other, _)| other.name == resource.name).unwrap();
        let mut requests: VecDeque<(Option<Value>, Records)> = VecDeque::new();
        let mut targets = Vec::new();
        match gives {
            Gives::Into(pages) => {
                requests.extend(pages.iter().map(|(_, page)| (None, page.clone())));
                let target = |table: &TargetTable| {
                    Arc::new(Target { resource: resource.name.clone(), table: Some(table.clone()) })
                };
                targets.extend(pages.iter().map(|(table, _)| table.as_ref().map(target)));
            }
            Gives::Pages(pages) => requests.extend(pages.iter().map(|page| (None, page.clone()))),
            Gives::OfParent(children) => {
                let parents =
                    opening.retries.iter().cloned().chain(records(opening.parent_pages.as_ref().unwrap()));
                for parent in parents {
                    // A partition that a spent budget cut knows how many of its pages were read.
                    let read = parent["read"].as_u64().unwrap_or(0) as usize;
                    let pages = children(&parent).into_iter().skip(read);
                    requests.extend(pages.map(|page| (Some(parent.clone()), page)));
                }
            }
        }
        let read = opening.position.as_ref().and_then(Value::as_u64).unwrap_or(0) as usize;
        let first = requests.iter().take(read).map(|(_, page)| page.len() as u64).sum();
        requests.drain(..read);
        Ok(vec![Box::new(ScriptExtractor {
            script: self.clone(),
            name: resource.name.clone(),
            cursor: opening.cursor.clone(),
            requests,
            read,
            first,
            failures: Vec::new(),
            current: None,
            targets,
        })])
    }
}

/// The records of a parent's pages.
pub(crate) fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().flat_map(|line| serde_json::from_str::<Vec<Value>>(line).unwrap()).collect()
}

struct ScriptExtractor {
    script: Script,
    name: String,
    cursor: Option<CursorRange>,
    requests: VecDeque<(Option<Value>, Records)>,
    read: usize,
    first: u64,
    failures: Vec<PartitionFailure>,
    /// The parent's record that is being read, and pages of it that were given.
    current: Option<(Value, u64)>,
    /// Where the pages go, by their number.
    targets: Vec<Option<Arc<Target>>>,
}

/// Takes one of a number; `false` if there is none left.
fn take(left: &mut Option<usize>) -> bool {
    match left {
        None => true,
        Some(0) => false,
        Some(left) => {
            *left -= 1;
            true
        }
    }
}

#[async_trait]
impl Extractor for ScriptExtractor {
    async fn next_page(&mut self) -> Result<Option<Page>> {
        loop {
            let Some((parent, page)) = self.requests.pop_front() else { return Ok(None) };
            let mut stage = self.script.stage.lock().unwrap();
            if let Some(parent) =
                parent.as_ref().filter(|p| stage.broken.contains(&p["id"].as_i64().unwrap()))
            {
                let count = self.requests.len();
                self.requests.retain(|(other, _)| other.as_ref() != Some(parent));
                self.read += 1 + count - self.requests.len();
                let error = Error::source_failed(format!("no children of {}", parent["id"]));
                self.failures.push(PartitionFailure { partition: parent.clone(), error });
                continue;
            }
            if !take(&mut stage.pages_to_crash) {
                return Err(Error::source_failed("the source broke"));
            }
            if !take(&mut stage.budget) {
                self.requests.push_front((parent, page));
                if self.script.lists_unread {
                    let mut unread: Vec<Value> =
                        self.requests.drain(..).filter_map(|(parent, _)| parent).collect();
                    unread.dedup();
                    if let (Some(first), Some(current)) = (unread.first_mut(), &self.current)
                        && first == &current.0
                    {
                        first["read"] = (first["read"].as_u64().unwrap_or(0) + current.1).into();
                    }
                    let failure =
                        |partition| PartitionFailure { partition, error: Error::budget_spent("it is spent") };
                    self.failures.extend(unread.into_iter().map(failure));
                }
                return Err(Error::budget_spent("max_requests is reached"));
            }
            if let Some(cursor) = &self.cursor {
                stage.cursors.push(cursor.last_value.lock().unwrap().clone().unwrap_or_default());
            }
            stage.given.push(format!(
                "{} {}",
                self.name,
                page.first().map_or(Value::Null, |r| r["id"].clone())
            ));
            drop(stage);
            let before = self.current.take().filter(|(current, _)| Some(current) == parent.as_ref());
            self.current = parent.map(|parent| (parent, before.map_or(0, |(_, read)| read) + 1));
            let text: String = page.iter().map(|record| format!("{record}\n")).collect();
            let first = self.first;
            (self.first, self.read) = (first + page.len() as u64, self.read + 1);
            let origin = Arc::new(Origin::default());
            return Ok(Some(Page { body: Body::Lines(text.into_bytes()), first, origin }));
        }
    }

    fn position(&self) -> Option<Value> {
        self.script.has_positions.then(|| self.read.into())
    }

    fn target(&self) -> Option<Arc<Target>> {
        self.targets.get(self.read.checked_sub(1)?)?.clone()
    }

    fn failures(&mut self) -> Vec<PartitionFailure> {
        std::mem::take(&mut self.failures)
    }
}

/// A pipeline into a DuckDB in memory, with a working folder of its own.
pub(crate) struct Bench {
    pub(crate) destination: Arc<dyn Destination>,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) workers: usize,
    /// Seconds between checkpoints.
    pub(crate) interval: f64,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            destination: Arc::new(DuckDb::memory()),
            folder: tempfile::tempdir().unwrap(),
            workers: 2,
            interval: 0.0,
        }
    }

    pub(crate) fn pipeline(&self) -> Pipeline {
        let mut settings = PipelineSettings::default();
        settings.extract.workers = self.workers;
        settings.extract.checkpoints.interval = std::time::Duration::from_secs_f64(self.interval);
        Pipeline::new("p", Arc::clone(&self.destination), self.folder.path())
            .unwrap()
            .dataset("d")
            .settings(settings)
    }

    pub(crate) async fn run(&self, script: &Script) -> Result<LoadInfo> {
        self.run_with(script, &RunOptions::default()).await
    }

    pub(crate) async fn run_with(&self, script: &Script, options: &RunOptions) -> Result<LoadInfo> {
        self.pipeline().run(&[Box::new(script.clone())], options).await
    }

    /// The rows of a query that gives one text column, sorted.
    pub(crate) async fn texts(&self, sql: &str) -> Vec<String> {
        let pipeline = self.pipeline();
        let batches = pipeline.connect().await.unwrap().query(sql).await.unwrap();
        let column = |batch: &arrow_array::RecordBatch| {
            let texts = batch.column(0).as_string::<i32>().iter();
            texts.map(|text| text.unwrap_or("null").to_owned()).collect::<Vec<_>>()
        };
        let mut texts: Vec<String> = batches.iter().flat_map(column).collect();
        texts.sort();
        texts
    }

    /// The ids in a table.
    pub(crate) async fn ids(&self, table: &str) -> Vec<i64> {
        let texts = self.texts(&format!("SELECT id::VARCHAR FROM {table}")).await;
        let mut ids: Vec<i64> = texts.iter().map(|id| id.parse().unwrap()).collect();
        ids.sort_unstable();
        ids
    }

    /// What the state keeps of a resource.
    pub(crate) fn state(&self, resource: &str, key: &str) -> Value {
        let state = self.pipeline().state().unwrap();
        state.resource_value("s", resource, key).cloned().unwrap_or_default()
    }
}

/// Records with these ids, and a cursor that grows with them.
pub(crate) fn rows(ids: impl IntoIterator<Item = i64>) -> Records {
    ids.into_iter().map(|id| json!({ "id": id, "at": id * 10 })).collect()
}
