//! Turns at a database file in this process. The lock of the file keeps other processes out, and not other threads: two
//! databases of one process that are attached to one file overwrite each other's pages.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use windlass_core::Result;

use super::connection::Access;
use crate::extract::Cancel;

/// How often a thread that waits looks whether it is to stop.
const POLL: Duration = Duration::from_millis(50);

/// Who uses a file: any number of readers, or one writer.
#[derive(Debug, Default)]
struct Users {
    readers: usize,
    is_written: bool,
}

static FILES: Mutex<Option<HashMap<PathBuf, Users>>> = Mutex::new(None);
static FREED: Condvar = Condvar::new();

/// The right to open a file, until it is dropped: the connection has to be dropped before.
#[derive(Debug)]
pub(super) struct Turn {
    file: PathBuf,
    access: Access,
}

impl Turn {
    /// Waits until no other thread of this process has the file open in a way that excludes this one. Blocks.
    ///
    /// Errors: the run is to stop.
    pub(super) fn take(path: &Path, access: Access, cancel: &Cancel) -> Result<Self> {
        let file = place(path);
        let mut files = files();
        loop {
            cancel.check()?;
            let users = files.get_or_insert_default().entry(file.clone()).or_default();
            if !users.is_written && (access == Access::Read || users.readers == 0) {
                match access {
                    Access::Read => users.readers += 1,
                    Access::Write => users.is_written = true,
                }
                return Ok(Self { file, access });
            }
            files = FREED.wait_timeout(files, POLL).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut files = files();
        if let Some(known) = files.as_mut() {
            if let Some(users) = known.get_mut(&self.file) {
                match self.access {
                    Access::Read => users.readers = users.readers.saturating_sub(1),
                    Access::Write => users.is_written = false,
                }
            }
            known.retain(|_, users| users.is_written || users.readers > 0);
        }
        drop(files);
        FREED.notify_all();
    }
}

fn files() -> MutexGuard<'static, Option<HashMap<PathBuf, Users>>> {
    FILES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One name for one file, whether it exists or not, and whatever links lead to it.
fn place(path: &Path) -> PathBuf {
    if let Ok(found) = path.canonicalize() {
        return found;
    }
    let name = path.file_name().map(OsString::from).unwrap_or_default();
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder =
        folder.canonicalize().or_else(|_| std::path::absolute(folder)).unwrap_or_else(|_| folder.to_owned());
    folder.join(name)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn writers_take_turns_and_readers_wait_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let cancel = Cancel::default();
        let (inside, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for access in [Access::Write, Access::Write, Access::Read, Access::Write] {
                let (path, cancel, inside, most) = (&path, &cancel, &inside, &most);
                scope.spawn(move || {
                    for _ in 0..20 {
                        let turn = Turn::take(path, access, cancel).unwrap();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        std::thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(turn);
                    }
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn readers_share_and_files_are_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let cancel = Cancel::default();
        let first = Turn::take(&path, Access::Read, &cancel).unwrap();
        let second = Turn::take(&folder.path().join(".").join("a.duckdb"), Access::Read, &cancel).unwrap();
        let other = Turn::take(&folder.path().join("b.duckdb"), Access::Write, &cancel).unwrap();
        assert_eq!(files().as_ref().unwrap()[&place(&path)].readers, 2);
        drop((first, second, other));
        // A file that came to be meanwhile has the same place.
        let turn = Turn::take(&path, Access::Write, &cancel).unwrap();
        std::fs::write(&path, "").unwrap();
        assert_eq!(place(&path), turn.file);
    }

    #[test]
    fn a_stop_ends_the_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.duckdb");
        let cancel = Cancel::default();
        let held = Turn::take(&path, Access::Write, &cancel).unwrap();
        cancel.cancel();
        assert!(Turn::take(&path, Access::Read, &cancel).is_err());
        drop(held);
    }
}
