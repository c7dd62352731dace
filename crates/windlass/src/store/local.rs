//! A folder of this machine, or one file.
//!
//! What is written is on the disk when it counts: files before their names, names by the sync of their folder. What appears
//! at once does so by a rename or a second name. The failpoints stand before each of these steps.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, Metadata};
use std::io::{self, ErrorKind, Read, Seek as _, SeekFrom, Write as _};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use windlass_core::path_part::flaw_of_path;

use super::{
    Child, ChildKind, Created, Entry, Key, Links, Listing, Object, Result, Store, StoreError, Write,
};
use crate::env::{Clock as _, SystemClock};
use crate::failpoint::{failpoint, failpoint_at};
use crate::files::{sync_folder, sync_folders, write_atomic_by_way_of};
use crate::private;
use crate::removal::remove_piece_by_piece;

/// What is below a path.
#[derive(Clone, Debug)]
pub struct Local {
    root: PathBuf,
}

impl Local {
    /// The store of what is below a folder, or of one file, which has the root's key. Neither need exist.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, key: &Key) -> PathBuf {
        // Joined to nothing, a path would end in a slash, which no file has.
        if key.is_root() { self.root.clone() } else { self.root.join(key.as_path()) }
    }

    fn io(&self, step: &'static str, key: &Key, cause: io::Error) -> StoreError {
        StoreError::io(step, self.location(key), cause)
    }

    fn entry(&self, key: &Key, metadata: &Metadata) -> Entry {
        let written = metadata.modified().unwrap_or(UNIX_EPOCH);
        let size = metadata.len();
        let (nanos, version) = version(written, size);
        Entry { key: key.clone(), size, modified: i64::try_from(nanos / 1000).unwrap_or(0), version }
    }

    /// Errors: a folder on the way to the key is a link, so that what is deleted would be somewhere else.
    fn check_no_link(&self, key: &Key) -> Result<()> {
        let mut path = self.root.clone();
        for part in key.folder().iter().flat_map(|folder| folder.as_path().components()) {
            path.push(part);
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_symlink() => {
                    return Err(StoreError::Link { location: path.display().to_string() });
                }
                Err(cause) if cause.kind() != ErrorKind::NotFound => {
                    return Err(StoreError::io("read", path.display().to_string(), cause));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is in a folder, in the order of the system; nothing if it does not exist.
    fn read_folder(&self, folder: &Key) -> Result<Vec<DirEntry>> {
        let entries = match fs::read_dir(self.path(folder)) {
            Ok(entries) => entries,
            Err(cause) if is_missing(&cause) => return Ok(Vec::new()),
            Err(cause) => return Err(self.io("read", folder, cause)),
        };
        entries.collect::<io::Result<_>>().map_err(|cause| self.io("read", folder, cause))
    }
}

/// Whether nothing has this path: it or a folder on the way is not there.
fn is_missing(cause: &io::Error) -> bool {
    matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Nanoseconds since 1970, and what tells a file from itself after a change.
fn version(written: SystemTime, size: u64) -> (i128, String) {
    let nanos = match written.duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    };
    (nanos, format!("{nanos} {size}"))
}

impl Store for Local {
    fn has_folders(&self) -> bool {
        true
    }

    fn location(&self, key: &Key) -> String {
        self.path(key).display().to_string()
    }

    fn local_path(&self, key: &Key) -> Option<PathBuf> {
        Some(self.path(key))
    }

    fn below(&self, folder: &Key) -> Arc<dyn Store> {
        Arc::new(Self::new(self.path(folder)))
    }

    fn head(&self, key: &Key) -> Result<Option<Entry>> {
        match fs::metadata(self.path(key)) {
            Ok(found) if found.is_file() => Ok(Some(self.entry(key, &found))),
            Ok(_) => Ok(None),
            Err(cause) if is_missing(&cause) => Ok(None),
            Err(cause) => Err(self.io("read", key, cause)),
        }
    }

    fn children(&self, folder: &Key) -> Result<Vec<Child>> {
        let entries = self.read_folder(folder)?.into_iter();
        let mut children: Vec<Child> =
            entries.map(|entry| Child { kind: kind_of(&entry).0, name: entry.file_name() }).collect();
        children.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(children)
    }

    fn identity(&self, folder: &Key) -> Result<Option<PathBuf>> {
        match fs::canonicalize(self.path(folder)) {
            Ok(real) => Ok(Some(real)),
            Err(cause) if is_missing(&cause) => Ok(None),
            Err(cause) => Err(self.io("read", folder, cause)),
        }
    }

    fn list<'a>(&'a self, prefix: &str, after: Option<&Key>, links: Links) -> Result<Listing<'a>> {
        let mut found = Walk { store: self, links, seen: BTreeSet::new() }.objects(prefix)?;
        found.retain(|entry| after.is_none_or(|after| entry.key > *after));
        Ok(Box::new(found.into_iter().map(Ok)))
    }

    fn open(&self, key: &Key) -> Result<Box<dyn Object>> {
        let file = File::open(self.path(key)).map_err(|cause| self.io("open", key, cause))?;
        Ok(Box::new(LocalObject(file)))
    }

    fn get(&self, key: &Key, range: Option<Range<u64>>, version: Option<&str>) -> Result<Option<Bytes>> {
        let failed = |cause| self.io("read", key, cause);
        let mut file = match File::open(self.path(key)) {
            Ok(file) => file,
            Err(cause) if is_missing(&cause) => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        if let Some(version) = version
            && self.entry(key, &file.metadata().map_err(failed)?).version != version
        {
            return Err(StoreError::Changed { location: self.location(key) });
        }
        let mut bytes = Vec::new();
        match range {
            None => file.read_to_end(&mut bytes).map_err(failed)?,
            Some(range) => {
                file.seek(SeekFrom::Start(range.start)).map_err(failed)?;
                let length = range.end.saturating_sub(range.start);
                file.take(length).read_to_end(&mut bytes).map_err(failed)?
            }
        };
        Ok(Some(bytes.into()))
    }

    fn make_folder(&self, folder: &Key) -> Result<()> {
        fs::create_dir_all(self.path(folder)).map_err(|cause| self.io("create", folder, cause))
    }

    fn put(&self, write: Write<'_>) -> Result<()> {
        let Write { what, key, draft, bytes } = write;
        self.make_folder(&key.folder().unwrap_or_default())?;
        Ok(write_atomic_by_way_of(what, &self.path(draft), &self.path(key), bytes)?)
    }

    fn put_if_absent(&self, write: Write<'_>) -> Result<Created> {
        let Write { what, key, draft, bytes } = write;
        let path = self.path(key);
        failpoint_at(what, "create")?;
        if put_new(&path, &self.path(draft), bytes, || Ok(failpoint_at(what, "link")?))? {
            failpoint_at(what, "sync_folder")?;
            path.parent().map_or(Ok(()), sync_folder)?;
            return Ok(Created::Ours);
        }
        self.get(key, None, None).map(Created::Theirs)
    }

    fn upload(&self, what: &str, file: &Path, key: &Key) -> Result<()> {
        failpoint(what)?;
        let to = self.path(key);
        if to.exists() {
            fs::remove_file(&to).map_err(|cause| self.io("replace", key, cause))?;
        }
        // A second name where the file system can, else a copy.
        if fs::hard_link(file, &to).is_ok() {
            return Ok(());
        }
        copy(file, &to).map_err(|cause| self.io("write", key, cause))
    }

    fn place(&self, what: &str, from: &Key, to: &Key) -> Result<()> {
        failpoint(what)?;
        let (source, target) = (self.path(from), self.path(to));
        open_like_others(&source).map_err(|cause| self.io("open", from, cause))?;
        self.make_folder(&to.folder().unwrap_or_default())?;
        let moved = match fs::rename(&source, &target) {
            Err(_) if !source.exists() && target.exists() => Ok(()),
            // A part of the folder may be another disk.
            Err(cause) if cause.kind() == ErrorKind::CrossesDevices => copy(&source, &target),
            result => result,
        };
        moved.map_err(|cause| self.io("write", to, cause))
    }

    fn settle(&self, what: &str, folders: &BTreeSet<Key>) -> Result<()> {
        let folders = folders.iter().map(|folder| self.path(folder)).collect();
        Ok(sync_folders(&folders, || failpoint(what))?)
    }

    fn delete(&self, what: &str, keys: &[Key]) -> Result<()> {
        keys.iter().try_for_each(|key| {
            failpoint(what)?;
            self.check_no_link(key)?;
            match fs::remove_file(self.path(key)) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => Err(self.io("delete", key, cause)),
                _ => Ok(()),
            }
        })
    }

    fn delete_below(&self, what: &str, folder: &Key) -> Result<()> {
        self.check_no_link(folder)?;
        Ok(remove_piece_by_piece(what, &self.path(folder))?)
    }

    fn remove_empty_folder(&self, folder: &Key) {
        // The system refuses to remove one that is in use.
        drop(fs::remove_dir(self.path(folder)));
    }

    fn now(&self) -> Result<i64> {
        Ok(SystemClock.now())
    }
}

/// What an entry of a folder is behind a link, and whether it is one.
fn kind_of(entry: &DirEntry) -> (ChildKind, bool) {
    let Ok(own) = entry.file_type() else { return (ChildKind::Other, false) };
    let target =
        if own.is_symlink() { fs::metadata(entry.path()).ok().map(|to| to.file_type()) } else { Some(own) };
    let kind = match target {
        Some(kind) if kind.is_dir() => ChildKind::Folder,
        Some(kind) if kind.is_file() => ChildKind::Object,
        _ => ChildKind::Other,
    };
    (kind, own.is_symlink())
}

/// A search for objects by the beginning of their keys.
struct Walk<'a> {
    store: &'a Local,
    links: Links,
    /// The folders that links have led to.
    seen: BTreeSet<PathBuf>,
}

impl Walk<'_> {
    /// All objects, by key.
    fn objects(&mut self, prefix: &str) -> Result<Vec<Entry>> {
        let (folder, start) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        let is_out = prefix.starts_with('/') || flaw_of_path(folder).is_some();
        let folder = if is_out { Err(StoreError::not_a_key(Path::new(prefix))) } else { Key::new(folder) }?;
        if self.links == Links::Refuse {
            self.store.check_no_link(&folder.join(&Key::new("object")?))?;
        }
        let (mut found, mut open) = (Vec::new(), Vec::new());
        for entry in self.store.read_folder(&folder)? {
            if entry.file_name().to_string_lossy().starts_with(start) {
                self.meet(&entry, &folder, &mut found, &mut open)?;
            }
        }
        while let Some(folder) = open.pop() {
            for entry in self.store.read_folder(&folder)? {
                self.meet(&entry, &folder, &mut found, &mut open)?;
            }
        }
        found.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(found)
    }

    fn meet(
        &mut self,
        entry: &DirEntry,
        folder: &Key,
        found: &mut Vec<Entry>,
        open: &mut Vec<Key>,
    ) -> Result<()> {
        let key = folder.child(entry.file_name())?;
        let (kind, is_link) = kind_of(entry);
        match (kind, self.links) {
            (ChildKind::Folder, Links::Refuse) if is_link => {
                return Err(StoreError::Link { location: self.store.location(&key) });
            }
            (ChildKind::Folder, _) if is_link => {
                let real = self.store.identity(&key).unwrap_or_default();
                let is_new = real.is_some_and(|real| self.seen.insert(real));
                open.extend(is_new.then_some(key));
            }
            (ChildKind::Folder, _) => open.push(key),
            _ => {
                let metadata = fs::metadata(entry.path()).or_else(|_| entry.metadata());
                // What is gone meanwhile is not there.
                found.extend(metadata.ok().map(|metadata| self.store.entry(&key, &metadata)));
            }
        }
        Ok(())
    }
}

/// An open file.
#[derive(Debug)]
struct LocalObject(File);

impl Object for LocalObject {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn range(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let mut bytes = Vec::with_capacity(length);
        let read = self.at(start)?.take(length as u64).read_to_end(&mut bytes)?;
        if read < length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes.into())
    }

    fn read_from(&self, start: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(self.at(start)?))
    }

    fn into_reader(self: Box<Self>) -> Box<dyn Read + Send> {
        Box::new(self.0)
    }
}

impl LocalObject {
    fn at(&self, start: u64) -> io::Result<File> {
        let mut file = self.0.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(file)
    }
}

/// Files of a package are for their owner alone; those of the bucket are for whom it is for.
fn open_like_others(waiting: &Path) -> io::Result<()> {
    match waiting.parent().map(|folder| private::open_as_folder(waiting, folder)) {
        // It was moved before.
        Some(Err(cause)) if cause.kind() == ErrorKind::NotFound => Ok(()),
        Some(result) => result,
        None => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)?;
    File::open(to)?.sync_all()
}

/// Creates a file that appears with its content, by a second name for one in the same file system. False if it exists,
/// or if somebody has removed what is to become it.
fn put_new(path: &Path, draft: &Path, bytes: &[u8], before: impl Fn() -> Result<()>) -> Result<bool> {
    let failed = |path: &Path, cause| StoreError::io("write", path.display().to_string(), cause);
    let mut file = File::create(draft).map_err(|cause| failed(draft, cause))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|cause| failed(draft, cause))?;
    before()?;
    let linked = match fs::hard_link(draft, path) {
        Err(cause) if !path.exists() && cause.kind() != ErrorKind::NotFound => {
            // A file system without second names: the file is there before its content is.
            create_new(path, bytes)
        }
        Err(cause) if path.exists() || cause.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(cause) if cause.kind() == ErrorKind::NotFound && !draft.exists() => Ok(false),
        result => result.map(|()| true),
    };
    drop(fs::remove_file(draft));
    linked.map_err(|cause| failed(path, cause))
}

fn create_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match File::options().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(bytes).and_then(|()| file.sync_all()).map(|()| true),
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Another run takes the name and ends, and a third one takes the next and removes what is older, before the file of
    /// the first is in place.
    #[test]
    fn who_is_overtaken_while_it_writes_its_file_has_only_lost_the_race() {
        let folder = tempfile::tempdir().unwrap();
        let draft = folder.path().join("2.a.17.tmp");
        for name in ["2.end", "2.json"] {
            let path = folder.path().join(name);
            let removed =
                || fs::remove_file(&draft).map_err(|cause| StoreError::io("remove", "draft", cause));
            assert!(!put_new(&path, &draft, b"{}", removed).unwrap());
            assert!(!path.exists());
        }
        let gone = folder.path().join("no such folder").join("2.end");
        put_new(&gone, &draft, b"{}", || Ok(())).unwrap_err();
    }
}
