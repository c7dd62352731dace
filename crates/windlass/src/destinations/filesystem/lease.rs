//! The lease of a pipeline as files in the hidden folder of its dataset: one for each token.
//!
//! A file is only ever created by who takes the lease, and a file that exists cannot be created again: of two runs that
//! want the same token, one gets it. The greatest token counts; each file is written by its own holder alone.
//!
//! Each token ends once: by a file `<token>.end` that either its holder puts there, with the commit of its load in it, or
//! who takes over. The one who comes second finds the other's file. So a holder that was thought dead cannot commit any
//! more, and a commit that is in place is finished by whoever takes over before it takes its own token.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use windlass_core::lease::{Claim, Lease as Record};
use windlass_core::{Error, Result};

use super::commit::Commit;
use super::inside::key_of;
use super::system_files::files_in;
use crate::destination::Lease;
use crate::destinations::aside;
use crate::store::{Created, Key, Store, Write};

/// Folder of all leases; no pipeline is called like this.
pub(super) const LEASES: &str = ".lease";

/// Times that taking a token is tried when others are faster.
const ATTEMPTS: usize = 3;

/// A lease that was taken.
#[derive(Clone, Debug)]
pub(super) struct FilesystemLease {
    files: Files,
    claim: Claim,
    /// The token, which goes on with each load that is committed.
    token: Arc<AtomicI64>,
    acquired_at: i64,
}

/// The files of a pipeline's leases.
#[derive(Clone, Debug)]
struct Files {
    dataset: Arc<dyn Store>,
    folder: Key,
}

/// How a token ended.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum End {
    /// Another run took over.
    TakenOver,
    /// Its holder committed a load.
    Committed(Box<Commit>),
}

impl FilesystemLease {
    /// Takes the lease, whose files are below `hidden`, and finishes a commit that its last holder has begun.
    ///
    /// Errors: another run holds it; files cannot be written.
    pub(super) fn take(dataset: &Arc<dyn Store>, hidden: &Key, claim: &Claim, now: i64) -> Result<Self> {
        let folder = hidden.child(LEASES)?.child(&claim.pipeline)?;
        dataset.make_folder(&folder)?;
        let files = Files { dataset: Arc::clone(dataset), folder };
        for _ in 0..ATTEMPTS {
            let last = files.newest(claim)?;
            let next = claim.take(last.as_ref(), now)?;
            if let Some(last) = &last {
                let end = files.put_end(&files.folder, last.token, &claim.holder, &End::TakenOver)?;
                if let Some(End::Committed(commit)) = end {
                    dataset.settle("filesystem.end.sync_folder", &[files.folder.clone()].into())?;
                    commit.finish(&**dataset)?;
                }
            }
            if files.create(&next)? {
                let token = Arc::new(AtomicI64::new(next.token));
                let lease = Self { files, claim: claim.clone(), token, acquired_at: now };
                lease.remove_older()?;
                return Ok(lease);
            }
        }
        Err(Error::conflict(format!("other runs of pipeline `{}` begin at the same time", claim.pipeline))
            .with_hint("run again, or use `--wait 60`"))
    }

    fn token(&self) -> i64 {
        self.token.load(Ordering::SeqCst)
    }

    /// Errors: another run has taken over.
    pub(super) fn check(&self) -> Result<()> {
        self.claim.check(self.token(), self.files.newest_token()?)
    }

    /// Puts a commit in place: from here on it is finished, by this run or the next.
    ///
    /// Errors: another run has taken over; then nothing is committed.
    pub(super) fn seal(&self, commit: &Commit) -> Result<()> {
        let (files, token) = (&self.files, self.token());
        let end = End::Committed(Box::new(commit.clone()));
        match files.put_end(&key_of(&commit.gathering)?, token, &self.claim.holder, &end)? {
            None => {}
            Some(End::Committed(known)) if known.load_id == commit.load_id => {}
            Some(_) => return Err(self.claim.lost()),
        }
        match self.check() {
            // Who took over has found the commit and finished it before it took the next token.
            Err(_) if commit.is_recorded(&*files.dataset) => Ok(()),
            // A later holder removes what earlier ones left, so that there was room for the file once more.
            result => result.inspect_err(|_| drop(files.remove_end(token))),
        }
    }

    /// Whether a commit may have been put in place that is not known to be finished: it was, or that cannot be told.
    pub(super) fn may_be_sealed(&self) -> bool {
        let end = self.files.end(self.token());
        end.is_ok_and(|end| !matches!(self.files.dataset.head(&end), Ok(None)))
    }

    /// Takes the next token, after a commit. Errors: files cannot be written.
    pub(super) fn go_on(&self, now: i64) -> Result<()> {
        let next = self.token() + 1;
        if self.files.create(&self.record(next, now, now.saturating_add(self.claim.micros)))? {
            self.token.store(next, Ordering::SeqCst);
            return self.remove_older();
        }
        // Another run has taken over since; what was committed counts all the same.
        Ok(())
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

    fn record(&self, token: i64, now: i64, expires_at: i64) -> Record {
        Record {
            token,
            holder: self.claim.holder.clone(),
            owner: self.claim.owner.clone(),
            acquired_at: self.acquired_at,
            renewed_at: now,
            expires_at,
        }
    }

    fn write(&self, now: i64, expires_at: i64) -> Result<()> {
        let token = self.token();
        let (key, draft) = (self.files.of(token)?, self.files.named(&format!("{token}.json.tmp"))?);
        let bytes = encode(&self.record(token, now, expires_at))?;
        let write = Write { what: "filesystem.lease", key: &key, draft: &draft, bytes: &bytes };
        Ok(self.files.dataset.put(write)?)
    }

    /// Removes what earlier holders left.
    fn remove_older(&self) -> Result<()> {
        let mut files = files_in(&*self.files.dataset, &self.files.folder)?;
        files.retain(|key| {
            // Files that a kill left half written have longer names.
            let name = key.name().to_str().unwrap_or_default();
            let token: Option<i64> = name.split('.').next().and_then(|token| token.parse().ok());
            token.is_some_and(|token| token < self.token())
        });
        Ok(self.files.dataset.delete("filesystem.lease.remove_file", &files)?)
    }
}

#[async_trait]
impl Lease for FilesystemLease {
    async fn renew(&self, now: i64) -> Result<()> {
        let lease = self.clone();
        aside(move || lease.prolong(now)).await
    }
}

impl Files {
    fn named(&self, name: &str) -> Result<Key> {
        Ok(self.folder.child(name)?)
    }

    /// The file of a lease.
    fn of(&self, token: i64) -> Result<Key> {
        self.named(&format!("{token}.json"))
    }

    /// The file that ends a token.
    fn end(&self, token: i64) -> Result<Key> {
        self.named(&format!("{token}.end"))
    }

    /// Ends a token, unless that was done; then gives how. `temporary` is a folder on the same file system.
    fn put_end(&self, temporary: &Key, token: i64, holder: &str, end: &End) -> Result<Option<End>> {
        let (key, bytes) = (self.end(token)?, encode(end)?);
        let draft = temporary.child(format!("{token}.{holder}.{}.tmp", std::process::id()))?;
        let write = Write { what: "filesystem.end", key: &key, draft: &draft, bytes: &bytes };
        Ok(match self.dataset.put_if_absent(write)? {
            Created::Ours => None,
            // Who broke off while it wrote has committed nothing.
            Created::Theirs(Some(bytes)) => Some(serde_json::from_slice(&bytes).unwrap_or(End::TakenOver)),
            // A later holder has removed it.
            Created::Theirs(None) => Some(End::TakenOver),
        })
    }

    fn remove_end(&self, token: i64) -> Result<()> {
        Ok(self.dataset.delete("filesystem.end.remove_file", &[self.end(token)?])?)
    }

    fn newest_token(&self) -> Result<Option<i64>> {
        Ok(files_in(&*self.dataset, &self.folder)?.iter().filter_map(token_of).max())
    }

    /// The newest lease.
    fn newest(&self, claim: &Claim) -> Result<Option<Record>> {
        while let Some(token) = self.newest_token()? {
            let key = self.of(token)?;
            // Where it is gone, the next holder has removed it, and has a file of its own.
            if let Some(bytes) = self.dataset.get(&key, None, None)? {
                let record = serde_json::from_slice(&bytes);
                return Ok(Some(record.unwrap_or_else(|_| self.begun(&key, token, claim))));
            }
        }
        Ok(None)
    }

    /// A lease that was just created, or whose holder died while it wrote: the file's own time says when that was.
    fn begun(&self, key: &Key, token: i64, claim: &Claim) -> Record {
        let found = self.dataset.head(key).ok().flatten();
        let acquired_at = found.map_or(0, |found| found.modified);
        Record {
            token,
            owner: "a run that has just begun".to_owned(),
            acquired_at,
            expires_at: acquired_at.saturating_add(claim.micros),
            ..Record::default()
        }
    }

    /// Creates the file of a lease. False if there is one with its token.
    fn create(&self, record: &Record) -> Result<bool> {
        let (key, bytes) = (self.of(record.token)?, encode(record)?);
        let draft = self.named(&format!("{}.{}.{}.new", record.token, record.holder, std::process::id()))?;
        let write = Write { what: "filesystem.lease", key: &key, draft: &draft, bytes: &bytes };
        Ok(self.dataset.put_if_absent(write)? == Created::Ours)
    }
}

fn token_of(key: &Key) -> Option<i64> {
    key.name().to_str()?.strip_suffix(".json")?.parse().ok()
}

fn encode(record: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(record)
        .map_err(|cause| Error::internal("a lease cannot be written").with_source(cause))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::UNIX_EPOCH;

    use super::super::commit::{Moved, Record as Written};
    use super::*;
    use crate::store::Local;

    fn claim(holder: &str) -> Claim {
        Claim { pipeline: "p".into(), holder: holder.into(), owner: holder.into(), micros: 1000 }
    }

    fn take(folder: &Path, claim: &Claim, now: i64) -> Result<FilesystemLease> {
        let dataset: Arc<dyn Store> = Arc::new(Local::new(folder));
        FilesystemLease::take(&dataset, &Key::root(), claim, now)
    }

    /// The commit of a load with one file, which is gathered.
    fn gathered(folder: &Path, load_id: &str) -> Commit {
        let gathering = Path::new("gathering").join(load_id);
        fs::create_dir_all(folder.join(&gathering)).unwrap();
        fs::create_dir_all(folder.join("loads")).unwrap();
        fs::write(folder.join(&gathering).join("a"), load_id).unwrap();
        Commit {
            load_id: load_id.to_owned(),
            removed: vec!["old".into()],
            moved: vec![Moved {
                table: "t".into(),
                from: gathering.join("a"),
                to: format!("t/{load_id}").into(),
            }],
            state: None,
            load: Written { path: format!("loads/{load_id}").into(), content: load_id.into() },
            gathering,
        }
    }

    fn finish(commit: &Commit, folder: &Path) -> Result<()> {
        commit.finish(&Local::new(folder))
    }

    fn entries(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    #[test]
    fn a_lease_that_a_kill_left_half_written_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let first = take(folder.path(), &claim("a"), 10).unwrap();
        first.release(20).unwrap();
        let leases = folder.path().join(LEASES).join("p");
        fs::write(leases.join("2.a.17.new"), "").unwrap();
        fs::write(leases.join("1.json.tmp"), "{").unwrap();
        let second = take(folder.path(), &claim("b"), 30).unwrap();
        assert_eq!(second.token(), 2);
        second.go_on(40).unwrap();
        let mut left: Vec<_> = entries(&leases);
        left.sort();
        assert_eq!(left, [leases.join("3.json")]);
    }

    #[test]
    fn a_commit_that_is_in_place_is_finished_by_who_takes_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("old"), "").unwrap();
        let first = take(path, &claim("a"), 10).unwrap();
        let commit = gathered(path, "1");
        first.seal(&commit).unwrap();
        assert!(path.join("old").exists() && !path.join("t/1").exists());
        let second = take(path, &claim("b"), 2000).unwrap();
        assert!(!path.join("old").exists() && path.join("t/1").exists() && path.join("loads/1").exists());
        // The first one wakes up: its load counts, and it changes nothing any more.
        fs::write(path.join("old"), "of a later load").unwrap();
        finish(&commit, path).unwrap();
        first.go_on(2001).unwrap();
        assert!(path.join("old").exists());
        second.check().unwrap();
        let error = first.seal(&gathered(path, "2")).unwrap_err();
        assert_eq!(error.kind(), windlass_core::ErrorKind::Conflict);
        second.check().unwrap();
        second.seal(&gathered(path, "3")).unwrap();
    }

    /// A commit that is in place needs the files that a rollback would remove.
    #[cfg(unix)]
    #[test]
    fn a_commit_of_which_nothing_can_be_told_may_be_in_place() {
        let folder = tempfile::tempdir().unwrap();
        let lease = take(folder.path(), &claim("a"), 10).unwrap();
        assert!(!lease.may_be_sealed());
        let end = folder.path().join(LEASES).join("p/1.end");
        // A link to itself can be looked at by nobody.
        std::os::unix::fs::symlink("1.end", &end).unwrap();
        assert!(lease.may_be_sealed());
        fs::remove_file(&end).unwrap();
        let commit = gathered(folder.path(), "1");
        lease.seal(&commit).unwrap();
        assert!(lease.may_be_sealed());
    }

    #[test]
    fn who_was_taken_over_commits_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let first = take(path, &claim("a"), 10).unwrap();
        let commit = gathered(path, "1");
        // However much later: the next holder removes what tells of the ones before.
        for (now, holder) in [(2000, "b"), (4000, "c"), (6000, "b")] {
            take(path, &claim(holder), now).unwrap();
            let error = first.seal(&commit).unwrap_err();
            assert_eq!(error.kind(), windlass_core::ErrorKind::Conflict);
        }
        assert!(!path.join("t").exists() && !path.join("loads/1").exists());
    }

    #[test]
    fn a_holder_that_goes_on_commits_load_after_load() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let lease = take(path, &claim("a"), 10).unwrap();
        for load_id in ["1", "2", "3"] {
            let commit = gathered(path, load_id);
            lease.seal(&commit).unwrap();
            finish(&commit, path).unwrap();
            lease.go_on(20).unwrap();
        }
        assert_eq!(lease.token(), 4);
        let left = entries(&path.join(LEASES).join("p"));
        assert_eq!(left, [path.join(LEASES).join("p/4.json")]);
    }

    /// One of the two: the holder's load is there as a whole, or it was refused and nothing is.
    #[test]
    fn a_commit_and_who_takes_over_never_both_win() {
        for round in 0..200 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path();
            let first = take(path, &claim("a"), 10).unwrap();
            let commit = gathered(path, "1");
            let start = std::sync::Barrier::new(2);
            let (sealed, taken) = std::thread::scope(|scope| {
                let sealing = scope.spawn(|| {
                    start.wait();
                    first.seal(&commit).and_then(|()| finish(&commit, path))
                });
                start.wait();
                if round % 2 == 0 {
                    std::thread::yield_now();
                }
                let taken = take(path, &claim("b"), 2000);
                // What who takes over sees is what will stay.
                let seen = path.join("loads/1").exists();
                (sealing.join().unwrap(), taken.map(|_| seen).unwrap())
            });
            assert_eq!(sealed.is_ok(), taken, "{sealed:?}");
            assert_eq!(path.join("t/1").exists(), taken);
        }
    }

    #[test]
    fn a_lease_that_has_ended_is_taken_over_and_its_holder_finds_out() {
        let folder = tempfile::tempdir().unwrap();
        let first = take(folder.path(), &claim("a"), 10).unwrap();
        take(folder.path(), &claim("b"), 500).unwrap_err();
        first.prolong(900).unwrap();
        take(folder.path(), &claim("b"), 1500).unwrap_err();
        let second = take(folder.path(), &claim("b"), 2000).unwrap();
        assert_eq!((first.token(), second.token()), (1, 2));
        for lost in [first.check(), first.prolong(2001)] {
            assert_eq!(lost.unwrap_err().kind(), windlass_core::ErrorKind::Conflict);
        }
        first.release(2002).unwrap();
        second.check().unwrap();
        second.release(2003).unwrap();
        assert_eq!(take(folder.path(), &claim("a"), 2003).unwrap().token(), 3);
    }

    #[test]
    fn one_of_many_gets_a_token() {
        let folder = tempfile::tempdir().unwrap();
        let taken = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|n| {
                    let path = folder.path();
                    scope.spawn(move || take(path, &claim(&format!("h{n}")), 10).is_ok())
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
        take(folder.path(), &claim("b"), written + 999).unwrap_err();
        assert_eq!(take(folder.path(), &claim("b"), written + 1000).unwrap().token(), 5);
    }
}
