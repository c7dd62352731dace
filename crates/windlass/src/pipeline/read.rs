//! Reading without loading: into a folder that is gone afterwards.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use indexmap::IndexMap;
use serde::Serialize;
use windlass_core::path_part::escape_part;
use windlass_core::schema::SystemNames;
use windlass_core::state::State;
use windlass_core::{Error, Result};

use super::content::owned;
use super::cursors::Cursors;
use super::prepare::{PreparedSource, given_tables};
use super::warnings::overwritten;
use super::{Pipeline, RunOptions};
use crate::extract::{self, Extracted, Extraction};
use crate::files::io_error;
use crate::private;
use crate::removal::remove_piece_by_piece;
use crate::source::{Limit, Source, SourceContext};

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Rows by table.
    pub rows: IndexMap<String, u64>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// Whether some partitions could not be read.
    pub is_partial: bool,
}

impl Pipeline {
    /// Reads all sources as the first run would, and loads nothing; the destination is not asked.
    ///
    /// Errors: those of reading.
    pub async fn read(&self, sources: &[Box<dyn Source>], options: &RunOptions) -> Result<Reading> {
        let mut reading = Reading::default();
        for source in sources {
            let mut prepared = self.prepare(source.as_ref(), None, options).await?;
            let names = SystemNames::new(&prepared.naming)?;
            let extracted =
                self.read_prepared(source.as_ref(), &mut prepared, &State::new(&self.name)).await?;
            let rows = extracted.made.rows.iter().filter(|(table, _)| !table.starts_with(&names.prefix));
            for (table, count) in rows {
                *reading.rows.entry(table.clone()).or_default() += count;
            }
            reading.is_partial |= extracted.left.values().any(|left| !left.failed.is_empty());
            reading.warnings.extend(left_unread(&extracted));
            reading.warnings.extend(overwritten(&extracted));
            reading.warnings.extend(extracted.notices.iter().cloned());
        }
        Ok(reading)
    }

    /// Asks every resource of all sources for a record, as the first run would, and loads nothing; gives their names.
    ///
    /// Errors: those of reading.
    pub async fn probe(&self, sources: &[Box<dyn Source>]) -> Result<Vec<String>> {
        let options = RunOptions { limit: Some(1), ..RunOptions::default() };
        let mut names = Vec::new();
        for source in sources {
            let mut prepared = self.prepare(source.as_ref(), None, &options).await?;
            for entry in &mut prepared.resources {
                // Those that are made from others are asked for one record as well.
                entry.resource.limit = Some(Limit::Records(1));
                names.push(entry.resource.name.clone());
            }
            let state = State::new(&self.name);
            let extracted = Box::pin(self.read_prepared(source.as_ref(), &mut prepared, &state)).await?;
            if let Some(failed) = extracted.left.values().flat_map(|left| &left.failed).next() {
                let text = format!("partition {} cannot be read: {}", failed.partition, failed.error);
                return Err(Error::source_failed(text).at_resource(&failed.resource));
            }
        }
        Ok(names)
    }

    /// Reads a source from where the state says into files that nobody keeps.
    pub(super) async fn read_prepared(
        &self,
        source: &dyn Source,
        prepared: &mut PreparedSource,
        state: &State,
    ) -> Result<Extracted> {
        let mut resources = std::mem::take(&mut prepared.resources);
        Cursors::open(source.name(), &mut resources, state, &prepared.naming)?;
        let given = owned(given_tables(&resources));
        source.begin(&state.source_state(source.name())).await?;
        let scratch = Scratch::new(source.name())?;
        let load_id = self.env.new_load_id();
        let context = SourceContext { folder: self.folder.clone() };
        let mut normalize = self.normalize_settings(&prepared.schema, prepared.naming, &load_id)?;
        normalize.ctx.declared.clone_from(&prepared.declared_types);
        normalize.ctx.given_tables = given;
        let extracted = extract::run(Extraction {
            source,
            context: &context,
            resources,
            package: scratch.path().to_owned(),
            load_id: load_id.clone(),
            normalize,
            formats: self.table_formats(&prepared.schema)?,
            settings: self.settings.extract,
            record_limit: self.settings.record_limit(),
            progress: Arc::clone(&self.progress),
            cancel: self.cancel.clone(),
            fingerprint: None,
            checkpoint: None,
        });
        // The future is large.
        Box::pin(extracted).await
    }
}

/// Warnings about what could not be read.
pub(super) fn left_unread(extracted: &Extracted) -> Vec<String> {
    let mut warnings = Vec::new();
    for left in extracted.left.values() {
        warnings.extend(left.failed.iter().map(|failed| {
            format!(
                "resource `{}`: partition {} cannot be read: {}",
                failed.resource, failed.partition, failed.error
            )
        }));
        warnings.extend(left.unfinished.iter().map(|end| format!("reading ends early: {}", end.reason)));
    }
    warnings
}

/// A folder that is gone when this is dropped.
struct Scratch(PathBuf);

/// Tells apart the folders of one process.
static SCRATCH_NUMBER: AtomicU64 = AtomicU64::new(0);

impl Scratch {
    fn new(name: &str) -> Result<Self> {
        let (process, name) = (std::process::id(), escape_part(name));
        loop {
            let number = SCRATCH_NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("windlass-plan-{process}-{number}-{name}"));
            // Everybody may write to the folder above: what is there already is somebody else's.
            match fs::create_dir(&path) {
                Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(cause) => return Err(io_error("create", &path, cause)),
                Ok(()) => {
                    let scratch = Self(path);
                    let made = private::keep_to_owner(scratch.path())
                        .and_then(|()| private::create_folders(&scratch.path().join("jobs")));
                    made.map_err(|cause| io_error("create", scratch.path(), cause))?;
                    return Ok(scratch);
                }
            }
        }
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system's own cleaning of temporary files.
        drop(remove_piece_by_piece("plan.remove", &self.0));
    }
}
