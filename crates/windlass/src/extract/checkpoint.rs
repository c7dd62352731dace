//! Checkpoints of an open package: what is durable of an extraction, and how it is taken up again.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use windlass_core::Result;
use windlass_core::package::{Checkpoint, Made};

use super::CheckpointSettings;
use crate::failpoint::failpoint;
use crate::files::{io_error, sync_folders};
use crate::packages;
use crate::removal::remove_file;

/// The part of a long run's time after which a checkpoint is due: 50 stands for two percent.
const PART_OF_RUN: u32 = 50;

/// When the next checkpoint is due.
#[derive(Debug)]
pub(super) struct Schedule {
    settings: CheckpointSettings,
    begun: Instant,
    last: Instant,
    bytes: u64,
    pages: u64,
}

impl Schedule {
    pub(super) fn new(settings: CheckpointSettings) -> Self {
        let now = Instant::now();
        Self { settings, begun: now, last: now, bytes: 0, pages: 0 }
    }

    /// Counts a page that was read.
    pub(super) fn count(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.pages += 1;
    }

    pub(super) fn is_due(&self) -> bool {
        self.pages > 0
            && (self.bytes >= self.settings.bytes
                || self.last.elapsed() >= interval(self.settings.interval, self.begun.elapsed()))
    }

    pub(super) fn restart(&mut self) {
        (self.last, self.bytes, self.pages) = (Instant::now(), 0, 0);
    }
}

/// The time between two checkpoints of a run that takes so long already.
fn interval(shortest: Duration, run: Duration) -> Duration {
    shortest.max(if shortest.is_zero() { shortest } else { run / PART_OF_RUN })
}

/// Makes a checkpoint durable, and the names of the files that it lists.
pub(super) fn write(package: &Path, checkpoint: &Checkpoint) -> Result<()> {
    let files = checkpoint.made.files();
    let mut folders: BTreeSet<_> =
        files.filter_map(|file| package.join(file).parent().map(Path::to_owned)).collect();
    folders.extend(["jobs", "spool"].map(|name| package.join(name)).into_iter().filter(|path| path.is_dir()));
    folders.extend(package.parent().map(Path::to_owned));
    sync_folders(&folders, || failpoint("checkpoint.sync_files"))?;
    packages::write_checkpoint(package, checkpoint)
}

/// Removes the files that were written after a checkpoint, which are not among what was made until then.
pub(super) fn remove_later_files(package: &Path, made: &Made) -> Result<()> {
    let known: BTreeSet<_> = made.files().map(|file| package.join(file)).collect();
    let mut folders = vec![package.join("jobs"), package.join("rejects")];
    while let Some(folder) = folders.pop() {
        let failed = |cause| io_error("read", &folder, cause);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            Err(cause) => return Err(failed(cause)),
        };
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if !known.contains(&path) {
                remove_file("checkpoint", &path)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_make_fewer_checkpoints() {
        let after = |run| interval(Duration::from_secs(5), Duration::from_secs(run)).as_secs();
        assert_eq!([0, 250, 10_800].map(after), [5, 5, 216]);
        assert!(interval(Duration::ZERO, Duration::from_secs(10_800)).is_zero());
    }

    #[test]
    fn a_checkpoint_is_due_by_time_or_bytes_once_there_are_pages() {
        let settings = |seconds, bytes| CheckpointSettings { interval: Duration::from_secs(seconds), bytes };
        let mut schedule = Schedule::new(settings(0, 100));
        assert!(!schedule.is_due());
        schedule.count(1);
        assert!(schedule.is_due());
        schedule.restart();
        assert!(!schedule.is_due());
        let mut schedule = Schedule::new(settings(3600, 100));
        schedule.count(99);
        assert!(!schedule.is_due());
        schedule.count(1);
        assert!(schedule.is_due());
    }
}
