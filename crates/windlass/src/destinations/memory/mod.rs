//! Tables in the memory of this process, as Arrow batches: for tests, for programs that go on with the rows themselves,
//! and as an example of a destination that is no database.
//!
//! A load is built beside the dataset and takes its place in one step. Nothing outlives the process.

mod dataset;
mod keys;
mod merge;
mod session;
mod table;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;
use windlass_core::Result;
use windlass_core::file::FileFormat;
use windlass_core::lease::Lease as LeaseRecord;
use windlass_core::merge::MergeStrategy;
use windlass_core::normalize::TypeDefaults;

use self::dataset::MemoryDataset;
use self::session::MemorySession;
use super::DestinationEntry;
use super::job_file::uncompressed_parquet;
use crate::config::{parse_options, schema_of};
use crate::destination::{Capabilities, Dataset, Destination, ReplaceStrategy, Session};

pub(super) const ENTRY: DestinationEntry = DestinationEntry {
    name: "memory",
    short: "tables in this process, gone when it ends; for tests and embedding",
    missing: None,
    needed: None,
    example: "\
type: memory                   # gone when the process ends
",
    schema: schema_of::<MemoryConfig>,
    build: |options, context| {
        let config = parse_options::<MemoryConfig>("destination", options)?;
        Ok(Arc::new(Memory::new(&config, &context.pipeline)))
    },
    sqlalchemy: None,
};

/// Options of a destination in memory.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MemoryConfig {
    /// Name of the store. Later runs in the same process find what earlier ones loaded into it. Default: the name of
    /// the pipeline.
    pub store: Option<String>,
    /// Accepted as by databases; a load is one step whichever it is.
    pub replace_strategy: ReplaceStrategy,
    /// Whether the name of the dataset is normalized. Default true.
    pub enable_dataset_name_normalization: Option<bool>,
}

/// Datasets in memory. Clones are the same store.
#[derive(Clone, Debug)]
pub struct Memory {
    name: String,
    store: Arc<Store>,
    capabilities: Capabilities,
}

/// What a store holds.
#[derive(Debug, Default)]
struct Store(Mutex<HashMap<String, Held>>);

/// A dataset and the leases of its pipelines.
#[derive(Debug, Default)]
struct Held {
    /// `None` before the first load.
    dataset: Option<MemoryDataset>,
    leases: HashMap<String, LeaseRecord>,
}

impl Store {
    /// The datasets by name. What a panic left is whole: datasets are only ever replaced.
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Held>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stores that have names.
static STORES: LazyLock<Mutex<HashMap<String, Arc<Store>>>> = LazyLock::new(Mutex::default);

impl Memory {
    /// The store that the options name, or else the pipeline's.
    pub fn new(config: &MemoryConfig, pipeline: &str) -> Self {
        let mut memory = Self::named(config.store.as_deref().unwrap_or(pipeline));
        memory.capabilities.replace_strategy = config.replace_strategy;
        memory.capabilities.normalizes_dataset_name =
            config.enable_dataset_name_normalization.unwrap_or(true);
        memory
    }

    /// The store with this name, which lives until [`Memory::forget`] or the end of the process.
    pub fn named(name: &str) -> Self {
        let mut stores = STORES.lock().unwrap_or_else(PoisonError::into_inner);
        Self::of(name, Arc::clone(stores.entry(name.to_owned()).or_default()))
    }

    /// A store that nobody else can name; it lives as long as this value and its clones.
    pub fn private() -> Self {
        Self::of("private", Arc::default())
    }

    fn of(name: &str, store: Arc<Store>) -> Self {
        Self { name: name.to_owned(), store, capabilities: capabilities() }
    }

    /// Gives a name up. Who still has the store keeps it.
    pub fn forget(name: &str) {
        STORES.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// The names of a dataset's tables in order, the engine's own among them; none before the first load.
    pub fn tables(&self, dataset: &str) -> Vec<String> {
        let store = self.store.lock();
        let dataset = store.get(dataset).and_then(|held| held.dataset.as_ref());
        dataset.map(MemoryDataset::names).unwrap_or_default()
    }

    /// The rows of a table as they were committed last; `None` if there is no such table.
    ///
    /// All batches have the same schema; columns come in the order in which they were found.
    pub fn table(&self, dataset: &str, table: &str) -> Option<Vec<RecordBatch>> {
        let store = self.store.lock();
        store.get(dataset)?.dataset.as_ref()?.batches(table)
    }
}

fn capabilities() -> Capabilities {
    Capabilities {
        formats: vec![FileFormat::Parquet],
        file_options: uncompressed_parquet(),
        max_identifier_length: 65_536,
        counts_identifier_bytes: false,
        has_case_sensitive_identifiers: true,
        normalizes_dataset_name: true,
        types: TypeDefaults { wei: (76, 0), ..TypeDefaults::default() },
        merge_strategies: MergeStrategy::ALL.to_vec(),
        takes_sql_conditions: false,
        replace_strategy: ReplaceStrategy::TruncateAndInsert,
        merge_falls_back_to_append: false,
        warnings: Vec::new(),
    }
}

#[async_trait]
impl Destination for Memory {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn location(&self) -> String {
        format!("store {} of this process", self.name)
    }

    async fn connect(&self, dataset: &Dataset) -> Result<Box<dyn Session>> {
        Ok(Box::new(MemorySession::new(self, dataset)?))
    }
}
