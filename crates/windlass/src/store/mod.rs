//! Where the data of users lies: objects by key, in a folder of this machine or in memory. Buckets fit the same trait.
//!
//! The files source and the folder destination see nothing else; `std::fs` on a user's data stands in [`Local`] alone.
//! Working folders, load packages, settings and locks of this machine are no objects. No rule about tables or formats
//! belongs here.

mod chunks;
mod error;
#[cfg(test)]
mod faults;
mod key;
mod local;
mod memory;
#[cfg(test)]
mod tests;
mod url;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

pub(crate) use self::chunks::Chunks;
pub use self::error::{Result, StoreError};
#[cfg(test)]
pub(crate) use self::faults::{Fault, Faults};
pub use self::key::Key;
pub use self::local::Local;
pub use self::memory::Memory;
pub use self::url::{local_path, open};

/// Objects by key.
///
/// # Contract
/// * Methods block. Whoever is async calls them on a thread that may (`spawn_blocking`); an implementation over the network
///   waits for the engine's runtime there (`Handle::block_on`). Any number of threads may call at once.
/// * An object appears as a whole: nobody reads half of one. What `put` and `put_if_absent` have done when they return is
///   durable; what `upload`, `place` and `delete` have done is after [`Store::settle`] of their folders.
/// * Every writing method may be called again with the same arguments after an error or a crash, and then has the effect of
///   one call. After an error it is not known whether the method had its effect.
/// * `what` names the step in failpoints (feature `failpoints`) and means nothing else. Methods that do several steps append
///   the names of theirs.
/// * A missing object is no error: it is `None`, or nothing to do.
/// * Nothing is deleted through a link. Reading follows links.
pub trait Store: fmt::Debug + Send + Sync {
    /// Whether folders exist by themselves. Where not, [`Store::make_folder`] does nothing, and no folder is ever missing.
    fn has_folders(&self) -> bool;

    /// The address of an object or folder, for messages.
    fn location(&self, key: &Key) -> String;

    /// The path of an object on this machine, for libraries that open files themselves; `None` if it is no file here.
    fn local_path(&self, key: &Key) -> Option<PathBuf>;

    /// The store of what is in a folder: the same objects, by their keys from there.
    fn below(&self, folder: &Key) -> Arc<dyn Store>;

    /// What is known of an object without reading it; `None` if there is none, or if it is a folder.
    fn head(&self, key: &Key) -> Result<Option<Entry>>;

    /// What is directly in a folder, in the order of the names; nothing if there is no such folder.
    fn children(&self, folder: &Key) -> Result<Vec<Child>>;

    /// A name of a folder that is the same by whatever links it is reached: where it comes twice on one way down, the way is
    /// a loop. `None` if there is no such folder.
    fn identity(&self, folder: &Key) -> Result<Option<PathBuf>>;

    /// The objects whose keys begin with the text `prefix` (which may end within a name), by key, from behind `after` on.
    ///
    /// The iterator may fetch page by page; objects that come or go meanwhile may be in it or not. Errors: a prefix that leads
    /// out of the store; what cannot be read, after which nothing follows; with [`Links::Refuse`] a folder that is a link.
    fn list<'a>(&'a self, prefix: &str, after: Option<&Key>, links: Links) -> Result<Listing<'a>>;

    /// Opens an object for reading. Errors: there is none (an [`StoreError::Io`] with `NotFound`).
    fn open(&self, key: &Key) -> Result<Box<dyn Object>>;

    /// The bytes of an object, or those of `range` that it has; `None` if there is no such object.
    ///
    /// Errors: [`StoreError::Changed`] if it is not of this [`Entry::version`].
    fn get(&self, key: &Key, range: Option<Range<u64>>, version: Option<&str>) -> Result<Option<Bytes>>;

    /// Makes a folder and those above it, as far as they are missing.
    fn make_folder(&self, folder: &Key) -> Result<()>;

    /// Writes an object, over one that is there. Folders on the way to it are made; that of the draft has to be there.
    ///
    /// Steps: `create`, `write`, `sync`, `rename`, `sync_folder`.
    fn put(&self, write: Write<'_>) -> Result<()>;

    /// Writes an object if there is none: of any number of callers with one key, one gets [`Created::Ours`].
    ///
    /// Errors: the folder of the key or of the draft is missing. Steps: `create`, `link`, `sync_folder`.
    fn put_if_absent(&self, write: Write<'_>) -> Result<Created>;

    /// Puts a file of this machine there, over an object that is there. The two may share their bytes from then on, so that
    /// the file must not be changed any more. Errors: the folder of the key is missing.
    fn upload(&self, what: &str, file: &Path, key: &Key) -> Result<()>;

    /// Moves an object, over one that is there. It gets the rights that others in its folder have. No error: it is at `to`
    /// already, and not at `from` any more.
    fn place(&self, what: &str, from: &Key, to: &Key) -> Result<()>;

    /// Makes durable which objects are in these folders.
    fn settle(&self, what: &str, folders: &BTreeSet<Key>) -> Result<()>;

    /// Deletes objects; `what` is passed before each. Folders stay, empty ones too. Errors: [`StoreError::Link`].
    fn delete(&self, what: &str, keys: &[Key]) -> Result<()>;

    /// Deletes a folder and all that is in it, in any order. Links in it are deleted themselves.
    ///
    /// Errors: [`StoreError::Link`] where the way to the folder goes through one.
    fn delete_below(&self, what: &str, folder: &Key) -> Result<()>;

    /// Removes a folder if it is empty; whether it was is nobody's concern.
    fn remove_empty_folder(&self, folder: &Key);

    /// The time by the store's clock, in microseconds since 1970: that of [`Entry::modified`].
    fn now(&self) -> Result<i64>;
}

/// An object that is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// The name of the step in failpoints.
    pub what: &'a str,
    /// Its key.
    pub key: &'a Key,
    /// Where a store that cannot make it appear at once writes it first; a crash may leave that behind. It is in the same
    /// folder or in another of the same store.
    pub draft: &'a Key,
    /// What is written.
    pub bytes: &'a [u8],
}

/// Who made an object that was to be there once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Created {
    /// This call.
    Ours,
    /// Somebody else, with these bytes. They may be incomplete where the store cannot make files appear as a whole, and are
    /// `None` if the object is gone again, or if its draft was taken away before it appeared.
    Theirs(Option<Bytes>),
}

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its key.
    pub key: Key,
    /// Bytes.
    pub size: u64,
    /// When it was written last, in microseconds since 1970 by the store's clock; 0 where that is not known.
    pub modified: i64,
    /// What tells its content from what was there before or comes later.
    pub version: String,
}

/// What is in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// Its name.
    pub name: OsString,
    /// What it is, behind a link.
    pub kind: ChildKind,
}

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildKind {
    /// An object.
    Object,
    /// A folder.
    Folder,
    /// Neither: a device, a pipe, a link to nowhere.
    Other,
}

/// What becomes of folders that are links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Each is looked into once.
    Follow,
    /// They are an error.
    Refuse,
}

/// Objects by key.
pub type Listing<'a> = Box<dyn Iterator<Item = Result<Entry>> + Send + 'a>;

/// An object that is open: its bytes stay those that it had, unless somebody writes into the file itself.
///
/// # Contract
/// Its readers may share a position: one is used at a time, and not any more once another has been made or a range was read.
pub trait Object: fmt::Debug + Send + Sync {
    /// Bytes.
    fn size(&self) -> io::Result<u64>;

    /// Exactly these bytes. Errors: it has fewer.
    fn range(&self, start: u64, length: usize) -> io::Result<Bytes>;

    /// The bytes from here on, without a buffer.
    fn read_from(&self, start: u64) -> io::Result<Box<dyn Read + Send>>;

    /// All bytes, without a buffer.
    fn into_reader(self: Box<Self>) -> Box<dyn Read + Send>;
}
