//! Packages that cannot be read any more: a file is missing, cut off or something else.
//!
//! They are told apart from the others, so that no listing fails by one of them, and they can always be given up.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_core::package::{Job, Journal};
use windlass_core::path_part::flaw_of_path;
use windlass_core::{Code, Error, ErrorKind, Result};

use super::{JOURNAL, MANIFEST, read_journal};
use crate::removal::remove_folder;

/// What the folder of a package is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// It is being filled, or the run that filled it died.
    Open,
    /// It was complete, whatever became of it since.
    Sealed,
}

impl Form {
    /// A package is sealed by its manifest; a journal begins after that, and tells of one whose manifest was lost.
    pub(super) fn of(folder: &Path) -> Self {
        let is_there = |name: &str| fs::symlink_metadata(folder.join(name)).is_ok();
        if is_there(MANIFEST) || is_there(JOURNAL) { Self::Sealed } else { Self::Open }
    }
}

/// A package that cannot be read.
#[derive(Debug)]
pub struct DamagedPackage {
    folder: PathBuf,
    load_id: String,
    /// Whether it was loaded or given up before, so that nothing is missing.
    pub is_finished: bool,
    /// What is wrong with it, and what to do.
    pub error: Error,
}

impl DamagedPackage {
    /// A package of this folder that could not be read for this reason.
    pub(super) fn new(folder: PathBuf, error: Error) -> Self {
        let load_id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let journal = read_journal(&folder.join(JOURNAL)).unwrap_or_else(|_| Journal::default());
        Self { folder, load_id, is_finished: journal.is_finished(), error }
    }

    /// The load, by the name of its folder.
    pub fn load_id(&self) -> &str {
        &self.load_id
    }

    /// The error that ends what would have to load it.
    pub fn into_error(self) -> Error {
        let error = Error::of(
            Code::DamagedPackage,
            format!("load package {} cannot be read: {}", self.load_id, self.error.message()),
        );
        let at = self.error.place().clone();
        let hint = self.error.hint().map(str::to_owned);
        let error = error.at(at).with_source(self.error);
        match hint {
            Some(hint) => error.with_hint(hint),
            None => error,
        }
    }

    /// Removes what is left of it.
    pub(crate) fn remove(&self) -> Result<()> {
        remove_folder("package.remove", &self.folder)
    }
}

/// The error for a file of a package that is not what it should be.
pub(super) fn damaged(path: &Path, cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    with_remedy(
        Error::of(Code::DamagedPackage, "a file of a load package is damaged").with_source(cause),
        path,
    )
}

fn with_remedy(error: Error, path: &Path) -> Error {
    error.at_file(path.display().to_string()).with_hint(
        "restore the file, or give the package up by `windlass pipeline drop-pending NAME`: its data is extracted again",
    )
}

/// Reads a file of a package as JSON. Errors: it is missing, or damaged.
pub(super) fn read_part(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join(name);
    match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| damaged(&path, cause)),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
            Err(with_remedy(Error::of(Code::DamagedPackage, "a file of a load package is missing"), &path))
        }
        Err(cause) => Err(with_remedy(
            Error::new(ErrorKind::Data, "a file of a load package cannot be read").with_source(cause),
            &path,
        )),
    }
}

/// Errors: a file of rows that a package lists does not lie in it, or is missing though it is still to be loaded.
pub(super) fn check_jobs(folder: &Path, jobs: &[Job], is_finished: bool) -> Result<()> {
    for job in jobs {
        let path = folder.join(&job.file);
        if let Some(flaw) = flaw_of_path(&job.file) {
            let flaw = Error::data(format!("the path of a file of rows {flaw}"));
            return Err(damaged(&folder.join(MANIFEST), flaw));
        }
        if !is_finished && !path.is_file() {
            return Err(with_remedy(
                Error::of(Code::DamagedPackage, "a file of rows of a load package is missing"),
                &path,
            ));
        }
    }
    Ok(())
}
