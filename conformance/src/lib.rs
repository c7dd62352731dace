//! Runs recorded cases of the reference against the engine.
//!
//! A case is a JSON file: some runs of a pipeline and a snapshot of the destination after each. [`run_case`] runs it
//! in a temporary folder and gives the differences; DuckDB recorded them, other destinations are compared as far as
//! their types go.

mod case;
mod compare;
mod rest;
mod rows;
mod settings;
mod snapshot;
mod state_loads;
mod target;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use windlass::config::{Overrides, PipelineFile};
use windlass::core::{Error, ErrorKind, Result};
use windlass::pipeline::{Pipeline, RunOptions};
use windlass::source::Source;

pub use case::Case;
pub use rest::{RestOutcome, Waiting, own_folder as rest_folder, run_rest_file};
pub use settings::Layout;
pub use target::Target;

use snapshot::snapshot;
use state_loads::without_state_loads;

/// What became of a case.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The case.
    pub name: String,
    /// Where it differs; empty if it passes.
    pub differences: Vec<String>,
}

/// The files of the cases in a folder, by name. Errors: the folder cannot be read.
pub fn case_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|cause| {
        Error::config(format!("the folder {} cannot be read", folder.display())).with_source(cause)
    })?;
    let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// The cases of a folder that are known to fail, with the reason: lines `name: reason` of its file `pending.txt`.
///
/// Errors: a line of another form.
pub fn pending(folder: &Path) -> Result<BTreeMap<String, String>> {
    listed_in(&folder.join("pending.txt"))
}

/// Names and reasons, as lines `name: reason` of a file; none if it is not there. Errors: a line of another form.
fn listed_in(path: &Path) -> Result<BTreeMap<String, String>> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(BTreeMap::new()) };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.split_once(": ") {
            Some((name, reason)) => Ok((name.to_owned(), reason.to_owned())),
            None => Err(Error::config(format!("`{line}` of {} is not `name: reason`", path.display()))),
        })
        .collect()
}

/// The name of a case is its file's.
pub fn case_name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Runs the case in a file.
pub async fn run_file(path: &Path, target: &Target) -> Outcome {
    let differences = match Case::read(path) {
        Err(error) => vec![error.chain()],
        Ok(case) => run_case(&case, target).await.unwrap_or_else(|error| vec![error.chain()]),
    };
    Outcome { name: case_name(path), differences }
}

/// Runs a case and gives the differences. Errors: the case cannot be run at all.
pub async fn run_case(case: &Case, target: &Target) -> Result<Vec<String>> {
    let folder = tempfile::tempdir()
        .map_err(|cause| Error::internal("there is no temporary folder").with_source(cause))?;
    let mut differences = Vec::new();
    let first = pipeline(case, folder.path(), target)?;
    let place = first.dataset_place()?;
    target.clear(first.destination().connect(&place).await?.as_mut(), &place.name).await?;
    let sources: Vec<&str> = case.runs.iter().map(|run| run.source_name(case.pipeline_name())).collect();
    let mut load_counts = Vec::new();
    for (index, (run, expected)) in case.runs.iter().zip(&case.expected).enumerate() {
        let expected = &without_state_loads(expected, &sources, &mut load_counts);
        if run.fresh_pipeline {
            // The recorder forgets the working folder only; the destination stays.
            drop(fs::remove_dir_all(folder.path().join("pipelines")));
        }
        let pipeline = pipeline(case, folder.path(), target)?;
        let result = run_once(case, run, &pipeline).await;
        let mut found = found(case, &pipeline, target).await?;
        found["row_counts"] = match &result {
            Ok(counts) if !expected["row_counts"].is_null() => json!(counts),
            _ => Value::Null,
        };
        if let Err(error) = &result
            && !is_same_error(error, &expected["error"])
        {
            differences.push(format!("run {index}: failed: {}", error.chain()));
        }
        found["error"] = if result.is_err() { expected["error"].clone() } else { Value::Null };
        differences.extend(
            compare::differences(&target.comparable(expected.clone()), &target.comparable(found))
                .into_iter()
                .map(|line| format!("run {index}: {line}")),
        );
        if result.is_err() {
            // The recorder drops what an error leaves.
            for mut package in pipeline.work().packages().pending()? {
                package.record(windlass::core::package::JournalEntry::Dropped { at: 0 })?;
            }
        }
    }
    Ok(differences)
}

fn pipeline(case: &Case, folder: &Path, target: &Target) -> Result<Pipeline> {
    let path = folder.join("pipeline.yaml");
    let file = json!({
        "pipeline": case.pipeline_name(),
        "dataset": case.dataset_name(),
        "pipelines_dir": "pipelines",
        "destination": target.options(),
    });
    fs::write(&path, file.to_string())
        .map_err(|cause| Error::internal("a file cannot be written").with_source(cause))?;
    let file = PipelineFile::load(&path, case.pipeline.config.clone())?;
    Ok(file.describe(&Overrides::default())?.pipeline)
}

async fn run_once(case: &Case, run: &case::Run, pipeline: &Pipeline) -> Result<BTreeMap<String, u64>> {
    let source: Box<dyn Source> = Box::new(run.source(case.pipeline_name())?);
    let options = RunOptions {
        schema_contract: run.schema_contract.clone(),
        write_disposition: run.write_disposition.clone(),
        refresh: run.refresh,
        ..RunOptions::default()
    };
    let info = pipeline.run(&[source], &options).await?;
    Ok(info.rows().into_iter().collect())
}

async fn found(case: &Case, pipeline: &Pipeline, target: &Target) -> Result<Value> {
    let state = pipeline.state()?;
    let schema = pipeline.default_schema()?;
    let mut session = Arc::clone(pipeline.destination()).connect(&pipeline.dataset_place()?).await?;
    if !target.exists(session.as_mut(), &pipeline.destination().location()).await? {
        return Ok(snapshot::of_nothing(schema.as_ref(), &state));
    }
    snapshot(session.as_mut(), target, case.dataset_name(), schema.as_ref(), &state).await
}

/// Whether the error is of the kind that the reference's exception stands for.
fn is_same_error(error: &Error, expected: &Value) -> bool {
    let kind = error.kind();
    match expected.get("type").and_then(Value::as_str) {
        None => false,
        Some("DataValidationError") => kind == ErrorKind::Contract,
        Some("CannotCoerceNullException" | "IncrementalCursorPathMissing") => kind == ErrorKind::Data,
        Some("SchemaCorruptedException") => kind == ErrorKind::Config,
        // Any other failure of the reference must be a failure that somebody thought of.
        Some(_) => !matches!(kind, ErrorKind::Internal | ErrorKind::Unsupported),
    }
}
