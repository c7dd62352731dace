//! What a commit does to a folder, decided and written down before anything is touched.
//!
//! A folder has no transactions. So a commit is a list of steps that can be done again: once the list is in place of the
//! holder's lease (see [`super::lease`]) the load counts, and whoever finds the list finishes it, the holder or the next
//! run.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use windlass_core::Result;

use super::inside::{check_no_link, check_relative};
use super::system_files;
use crate::failpoint::failpoint;
use crate::files::{io_error, sync_folders};
use crate::private;

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
    pub(super) fn finish(&self, dataset: &Path) -> Result<()> {
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
    pub(super) fn is_recorded(&self, dataset: &Path) -> bool {
        dataset.join(&self.load.path).exists()
    }

    /// Errors: a path that does not stay below the dataset. Lists of steps lie in the bucket, where others may write.
    fn check(&self) -> Result<()> {
        let moved = self.moved.iter().flat_map(|file| [&file.from, &file.to]);
        let records = self.state.iter().chain([&self.load]).map(|record| &record.path);
        let mut paths = self.removed.iter().chain(moved).chain(records).chain([&self.gathering]);
        paths.try_for_each(|path| check_relative(path))
    }

    fn steps(&self, dataset: &Path) -> Result<()> {
        self.check()?;
        for path in &self.removed {
            failpoint("filesystem.delete")?;
            check_no_link(dataset, path)?;
            let path = dataset.join(path);
            match fs::remove_file(&path) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => {
                    return Err(io_error("delete", &path, cause));
                }
                _ => {}
            }
        }
        failpoint("filesystem.replaced")?;
        let mut folders = BTreeSet::new();
        for file in &self.moved {
            failpoint("filesystem.move")?;
            let to = dataset.join(&file.to);
            open_like_others(&dataset.join(&file.from)).map_err(|error| error.at_table(&file.table))?;
            move_into_place(&dataset.join(&file.from), &to).map_err(|error| error.at_table(&file.table))?;
            folders.extend(to.parent().map(Path::to_owned));
        }
        sync_folders(&folders, || failpoint("filesystem.sync_folder"))?;
        failpoint("filesystem.before_record")?;
        // The state first: it says what the rows cover, and all rows are in place by now.
        if let Some(state) = &self.state {
            self.write("filesystem.state", dataset, state)?;
        }
        failpoint("filesystem.between_records")?;
        self.write("filesystem.load", dataset, &self.load)
    }

    fn write(&self, what: &str, dataset: &Path, record: &Record) -> Result<()> {
        let path = dataset.join(&record.path);
        match system_files::write(what, &dataset.join(&self.gathering), &path, &record.content) {
            // A record appears as a whole, whoever writes it.
            Err(_) if path.exists() => Ok(()),
            result => result,
        }
    }
}

/// Files of a package are for their owner alone; those of the bucket are for whom it is for.
fn open_like_others(gathered: &Path) -> Result<()> {
    match gathered.parent().map(|folder| private::open_as_folder(gathered, folder)) {
        Some(Err(cause)) if cause.kind() != ErrorKind::NotFound => Err(io_error("open", gathered, cause)),
        // It was moved before.
        _ => Ok(()),
    }
}

fn move_into_place(from: &Path, to: &Path) -> Result<()> {
    let failed = |cause| io_error("write", to, cause);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|cause| io_error("create", folder, cause))?;
    }
    match fs::rename(from, to) {
        Ok(()) => Ok(()),
        Err(_) if !from.exists() && to.exists() => Ok(()),
        // A part of the layout may be another disk.
        Err(cause) if cause.kind() == ErrorKind::CrossesDevices => {
            fs::copy(from, to).map_err(failed)?;
            fs::File::open(to).and_then(|target| target.sync_all()).map_err(failed)
        }
        Err(cause) => Err(failed(cause)),
    }
}
