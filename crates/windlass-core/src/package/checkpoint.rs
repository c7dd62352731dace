//! How far an extraction has come, so that the next run can go on there after a crash.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FailedPartition, Job};
use crate::normalize::Discarded;

/// Version of the checkpoint that this engine reads and writes.
pub const CHECKPOINT_VERSION: u32 = 1;

/// A point of an extraction at which everything that was read lies in closed files. Resources go by their index.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Version of this form.
    pub version: u32,
    /// The source, which is also the schema.
    pub source: String,
    /// What must be the same for a run that goes on here: settings, state and schema at the start.
    pub fingerprint: String,
    /// How often a run went on with this package.
    pub resumes: u64,
    /// Groups of files so far; names the next ones.
    pub segment: u64,
    /// Pages so far.
    pub next_ticket: u64,
    /// The schema, and what contracts refused.
    pub schema: Value,
    /// The files.
    pub jobs: Vec<Job>,
    /// The files of rejected records, below the package.
    pub reject_files: Vec<String>,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    /// What contracts left out.
    pub discarded: Discarded,
    /// Rejected records by resource.
    pub rejected: BTreeMap<String, u64>,
    /// Tables and columns that held only nulls.
    pub null_columns: Vec<(String, String)>,
    /// Table and column of the keys that some row had.
    #[serde(default)]
    pub seen_keys: BTreeSet<(String, String)>,
    /// Resources that gave pages.
    pub reached: BTreeSet<usize>,
    /// What was seen of the cursors.
    pub tallies: BTreeMap<usize, Value>,
    /// Resources whose limit may make later runs skip records.
    pub may_skip: BTreeSet<usize>,
    /// Resources that were read to their end.
    pub finished: BTreeSet<usize>,
    /// The resource that is being read.
    pub current: Option<CurrentResource>,
    /// Bytes of the pages that are kept for other resources.
    pub spools: BTreeMap<usize, u64>,
    /// Partitions that failed.
    pub failed: Vec<FailedPartition>,
    /// Partitions that are to be read in the next run, by resource.
    pub retries: BTreeMap<usize, Vec<Value>>,
    /// Resources that ended before their end.
    pub unfinished: IndexMap<usize, UnfinishedResource>,
}

/// Where a resource is while it is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentResource {
    /// The resource.
    pub resource: usize,
    /// The partition that is being read; those before are finished.
    pub partition: usize,
    /// Where to go on in the partition; `None` at its start.
    pub position: Option<Value>,
    /// What limit and cursor know.
    pub gate: Value,
}

/// Where the reading of a resource ended before its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnfinishedResource {
    /// Why.
    pub reason: String,
    /// The partition in which it ended.
    pub partition: usize,
    /// Where to go on in the partition; `None` if it can only start over.
    pub position: Option<Value>,
    /// Whether the end was at the start of the partition, so that nothing of it is read twice.
    pub is_at_start: bool,
}
