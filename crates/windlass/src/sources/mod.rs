//! The sources that this engine has. A source is known outside its own file by one line here.

mod files;
mod inline;
#[cfg_attr(feature = "http", path = "rest/mod.rs")]
#[cfg_attr(not(feature = "http"), path = "rest_disabled.rs")]
pub mod rest;
pub mod sql;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Map, Value};
use windlass_core::path_part::escape_part;
use windlass_core::{At, Result};

pub use files::{FileResource, FileSource, InputFormat, NewFiles, SeenFiles};
pub use inline::{InlineResource, InlineSource};

use crate::config::{Secret, unknown_name};
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
    /// Whether it asks a server, so that what is asked and answered can be recorded and replayed.
    pub has_exchanges: bool,
    /// The key that it cannot do without, although its schema does not say so: settings may have it.
    pub needed: Option<&'static str>,
    /// What it allows besides a list of resources that are objects; `None` if nothing.
    pub forms: Option<SourceForms>,
    /// Builds it. Errors: options that are unknown or wrong.
    pub build: fn(SourceParts) -> Result<Box<dyn Source>>,
}

/// What a kind of source allows besides a list of resources that are objects: names alone, defaults for all of them,
/// and credentials from the settings.
#[derive(Clone, Copy, Debug)]
pub struct SourceForms {
    /// The key of what holds for all resources.
    pub defaults: &'static str,
    /// Makes each resource an object that holds everything; takes the defaults out of the source's options.
    pub complete: fn(&mut Map<String, Value>, Vec<Value>) -> Vec<Value>,
    /// Fills in credentials that the source's part of the file leaves out.
    pub credentials: FillCredentials,
    /// Where the list of the resources stands.
    pub lists: ResourceLists,
    /// Whether its cursors can be guarded by a snapshot.
    pub has_guard: bool,
}

/// Where a kind of source has the list of its resources.
#[derive(Clone, Copy, Debug)]
pub struct ResourceLists {
    /// The keys, all of which mean the same.
    pub keys: &'static [&'static str],
    /// Whether the source finds out by itself what there is when there is no list.
    pub may_be_left_out: bool,
}

impl Default for ResourceLists {
    fn default() -> Self {
        Self { keys: &["resources"], may_be_left_out: false }
    }
}

impl SourceEntry {
    /// Where the list of its resources stands.
    pub fn lists(&self) -> ResourceLists {
        self.forms.map(|forms| forms.lists).unwrap_or_default()
    }
}

/// Fills in the credentials of a source by their keys in the section `credentials`. Gives those that are missing: the
/// pointer of their block, below the source, and the key.
pub type FillCredentials = fn(&mut Map<String, Value>, &Setting<'_>) -> Vec<(String, &'static str)>;

/// Looks up a setting by its key.
pub type Setting<'a> = dyn Fn(&str) -> Option<Value> + 'a;

/// Finds the place of a JSON pointer.
type FindPlace = dyn Fn(&str) -> At + Send + Sync;

/// Tells where something stands in the pipeline file.
#[derive(Clone, Default)]
pub struct Places(Option<Arc<FindPlace>>);

impl Places {
    /// Places by JSON pointer below the source.
    pub fn new(at: impl Fn(&str) -> At + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(at)))
    }

    /// Where the key at a pointer stands, or its nearest ancestor; nowhere for a source that comes from a program.
    pub fn at(&self, pointer: &str) -> At {
        self.0.as_ref().map(|at| at(pointer)).unwrap_or_default()
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Places")
    }
}

/// Where the answers to the requests of a source come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Exchanges {
    /// The network.
    #[default]
    Live,
    /// The network; requests and answers are written into this folder, without secrets.
    Recorded(PathBuf),
    /// A folder of recorded requests and answers; nothing goes over the network.
    Replayed(PathBuf),
}

impl Exchanges {
    /// The same in a folder below, for one of several sources.
    #[must_use]
    pub fn below(&self, name: &str) -> Self {
        match self {
            Self::Live => Self::Live,
            Self::Recorded(folder) => Self::Recorded(folder.join(escape_part(name))),
            Self::Replayed(folder) => Self::Replayed(folder.join(escape_part(name))),
        }
    }
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
    /// Where its keys stand, for errors.
    pub places: Places,
    /// Where the answers to its requests come from.
    pub exchanges: Exchanges,
    /// What its options hold of secrets that came from variables; recordings do not hold it.
    pub secrets: Vec<Secret>,
}

/// All kinds of sources.
pub const SOURCES: &[SourceEntry] = &[rest::ENTRY, sql::ENTRY, files::ENTRY, inline::ENTRY];

/// The kind of source with this name. Errors: there is none.
pub fn source_entry(name: &str) -> Result<&'static SourceEntry> {
    SOURCES
        .iter()
        .find(|entry| entry.name == name)
        .ok_or_else(|| unknown_name("source type", name, SOURCES.iter().map(|entry| entry.name)))
}
