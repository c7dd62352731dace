//! `windlass validate` and `windlass check`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use windlass::config::{Described, Overrides, PipelineFile};
use windlass::core::{Error, Result};
use windlass::pipeline::Validation;

use super::environment;
use crate::output::{Exit, Output, error_json};

/// Tells everything that is wrong with the files, as far as that can be told without a connection.
pub(super) async fn validate(files: &[PathBuf], output: &Output) -> Result<Exit> {
    let mut values = Vec::new();
    let mut is_valid = true;
    for file in files {
        let examined = examine(file).await;
        let value = match &examined {
            Ok((described, warnings)) => {
                warnings.iter().for_each(|warning| output.warning(warning));
                let (value, text) = told(file, described, warnings);
                output.say(text)?;
                value
            }
            Err(errors) => {
                is_valid = false;
                output.errors(errors);
                let all: Vec<Value> = errors.iter().map(error_json).collect();
                json!({ "error": all.first(), "errors": all })
            }
        };
        values.push((file, value));
    }
    if output.is_json() {
        match values.as_slice() {
            [(_, value)] => output.print_json(value)?,
            _ => {
                let files: Vec<Value> = values
                    .into_iter()
                    .map(|(file, mut value)| {
                        value["file"] = file.display().to_string().into();
                        value
                    })
                    .collect();
                output.print_json(&json!({ "files": files }))?;
            }
        }
    }
    Ok(if is_valid { Exit::OK } else { Exit::INVALID })
}

/// What a file describes, and warnings; or everything that is wrong with it.
async fn examine(path: &Path) -> Result<(Described, Vec<String>), Vec<Error>> {
    let file = PipelineFile::examine(path, environment())?;
    let described = file.describe_all(&Overrides::default())?;
    let Validation { errors, warnings } =
        described.pipeline.validate(&described.sources, &described.options).await;
    let located = errors.into_iter().map(|error| file.located(error)).collect::<Vec<_>>();
    if located.is_empty() { Ok((described, warnings)) } else { Err(located) }
}

/// What a valid file describes, for programs and for people.
fn told(file: &Path, described: &Described, warnings: &[String]) -> (Value, String) {
    let names: Vec<&str> = described.sources.iter().map(|source| source.name()).collect();
    let value = json!({
        "pipeline": described.pipeline.name(),
        "destination": described.pipeline.destination().kind(),
        "sources": names,
        "warnings": warnings,
    });
    let text = format!(
        "{}: pipeline {} from {} to {} is valid",
        file.display(),
        described.pipeline.name(),
        names.join(", "),
        described.pipeline.destination().kind()
    );
    (value, text)
}

/// Asks every resource for a record and the destination for the dataset; loads nothing.
pub(super) async fn check(file: &Path, output: &Output) -> Result<Exit> {
    let described = PipelineFile::load(file, environment())?.describe(&Overrides::default())?;
    described.pipeline.warnings().iter().for_each(|warning| output.warning(warning));
    let names = described.pipeline.probe(&described.sources).await?;
    let mut session = described.pipeline.connect().await?;
    let stored = session.stored().await?;
    let (destination, location) = (described.pipeline.destination(), described.pipeline.location()?);
    let value = json!({
        "pipeline": described.pipeline.name(),
        "resources": names,
        "destination": { "type": destination.kind(), "location": location,
                         "has_dataset": stored.has_dataset, "has_state": stored.state.is_some() },
    });
    output.result(&value, || {
        let dataset = if stored.has_dataset { "exists" } else { "will be created" };
        format!(
            "resources {} can be read\ndestination {} {location} answers; dataset {} {dataset}\n",
            names.join(", "),
            destination.kind(),
            described.pipeline.dataset_name()
        )
    })?;
    Ok(Exit::OK)
}
