//! Finding a pipeline by its name or its file.

use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass::config::{Layers, Overrides, PipelineFile, pipelines_dir};
use windlass::core::{Error, Result};
use windlass::pipeline::{Pipeline, WorkFolder, check_name};

use super::environment;

/// The folder of all working folders.
pub(super) fn work_folders() -> Result<PathBuf> {
    pipelines_dir(Layers::from_env(environment()).folders())
}

/// The pipeline with its file and settings, for commands that talk to the destination.
pub(super) fn pipeline(name: &str) -> Result<Pipeline> {
    let file = if is_file(name) { PathBuf::from(name) } else { remembered_file(name)? };
    // These commands ask no source, so that nobody needs the secrets of one.
    let pipeline = PipelineFile::load_offline(&file, environment())?.pipeline(&Overrides::default())?;
    // A run may have been told another dataset than the file says; the state knows.
    let dataset = pipeline.state()?.get("dataset_name").and_then(Value::as_str).map(str::to_owned);
    match dataset {
        Some(dataset) if dataset != pipeline.dataset_name() => Ok(pipeline.dataset(dataset)),
        _ => Ok(pipeline),
    }
}

/// The working folder, for commands that look at what is on this machine. Errors: the pipeline never ran.
pub(super) fn work(name: &str) -> Result<WorkFolder> {
    if is_file(name) {
        return pipeline(name).map(|pipeline| pipeline.work().clone());
    }
    check_name(name)?;
    let work = WorkFolder::new(work_folders()?.join(name));
    if work.path().is_dir() { Ok(work) } else { Err(unknown(name)) }
}

fn is_file(name: &str) -> bool {
    let path = Path::new(name);
    let is_document =
        path.extension().is_some_and(|e| ["yaml", "yml", "toml"].iter().any(|known| e == *known));
    is_document || (name.contains('/') && path.is_file())
}

fn remembered_file(name: &str) -> Result<PathBuf> {
    work(name)?.pipeline_file()?.ok_or_else(|| {
        Error::config(format!("the file of pipeline `{name}` is not known"))
            .with_hint("give the path of the pipeline file instead of the name")
    })
}

fn unknown(name: &str) -> Error {
    Error::config(format!("no pipeline `{name}` ran on this machine"))
        .with_hint("`windlass pipeline list` shows those that did; the path of a pipeline file works as well")
}
