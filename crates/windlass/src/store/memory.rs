//! Objects in memory, as long as one of the stores that share them lives. Nothing of it outlives the process.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Cursor, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use windlass_core::path_part::flaw_of_path;

use super::{
    Child, ChildKind, Created, Entry, Key, Links, Listing, Object, Result, Store, StoreError, Write,
};
use crate::env::{Clock as _, SystemClock};
use crate::failpoint::failpoint;

/// Objects in memory. Clones and the stores of folders share them.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    shared: Arc<Mutex<Objects>>,
    folder: Key,
}

#[derive(Debug, Default)]
struct Objects {
    /// By their keys from the outermost store on.
    by_key: BTreeMap<Key, Kept>,
    /// Counts what was written.
    writes: u64,
}

#[derive(Clone, Debug)]
struct Kept {
    bytes: Bytes,
    modified: i64,
    version: u64,
}

impl Memory {
    /// A store without objects.
    pub fn new() -> Self {
        Self::default()
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, key: &Key) -> Option<Kept> {
        self.objects().by_key.get(&self.folder.join(key)).cloned()
    }

    fn insert(&self, objects: &mut Objects, key: &Key, bytes: Bytes) {
        objects.writes += 1;
        let kept = Kept { bytes, modified: SystemClock.now(), version: objects.writes };
        objects.by_key.insert(self.folder.join(key), kept);
    }

    /// The keys and objects in a folder at any depth, by the keys of this store.
    fn in_folder(&self, folder: &Key) -> Vec<(Key, Kept)> {
        let objects = self.objects();
        let from = self.folder.join(folder);
        let all = objects.by_key.iter().filter(|(key, _)| key.below(&from).is_some_and(|key| !key.is_root()));
        all.filter_map(|(key, kept)| Some((key.below(&self.folder)?, kept.clone()))).collect()
    }
}

impl Kept {
    fn entry(&self, key: Key) -> Entry {
        let size = self.bytes.len() as u64;
        Entry { key, size, modified: self.modified, version: self.version.to_string() }
    }
}

impl Store for Memory {
    fn has_folders(&self) -> bool {
        false
    }

    fn location(&self, key: &Key) -> String {
        format!("memory://{}", self.folder.join(key))
    }

    fn local_path(&self, _: &Key) -> Option<PathBuf> {
        None
    }

    fn below(&self, folder: &Key) -> Arc<dyn Store> {
        Arc::new(Self { shared: Arc::clone(&self.shared), folder: self.folder.join(folder) })
    }

    fn head(&self, key: &Key) -> Result<Option<Entry>> {
        Ok(self.kept(key).map(|kept| kept.entry(key.clone())))
    }

    fn children(&self, folder: &Key) -> Result<Vec<Child>> {
        let mut children: BTreeMap<OsString, ChildKind> = BTreeMap::new();
        for (key, _) in self.in_folder(folder) {
            let Some(below) = key.below(folder) else { continue };
            let mut parts = below.as_path().iter();
            let (Some(name), rest) = (parts.next(), parts.next()) else { continue };
            let kind = if rest.is_some() { ChildKind::Folder } else { ChildKind::Object };
            children.insert(name.to_owned(), kind);
        }
        Ok(children.into_iter().map(|(name, kind)| Child { name, kind }).collect())
    }

    fn identity(&self, folder: &Key) -> Result<Option<PathBuf>> {
        Ok(Some(self.folder.join(folder).as_path().to_owned()))
    }

    fn list<'a>(&'a self, prefix: &str, after: Option<&Key>, _: Links) -> Result<Listing<'a>> {
        let (folder, start) = prefix.rsplit_once('/').unwrap_or(("", prefix));
        if prefix.starts_with('/') || flaw_of_path(folder).is_some() {
            return Err(StoreError::not_a_key(Path::new(prefix)));
        }
        let folder = Key::new(folder)?;
        let mut found = self.in_folder(&folder);
        found.retain(|(key, _)| {
            let below = key.below(&folder).unwrap_or_default();
            below.to_string().starts_with(start) && after.is_none_or(|after| key > after)
        });
        Ok(Box::new(found.into_iter().map(|(key, kept)| Ok(kept.entry(key)))))
    }

    fn open(&self, key: &Key) -> Result<Box<dyn Object>> {
        match self.kept(key) {
            Some(kept) => Ok(Box::new(MemoryObject(kept.bytes))),
            None => Err(StoreError::io("open", self.location(key), ErrorKind::NotFound.into())),
        }
    }

    fn get(&self, key: &Key, range: Option<Range<u64>>, version: Option<&str>) -> Result<Option<Bytes>> {
        let Some(kept) = self.kept(key) else { return Ok(None) };
        if version.is_some_and(|version| kept.version.to_string() != version) {
            return Err(StoreError::Changed { location: self.location(key) });
        }
        let Some(range) = range else { return Ok(Some(kept.bytes)) };
        let at = |end: u64| usize::try_from(end).map_or(kept.bytes.len(), |end| end.min(kept.bytes.len()));
        let (start, end) = (at(range.start), at(range.end));
        Ok(Some(kept.bytes.slice(start..end.max(start))))
    }

    fn make_folder(&self, _: &Key) -> Result<()> {
        Ok(())
    }

    fn put(&self, write: Write<'_>) -> Result<()> {
        failpoint(write.what)?;
        self.insert(&mut self.objects(), write.key, Bytes::copy_from_slice(write.bytes));
        Ok(())
    }

    fn put_if_absent(&self, write: Write<'_>) -> Result<Created> {
        failpoint(write.what)?;
        let mut objects = self.objects();
        if let Some(kept) = objects.by_key.get(&self.folder.join(write.key)) {
            return Ok(Created::Theirs(Some(kept.bytes.clone())));
        }
        self.insert(&mut objects, write.key, Bytes::copy_from_slice(write.bytes));
        Ok(Created::Ours)
    }

    fn upload(&self, what: &str, file: &Path, key: &Key) -> Result<()> {
        failpoint(what)?;
        let read =
            fs::read(file).map_err(|cause| StoreError::io("read", file.display().to_string(), cause))?;
        self.insert(&mut self.objects(), key, read.into());
        Ok(())
    }

    fn place(&self, what: &str, from: &Key, to: &Key) -> Result<()> {
        failpoint(what)?;
        let mut objects = self.objects();
        match objects.by_key.remove(&self.folder.join(from)) {
            Some(kept) => self.insert(&mut objects, to, kept.bytes),
            None if objects.by_key.contains_key(&self.folder.join(to)) => {}
            None => return Err(StoreError::io("write", self.location(to), ErrorKind::NotFound.into())),
        }
        Ok(())
    }

    fn settle(&self, _: &str, _: &BTreeSet<Key>) -> Result<()> {
        Ok(())
    }

    fn delete(&self, what: &str, keys: &[Key]) -> Result<()> {
        keys.iter().try_for_each(|key| {
            failpoint(what)?;
            self.objects().by_key.remove(&self.folder.join(key));
            Ok(())
        })
    }

    fn delete_below(&self, what: &str, folder: &Key) -> Result<()> {
        failpoint(what)?;
        let folder = self.folder.join(folder);
        self.objects().by_key.retain(|key, _| key.below(&folder).is_none());
        Ok(())
    }

    fn remove_empty_folder(&self, _: &Key) {}

    fn now(&self) -> Result<i64> {
        Ok(SystemClock.now())
    }
}

#[derive(Debug)]
struct MemoryObject(Bytes);

impl Object for MemoryObject {
    fn size(&self) -> io::Result<u64> {
        Ok(self.0.len() as u64)
    }

    fn range(&self, start: u64, length: usize) -> io::Result<Bytes> {
        let rest = self.from(start);
        if rest.len() < length { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(rest.slice(..length)) }
    }

    fn read_from(&self, start: u64) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.from(start))))
    }

    fn into_reader(self: Box<Self>) -> Box<dyn Read + Send> {
        Box::new(Cursor::new(self.0))
    }
}

impl MemoryObject {
    fn from(&self, start: u64) -> Bytes {
        let start = usize::try_from(start).map_or(self.0.len(), |start| start.min(self.0.len()));
        self.0.slice(start..)
    }
}
