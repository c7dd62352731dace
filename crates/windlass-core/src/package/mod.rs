//! A load package: what a run extracted, as files, and how far its load has come.
//!
//! ```text
//! <load id>/ jobs/<worker>-<n>.<ext>  schema.json  delta.json  state.json  rejects/
//!            spool/, checkpoint.json   while it is open: pages that other resources need, and how far reading has come
//!            manifest.json   last, by rename: from then on the package is complete and never changes
//!            journal.jsonl   one line appended for each step of the load
//! ```

mod checkpoint;
mod journal;
mod made;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::merge::NewestFirst;
use crate::state::StateMark;

pub use checkpoint::{CHECKPOINT_VERSION, Checkpoint, CurrentResource, LeftBehind, UnfinishedResource};
pub use journal::{Journal, JournalEntry};
pub use made::Made;

/// Version of the manifest that this engine reads and writes.
pub const MANIFEST_VERSION: u32 = 1;

/// One file with rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Job {
    /// Path of the file below the package, with `/`. It identifies the job within the load.
    pub file: String,
    /// The table.
    pub table: String,
    /// Number of rows.
    pub rows: u64,
    /// Size of the file in bytes.
    pub bytes: u64,
}

impl Job {
    /// The file name without folders.
    pub fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }

    /// The extension with the compression: `parquet`, `jsonl.gz`.
    pub fn extension(&self) -> &str {
        self.file_name().split_once('.').map_or("", |(_, extension)| extension)
    }
}

/// What a sealed package holds. Its presence makes the package complete.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageManifest {
    /// Version of this form.
    pub version: u32,
    /// The load; also the name of the folder.
    pub load_id: String,
    /// The pipeline.
    pub pipeline: String,
    /// The schema, which is also the source.
    pub schema_name: String,
    /// Hash of the schema.
    pub schema_hash: String,
    /// The files in a fixed order.
    pub jobs: Vec<Job>,
    /// Root tables whose rows are replaced, with or without jobs.
    pub replaced: Vec<String>,
    /// Tables that are dropped before anything else happens.
    #[serde(default)]
    pub dropped: Vec<String>,
    /// Tables whose rows are deleted before new ones come, besides those that are replaced.
    #[serde(default)]
    pub emptied: Vec<String>,
    /// The cursors by which the newest of several rows with one key is found. With them, files of merged tables have the
    /// column [`RECORD_COLUMN`](crate::normalize::RECORD_COLUMN).
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub newest: NewestFirst,
    /// The pipeline's state at the destination when the rows were extracted; `None` if nobody looked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<StateMark>,
    /// Rows by table, also for tables that were only emptied.
    pub row_counts: IndexMap<String, u64>,
    /// Rows and values that contracts left out, and records that were rejected, by table or resource.
    #[serde(default)]
    pub left_out: LeftOut,
    /// What the user should know.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// Counts of what did not make it into the package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeftOut {
    /// Rows that a contract discarded, by table.
    pub discarded_rows: IndexMap<String, u64>,
    /// Values that a contract discarded, by table.
    pub discarded_values: IndexMap<String, u64>,
    /// Records that could not be read, by resource; they are kept in `rejects/`.
    pub rejected_records: IndexMap<String, u64>,
    /// Partitions that could not be read; the next run reads them again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failed_partitions: Vec<FailedPartition>,
    /// Resources whose reading ended before their end, such as by a budget, with the reason.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub unfinished_resources: IndexMap<String, String>,
}

/// A partition of a resource that could not be read while the others were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedPartition {
    /// The resource.
    pub resource: String,
    /// What names the partition.
    pub partition: Value,
    /// Why.
    pub error: String,
}

impl LeftOut {
    /// Whether nothing was left out.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl PackageManifest {
    /// Whether the destination has a state that the rows do not follow on: another run loaded them, or some of them, in
    /// the meantime. A dataset without a state was dropped, and takes whatever comes.
    pub fn is_outdated(&self, stored: Option<&StateMark>) -> bool {
        match (&self.base, stored) {
            (Some(base), Some(stored)) => base != stored,
            _ => false,
        }
    }

    /// Errors: [`crate::ErrorKind::Conflict`] if another run loaded in the meantime.
    pub fn check_base(&self, stored: Option<&StateMark>) -> Result<()> {
        if !self.is_outdated(stored) {
            return Ok(());
        }
        Err(Error::conflict(format!(
            "another run of pipeline `{}` has loaded since these rows were extracted; nothing of this load was committed",
            self.pipeline
        ))
        .with_hint("run again: what the other run did not load is extracted again"))
    }

    /// Whether there is nothing to load: no rows, nothing to empty, nothing to drop.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty() && self.replaced.is_empty() && self.dropped.is_empty() && self.emptied.is_empty()
    }
}
