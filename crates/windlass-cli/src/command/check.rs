//! `windlass validate` and `windlass check`.

use std::path::Path;

use serde_json::json;
use windlass::config::{Described, Overrides, PipelineFile};
use windlass::core::Result;
use windlass::source::{Opening, SourceContext};

use super::environment;
use crate::output::{Exit, Output};

pub(super) fn validate(file: &Path, output: &Output) -> Result<Exit> {
    let described = described(file)?;
    let names: Vec<&str> = described.sources.iter().map(|source| source.name()).collect();
    let value = json!({
        "pipeline": described.pipeline.name(),
        "destination": described.pipeline.destination().kind(),
        "sources": names,
    });
    output.result(&value, || {
        format!(
            "{}: pipeline {} from {} to {} is valid\n",
            file.display(),
            described.pipeline.name(),
            names.join(", "),
            described.pipeline.destination().kind()
        )
    })?;
    Ok(Exit::OK)
}

/// Opens every resource and the destination, without reading records.
pub(super) async fn check(file: &Path, output: &Output) -> Result<Exit> {
    let described = described(file)?;
    let folder = file.parent().map(Path::to_owned).unwrap_or_default();
    let opening = Opening { folder: folder.clone(), ..Opening::default() };
    let context = SourceContext { folder };
    let mut names = Vec::new();
    for source in &described.sources {
        for resource in source.resources(&context).await? {
            source.open(&resource, &opening).await.map_err(|error| error.at_resource(&resource.name))?;
            names.push(resource.name);
        }
    }
    let mut session = described.pipeline.connect().await?;
    let stored = session.stored().await?;
    let destination = described.pipeline.destination();
    let value = json!({
        "pipeline": described.pipeline.name(),
        "resources": names,
        "destination": { "type": destination.kind(), "location": destination.location(),
                         "has_dataset": stored.has_dataset, "has_state": stored.state.is_some() },
    });
    output.result(&value, || {
        let dataset = if stored.has_dataset { "exists" } else { "will be created" };
        format!(
            "resources {} can be read\ndestination {} {} answers; dataset {} {dataset}\n",
            names.join(", "),
            destination.kind(),
            destination.location(),
            described.pipeline.dataset_name()
        )
    })?;
    Ok(Exit::OK)
}

fn described(file: &Path) -> Result<Described> {
    PipelineFile::load(file, environment())?.describe(&Overrides::default())
}
