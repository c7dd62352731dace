//! Names of objects.

use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt;
use std::path::{Component, Path, PathBuf};

use super::{Result, StoreError};

/// The name of an object or a folder below the root of a store: parts between `/`, none of them `.` or `..`.
///
/// A key cannot lead out of its store. Its bytes need not be UTF-8, since names of local files need not be. Keys are in the
/// order of their bytes, as buckets list them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Key(PathBuf);

impl Key {
    /// The key of what the store itself was opened at: its outermost folder, or its only object.
    pub fn root() -> Self {
        Self::default()
    }

    /// The key that a relative path is. Empty parts and `.` are left out, so that `a//b/` is `a/b`.
    ///
    /// Errors: a path that is absolute, has `..` in it, or has a NUL.
    pub fn new(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let mut key = PathBuf::new();
        for part in path.components() {
            match part {
                Component::Normal(name) => key.push(name),
                Component::CurDir => {}
                _ => return Err(StoreError::not_a_key(path)),
            }
        }
        if key.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(StoreError::not_a_key(path));
        }
        Ok(Self(key))
    }

    /// The key of what is called `name` in the folder that this is. Errors: a name that is no single part of a key.
    pub fn child(&self, name: impl AsRef<OsStr>) -> Result<Self> {
        let name = name.as_ref();
        let below = Self::new(name)?;
        // A name with a slash would be another folder's child.
        if below.0.as_os_str() != name || below.0.components().count() != 1 {
            return Err(StoreError::not_a_key(Path::new(name)));
        }
        Ok(self.join(&below))
    }

    /// The key of what is at `below` in the folder that this is.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        match (self.is_root(), below.is_root()) {
            (true, _) => below.clone(),
            (_, true) => self.clone(),
            _ => Self(self.0.join(&below.0)),
        }
    }

    /// The folder that it is in; `None` for the root.
    pub fn folder(&self) -> Option<Self> {
        self.0.parent().map(|folder| Self(folder.to_owned()))
    }

    /// Its last part; nothing for the root.
    pub fn name(&self) -> &OsStr {
        self.0.file_name().unwrap_or_default()
    }

    /// The key as seen from a folder; `None` if it is not in it.
    pub fn below(&self, folder: &Self) -> Option<Self> {
        self.0.strip_prefix(&folder.0).ok().map(|path| Self(path.to_owned()))
    }

    /// Whether it is that of the store itself.
    pub fn is_root(&self) -> bool {
        self.0.as_os_str().is_empty()
    }

    /// The key as a relative path.
    pub fn as_path(&self) -> &Path {
        &self.0
    }

    /// Its bytes, with `/` between the parts.
    pub(super) fn bytes(&self) -> &[u8] {
        self.0.as_os_str().as_encoded_bytes()
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bytes().cmp(other.bytes())
    }
}

/// The key with a replacement for what is no UTF-8.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stays_below_its_store() {
        for path in ["/a", "..", "a/..", "a/../b", "../a", "a\0b"] {
            assert!(Key::new(path).is_err(), "{path:?}");
        }
        for (path, key) in [("a//b/", "a/b"), ("./a", "a"), ("a/./b", "a/b"), ("", ""), (".", "")] {
            assert_eq!(Key::new(path).unwrap().to_string(), key, "{path:?}");
        }
        let folder = Key::new("a").unwrap();
        for name in ["", ".", "..", "b/c", "/", "b/", "x\0"] {
            assert!(folder.child(name).is_err(), "{name:?}");
        }
        assert_eq!(folder.child("..b").unwrap().to_string(), "a/..b");
        assert_eq!(Key::root().join(&folder).join(&Key::root()), folder);
        assert_eq!(folder.child("b").unwrap().below(&folder).unwrap().to_string(), "b");
        assert_eq!(Key::new("ab").unwrap().below(&folder), None);
        assert_eq!((folder.folder(), Key::root().folder()), (Some(Key::root()), None));
    }

    #[test]
    fn keys_are_in_the_order_of_their_bytes() {
        let mut keys = ["a/b", "a.b", "a", "B", "é", "a0"].map(|key| Key::new(key).unwrap());
        keys.sort();
        assert_eq!(keys.map(|key| key.to_string()), ["B", "a", "a.b", "a/b", "a0", "é"]);
    }
}
