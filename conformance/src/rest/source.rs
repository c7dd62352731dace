//! Recordings of the declarative source: single extractions, and runs of pipelines one after the other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use windlass::config::{Described, Overrides, PipelineFile};
use windlass::core::json::{ParseBuffers, write_typed};
use windlass::core::value::{IsoValue, format_timestamp, parse_iso, strip_tag};
use windlass::core::{Error, Result};
use windlass::source::{Body, CursorRange, Opening, Source, SourceContext};
use windlass::steps::StepRunner;

use super::recording::Ordering;
use super::{Run, outcome};

/// The pipeline file of a configuration.
fn describe(run: &Run, config: &Value) -> Result<Described> {
    let mut source = config.clone();
    let members = source.as_object_mut().ok_or_else(|| Error::config("the configuration is no object"))?;
    let env = members.shift_remove("env");
    let select = members.shift_remove("select");
    let mut client = members.get_mut("client");
    if let Some(client) = client.as_mut().and_then(|client| client.as_object_mut()) {
        // Nothing of this machine counts.
        client.insert("session".to_owned(), json!({"netrc": false, "environment_proxy": false}));
    }
    members.insert("type".to_owned(), "rest_api".into());
    members.entry("name").or_insert_with(|| "rest_api".into());
    let file = json!({
        "pipeline": "p",
        "dataset": "d",
        "pipelines_dir": "work",
        "destination": {"type": "filesystem", "bucket_url": "out"},
        "normalize": {"loader_file_format": "jsonl", "data_writer": {"disable_compression": true}},
        "schema": {"naming": "direct"},
        "source": source,
    });
    let path = run.folder.path().join("p.yaml");
    fs::write(&path, file.to_string()).map_err(|cause| io("written", cause))?;
    let env = env.as_ref().and_then(Value::as_object).into_iter().flatten();
    let env = env.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()));
    let mut described = PipelineFile::load(&path, env.collect())?.describe(&Overrides::default())?;
    let select = select.as_ref().and_then(Value::as_array).into_iter().flatten();
    described.options.select = select.filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(described)
}

fn io(what: &str, cause: std::io::Error) -> Error {
    Error::internal(format!("a file cannot be {what}")).with_source(cause)
}

/// Runs a recording of one extraction: the rows that each resource gave are compared.
pub(super) async fn extraction(run: &Run) -> Result<Vec<String>> {
    let mut rows: Map<String, Value> = Map::new();
    let extracted = match describe(run, &run.recording.config) {
        Ok(described) => match described.sources.first() {
            Some(source) => extract(source.as_ref(), run.folder.path(), &mut rows).await,
            None => Err(Error::internal("there is no source")),
        },
        Err(error) => Err(error),
    };
    let mut differences = outcome::compare_error(run.recording.error.as_ref(), extracted.as_ref().err());
    // What was given before an error depends on the order of requests.
    if run.recording.error.is_some() || extracted.is_err() {
        return Ok(differences);
    }
    let Some(recorded) = run.recording.result.get("rows") else { return Ok(differences) };
    if let Value::Array(recorded) = recorded {
        let all: Vec<Value> = rows.values().filter_map(Value::as_array).flatten().cloned().collect();
        differences.extend(outcome::compare("rows", &recorded.clone().into(), &all.into()));
        return Ok(differences);
    }
    let selected: BTreeSet<&String> =
        recorded.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    for name in selected {
        let found = rows.get(name).cloned().unwrap_or_else(|| json!([]));
        let (recorded, found) = (sorted(&recorded[name], run), sorted(&found, run));
        differences.extend(outcome::compare(&format!("rows of {name}"), &recorded, &found));
    }
    Ok(differences)
}

/// Rows in an order that does not depend on that of the chains, where those have none.
fn sorted(rows: &Value, run: &Run) -> Value {
    let mut rows = rows.as_array().cloned().unwrap_or_default();
    if run.recording.ordering == Ordering::PerChain {
        rows.sort_by_key(ToString::to_string);
    }
    rows.into()
}

/// Reads all resources, parents first, and keeps the pages of each for those that depend on it.
async fn extract(source: &dyn Source, folder: &Path, rows: &mut Map<String, Value>) -> Result<()> {
    let pages_of = |name: &str| folder.join(format!("{name}.pages.jsonl"));
    for resource in source.resources(&SourceContext::default()).await? {
        let cursor = resource.incremental.as_ref().map(|options| CursorRange {
            initial_value: Some(options.initial_value.clone()),
            start_value: Some(options.initial_value.clone()),
            ..CursorRange::default()
        });
        let parent_pages: Option<PathBuf> = resource.parent.as_deref().map(pages_of);
        let opening = Opening { cursor, parent_pages, ..Opening::default() };
        let steps = StepRunner::new(&resource.steps)?;
        let mut pages = String::new();
        let mut all = Vec::new();
        for mut extractor in source.open(&resource, &opening).await? {
            while let Some(page) = extractor.next_page().await? {
                let records = stepped(records(&page.body)?, &steps)?;
                pages.push_str(&Value::Array(records.clone()).to_string());
                pages.push('\n');
                all.extend(records);
            }
        }
        fs::write(pages_of(&resource.name), pages).map_err(|cause| io("written", cause))?;
        rows.insert(resource.name, all.into());
    }
    Ok(())
}

/// The records after the steps of their resource.
fn stepped(records: Vec<Value>, steps: &StepRunner) -> Result<Vec<Value>> {
    let mut out = Vec::new();
    for record in records {
        steps.run(record.to_string().as_bytes(), &mut out)?;
    }
    let lines = out.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines
        .map(|line| {
            serde_json::from_slice(line)
                .map_err(|cause| Error::data("a record is no JSON").with_source(cause))
        })
        .collect()
}

fn records(body: &Body) -> Result<Vec<Value>> {
    let mut buffers = ParseBuffers::new();
    let parsed = match body {
        Body::Lines(bytes) => buffers.parse_lines(bytes)?,
        Body::TypedLines(bytes) => buffers.parse_typed_lines(bytes)?,
        Body::Document(bytes, select) => {
            buffers.parse_document(bytes, select).map_err(|error| Error::data(error.message.clone()))?
        }
        _ => return Err(Error::internal("records of a REST API are JSON")),
    };
    parsed
        .rows
        .iter()
        .map(|row| {
            let mut text = String::new();
            write_typed(&mut text, &parsed.tape, row.node);
            serde_json::from_str(&text).map_err(|cause| Error::data("a record is no JSON").with_source(cause))
        })
        .collect()
}

/// Runs a recording of a pipeline: the rows that each run loaded, and its cursors, are compared.
pub(super) async fn pipeline_runs(run: &Run) -> Result<Vec<String>> {
    let recorded = run.recording.result.get("runs").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut differences = Vec::new();
    let mut before = BTreeMap::new();
    for (index, recorded) in recorded.iter().enumerate() {
        let config = match &run.recording.config {
            Value::Array(configs) => {
                configs.get(index).or_else(|| configs.last()).cloned().unwrap_or_default()
            }
            config => config.clone(),
        };
        let named = |lines: Vec<String>| lines.into_iter().map(move |line| format!("run {index}: {line}"));
        let described = describe(run, &config)?;
        let loaded = described.pipeline.run(&described.sources, &described.options).await;
        let error = serde_json::from_value(recorded["error"].clone()).ok();
        differences.extend(named(outcome::compare_error(error.as_ref(), loaded.as_ref().err())));
        let files = files_of(run.folder.path())?;
        let found = loaded_rows(&files, &before)?;
        before = files;
        let expected = recorded["loaded"].as_object().cloned().unwrap_or_default();
        let tables: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
        for table in tables {
            let rows =
                |of: &Map<String, Value>| comparable(of.get(table).cloned().unwrap_or_else(|| json!([])));
            let lines = outcome::compare(&format!("rows of {table}"), &rows(&expected), &rows(&found));
            differences.extend(named(lines));
        }
        if loaded.is_ok() {
            let found = described.pipeline.state().map(|state| cursors(&state.to_json()))?;
            let lines = outcome::compare(
                "cursors",
                &comparable(recorded["incremental_state"].clone()),
                &comparable(found),
            );
            differences.extend(named(lines));
        }
    }
    Ok(differences)
}

/// The files of the tables, by path.
fn files_of(folder: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.join("out").join("d")];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.map_err(|cause| io("listed", cause))?.path();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name.starts_with('_') || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".jsonl") {
                let text = fs::read_to_string(&path).map_err(|cause| io("read", cause))?;
                files.insert(path, text);
            }
        }
    }
    Ok(files)
}

/// The rows of files that were not there before, by table, without the engine's columns.
fn loaded_rows(
    files: &BTreeMap<PathBuf, String>,
    before: &BTreeMap<PathBuf, String>,
) -> Result<Map<String, Value>> {
    let mut tables: Map<String, Value> = Map::new();
    for (path, text) in files.iter().filter(|(path, _)| !before.contains_key(*path)) {
        let table =
            path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let rows = tables.entry(table).or_insert_with(|| json!([]));
        for line in text.lines() {
            let mut row: Map<String, Value> = serde_json::from_str(line)
                .map_err(|cause| Error::data("a row is no JSON").with_source(cause))?;
            row.retain(|name, value| !name.starts_with("_dlt") && !value.is_null());
            if let Value::Array(rows) = rows {
                rows.push(nested(row));
            }
        }
    }
    Ok(tables)
}

/// A row with the objects that its columns were flattened from.
fn nested(row: Map<String, Value>) -> Value {
    let mut out = json!({});
    for (name, value) in row {
        let mut place = &mut out;
        for part in name.split('▶') {
            place = &mut place[part];
        }
        *place = value;
    }
    out
}

/// Rows and values in one order, times in one form, and without nulls.
fn comparable(value: Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.into_iter().map(comparable).collect();
            items.sort_by_key(ToString::to_string);
            items.into()
        }
        Value::Object(map) => {
            let mut map: Vec<(String, Value)> = map
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, comparable(value)))
                .collect();
            map.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(map.into_iter().collect())
        }
        Value::String(text) => {
            let body = strip_tag(&text).map_or(text.as_str(), |(_, body)| body);
            match parse_iso(body) {
                Some(IsoValue::Timestamp(timestamp)) => {
                    let mut out = String::new();
                    format_timestamp(&mut out, timestamp, ' ');
                    out.into()
                }
                _ => body.into(),
            }
        }
        other => other,
    }
}

/// The cursors of a state by resource and path, their digests counted.
fn cursors(state: &Value) -> Value {
    let mut all = Map::new();
    let sources = state.get("sources").and_then(Value::as_object).into_iter().flatten();
    let resources = sources.filter_map(|(_, source)| source.get("resources")?.as_object()).flatten();
    for (name, resource) in resources {
        let Some(Value::Object(cursors)) = resource.get("incremental") else { continue };
        let mut counted = cursors.clone();
        for cursor in counted.values_mut() {
            let digests = cursor.get("unique_hashes").and_then(Value::as_array).map_or(0, Vec::len);
            cursor["unique_hashes"] = digests.into();
        }
        all.insert(name.clone(), counted.into());
    }
    all.into()
}
