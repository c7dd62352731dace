//! A store that fails at chosen calls, as disks and networks do.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use super::{Child, Created, Entry, Key, Links, Listing, Object, Result, Store, StoreError, Write};

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens.
    Before,
    /// It happens, and the answer is lost.
    After,
}

/// A store that writes into another one, and fails once: at the writing call that is this many calls away.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    inner: Arc<dyn Store>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    fault: Option<(usize, Fault)>,
    /// The steps that were passed, by the names that they have in failpoints.
    passed: Vec<String>,
}

impl Faults {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self { inner, plan: Arc::default() }
    }

    /// Fails the writing call that comes after `calls` others.
    pub(crate) fn fail(&self, calls: usize, fault: Fault) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).fault = Some((calls, fault));
    }

    /// The writing calls since the last time that this was asked, and whether no fault is left.
    pub(crate) fn passed(&self) -> (Vec<String>, bool) {
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut plan.passed), plan.fault.is_none())
    }

    fn write<T>(&self, what: &str, key: &Key, write: impl FnOnce() -> Result<T>) -> Result<T> {
        let fault = {
            let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
            plan.passed.push(what.to_owned());
            match plan.fault.take() {
                Some((0, fault)) => Some(fault),
                later => {
                    plan.fault = later.map(|(calls, fault)| (calls - 1, fault));
                    None
                }
            }
        };
        let lost = || StoreError::io("write", self.location(key), ErrorKind::ConnectionReset.into());
        match fault {
            None => write(),
            Some(Fault::Before) => Err(lost()),
            Some(Fault::After) => write().and_then(|_| Err(lost())),
        }
    }
}

impl Store for Faults {
    fn has_folders(&self) -> bool {
        self.inner.has_folders()
    }

    fn location(&self, key: &Key) -> String {
        self.inner.location(key)
    }

    fn local_path(&self, key: &Key) -> Option<PathBuf> {
        self.inner.local_path(key)
    }

    fn below(&self, folder: &Key) -> Arc<dyn Store> {
        Arc::new(Self { inner: self.inner.below(folder), plan: Arc::clone(&self.plan) })
    }

    fn head(&self, key: &Key) -> Result<Option<Entry>> {
        self.inner.head(key)
    }

    fn children(&self, folder: &Key) -> Result<Vec<Child>> {
        self.inner.children(folder)
    }

    fn identity(&self, folder: &Key) -> Result<Option<PathBuf>> {
        self.inner.identity(folder)
    }

    fn list<'a>(&'a self, prefix: &str, after: Option<&Key>, links: Links) -> Result<Listing<'a>> {
        self.inner.list(prefix, after, links)
    }

    fn open(&self, key: &Key) -> Result<Box<dyn Object>> {
        self.inner.open(key)
    }

    fn get(&self, key: &Key, range: Option<Range<u64>>, version: Option<&str>) -> Result<Option<Bytes>> {
        self.inner.get(key, range, version)
    }

    fn make_folder(&self, folder: &Key) -> Result<()> {
        self.inner.make_folder(folder)
    }

    fn put(&self, write: Write<'_>) -> Result<()> {
        self.write(write.what, write.key, || self.inner.put(write))
    }

    fn put_if_absent(&self, write: Write<'_>) -> Result<Created> {
        self.write(write.what, write.key, || self.inner.put_if_absent(write))
    }

    fn upload(&self, what: &str, file: &Path, key: &Key) -> Result<()> {
        self.write(what, key, || self.inner.upload(what, file, key))
    }

    fn place(&self, what: &str, from: &Key, to: &Key) -> Result<()> {
        self.write(what, to, || self.inner.place(what, from, to))
    }

    fn settle(&self, what: &str, folders: &BTreeSet<Key>) -> Result<()> {
        self.write(what, &Key::root(), || self.inner.settle(what, folders))
    }

    fn delete(&self, what: &str, keys: &[Key]) -> Result<()> {
        self.write(what, &Key::root(), || self.inner.delete(what, keys))
    }

    fn delete_below(&self, what: &str, folder: &Key) -> Result<()> {
        self.write(what, folder, || self.inner.delete_below(what, folder))
    }

    fn remove_empty_folder(&self, folder: &Key) {
        self.inner.remove_empty_folder(folder);
    }

    fn now(&self) -> Result<i64> {
        self.inner.now()
    }
}
