//! From a source to the files of an open package: extractors on the async side, CPU workers on the other, one bounded
//! channel between them.
//!
//! ```text
//! Extractor ──Page──> driver (limit, ticket) ══ channel, bounded by bytes ══> Worker 0..n ──> job files
//!                                                                         └─> SchemaBook (order)
//! ```

mod book;
mod budget;
mod checkpoint;
mod crew;
mod driver;
mod gate;
mod job_files;
mod reader;
mod records;
mod single;
mod spool;
mod targets;
mod unfound;
mod worker;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indexmap::IndexMap;
use serde_json::Value;
use tokio::sync::OwnedSemaphorePermit;
use windlass_core::incremental::Filter;
use windlass_core::normalize::{NormalizeSettings, SchemaState};
use windlass_core::package::{Checkpoint, FailedPartition, LeftBehind, Made, UnfinishedResource};
use windlass_core::{Error, Result};

use self::book::Ticket;
pub(crate) use self::driver::run;
use self::gate::Chosen;
pub use self::job_files::FileRotation;
pub(crate) use self::job_files::{JobFiles, TableFormats};
pub(crate) use self::single::write_record;
use self::unfound::Unfound;
use crate::record_limit::RecordLimit;
use crate::source::{Limit, Page, Resource, Source, SourceContext, Target};

/// A resource whose tables are declared.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) resource: Resource,
    /// Normalized name of its table.
    pub(crate) root_table: String,
    /// The tables that it declares.
    pub(crate) tables: Vec<String>,
    /// Which of its records belong to this run.
    pub(crate) filter: Option<Arc<Filter>>,
    /// The resource whose records it is made from, by its index.
    pub(crate) parent: Option<usize>,
    /// Whether other resources are made from its records.
    pub(crate) is_parent: bool,
    /// Whether its records are loaded; if not, it is only read for others.
    pub(crate) is_loaded: bool,
    /// Whether its rows say in which order their records came, to where they are merged.
    pub(crate) is_numbered: bool,
    /// What the run before left to do.
    pub(crate) left: LeftToRead,
    /// Documents that have no records where the resource says, noted by whoever reads them.
    pub(crate) unfound: Arc<Mutex<Unfound>>,
}

/// What an earlier run left of a resource.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct LeftToRead {
    /// Partitions to read again.
    pub(crate) retries: Vec<Value>,
    /// Partitions that failed in the part that is loaded.
    pub(crate) failed: Vec<FailedPartition>,
    /// Where a spent budget ended the run.
    pub(crate) place: Option<UnfinishedResource>,
    /// What was seen of the cursor up to there.
    pub(crate) tally: Value,
}

impl Prepared {
    /// A resource that is loaded, without filter and parent.
    pub(crate) fn new(resource: Resource, root_table: String, tables: Vec<String>) -> Self {
        Self {
            resource,
            root_table,
            tables,
            filter: None,
            parent: None,
            is_parent: false,
            is_loaded: true,
            is_numbered: false,
            left: LeftToRead::default(),
            unfound: Arc::default(),
        }
    }

    /// Notes documents that have no records where the resource says.
    fn note_unfound(&self, unfound: Unfound) {
        if !unfound.is_empty() {
            self.unfound.lock().unwrap_or_else(PoisonError::into_inner).merge(unfound);
        }
    }

    /// What people should know of such documents.
    fn unfound_notice(&self) -> Option<String> {
        self.unfound.lock().unwrap_or_else(PoisonError::into_inner).notice(&self.resource.name)
    }

    /// Whether the end of its range ends the reading. Each parent begins the range anew.
    fn can_stop_early(&self) -> bool {
        let stops = self.filter.as_ref().is_some_and(|filter| filter.options().can_stop_early());
        stops && self.resource.parent.is_none()
    }

    /// Whether what comes of a page decides about the next one.
    fn is_in_step(&self) -> bool {
        self.resource.limit.is_some() || self.can_stop_early() || self.resource.follows_cursor
    }

    /// Whether it may be read ahead of its turn. A time limit counts from its turn on.
    fn is_read_ahead(&self) -> bool {
        self.resource.parallelized && !matches!(self.resource.limit, Some(Limit::Seconds(_)))
    }
}

/// What a run may use.
#[derive(Clone, Copy, Debug)]
pub struct ExtractSettings {
    /// CPU workers; as many as there are cores by default.
    pub workers: usize,
    /// Bytes of pages in memory between reading and normalizing. Default 12 MiB.
    pub max_inflight_bytes: usize,
    /// When job files are closed.
    pub rotation: FileRotation,
    /// When what was read so far is made durable, for sources that can go on there after a crash.
    pub checkpoints: CheckpointSettings,
    /// Bytes that one record may have; a sixteenth of the run's memory by default.
    pub max_record_bytes: Option<u64>,
}

/// When checkpoints are made.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointSettings {
    /// Time between two of them. Long runs wait longer, two percent of their time, so that files do not get too many.
    /// Default 5 seconds.
    pub interval: Duration,
    /// Bytes of pages between two of them at most. Default 512 MiB.
    pub bytes: u64,
}

impl Default for CheckpointSettings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(5), bytes: 512 << 20 }
    }
}

/// Bytes after which a job file is closed when nobody says otherwise. A Parquet writer remembers all row groups of its
/// file, a kilobyte for each column: one file without end would take memory without bound.
const FILE_BYTES: u64 = 256 << 20;

impl Default for ExtractSettings {
    fn default() -> Self {
        let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            workers,
            max_inflight_bytes: 12 << 20,
            rotation: FileRotation { max_rows: None, max_bytes: Some(FILE_BYTES) },
            checkpoints: CheckpointSettings::default(),
            max_record_bytes: None,
        }
    }
}

/// How far a run has come; read by progress bars.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of pages that were normalized.
    pub bytes: AtomicU64,
    /// Records that were normalized.
    pub records: AtomicU64,
    /// Pages that were read.
    pub pages: AtomicU64,
    /// Jobs of the load.
    pub jobs: AtomicU64,
    /// Jobs that are loaded.
    pub jobs_done: AtomicU64,
    /// What is being done.
    stage: Mutex<String>,
}

impl Progress {
    /// What is being done.
    pub fn stage(&self) -> String {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Begins to count the jobs of a load.
    pub(crate) fn begin_jobs(&self, jobs: u64) {
        self.jobs_done.store(0, Ordering::Relaxed);
        self.jobs.store(jobs, Ordering::Relaxed);
    }

    pub(crate) fn count_jobs_done(&self, jobs: u64) {
        self.jobs_done.fetch_add(jobs, Ordering::Relaxed);
    }

    pub(crate) fn set_stage(&self, stage: impl Into<String>) {
        let stage = stage.into();
        tracing::info!(stage, "step");
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }
}

/// A request to stop, shared by everything that runs.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks everything to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// What is set when a stop is asked for, for signal handlers.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Whether a stop was asked for.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Errors: a stop was asked for.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }
}

/// A page on its way to a worker.
pub(crate) struct Work {
    /// Index of the resource.
    resource: usize,
    page: Page,
    ticket: Ticket,
    /// Records to take of the page, where a gate chose them.
    chosen: Option<Chosen>,
    /// Where they go, if not to the resource's own tables.
    target: Option<Arc<Target>>,
    /// Gives the page's bytes back to the channel when the page is done.
    _permit: OwnedSemaphorePermit,
}

/// What an extraction made.
#[derive(Debug)]
pub(crate) struct Extracted {
    pub(crate) state: Arc<SchemaState>,
    pub(crate) made: Made,
    /// What is left to the next run, by resource and in their order.
    pub(crate) left: IndexMap<String, LeftBehind>,
    /// What people should know of what was read.
    pub(crate) notices: Vec<String>,
}

/// What an extraction needs.
pub(crate) struct Extraction<'a> {
    pub(crate) source: &'a dyn Source,
    pub(crate) context: &'a SourceContext,
    pub(crate) resources: Vec<Prepared>,
    pub(crate) package: PathBuf,
    pub(crate) load_id: String,
    pub(crate) normalize: NormalizeSettings,
    pub(crate) formats: TableFormats,
    pub(crate) settings: ExtractSettings,
    pub(crate) record_limit: RecordLimit,
    pub(crate) progress: Arc<Progress>,
    pub(crate) cancel: Cancel,
    /// What must be the same for a run that goes on at a checkpoint; `None` if none are made.
    pub(crate) fingerprint: Option<String>,
    /// Where to go on.
    pub(crate) checkpoint: Option<Checkpoint>,
}
