//! The lease of a pipeline as files in the hidden folder of its dataset: one for each token.
//!
//! A file is only ever created by who takes the lease, and a file that exists cannot be created again: of two runs that
//! want the same token, one gets it. The greatest token counts; each file is written by its own holder alone.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use windlass_core::lease::{Claim, Lease as Record};
use windlass_core::{Error, Result};

use super::system_files::entries;
use crate::destination::Lease;
use crate::destinations::aside;
use crate::files::{io_error, write_atomic};

/// Folder of all leases; no pipeline is called like this.
pub(super) const LEASES: &str = ".lease";

/// Times that taking a token is tried when others are faster.
const ATTEMPTS: usize = 3;

/// A lease that was taken.
#[derive(Clone, Debug)]
pub(super) struct FilesystemLease {
    folder: PathBuf,
    claim: Claim,
    token: i64,
    acquired_at: i64,
}

impl FilesystemLease {
    /// Takes the lease, whose files are below `hidden`. Errors: another run holds it; files cannot be written.
    pub(super) fn take(hidden: &Path, claim: &Claim, now: i64) -> Result<Self> {
        let folder = hidden.join(LEASES).join(&claim.pipeline);
        fs::create_dir_all(&folder).map_err(|cause| io_error("create", &folder, cause))?;
        for _ in 0..ATTEMPTS {
            let last = newest(&folder, claim)?;
            let next = claim.take(last.as_ref(), now)?;
            if create(&path(&folder, next.token), &next)? {
                let lease = Self { folder, claim: claim.clone(), token: next.token, acquired_at: now };
                lease.remove_older()?;
                return Ok(lease);
            }
        }
        Err(Error::conflict(format!("other runs of pipeline `{}` begin at the same time", claim.pipeline))
            .with_hint("run again, or use `--wait 60`"))
    }

    /// Errors: another run has taken over.
    pub(super) fn check(&self) -> Result<()> {
        self.claim.check(self.token, newest_token(&self.folder)?)
    }

    /// Checks and moves the end away. Errors: another run has taken over.
    pub(super) fn prolong(&self, now: i64) -> Result<()> {
        self.check()?;
        self.write(now, now.saturating_add(self.claim.micros))?;
        // Who took over between the check and the write has a greater token.
        self.check()
    }

    /// Ends the lease, if it was not taken over.
    pub(super) fn release(&self, now: i64) -> Result<()> {
        if self.check().is_err() { Ok(()) } else { self.write(now, now) }
    }

    fn write(&self, now: i64, expires_at: i64) -> Result<()> {
        let record = Record {
            token: self.token,
            holder: self.claim.holder.clone(),
            owner: self.claim.owner.clone(),
            acquired_at: self.acquired_at,
            renewed_at: now,
            expires_at,
        };
        write_atomic("filesystem.lease", &path(&self.folder, self.token), &encode(&record)?)
    }

    /// Removes what earlier holders left.
    fn remove_older(&self) -> Result<()> {
        for file in entries(&self.folder)? {
            if token_of(&file).is_some_and(|token| token < self.token) {
                match fs::remove_file(&file) {
                    Err(cause) if cause.kind() != ErrorKind::NotFound => {
                        return Err(io_error("remove", &file, cause));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Lease for FilesystemLease {
    async fn renew(&self, now: i64) -> Result<()> {
        let lease = self.clone();
        aside(move || lease.prolong(now)).await
    }
}

fn path(folder: &Path, token: i64) -> PathBuf {
    folder.join(format!("{token}.json"))
}

fn token_of(path: &Path) -> Option<i64> {
    path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok()
}

fn newest_token(folder: &Path) -> Result<Option<i64>> {
    Ok(entries(folder)?.iter().filter_map(|path| token_of(path)).max())
}

/// The newest lease.
fn newest(folder: &Path, claim: &Claim) -> Result<Option<Record>> {
    while let Some(token) = newest_token(folder)? {
        let path = path(folder, token);
        match fs::read(&path) {
            Ok(bytes) => {
                return Ok(Some(
                    serde_json::from_slice(&bytes).unwrap_or_else(|_| begun(&path, token, claim)),
                ));
            }
            // The next holder has removed it, and has a file of its own.
            Err(cause) if cause.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(io_error("read", &path, cause)),
        }
    }
    Ok(None)
}

/// A lease that was just created, or whose holder died while it wrote: the file's own time says when that was.
fn begun(path: &Path, token: i64, claim: &Claim) -> Record {
    let modified = fs::metadata(path).and_then(|file| file.modified()).ok();
    let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    let acquired_at = i64::try_from(since.as_micros()).unwrap_or(0);
    Record {
        token,
        owner: "a run that has just begun".to_owned(),
        acquired_at,
        expires_at: acquired_at.saturating_add(claim.micros),
        ..Record::default()
    }
}

/// Creates a file with this content. False if it exists.
fn create(path: &Path, record: &Record) -> Result<bool> {
    let failed = |cause| io_error("write", path, cause);
    match File::options().write(true).create_new(true).open(path) {
        Ok(mut file) => {
            file.write_all(&encode(record)?).map_err(failed)?;
            file.sync_all().map_err(failed)?;
            Ok(true)
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(cause) => Err(failed(cause)),
    }
}

fn encode(record: &Record) -> Result<Vec<u8>> {
    serde_json::to_vec(record)
        .map_err(|cause| Error::internal("a lease cannot be written").with_source(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(holder: &str) -> Claim {
        Claim { pipeline: "p".into(), holder: holder.into(), owner: holder.into(), micros: 1000 }
    }

    #[test]
    fn a_lease_that_has_ended_is_taken_over_and_its_holder_finds_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = FilesystemLease::take(folder.path(), &claim("a"), 10).unwrap();
        FilesystemLease::take(folder.path(), &claim("b"), 500).unwrap_err();
        first.prolong(900).unwrap();
        FilesystemLease::take(folder.path(), &claim("b"), 1500).unwrap_err();
        let second = FilesystemLease::take(folder.path(), &claim("b"), 2000).unwrap();
        assert_eq!((first.token, second.token), (1, 2));
        for lost in [first.check(), first.prolong(2001)] {
            assert_eq!(lost.unwrap_err().kind(), windlass_core::ErrorKind::Conflict);
        }
        first.release(2002).unwrap();
        second.check().unwrap();
        second.release(2003).unwrap();
        assert_eq!(FilesystemLease::take(folder.path(), &claim("a"), 2003).unwrap().token, 3);
    }

    #[test]
    fn one_of_many_gets_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let path = folder.path();
                    scope.spawn(move || FilesystemLease::take(path, &claim(&format!("h{n}")), 10).is_ok())
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).filter(|is_taken| *is_taken).count()
        });
        assert_eq!(taken, 1);
    }

    #[test]
    fn a_file_without_content_is_held_for_as_long_as_a_lease() {
        let folder = tempfile::tempdir().unwrap();
        let leases = folder.path().join(LEASES).join("p");
        fs::create_dir_all(&leases).unwrap();
        fs::write(leases.join("4.json"), "").unwrap();
        let written = fs::metadata(leases.join("4.json")).unwrap().modified().unwrap();
        let written = i64::try_from(written.duration_since(UNIX_EPOCH).unwrap().as_micros()).unwrap();
        FilesystemLease::take(folder.path(), &claim("b"), written + 999).unwrap_err();
        assert_eq!(FilesystemLease::take(folder.path(), &claim("b"), written + 1000).unwrap().token, 5);
    }
}
