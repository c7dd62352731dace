//! Small helpers around the file system: atomic writes, and errors that name the path.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use windlass_core::{Error, Result};

use crate::failpoint::{SPLITS_WRITES, failpoint_at};
use crate::private;

/// An error that says what could not be done with which path.
pub(crate) fn io_error(what: &str, path: &Path, cause: io::Error) -> Error {
    io_error_at(what, &path.display().to_string(), cause)
}

/// The same for a path or another address that is a text.
pub(crate) fn io_error_at(what: &str, location: &str, cause: io::Error) -> Error {
    let hint = match cause.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            Some("check who may write there, or choose another folder")
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
            Some("free some space or choose another disk, then run again: nothing is lost")
        }
        io::ErrorKind::NotFound => Some("check the path"),
        io::ErrorKind::NotADirectory => Some("check the path: a part of it is a file"),
        _ => None,
    };
    let error = Error::destination(format!("cannot {what} {location}")).with_source(cause);
    match hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    }
}

/// The whole text of a file.
pub(crate) fn read_to_string(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|cause| io_error("read", path, cause))
}

/// A folder by its path without links; as it is if the system does not tell.
pub(crate) fn real_folder(folder: &Path) -> PathBuf {
    fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned())
}

/// Creates the file that is written first.
type Create = fn(&Path) -> io::Result<File>;

/// Writes a file so that it is there as a whole or not at all, also after a crash. `what` names it in failpoints.
pub(crate) fn write_atomic(what: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    write(what, &temporary(path), path, bytes, |path| File::create(path))
}

/// The same for a file that only its owner may read.
pub(crate) fn write_private(what: &str, path: &Path, bytes: &[u8]) -> Result<()> {
    write(what, &temporary(path), path, bytes, private::create_file)
}

/// As [`write_atomic`] with a temporary file of this path, on the same file system; a crash may leave it behind.
pub(crate) fn write_atomic_by_way_of(what: &str, temporary: &Path, path: &Path, bytes: &[u8]) -> Result<()> {
    write(what, temporary, path, bytes, |path| File::create(path))
}

fn temporary(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".tmp");
    path.with_file_name(name)
}

fn write(what: &str, temporary: &Path, path: &Path, bytes: &[u8], create: Create) -> Result<()> {
    let failed = |cause| io_error("write", path, cause);
    failpoint_at(what, "create")?;
    let mut file = create(temporary).map_err(failed)?;
    let (head, tail) = bytes.split_at(if SPLITS_WRITES { bytes.len() / 2 } else { 0 });
    file.write_all(head).map_err(failed)?;
    failpoint_at(what, "write")?;
    file.write_all(tail).map_err(failed)?;
    failpoint_at(what, "sync")?;
    file.sync_all().map_err(failed)?;
    failpoint_at(what, "rename")?;
    fs::rename(temporary, path).map_err(failed)?;
    failpoint_at(what, "sync_folder")?;
    match path.parent() {
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Files from which on it is faster to make all of their file system durable than one after the other.
const MANY_FILES: usize = 32;

/// Makes the content of files durable, all of them in one folder; `failpoint` is passed before each step.
pub(crate) fn sync_files(
    folder: &Path,
    files: &[PathBuf],
    mut failpoint: impl FnMut() -> Result<()>,
) -> Result<()> {
    if files.len() >= MANY_FILES {
        failpoint()?;
        if sync_file_system(folder) {
            return Ok(());
        }
    }
    files.iter().try_for_each(|path| {
        failpoint()?;
        let synced = File::open(path).and_then(|file| file.sync_data());
        synced.map_err(|cause| io_error("write", path, cause))
    })
}

/// Whether all files of the file system that holds the folder are durable now. Where this cannot be done, or did not go
/// well, each file has to say what became of it.
#[cfg(target_os = "linux")]
fn sync_file_system(folder: &Path) -> bool {
    File::open(folder).is_ok_and(|handle| rustix::fs::syncfs(handle).is_ok())
}

#[cfg(not(target_os = "linux"))]
fn sync_file_system(_: &Path) -> bool {
    false
}

/// Makes the names in folders durable; `failpoint` is passed before each step.
pub(crate) fn sync_folders(
    folders: &BTreeSet<PathBuf>,
    mut failpoint: impl FnMut() -> Result<()>,
) -> Result<()> {
    let mut by_disk: BTreeMap<Option<u64>, Vec<&PathBuf>> = BTreeMap::new();
    folders.iter().for_each(|folder| by_disk.entry(disk_of(folder)).or_default().push(folder));
    for (disk, folders) in by_disk {
        if disk.is_some() && folders.len() >= MANY_FILES {
            failpoint()?;
            if sync_file_system(folders[0]) {
                continue;
            }
        }
        for folder in folders {
            failpoint()?;
            sync_folder(folder)?;
        }
    }
    Ok(())
}

/// The number of the disk that a folder is on, where there is one.
#[cfg(unix)]
fn disk_of(folder: &Path) -> Option<u64> {
    std::os::unix::fs::MetadataExt::dev(&fs::metadata(folder).ok()?).into()
}

#[cfg(not(unix))]
fn disk_of(_: &Path) -> Option<u64> {
    None
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<()> {
    // Only some systems can open a folder; where not, there is nothing to sync.
    match File::open(folder) {
        Ok(handle) => handle.sync_all().map_err(|cause| io_error("sync", folder, cause)),
        Err(_) => Ok(()),
    }
}
