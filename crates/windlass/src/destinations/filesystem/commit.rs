//! What a commit does to a folder, decided and written down before anything is touched.
//!
//! A folder has no transactions. So a commit is a list of steps that can be done again: once the list is in place of the
//! holder's lease (see [`super::lease`]) the load counts, and whoever finds the list finishes it, the holder or the next
//! run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::{Error, Result};

use super::inside::key_of;
use super::system_files;
use crate::failpoint::failpoint;
use crate::store::{Key, Store};

/// The steps of a commit. Paths are relative to the dataset's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Commit {
    /// The load.
    pub(super) load_id: String,
    /// The folder of the gathered files.
    pub(super) gathering: PathBuf,
    /// Files that are deleted: those of tables that are replaced or dropped, and versions of dropped schemas.
    pub(super) removed: Vec<PathBuf>,
    /// Gathered files and their places.
    pub(super) moved: Vec<Moved>,
    /// The state, if it is new.
    pub(super) state: Option<Record>,
    /// The record that shows that the load is complete.
    pub(super) load: Record,
}

/// A gathered file and its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moved {
    pub(super) table: String,
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
}

/// A system file and its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) path: PathBuf,
    pub(super) content: Value,
}

impl Commit {
    /// Does what is not done yet. May be called by several at once, and any number of times.
    pub(super) fn finish(&self, dataset: &dyn Store) -> Result<()> {
        // With the record in place the files are no longer ours: the next load may have replaced them.
        if self.is_recorded(dataset) {
            return Ok(());
        }
        match self.steps(dataset) {
            // Another run has finished it meanwhile, and tidied up.
            Err(_) if self.is_recorded(dataset) => Ok(()),
            result => result,
        }
    }

    /// Whether all of its steps are done: its load has a record.
    pub(super) fn is_recorded(&self, dataset: &dyn Store) -> bool {
        key_of(&self.load.path).is_ok_and(|key| exists(dataset, &key))
    }

    fn steps(&self, dataset: &dyn Store) -> Result<()> {
        // All paths first: lists of steps lie in the bucket, where others may write.
        let keys = |paths: &[PathBuf]| paths.iter().map(|path| key_of(path)).collect::<Result<Vec<_>>>();
        let removed = keys(&self.removed)?;
        let moved = self.moved.iter().map(|file| Ok((file, key_of(&file.from)?, key_of(&file.to)?)));
        let moved = moved.collect::<Result<Vec<_>>>()?;
        let state = self.state.iter().map(|state| Ok((state, key_of(&state.path)?)));
        let state = state.collect::<Result<Vec<_>>>()?;
        let (load, gathering) = (key_of(&self.load.path)?, key_of(&self.gathering)?);

        dataset.delete("filesystem.delete", &removed)?;
        failpoint("filesystem.replaced")?;
        let mut folders = BTreeSet::new();
        for (file, from, to) in &moved {
            dataset
                .place("filesystem.move", from, to)
                .map_err(|error| Error::from(error).at_table(&file.table))?;
            folders.extend(to.folder());
        }
        dataset.settle("filesystem.sync_folder", &folders)?;
        failpoint("filesystem.before_record")?;
        // The state first: it says what the rows cover, and all rows are in place by now.
        for (state, key) in &state {
            write("filesystem.state", dataset, &gathering, key, &state.content)?;
        }
        failpoint("filesystem.between_records")?;
        write("filesystem.load", dataset, &gathering, &load, &self.load.content)
    }
}

fn write(what: &str, dataset: &dyn Store, gathering: &Key, key: &Key, content: &Value) -> Result<()> {
    match system_files::write(what, dataset, gathering, key, content) {
        // A record appears as a whole, whoever writes it.
        Err(_) if exists(dataset, key) => Ok(()),
        result => result,
    }
}

fn exists(dataset: &dyn Store, key: &Key) -> bool {
    matches!(dataset.head(key), Ok(Some(_)))
}
