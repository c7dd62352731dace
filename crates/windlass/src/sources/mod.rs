//! The sources that this engine has. A source is known outside its own file by one line here.

mod files;
mod inline;
pub mod rest;

use serde_json::Value;
use windlass_core::Result;

pub use files::{FileResource, FileSource, InputFormat, local_path};
pub use inline::{InlineResource, InlineSource};

use crate::config::unknown_name;
use crate::source::{Resource, Source, SourceSettings};

/// A kind of source: what help, documentation and the pipeline file know of it.
#[derive(Clone, Copy, Debug)]
pub struct SourceEntry {
    /// The name in pipeline files.
    pub name: &'static str,
    /// One line for people.
    pub short: &'static str,
    /// What `windlass init` writes, as YAML without indentation; the first line names the type.
    pub example: &'static str,
    /// Why this binary does not have it, if so.
    pub missing: Option<&'static str>,
    /// The JSON Schema of its own options.
    pub options: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// The JSON Schema of the options of its resources.
    pub resource: fn(&mut schemars::SchemaGenerator) -> schemars::Schema,
    /// Builds it. Errors: options that are unknown or wrong.
    pub build: fn(SourceParts) -> Result<Box<dyn Source>>,
}

/// What a source is built from.
#[derive(Clone, Debug)]
pub struct SourceParts {
    /// Name of the source, which is also the name of its schema.
    pub name: String,
    /// Settings of the schema.
    pub settings: SourceSettings,
    /// Its own options.
    pub options: Value,
    /// Its resources, each with the options that are not the engine's.
    pub resources: Vec<(Resource, Value)>,
}

/// All kinds of sources.
pub const SOURCES: &[SourceEntry] = &[files::ENTRY, inline::ENTRY];

/// The kind of source with this name. Errors: there is none.
pub fn source_entry(name: &str) -> Result<&'static SourceEntry> {
    SOURCES
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| unknown_name("source type", name, SOURCES.iter().map(|entry| entry.name)))
}
