//! How far an extraction has come, so that the next run can go on there after a crash.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{FailedPartition, Made};

/// Version of the checkpoint that this engine reads and writes. An open package with another one is read again.
pub const CHECKPOINT_VERSION: u32 = 2;

/// A point of an extraction at which everything that was read lies in closed files. Resources go by their names.
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
    /// What was made so far, with the schema.
    pub made: Made,
    /// Resources that were read to their end.
    pub finished: BTreeSet<String>,
    /// The resource that is being read.
    pub current: Option<CurrentResource>,
    /// Bytes of the pages that are kept for other resources.
    pub spools: BTreeMap<String, u64>,
    /// What resources leave to the next run.
    pub left: BTreeMap<String, LeftBehind>,
}

/// Where a resource is while it is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurrentResource {
    /// The resource.
    pub resource: String,
    /// The partition that is being read; those before are finished.
    pub partition: usize,
    /// Where to go on in the partition; `None` at its start.
    pub position: Option<Value>,
    /// What limit and cursor know.
    pub gate: Value,
}

/// What a resource leaves to the next run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftBehind {
    /// Partitions that failed.
    pub failed: Vec<FailedPartition>,
    /// Partitions to read, those that failed among them.
    pub retries: Vec<Value>,
    /// Whether all that a spent budget left unread is among them.
    pub lists_unread: bool,
    /// Where the reading ended before its end.
    pub unfinished: Option<UnfinishedResource>,
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
