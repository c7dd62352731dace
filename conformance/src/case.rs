//! A recorded case: what was run, and what the reference made of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};
use windlass::core::hints::{ResourceHints, WriteDisposition};
use windlass::core::json::sanitize;
use windlass::core::value::{Tag, encode_tagged};
use windlass::core::{Error, Result};
use windlass::pipeline::Refresh;
use windlass::source::{Limit, Resource, SourceSettings};
use windlass::sources::{InlineResource, InlineSource};

/// A case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Name, which is also the file's.
    pub name: String,
    /// One line.
    #[serde(default)]
    pub about: String,
    /// The pipeline.
    #[serde(default)]
    pub pipeline: CasePipeline,
    /// The runs, one after the other.
    pub runs: Vec<Run>,
    /// A snapshot after each run.
    pub expected: Vec<Value>,
}

/// The pipeline of a case.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CasePipeline {
    /// Name; `conf` by default.
    pub name: Option<String>,
    /// Dataset; `data` by default.
    pub dataset: Option<String>,
    /// Environment variables.
    pub config: BTreeMap<String, String>,
}

/// One run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// The resources of the source.
    pub resources: Vec<Map<String, Value>>,
    /// What is said about the source.
    #[serde(default)]
    pub source: CaseSource,
    /// Contract of the run.
    pub schema_contract: Option<Value>,
    /// Refresh mode of the run.
    pub refresh: Option<Refresh>,
    /// Write disposition of the run.
    pub write_disposition: Option<WriteDisposition>,
    /// Whether the local working folder is gone.
    #[serde(default)]
    pub fresh_pipeline: bool,
}

/// What is said about a source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CaseSource {
    name: Option<String>,
    schema_contract: Option<Value>,
    max_table_nesting: Option<i64>,
    root_key: Option<bool>,
}

impl Case {
    /// Reads a case. `NaN` and integers of any size are understood. Errors: no JSON, unknown keys.
    pub fn read(path: &Path) -> Result<Self> {
        let place = || path.display().to_string();
        let text = std::fs::read(path)
            .map_err(|cause| Error::config("a case cannot be read").with_source(cause).at_file(place()))?;
        let mut strict = Vec::new();
        sanitize(&text, &mut strict).map_err(|error| {
            Error::config(format!("a case is not JSON: {} at byte {}", error.message, error.at))
                .at_file(place())
        })?;
        serde_json::from_slice(&strict)
            .map_err(|cause| Error::config("a case has another form").with_source(cause).at_file(place()))
    }

    /// The pipeline's name.
    pub fn pipeline_name(&self) -> &str {
        self.pipeline.name.as_deref().unwrap_or("conf")
    }

    /// The dataset's name.
    pub fn dataset_name(&self) -> &str {
        self.pipeline.dataset.as_deref().unwrap_or("data")
    }
}

impl Run {
    /// The name of the source; the pipeline's by default.
    pub fn source_name<'a>(&'a self, pipeline: &'a str) -> &'a str {
        self.source.name.as_deref().unwrap_or(pipeline)
    }

    /// The source of the run. Errors: hints that this engine does not know.
    pub fn source(&self, pipeline: &str) -> Result<InlineSource> {
        let resources = self.resources.iter().map(resource).collect::<Result<_>>()?;
        Ok(InlineSource {
            name: self.source.name.clone().unwrap_or_else(|| pipeline.to_owned()),
            resources,
            settings: SourceSettings {
                schema_contract: self.source.schema_contract.clone(),
                max_table_nesting: self.source.max_table_nesting,
                root_key: self.source.root_key,
            },
        })
    }
}

fn resource(spec: &Map<String, Value>) -> Result<InlineResource> {
    let mut spec = spec.clone();
    let name = spec.shift_remove("name").and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default();
    let pages = spec.shift_remove("pages").unwrap_or_default();
    let limit = spec.shift_remove("add_limit");
    let incremental = spec.shift_remove("incremental").map(|options| typed(&options));
    let pages = pages.as_array().into_iter().flatten().map(|page| {
        let mut text = String::new();
        for item in page.as_array().into_iter().flatten() {
            text.push_str(&typed(item).to_string());
            text.push('\n');
        }
        text
    });
    let hints: ResourceHints = serde_json::from_value(typed(&Value::Object(spec))).map_err(|cause| {
        Error::unsupported("this engine does not know a hint of the case")
            .with_source(cause)
            .at_resource(&name)
    })?;
    let limit = limit.as_ref().and_then(|limit| limit.get("max_items")?.as_u64()).map(Limit::Pages);
    let incremental = incremental.map(serde_json::from_value).transpose().map_err(|cause| {
        Error::unsupported("this engine does not know an option of the cursor")
            .with_source(cause)
            .at_resource(&name)
    })?;
    let resource = Resource { hints, incremental, limit, ..Resource::new(name) };
    Ok(InlineResource { resource, pages: pages.collect() })
}

/// Tagged values as typed strings.
fn typed(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            if let Some((key, Value::String(text))) = map.iter().next().filter(|_| map.len() == 1) {
                let tag = match key.as_str() {
                    "$decimal" => Some(Tag::Decimal),
                    "$timestamp" => Some(Tag::Timestamp),
                    "$date" => Some(Tag::Date),
                    "$time" => Some(Tag::Time),
                    "$binary" => Some(Tag::Bytes),
                    _ => None,
                };
                if let Some(tag) = tag {
                    return encode_tagged(tag, text).into();
                }
            }
            map.iter().map(|(key, value)| (key.clone(), typed(value))).collect()
        }
        Value::Array(items) => items.iter().map(typed).collect(),
        other => other.clone(),
    }
}
