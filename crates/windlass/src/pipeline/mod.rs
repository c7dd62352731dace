//! Pipelines: a name, a destination, a dataset and a working folder; running one is the product.

mod asked;
mod backfill;
mod content;
mod cursors;
mod extraction;
mod gave_nothing;
mod keys;
mod lease;
mod local_state;
mod manage;
mod partial;
mod plan;
mod prepare;
mod read;
mod refresh;
mod report;
mod resume;
mod run;
mod stages;
mod store;
mod validate;
mod warnings;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use windlass_core::file::{CsvOptions, FileFormat, ParquetCompression};
use windlass_core::hints::WriteDisposition;
use windlass_core::naming::{Convention, Naming};
use windlass_core::normalize::{BatchIds, Collisions, Limits};
use windlass_core::path_part::{check_part, flaw_of_part};
use windlass_core::schema::Schema;
use windlass_core::state::State;
use windlass_core::{Error, ErrorKind, Result};

pub use self::local_state::Change;
pub use self::manage::{DropPlan, DropSelection};
pub use self::plan::{Plan, TablePlan};
pub use self::read::Reading;
pub use self::refresh::Refresh;
pub use self::report::{LoadInfo, PackageInfo, error_json};
pub use self::store::{RunLock, WorkFolder};
pub use self::validate::Validation;
pub use backfill::{Backfill, BackfillInfo};

use crate::alerts::Alerts;
use crate::destination::{Dataset, Destination, Session};
use crate::env::Env;
use crate::extract::{Cancel, ExtractSettings, Progress};
use crate::packages::DEFAULT_KEPT_PACKAGES;
use crate::record_limit::RecordLimit;

/// Bytes of memory that a run takes at most when nobody says otherwise.
pub const DEFAULT_MAX_MEMORY: u64 = 512 << 20;

/// What loading may not take: buffers of the workers that are still held, and the program itself.
const MEMORY_BESIDE_LOADING: u64 = 240 << 20;

/// Seconds after which the lease of a dead run is taken over when nobody says otherwise.
pub const DEFAULT_LEASE_SECONDS: u64 = 300;

/// Memory that a database needs to do anything.
const MIN_LOADING_MEMORY: u64 = 96 << 20;

/// How a pipeline works.
#[derive(Clone, Debug)]
pub struct PipelineSettings {
    /// Workers, memory between reading and normalizing, when files are closed.
    pub extract: ExtractSettings,
    /// Bytes of memory that a run takes at most.
    pub max_memory: u64,
    /// Format of job files; the destination's preferred one by default.
    pub loader_file_format: Option<FileFormat>,
    /// How text files and Parquet files are written.
    pub files: FileSettings,
    /// Naming convention of new schemas; snake case by default.
    pub naming: Option<Convention>,
    /// Longest identifier, if shorter than the destination's.
    pub max_identifier_length: Option<usize>,
    /// Bounds on what data may do to a schema.
    pub limits: Limits,
    /// What becomes of keys and columns that come to one name.
    pub collisions: Collisions,
    /// Which columns of the engine are added to rows that come as columns.
    pub batch_ids: BatchIds,
    /// Folder of schema files that people edit.
    pub import_schema_path: Option<PathBuf>,
    /// Folder to which schemas are written after each change.
    pub export_schema_path: Option<PathBuf>,
    /// Whether job files of finished packages are removed.
    pub delete_completed_jobs: bool,
    /// Finished packages that are kept.
    pub kept_packages: usize,
    /// Seconds for which a run takes the pipeline's lease at the destination; it is renewed while the run goes on.
    pub lease_seconds: u64,
    /// Whether state and schemas are read from the destination at the start.
    pub restore_from_destination: bool,
}

/// Settings of files that differ from the destination's.
#[derive(Clone, Debug, Default)]
pub struct FileSettings {
    /// Whether text files are left uncompressed.
    pub disable_compression: bool,
    /// Compression of Parquet pages.
    pub parquet_compression: Option<ParquetCompression>,
    /// Rows of a Parquet row group.
    pub row_group_size: Option<usize>,
    /// How CSV files are written.
    pub csv: Option<CsvOptions>,
}

impl PipelineSettings {
    /// How long a record may be.
    pub fn record_limit(&self) -> RecordLimit {
        RecordLimit::new(self.extract.max_record_bytes, self.max_memory)
    }
}

impl Default for PipelineSettings {
    fn default() -> Self {
        Self {
            extract: ExtractSettings::default(),
            max_memory: DEFAULT_MAX_MEMORY,
            loader_file_format: None,
            files: FileSettings::default(),
            naming: None,
            max_identifier_length: None,
            limits: Limits::default(),
            collisions: Collisions::default(),
            batch_ids: BatchIds::default(),
            import_schema_path: None,
            export_schema_path: None,
            delete_completed_jobs: true,
            kept_packages: DEFAULT_KEPT_PACKAGES,
            lease_seconds: DEFAULT_LEASE_SECONDS,
            restore_from_destination: true,
        }
    }
}

/// What holds for one run.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Names of the resources to read; all when empty.
    pub select: Vec<String>,
    /// Records of each resource at most.
    pub limit: Option<u64>,
    /// Resources that a chunk is read of, in the order of the cursor, and the rows of the chunk.
    pub chunks: BTreeMap<String, u64>,
    /// Write disposition of all resources.
    pub write_disposition: Option<WriteDisposition>,
    /// Contract of all resources.
    pub schema_contract: Option<Value>,
    /// What is dropped and forgotten before the new rows come.
    pub refresh: Option<Refresh>,
    /// How long to wait for another run of the pipeline; by default not at all.
    pub wait: Duration,
}

/// A pipeline.
#[derive(Clone)]
pub struct Pipeline {
    name: String,
    destination: Arc<dyn Destination>,
    dataset_name: Option<String>,
    work: WorkFolder,
    settings: PipelineSettings,
    env: Env,
    folder: PathBuf,
    dev_mode: bool,
    alerts: Alerts,
    /// What the user should know of the settings.
    notes: Vec<String>,
    progress: Arc<Progress>,
    cancel: Cancel,
}

impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pipeline").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Pipeline {
    /// A pipeline with default settings, whose working folder is below `pipelines_dir`.
    ///
    /// Errors: a name that cannot be the name of a folder.
    pub fn new(
        name: impl Into<String>,
        destination: Arc<dyn Destination>,
        pipelines_dir: impl Into<PathBuf>,
    ) -> Result<Self> {
        let name = name.into();
        check_name(&name)?;
        Ok(Self {
            work: WorkFolder::new(pipelines_dir.into().join(&name)),
            name,
            destination,
            dataset_name: None,
            settings: PipelineSettings::default(),
            env: Env::default(),
            folder: PathBuf::new(),
            dev_mode: false,
            alerts: Alerts::default(),
            notes: Vec::new(),
            progress: Arc::default(),
            cancel: Cancel::default(),
        })
    }

    /// The same pipeline loading into this dataset; `<name>_dataset` by default.
    #[must_use]
    pub fn dataset(mut self, name: impl Into<String>) -> Self {
        self.dataset_name = Some(name.into());
        self
    }

    /// The same pipeline with other settings.
    #[must_use]
    pub fn settings(mut self, settings: PipelineSettings) -> Self {
        self.settings = settings;
        self
    }

    /// The same pipeline with another clock.
    #[must_use]
    pub fn env(mut self, env: Env) -> Self {
        self.env = env;
        self
    }

    /// The same pipeline with relative paths relative to this folder.
    #[must_use]
    pub fn relative_to(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = folder.into();
        self
    }

    /// The same pipeline in development mode: each run forgets what earlier runs knew.
    #[must_use]
    pub fn dev_mode(mut self, is_on: bool) -> Self {
        self.dev_mode = is_on;
        self
    }

    /// The same pipeline with messages to whom it concerns.
    #[must_use]
    pub fn alerts(mut self, alerts: Alerts) -> Self {
        self.alerts = alerts;
        self
    }

    /// The same pipeline with warnings about its settings, which runs and plans tell.
    #[must_use]
    pub fn notes(mut self, notes: Vec<String>) -> Self {
        self.notes = notes;
        self
    }

    /// What the user should know of the settings.
    pub fn warnings(&self) -> &[String] {
        &self.notes
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the data goes.
    pub fn destination(&self) -> &Arc<dyn Destination> {
        &self.destination
    }

    /// The working folder.
    pub fn work(&self) -> &WorkFolder {
        &self.work
    }

    /// How far the run has come.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Stops the run at the next point where nothing is lost.
    pub fn cancel(&self) -> Cancel {
        self.cancel.clone()
    }

    /// The dataset's name as it was given.
    pub fn dataset_name(&self) -> String {
        self.dataset_name.clone().unwrap_or_else(|| format!("{}_dataset", self.name))
    }

    fn naming(&self, convention: Option<Convention>) -> Result<Naming> {
        let longest = self.destination.capabilities().max_identifier_length;
        let longest = self.settings.max_identifier_length.map_or(longest, |length| length.min(longest));
        Naming::new(convention.or(self.settings.naming).unwrap_or(Convention::SnakeCase), Some(longest))
    }

    /// The place of this pipeline's tables. Errors: a name that leads elsewhere as a part of a path.
    pub fn dataset_place(&self) -> Result<Dataset> {
        let naming = self.naming(None)?;
        let given = self.dataset_name();
        let name = if self.destination.capabilities().normalizes_dataset_name {
            naming.table_identifier(&given)?
        } else {
            given
        };
        check_part(ErrorKind::Config, "a dataset", &name)?;
        let memory = self.settings.max_memory.saturating_sub(MEMORY_BESIDE_LOADING);
        Ok(Dataset {
            name,
            pipeline: self.name.clone(),
            naming,
            memory_bytes: memory.max(MIN_LOADING_MEMORY),
            threads: self.settings.extract.workers,
            cancel: self.cancel.clone(),
        })
    }

    /// Where the tables of this pipeline are, without secrets, for people.
    pub fn location(&self) -> Result<String> {
        Ok(self.destination.location_of(&self.dataset_place()?.name))
    }

    /// A connection to the destination.
    pub async fn connect(&self) -> Result<Box<dyn Session>> {
        self.destination.connect(&self.dataset_place()?).await
    }

    /// The state after the last commit; a new one before the first.
    pub fn state(&self) -> Result<State> {
        Ok(self.work.state()?.unwrap_or_else(|| State::new(&self.name)))
    }

    /// The default schema after the last commit.
    pub fn default_schema(&self) -> Result<Option<Schema>> {
        let state = self.state()?;
        let schemas = self.work.schemas()?;
        let default = state.default_schema_name();
        let index = schemas.iter().position(|schema| Some(schema.name.as_str()) == default).unwrap_or(0);
        Ok(schemas.into_iter().nth(index))
    }
}

/// Bytes of the name of a pipeline; file systems take 255, and names of files are made of it.
const LONGEST_NAME: usize = 150;

/// Errors: a name that cannot be the name of a folder.
pub fn check_name(name: &str) -> Result<()> {
    let is_bad = flaw_of_part(name).is_some()
        || name.len() > LONGEST_NAME
        || name.starts_with('.')
        || name.chars().any(|c| c.is_control() || "/\\:*?\"<>|".contains(c));
    if is_bad {
        return Err(Error::config(format!("`{name}` cannot be the name of a pipeline"))
            .with_hint("the name is also a folder: use letters, digits, `_` and `-`"));
    }
    Ok(())
}
