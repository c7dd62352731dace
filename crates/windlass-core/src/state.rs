//! The state of a pipeline: what it knows from run to run, in the reference's shape and encoding.

use std::io::Read as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use serde_json::{Map, Value, json};

use crate::error::{Code, Error, Result};
use crate::hash::sha3_256_base64;
use crate::json::write_sorted;

/// Version of the state document that this engine reads and writes.
pub const STATE_ENGINE_VERSION: i64 = 4;

/// Keys that do not count as content.
const UNHASHED: [&str; 4] = ["_local", "_state_version", "_state_engine_version", "_version_hash"];

/// A state document. Keys are kept as they are, also those this engine does not know.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    doc: Map<String, Value>,
}

/// Version and hash of a state; the default is that of no state.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StateMark {
    /// How often the state has changed.
    pub version: i64,
    /// The hash of its content.
    pub hash: String,
}

impl State {
    /// The state of a pipeline that never ran.
    pub fn new(pipeline: &str) -> Self {
        let mut doc = Map::new();
        doc.insert("_state_version".to_owned(), 0.into());
        doc.insert("_state_engine_version".to_owned(), STATE_ENGINE_VERSION.into());
        doc.insert("pipeline_name".to_owned(), pipeline.into());
        doc.insert("default_schema_name".to_owned(), Value::Null);
        doc.insert("schema_names".to_owned(), json!([]));
        doc.insert("_local".to_owned(), json!({ "first_run": true }));
        Self { doc }
    }

    /// Reads a document. Errors: no object, or one of a newer engine.
    pub fn from_json(value: Value) -> Result<Self> {
        let Value::Object(mut doc) = value else {
            return Err(Error::of(Code::DamagedState, "the pipeline state is not an object"));
        };
        let engine = doc.get("_state_engine_version").and_then(Value::as_i64).unwrap_or(1);
        if engine > STATE_ENGINE_VERSION {
            return Err(Error::unsupported(format!(
                "the pipeline state is of engine version {engine}, this is {STATE_ENGINE_VERSION}"
            ))
            .with_hint("the state was written by a newer version; update windlass"));
        }
        if engine < 2 {
            doc.entry("_local").or_insert_with(|| json!({}));
        }
        if engine < 4 {
            split_reference(&mut doc, "destination");
            split_reference(&mut doc, "staging");
        }
        let mut state = Self { doc };
        state.doc.insert("_state_engine_version".to_owned(), STATE_ENGINE_VERSION.into());
        if engine < 3 {
            let hash = state.content_hash();
            state.doc.insert("_version_hash".to_owned(), hash.into());
        }
        Ok(state)
    }

    /// The whole document.
    pub fn to_json(&self) -> Value {
        Value::Object(self.doc.clone())
    }

    /// A top-level key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.doc.get(key)
    }

    /// Sets a top-level key.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.doc.insert(key.to_owned(), value.into());
    }

    /// How often the content changed.
    pub fn version(&self) -> i64 {
        self.doc.get("_state_version").and_then(Value::as_i64).unwrap_or(0)
    }

    /// The hash when the version was counted last.
    pub fn version_hash(&self) -> Option<&str> {
        self.doc.get("_version_hash").and_then(Value::as_str)
    }

    /// What tells this state from those before and after it.
    pub fn mark(&self) -> StateMark {
        StateMark { version: self.version(), hash: self.version_hash().unwrap_or_default().to_owned() }
    }

    /// Names of the schemas that the pipeline has.
    pub fn schema_names(&self) -> Vec<String> {
        let names = self.doc.get("schema_names").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    }

    /// Adds a schema; the first one becomes the default.
    pub fn add_schema(&mut self, name: &str) {
        let mut names = self.schema_names();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
            names.sort_unstable();
            self.set("schema_names", names);
        }
        if self.doc.get("default_schema_name").is_none_or(Value::is_null) {
            self.set("default_schema_name", name);
        }
    }

    /// The schema that carries the state.
    pub fn default_schema_name(&self) -> Option<&str> {
        self.doc.get("default_schema_name").and_then(Value::as_str)
    }

    /// The state of a source; created when missing.
    pub fn source_mut(&mut self, source: &str) -> &mut Map<String, Value> {
        object(object(&mut self.doc, "sources"), source)
    }

    /// The state of a source; empty when there is none.
    pub fn source_state(&self, source: &str) -> Map<String, Value> {
        let state = self.doc.get("sources").and_then(|sources| sources.get(source)?.as_object());
        state.cloned().unwrap_or_default()
    }

    /// Sets the state of a source; an empty one is not kept if there was none.
    pub fn set_source_state(&mut self, source: &str, state: Map<String, Value>) {
        if !state.is_empty() || self.doc.get("sources").is_some_and(|all| all.get(source).is_some()) {
            *self.source_mut(source) = state;
        }
    }

    /// What is stored of a cursor of a resource.
    pub fn cursor(&self, source: &str, resource: &str, path: &str) -> Option<&Value> {
        let source = self.doc.get("sources")?.get(source)?;
        source.get("resources")?.get(resource)?.get("incremental")?.get(path)
    }

    /// Stores a cursor of a resource.
    pub fn set_cursor(&mut self, source: &str, resource: &str, path: &str, entry: Value) {
        let resources = object(self.source_mut(source), "resources");
        object(object(resources, resource), "incremental").insert(path.to_owned(), entry);
    }

    /// A key of the state of a resource.
    pub fn resource_value(&self, source: &str, resource: &str, key: &str) -> Option<&Value> {
        self.doc.get("sources")?.get(source)?.get("resources")?.get(resource)?.get(key)
    }

    /// Sets a key of the state of a resource; `None` removes it.
    pub fn set_resource_value(&mut self, source: &str, resource: &str, key: &str, value: Option<Value>) {
        match value {
            Some(value) => {
                let resources = object(self.source_mut(source), "resources");
                object(resources, resource).insert(key.to_owned(), value);
            }
            None if self.resource_value(source, resource, key).is_none() => {}
            None => {
                let resources = object(self.source_mut(source), "resources");
                let entry = object(resources, resource);
                entry.shift_remove(key);
                if entry.is_empty() {
                    self.reset_resource(source, resource);
                }
            }
        }
    }

    /// Forgets the state of a resource, as a replace does.
    pub fn reset_resource(&mut self, source: &str, resource: &str) {
        let source = self.source_mut(source);
        if let Some(Value::Object(resources)) = source.get_mut("resources") {
            resources.shift_remove(resource);
            if resources.is_empty() {
                source.shift_remove("resources");
            }
        }
    }

    /// Forgets everything about a source.
    pub fn forget_source(&mut self, source: &str) {
        object(&mut self.doc, "sources").shift_remove(source);
    }

    /// Forgets the state of resources, as a refresh does; what the source itself keeps stays.
    pub fn forget_resources(&mut self, source: &str, resources: &[String]) {
        if object(&mut self.doc, "sources").contains_key(source) {
            resources.iter().for_each(|resource| self.reset_resource(source, resource));
        }
    }

    /// A value that never leaves the machine.
    pub fn local(&self, key: &str) -> Option<&Value> {
        self.doc.get("_local")?.get(key)
    }

    /// Sets a value that never leaves the machine.
    pub fn set_local(&mut self, key: &str, value: impl Into<Value>) {
        object(&mut self.doc, "_local").insert(key.to_owned(), value.into());
    }

    /// The hash of the present content.
    pub fn content_hash(&self) -> String {
        let content = self.doc.iter().filter(|(key, _)| !UNHASHED.contains(&key.as_str()));
        let content: Map<String, Value> = content.map(|(key, value)| (key.clone(), value.clone())).collect();
        let mut text = String::new();
        write_sorted(&mut text, &Value::Object(content));
        sha3_256_base64([text.as_bytes()])
    }

    /// Counts a new version if the content changed.
    pub fn bump(&mut self) {
        let hash = self.content_hash();
        if self.version_hash().is_some_and(|known| known != hash) {
            let version = self.version() + 1;
            self.doc.insert("_state_version".to_owned(), version.into());
        }
        self.doc.insert("_version_hash".to_owned(), hash.into());
    }

    /// The document without what is local, as base64 of zlib: the form in the state table.
    pub fn encode(&self) -> String {
        let mut doc = self.doc.clone();
        doc.shift_remove("_local");
        compress(&Value::Object(doc).to_string())
    }

    /// Reads the form of the state table; plain JSON is read as well.
    pub fn decode(text: &str) -> Result<Self> {
        let json = decompress(text);
        let value = serde_json::from_str(&json).map_err(|cause| {
            Error::of(Code::DamagedState, "the pipeline state at the destination cannot be read").with_source(cause).with_hint(
                "restore the row of _dlt_pipeline_state, or delete it: then an older state counts, or none",
            )
        })?;
        Self::from_json(value)
    }
}

/// Base64 of zlib, level 9.
pub fn compress(text: &str) -> String {
    let mut packed = Vec::new();
    // Reading from memory cannot fail.
    let _ = ZlibEncoder::new(text.as_bytes(), Compression::best()).read_to_end(&mut packed);
    STANDARD.encode(packed)
}

/// Undoes [`compress`]; a text that is not compressed is returned as it is.
pub fn decompress(text: &str) -> String {
    let unpack = || {
        let packed = STANDARD.decode(text).ok()?;
        let mut unpacked = String::new();
        ZlibDecoder::new(packed.as_slice()).read_to_string(&mut unpacked).ok()?;
        Some(unpacked)
    };
    unpack().unwrap_or_else(|| text.to_owned())
}

fn object<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key).or_insert_with(|| json!({}));
    if !value.is_object() {
        *value = json!({});
    }
    match value {
        Value::Object(map) => map,
        // Replaced by an object just above.
        _ => unreachable!("the value is an object"),
    }
}

/// Before version 4 a destination was one reference; now it is a type and a name.
fn split_reference(doc: &mut Map<String, Value>, key: &str) {
    if let Some(Value::String(reference)) = doc.shift_remove(key) {
        let short = reference.rsplit('.').next().unwrap_or(&reference);
        doc.insert(format!("{key}_type"), format!("dlt.destinations.{short}").into());
        doc.insert(format!("{key}_name"), Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_equals_the_reference() {
        let doc = json!({
            "dataset_name": "ds", "default_schema_name": "src", "destination_name": null,
            "destination_type": "dlt.destinations.duckdb", "pipeline_name": "p1", "schema_names": ["src"],
            "sources": {"src": {"resources": {"items": {"incremental": {"ts": {
                "initial_value": 0, "last_value": 2, "start_value": 0, "unique_hashes": ["Tp44cKMYfAuJ"]
            }}}, "other": {"n": 1}}, "shared": "x"}},
            "_state_version": 3, "_state_engine_version": 4, "_local": {"x": 1},
        });
        let state = State::from_json(doc).unwrap();
        assert_eq!(state.content_hash(), "p5ZN+uaBhThs7FyGthOrkHvn+8i2tKyxj+s+8c4FkWE=");
    }

    #[test]
    fn the_first_hash_is_no_new_version() {
        let mut state = State::new("p");
        state.bump();
        assert_eq!(state.version(), 0);
        state.add_schema("s");
        state.bump();
        state.bump();
        assert_eq!(state.version(), 1);
    }

    #[test]
    fn values_of_a_resource_come_and_go_without_a_trace() {
        let mut state = State::new("p");
        state.set_cursor("s", "r", "at", json!(1));
        let before = state.clone();
        state.set_resource_value("s", "r", "k", Some(json!([1])));
        assert_eq!(state.resource_value("s", "r", "k"), Some(&json!([1])));
        state.set_resource_value("s", "r", "k", None);
        assert_eq!(state, before);
        state.set_resource_value("s", "other", "k", None);
        assert_eq!(state, before);
    }

    #[test]
    fn encoding_leaves_local_values_out_and_reads_back() {
        let mut state = State::new("p");
        state.add_schema("s");
        state.bump();
        let text = state.encode();
        assert!(text.starts_with("eN"), "{text}");
        let read = State::decode(&text).unwrap();
        assert_eq!(read.get("_local"), None);
        assert_eq!(read.content_hash(), state.content_hash());
        assert_eq!(State::decode(&read.to_json().to_string()).unwrap(), read);
        assert!(State::decode("{\"_state_engine_version\":99}").is_err());
        assert!(State::decode("garbage").is_err());
    }
}
