//! What a run did, for people and programs.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::Error;
use windlass_core::package::{FailedPartition, LeftOut, PackageManifest};
use windlass_core::schema::SchemaDelta;

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadInfo {
    /// The pipeline.
    pub pipeline: String,
    /// Kind of the destination.
    pub destination: String,
    /// Where it is.
    pub location: String,
    /// Normalized name of the dataset.
    pub dataset: String,
    /// Whether the pipeline had never loaded before.
    pub first_run: bool,
    /// When the run began, in ISO form.
    pub started_at: String,
    /// When the run ended, in ISO form.
    pub finished_at: String,
    /// The packages that were loaded, in order.
    pub packages: Vec<PackageInfo>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Partitions that could not be read; the next run reads them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_partitions: Vec<FailedPartition>,
    /// Resources that were not read to their end, with the reason; the next run goes on.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub unfinished_resources: IndexMap<String, String>,
}

/// One load.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PackageInfo {
    /// The load.
    pub load_id: String,
    /// The schema.
    pub schema: String,
    /// Hash of the schema.
    pub schema_hash: String,
    /// Whether the package was left by an earlier run.
    pub was_pending: bool,
    /// Whether an earlier run had read a part of it before it was broken off.
    #[serde(default)]
    pub was_resumed: bool,
    /// Rows by table.
    pub rows: IndexMap<String, u64>,
    /// Number of files.
    pub jobs: usize,
    /// Size of the files in bytes.
    pub bytes: u64,
    /// Columns by table that the load added to the schema, as `name: type`.
    pub schema_update: IndexMap<String, Vec<String>>,
    /// Statements that changed the destination's tables.
    pub statements: Vec<String>,
    /// What was left out.
    pub left_out: LeftOut,
    /// Seconds that reading and normalizing took.
    pub extract_seconds: f64,
    /// Seconds that loading took.
    pub load_seconds: f64,
}

impl LoadInfo {
    /// Whether the load is not all of the source: records were refused, partitions failed, a budget was spent.
    pub fn is_partial(&self) -> bool {
        self.has_unread() || self.packages.iter().any(|package| !package.left_out.rejected_records.is_empty())
    }

    /// Whether partitions failed or resources were not read to their end.
    pub fn has_unread(&self) -> bool {
        !(self.failed_partitions.is_empty() && self.unfinished_resources.is_empty())
    }

    /// Adds what was not read.
    pub(super) fn note_left_out(&mut self, left_out: &LeftOut) {
        self.failed_partitions.extend(left_out.failed_partitions.iter().cloned());
        self.unfinished_resources.extend(left_out.unfinished_resources.clone());
    }

    /// Rows of all packages by table.
    pub fn rows(&self) -> IndexMap<String, u64> {
        let mut all = IndexMap::new();
        for (table, rows) in self.packages.iter().flat_map(|package| &package.rows) {
            *all.entry(table.clone()).or_default() += rows;
        }
        all
    }
}

impl PackageInfo {
    pub(crate) fn new(manifest: &PackageManifest, delta: &SchemaDelta) -> Self {
        Self {
            load_id: manifest.load_id.clone(),
            schema: manifest.schema_name.clone(),
            schema_hash: manifest.schema_hash.clone(),
            rows: manifest.row_counts.clone(),
            jobs: manifest.jobs.len(),
            bytes: manifest.jobs.iter().map(|job| job.bytes).sum(),
            schema_update: schema_update(delta),
            left_out: manifest.left_out.clone(),
            ..Self::default()
        }
    }
}

/// The new columns by table, as `name: type`.
pub(crate) fn schema_update(delta: &SchemaDelta) -> IndexMap<String, Vec<String>> {
    let tables = delta.tables.values().map(|table| {
        let columns = table.complete_columns().map(|column| {
            let data_type = column.data_type.map_or_else(String::new, |data_type| data_type.to_string());
            let variant = if column.is_variant() { " (variant)" } else { "" };
            format!("{}: {data_type}{variant}", column.name)
        });
        (table.name.clone(), columns.collect())
    });
    tables.collect()
}

/// An error as programs read it: kind, code, message with place and causes, hint, and the detail if there is any.
pub fn error_json(error: &Error) -> Value {
    let mut json = json!({
        "kind": error.kind().as_str(), "code": error.code().as_str(), "message": error.chain(), "hint": error.hint(),
    });
    let detail = error.detail();
    if !detail.is_empty() {
        json["detail"] = detail.into();
    }
    json
}
