//! A destination that is a Python function: it is called with the rows of each table.

use std::fs::File;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::RecordBatch;
use async_trait::async_trait;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use windlass::core::file::{FileFormat, FileOptions};
use windlass::core::lease::Claim;
use windlass::core::normalize::TypeDefaults;
use windlass::core::package::Job;
use windlass::core::schema::Schema;
use windlass::core::{Error, Result};
use windlass::destination::{Capabilities, Dataset, Destination, Lease, ReplaceStrategy, Session, Stored};
use windlass::packages::LoadPackage;

use crate::arrow::table;
use crate::read::dicts;
use crate::runtime::Caller;

/// How rows are handed over.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SinkOptions {
    /// Rows of a call; 0 hands over the path of the file.
    batch_size: usize,
    /// Whether rows come as Arrow batches instead of dicts.
    as_arrow: bool,
    /// Whether the engine's own tables and columns are left out.
    skips_system: bool,
}

/// A Python function as destination.
pub(crate) struct PythonSink {
    options: SinkOptions,
    /// Called with load id, file, table (JSON), rows before, and the rows.
    callable: Py<PyAny>,
    caller: Mutex<Option<Caller>>,
    capabilities: Capabilities,
}

impl PythonSink {
    pub(crate) fn new(options: SinkOptions, callable: Py<PyAny>) -> Self {
        Self { options, callable, caller: Mutex::new(None), capabilities: capabilities() }
    }

    /// The caller of the run that begins.
    pub(crate) fn set_caller(&self, caller: Caller) {
        *self.caller.lock().unwrap_or_else(PoisonError::into_inner) = Some(caller);
    }

    async fn hand_over(
        &self,
        load_id: &str,
        job: &Job,
        table_json: String,
        before: u64,
        rows: Rows,
    ) -> Result<()> {
        let caller = self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let caller = caller.ok_or_else(|| Error::internal("a sink is used outside a run"))?;
        let callable = Python::attach(|py| self.callable.clone_ref(py));
        let (load_id, file, as_arrow) = (load_id.to_owned(), job.file.clone(), self.options.as_arrow);
        caller
            .call(move |py| {
                let rows = match rows {
                    Rows::Path(path) => path.into_pyobject(py)?.into_any(),
                    Rows::Batch(batch) if as_arrow => table(vec![batch])?.into_pyobject(py)?.into_any(),
                    Rows::Batch(batch) => dicts(py, &batch)?.into_any(),
                };
                callable.bind(py).call1((load_id, file, table_json, before, rows)).map(drop)
            })
            .await
    }
}

enum Rows {
    Path(String),
    Batch(RecordBatch),
}

fn capabilities() -> Capabilities {
    Capabilities {
        formats: vec![FileFormat::Parquet],
        file_options: FileOptions { format: FileFormat::Parquet, ..FileOptions::default() },
        max_identifier_length: 65_536,
        counts_identifier_bytes: false,
        has_case_sensitive_identifiers: true,
        normalizes_dataset_name: false,
        types: TypeDefaults { scale_defaults_alone: false, ..TypeDefaults::default() },
        merge_strategies: Vec::new(),
        replace_strategy: ReplaceStrategy::TruncateAndInsert,
        merge_falls_back_to_append: true,
        takes_sql_conditions: false,
        warnings: Vec::new(),
    }
}

#[async_trait]
impl Destination for PythonSink {
    fn kind(&self) -> &'static str {
        "destination"
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn location(&self) -> String {
        "a Python function".to_owned()
    }

    async fn connect(&self, _: &Dataset) -> Result<Box<dyn Session>> {
        let own = Self {
            options: self.options.clone(),
            callable: Python::attach(|py| self.callable.clone_ref(py)),
            caller: Mutex::new(self.caller.lock().unwrap_or_else(PoisonError::into_inner).clone()),
            capabilities: self.capabilities.clone(),
        };
        Ok(Box::new(SinkSession(own)))
    }
}

struct SinkSession(PythonSink);

#[async_trait]
impl Session for SinkSession {
    async fn stored(&mut self) -> Result<Stored> {
        Ok(Stored { has_dataset: true, ..Stored::default() })
    }

    async fn stored_schema(&mut self, _: &str) -> Result<Option<Schema>> {
        Ok(None)
    }

    async fn acquire(&mut self, _: &Claim, _: bool, _: i64) -> Result<Option<Arc<dyn Lease>>> {
        Ok(None)
    }

    async fn release(&mut self, _: i64) -> Result<()> {
        Ok(())
    }

    async fn is_loaded(&mut self, _: &str) -> Result<bool> {
        // A package is told apart by its journal; the function keeps no record of loads.
        Ok(false)
    }

    async fn plan(&mut self, _: &Schema) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn migrate(&mut self, _: &LoadPackage, _: i64) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn load(&mut self, package: &LoadPackage, jobs: &[&Job]) -> Result<()> {
        for job in jobs {
            let is_system = job.table.starts_with("_dlt");
            if is_system && self.0.options.skips_system {
                continue;
            }
            let Some(described) = package.schema.table(&job.table) else { continue };
            let mut described = described.to_json();
            if self.0.options.skips_system
                && let Some(Value::Object(columns)) = described.get_mut("columns")
            {
                columns.retain(|name, _| !name.starts_with("_dlt"));
            }
            let described = Value::Object(described).to_string();
            let path = package.job_path(job);
            if self.0.options.batch_size == 0 {
                let rows = Rows::Path(path.display().to_string());
                self.0.hand_over(package.load_id(), job, described, 0, rows).await?;
                continue;
            }
            let batches = read(&path, self.0.options.batch_size, self.0.options.skips_system)?;
            let mut before = 0;
            for batch in batches {
                let rows = batch.num_rows() as u64;
                let described = described.clone();
                self.0.hand_over(package.load_id(), job, described, before, Rows::Batch(batch)).await?;
                before += rows;
            }
        }
        Ok(())
    }

    async fn commit(&mut self, _: &LoadPackage, _: i64) -> Result<()> {
        Ok(())
    }

    async fn rollback(&mut self) -> Result<()> {
        Ok(())
    }

    async fn query(&mut self, _: &str) -> Result<Vec<RecordBatch>> {
        Err(Error::unsupported("a Python function as destination cannot be read"))
    }

    async fn table_rows(&mut self, _: &str, _: u64) -> Result<Vec<RecordBatch>> {
        self.query("").await
    }
}

/// The batches of a job file.
fn read(path: &std::path::Path, rows: usize, skips_system: bool) -> Result<Vec<RecordBatch>> {
    let broken = || Error::data("a file of the package cannot be read").at_file(path.display().to_string());
    let file = File::open(path).map_err(|cause| broken().with_source(cause))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.with_batch_size(rows).build())
        .map_err(|cause| broken().with_source(cause))?;
    let mut batches = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|cause| broken().with_source(cause))?;
        let own = |name: &str| skips_system && name.starts_with("_dlt");
        let keep: Vec<usize> =
            (0..batch.num_columns()).filter(|&index| !own(batch.schema().field(index).name())).collect();
        batches.push(batch.project(&keep).map_err(|cause| broken().with_source(cause))?);
    }
    Ok(batches)
}
