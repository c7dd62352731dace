//! Where data comes from: the traits of a source, and what it hands over.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use arrow_array::{Array as _, ArrayRef, RecordBatch};
use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::sync::watch;
use windlass_core::hints::ResourceHints;
use windlass_core::incremental::IncrementalOptions;
use windlass_core::json::{Elements, Select};
use windlass_core::schema::Schema;
use windlass_core::{Error, Result};

use crate::record_limit::RecordLimit;
use crate::steps::Step;
use windlass_core::csv::CsvTable;

/// What a source may need to know of the run.
#[derive(Clone, Debug, Default)]
pub struct SourceContext {
    /// Folder that relative paths are relative to.
    pub folder: PathBuf,
}

/// A place that data is read from: one or more resources under one schema.
#[async_trait]
pub trait Source: Send + Sync {
    /// Name of the source, which is also the name of its schema.
    fn name(&self) -> &str;

    /// Settings of the schema.
    fn settings(&self) -> SourceSettings;

    /// The resources in load order. May look at the remote; reads no records.
    async fn resources(&self, context: &SourceContext) -> Result<Vec<Resource>>;

    /// What must stay the same for a run to go on where another one was broken off: settings that decide about requests
    /// and their order. `None` if reading always starts over. Holds no secrets.
    fn identity(&self) -> Option<Value> {
        None
    }

    /// Whether it gives records in the order of a cursor when [`IncrementalOptions::row_order`] asks for it, instead of
    /// taking that as a promise.
    fn sorts_by_cursor(&self) -> bool {
        false
    }

    /// Whether [`Source::resources`] asks a server what there is.
    fn asks_what_there_is(&self) -> bool {
        false
    }

    /// One extractor for each partition of a resource that can be read on its own; their order is the order of the
    /// data.
    async fn open(&self, resource: &Resource, opening: &Opening) -> Result<Vec<Box<dyn Extractor>>>;

    /// A schema that the source brings along; it is merged into the one that is stored.
    fn schema(&self) -> Option<&Schema> {
        None
    }

    /// Told once before anything is opened: the source's part of the state, as the run before left it.
    async fn begin(&self, _state: &Map<String, Value>) -> Result<()> {
        Ok(())
    }

    /// Asked once when everything is read: the source's part of the state, where the source keeps it itself.
    async fn end(&self) -> Result<Option<Map<String, Value>>> {
        Ok(None)
    }

    /// Asked once when everything is read: values that the state of resources keeps, as resource, key and value.
    fn resource_states(&self) -> Vec<(String, String, Value)> {
        Vec::new()
    }

    /// What people can do where each run appends all records of a resource again. `None` if that cannot be said of the
    /// source, or is cared for.
    fn remedy_for_repeats(&self, _resource: &Resource) -> Option<String> {
        None
    }
}

/// What a resource is opened with.
#[derive(Clone, Debug, Default)]
pub struct Opening {
    /// Folder that relative paths are relative to.
    pub folder: PathBuf,
    /// The range of its cursor; `None` without incremental.
    pub cursor: Option<CursorRange>,
    /// Where the pages of its parent are kept, one file of lines of typed JSON; each is the list of the records of one
    /// page.
    /// `None` without parent.
    pub parent_pages: Option<PathBuf>,
    /// Where to go on: what [`Extractor::position`] said of the last page that is kept.
    pub position: Option<Value>,
    /// The extractor that the position is for, by its index; those before it are finished and not asked any more.
    pub partition: usize,
    /// Partitions that failed in the run before and are to be read again, before the others. One that
    /// [`Opening::parent_pages`] holds as well is to be read once.
    pub retries: Vec<Value>,
    /// True while a checkpoint waits for a page after which reading can go on. Who has such pages only now and then may
    /// hasten to the next.
    pub checkpoint_due: Option<watch::Receiver<bool>>,
    /// How long a record may be: who reads piece by piece stops there.
    pub record_limit: RecordLimit,
}

/// The range of a resource's cursor in this run, as values of its field.
#[derive(Clone, Debug, Default)]
pub struct CursorRange {
    /// The option `initial_value`.
    pub initial_value: Option<Value>,
    /// Where the run starts, its lag applied; the initial value in a first run.
    pub start_value: Option<Value>,
    /// The option `end_value`.
    pub end_value: Option<Value>,
    /// The furthest value so far; moves with the pages where [`Resource::follows_cursor`] asks for it.
    pub last_value: Arc<Mutex<Option<Value>>>,
}

/// A partition that could not be read while the others were.
#[derive(Debug)]
pub struct PartitionFailure {
    /// What names it, and is handed back as one of [`Opening::retries`].
    pub partition: Value,
    /// Why.
    pub error: Error,
}

/// What a source says about its schema.
#[derive(Clone, Debug, Default)]
pub struct SourceSettings {
    /// Contract for all tables.
    pub schema_contract: Option<Value>,
    /// Levels of nesting that become tables, for all resources.
    pub max_table_nesting: Option<i64>,
    /// Whether the rows of all nested tables carry the id of their root row.
    pub root_key: Option<bool>,
}

/// Reads one partition of a resource.
#[async_trait]
pub trait Extractor: Send {
    /// The next page, or `None` at the end. A dropped call loses no page that was returned before.
    ///
    /// Errors: what stops the run. An error of [`Error::budget_spent`] ends the resource and keeps what was read: the
    /// next run goes on at [`Extractor::position`]. A resource with a parent gives its unread partitions by
    /// [`Extractor::failures`] instead, with such an error each, since the parent's pages are gone by then.
    async fn next_page(&mut self) -> Result<Option<Page>>;

    /// Where reading can go on after the page that was returned last; `None` if it can only start over.
    fn position(&self) -> Option<Value> {
        None
    }

    /// Where the records of the page that was returned last go, if not to the tables of the resource that was opened.
    fn target(&self) -> Option<Arc<Target>> {
        None
    }

    /// What people should know of what was read since the last call, as sentences without a full stop.
    fn notices(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// Partitions that failed since the last call, where the resource goes on without them.
    fn failures(&mut self) -> Vec<PartitionFailure> {
        Vec::new()
    }
}

/// Where the records of a page go: one extractor may read several resources at once, and records may name their table.
#[derive(Clone, Debug)]
pub struct Target {
    /// Name of the resource.
    pub resource: String,
    /// The table, if not the resource's own, and what is said about it.
    pub table: Option<TargetTable>,
}

/// A table that comes up while a resource is read.
#[derive(Clone, Debug)]
pub struct TargetTable {
    /// Its name as it was given.
    pub name: String,
    /// What it is to be like.
    pub hints: ResourceHints,
}

/// One stream of records and what is said about it.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Name, unique in the source.
    pub name: String,
    /// What its tables are to be like.
    pub hints: ResourceHints,
    /// How its new records are told from those that were loaded before.
    pub incremental: Option<IncrementalOptions>,
    /// Where to stop.
    pub limit: Option<Limit>,
    /// Expressions that each record passes through.
    pub steps: Vec<Step>,
    /// What happens to records that cannot be read.
    pub on_bad_record: OnBadRecord,
    /// Whether its records are loaded; what is not is only read for the resources that are made from it.
    pub selected: bool,
    /// The resource of this source whose records it is made from.
    pub parent: Option<String>,
    /// Whether it may be read while others are.
    pub parallelized: bool,
    /// Whether its requests depend on the cursor of the pages before.
    pub follows_cursor: bool,
    /// A cursor that the source follows itself, in place of `incremental`: of several new rows with one key, the newest by
    /// it stays.
    pub own_cursor: Option<IncrementalOptions>,
    /// Whether its records are rows of columns that have types, so that no value is converted into one of another type.
    pub has_typed_records: bool,
}

impl Resource {
    /// A resource without hints.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            hints: ResourceHints::default(),
            incremental: None,
            limit: None,
            steps: Vec::new(),
            on_bad_record: OnBadRecord::Fail,
            selected: true,
            parent: None,
            parallelized: false,
            follows_cursor: false,
            own_cursor: None,
            has_typed_records: false,
        }
    }
}

/// Where reading a resource stops.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// After this many records that passed the steps.
    Records(u64),
    /// After this many pages that passed the steps.
    Pages(u64),
    /// After the first page that comes later than this many seconds after the start.
    Seconds(f64),
}

/// What happens to a record that cannot be read.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum OnBadRecord {
    /// The run fails; nothing is loaded.
    #[default]
    Fail,
    /// It is left out, counted, and kept in the package with the reason.
    Reject,
}

/// A piece of a stream of records.
#[derive(Debug)]
pub struct Page {
    /// The records.
    pub body: Body,
    /// Number of the first record in its stream.
    pub first: u64,
    /// Where it comes from.
    pub origin: Arc<Origin>,
}

/// Where a page comes from.
#[derive(Debug, Default)]
pub struct Origin {
    /// File or URL.
    pub file: Option<String>,
    /// Whether the number of a record, plus one, is its line in the file.
    pub counts_lines: bool,
    /// Which of the resource's partitions it is.
    pub partition: u64,
}

/// Bytes of the rows of a batch.
pub fn batch_bytes(batch: &RecordBatch) -> usize {
    let columns = batch.columns().iter();
    let bytes = |column: &ArrayRef| {
        column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size())
    };
    columns.map(bytes).sum()
}

/// Records as they came.
#[derive(Debug)]
pub enum Body {
    /// One JSON value per line, as somebody else wrote it.
    Lines(Vec<u8>),
    /// One value of typed JSON per line: values that JSON lacks, and texts that are marked where they look like these.
    /// See [`windlass_core::json::write_typed`] and [`windlass_core::value::escape_text`].
    TypedLines(Vec<u8>),
    /// The same with the number of each.
    Numbered(Vec<u8>, Vec<u64>),
    /// Elements of a list, one JSON value per line.
    Elements(Elements),
    /// One JSON document, and where its records are.
    Document(Vec<u8>, Arc<Select>),
    /// CSV rows without header.
    Csv(Vec<u8>, Arc<CsvTable>),
    /// Columns.
    Batch(RecordBatch),
}

impl Body {
    /// About how much memory it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::Lines(bytes)
            | Self::TypedLines(bytes)
            | Self::Numbered(bytes, _)
            | Self::Document(bytes, _)
            | Self::Csv(bytes, _) => bytes.len(),
            Self::Elements(elements) => elements.text.len(),
            // A part of a large table counts for itself, not for the buffers that it shares.
            Self::Batch(batch) => batch_bytes(batch),
        }
    }
}
