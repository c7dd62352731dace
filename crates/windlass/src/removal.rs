//! Removing folders: first out of the way by one rename, then piece by piece.
//!
//! A run may die between any two steps. What has been renamed is nobody's any more, so that half of it means nothing;
//! it is swept with the next removal. Links are removed themselves, never what they lead to.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use windlass_core::Result;

use crate::failpoint::{SPLITS_WRITES, failpoint_at};
use crate::files::{io_error, sync_folder};

/// Begins the names of folders that are being removed.
const BEING_REMOVED: &str = ".removed-";

/// Whether this is what a removal that was broken off has left.
pub(crate) fn is_being_removed(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(BEING_REMOVED))
}

/// Removes a folder and all that is in it, if it is there; from its first step on it is not there any more. `what` names
/// the removal in failpoints.
pub(crate) fn remove_folder(what: &str, folder: &Path) -> Result<()> {
    let mut name = std::ffi::OsString::from(BEING_REMOVED);
    name.push(folder.file_name().unwrap_or_default());
    let aside = folder.with_file_name(name);
    remove_piece_by_piece(what, &aside)?;
    failpoint_at(what, "rename")?;
    match fs::rename(folder, &aside) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(()),
        result => result.map_err(|cause| io_error("remove", folder, cause))?,
    }
    if let Some(parent) = folder.parent() {
        failpoint_at(what, "sync_folder")?;
        sync_folder(parent)?;
    }
    remove_piece_by_piece(what, &aside)
}

/// Removes a folder of which nobody minds if only half of it is left, or one that is out of the way.
pub(crate) fn remove_piece_by_piece(what: &str, path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(io_error("remove", path, cause)),
        Ok(found) if !found.is_dir() => remove_file(what, path),
        // Without failpoints the library does the same, and holds the folders open while it does.
        Ok(_) if !SPLITS_WRITES => gone(path, fs::remove_dir_all(path)),
        Ok(_) => {
            for entry in sorted(path)? {
                remove_piece_by_piece(what, &entry)?;
            }
            failpoint_at(what, "remove_folder")?;
            gone(path, fs::remove_dir(path))
        }
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove_file(what: &str, path: &Path) -> Result<()> {
    failpoint_at(what, "remove_file")?;
    gone(path, fs::remove_file(path))
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |cause| io_error("read", folder, cause);
    let entries = fs::read_dir(folder).map_err(failed)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries = entries.collect::<std::io::Result<Vec<_>>>().map_err(failed)?;
    entries.sort();
    Ok(entries)
}

/// What is gone already need not be removed.
fn gone(path: &Path, result: std::io::Result<()>) -> Result<()> {
    match result {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(io_error("remove", path, cause)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_removal_left_is_swept_by_the_next_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let (victim, folder) = (root.path().join("victim"), root.path().join("a"));
        fs::create_dir_all(&victim).unwrap();
        fs::write(victim.join("precious"), "x").unwrap();
        let left = root.path().join(".removed-a/deep");
        fs::create_dir_all(&left).unwrap();
        fs::create_dir_all(folder.join("b")).unwrap();
        fs::write(folder.join("b/f"), "").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(&victim, folder.join("b/link")).unwrap();
        assert!(is_being_removed(left.parent().unwrap()) && !is_being_removed(&folder));
        remove_folder("test", &folder).unwrap();
        remove_folder("test", &folder).unwrap();
        let names: Vec<_> = fs::read_dir(root.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["victim"]);
        assert!(victim.join("precious").exists());
    }
}
