//! Which files of a resource earlier runs have loaded.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use windlass_core::hash::shake128;
use windlass_core::incremental::IncrementalOptions;
use windlass_core::{Error, Result};

use crate::files::real_folder;
use crate::store::{Key, Store, local_path};

/// Where the state of a resource keeps its files.
pub(super) const KEY: &str = "_windlass_files";

/// Which files are new.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NewFiles {
    /// Those that were not loaded since they were written last: changed files are loaded again, as a whole.
    ModificationDate,
    /// Those that were never loaded, by their names.
    FileUrl,
}

/// The key `incremental` of a resource of files.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "the cursor of records is the engine's; here it is a part of the schema alone")]
pub(super) enum FileIncremental {
    /// Only new files are read.
    Files(NewFiles),
    /// All files are read; only records with a new cursor are loaded.
    Records(Box<IncrementalOptions>),
}

impl NewFiles {
    fn as_str(self) -> &'static str {
        match self {
            Self::ModificationDate => "modification_date",
            Self::FileUrl => "file_url",
        }
    }

    /// What tells a file from itself after a change, where that counts. Errors: it is gone.
    fn version(self, store: &dyn Store, key: &Key) -> Result<String> {
        if self == Self::FileUrl {
            return Ok(String::new());
        }
        let failed = || Error::source_failed(format!("cannot look at {}", store.location(key)));
        match store.head(key).map_err(|error| failed().with_source(error.into_cause()))? {
            Some(found) => Ok(format!("\n{}", found.version)),
            None => Err(failed().with_source(std::io::Error::from(std::io::ErrorKind::NotFound))),
        }
    }
}

/// What tells one file from others.
fn mark(name: &[u8], version: &str) -> Mark {
    let mut mark = Mark::default();
    shake128(&[name, version.as_bytes()].concat(), &mut mark);
    mark
}

/// The folder of a resource's files by all ways to write it.
///
/// Files beside or below the pipeline file are known by their way from there, so that a project may be moved; others by
/// what is written, a path from there or an absolute one.
#[derive(Debug)]
pub(super) struct Place {
    /// As earlier versions knew it.
    written: String,
    /// As it is known, then as it may have been known when it was written differently.
    names: Vec<PathBuf>,
}

impl Place {
    pub(super) fn new(bucket_url: &str, folder: &Path) -> Result<Self> {
        let base = local_path(bucket_url, folder)?;
        let is_absolute = local_path(bucket_url, Path::new(""))?.is_absolute();
        let (whole, folder) = (plain(&base), plain(folder));
        let real = real_folder(&folder);
        let below = [&folder, &real].into_iter().find_map(|folder| whole.strip_prefix(folder).ok());
        let names = match below.map(Path::to_owned) {
            Some(below) => vec![below, whole],
            None if is_absolute => vec![whole.clone(), way(&folder, &whole)],
            None => vec![way(&folder, &whole), whole],
        };
        Ok(Self { written: bucket_url.to_owned(), names })
    }

    /// The names of a file in it.
    fn names_of(&self, key: &Key) -> Vec<Vec<u8>> {
        let relative = key.as_path();
        let bytes =
            |start: String, path: &Path| [start.as_bytes(), path.as_os_str().as_encoded_bytes()].concat();
        let mut names: Vec<_> =
            self.names.iter().map(|name| bytes("\n".to_owned(), &name.join(relative))).collect();
        names.push(bytes(format!("{}\n", self.written), relative));
        names
    }
}

/// An absolute path without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// The way from a folder to another path.
fn way(folder: &Path, path: &Path) -> PathBuf {
    let common = folder.components().zip(path.components()).take_while(|(a, b)| a == b).count();
    let up = folder.components().skip(common).map(|_| Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}

/// A digest of nine bytes, twelve characters in the state.
type Mark = [u8; 9];

/// The files that earlier runs and this one have read.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    before: BTreeSet<Mark>,
    now: BTreeSet<Mark>,
}

/// What is kept of a file that is read, until it is read to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unread(Mark);

impl Seen {
    /// What the state says. Errors: a state that nobody wrote so.
    pub(super) fn restore(stored: Option<&Value>) -> Result<Self> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        let broken = || {
            Error::data("the stored list of files that were loaded cannot be read")
                .with_hint("forget the state of the resource and load all files again")
        };
        let text = stored.get("loaded").and_then(Value::as_str).ok_or_else(broken)?;
        let bytes = STANDARD_NO_PAD.decode(text).map_err(|_| broken())?;
        let (marks, rest) = bytes.as_chunks::<9>();
        if !rest.is_empty() {
            return Err(broken());
        }
        Ok(Self { before: marks.iter().copied().collect(), now: BTreeSet::new() })
    }

    /// What the next run is to know.
    pub(super) fn store(&self, by: NewFiles) -> Value {
        let all: Vec<u8> = self.before.union(&self.now).flatten().copied().collect();
        json!({ "by": by.as_str(), "loaded": STANDARD_NO_PAD.encode(all) })
    }

    /// Whether a file is new. Errors: it is gone.
    pub(super) fn look(
        &mut self,
        by: NewFiles,
        place: &Place,
        store: &dyn Store,
        key: &Key,
    ) -> Result<Option<Unread>> {
        let version = by.version(store, key)?;
        let marks: Vec<Mark> = place.names_of(key).iter().map(|name| mark(name, &version)).collect();
        let own = Unread(marks[0]);
        if !marks.iter().any(|mark| self.before.contains(mark)) {
            return Ok(Some(own));
        }
        // From now on it is known by its own name.
        self.note(own);
        Ok(None)
    }

    /// Notes that a file was read to its end.
    pub(super) fn note(&mut self, file: Unread) {
        self.now.insert(file.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_folder_has_one_name_however_it_is_written() {
        let names = |url: &str, folder: &str| Place::new(url, Path::new(folder)).unwrap().names;
        for url in [
            "d",
            "./d",
            "./d/",
            "d/.",
            "d//",
            "x/../d",
            "/p/d",
            "/p/d/",
            "/p/x/../d",
            "file:///p/d",
            "file:///p/d/",
        ] {
            assert_eq!(names(url, "/p")[0], Path::new("d"), "{url}");
        }
        assert_eq!(names(".", "/p")[0], Path::new(""));
        for url in ["../d", "../d/", "./../d", "../../q/d"] {
            assert_eq!(names(url, "/q/p"), [Path::new("../d"), Path::new("/q/d")], "{url}");
        }
        for url in ["/q/d", "/q/d/", "file:///q/d"] {
            assert_eq!(names(url, "/q/p"), [Path::new("/q/d"), Path::new("../d")], "{url}");
        }
        assert_ne!(names("d", "/p")[0], names("d2", "/p")[0]);
    }
}
