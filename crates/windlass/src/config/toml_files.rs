//! The TOML files of settings of one name: all that there are count as one, the strongest folder first.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;
use windlass_core::Result;
use windlass_core::document::{Document, DocumentFormat};

use crate::files::read_to_string;

/// When a file was changed, and its bytes.
type Stamp = (Option<SystemTime>, u64);

/// `secrets.toml` or `config.toml` of all folders of settings.
#[derive(Clone, Debug)]
pub struct TomlFiles {
    name: &'static str,
    files: Vec<(PathBuf, Value)>,
    absent: Vec<PathBuf>,
    merged: Value,
    stamps: Vec<(PathBuf, Option<Stamp>)>,
}

impl TomlFiles {
    /// The name of files that may hold secrets.
    pub const SECRETS: &'static str = "secrets.toml";
    /// The name of files that hold none.
    pub const CONFIG: &'static str = "config.toml";

    /// No files yet; `name` is [`Self::SECRETS`] or [`Self::CONFIG`].
    pub fn new(name: &'static str) -> Self {
        let (files, absent, stamps) = (Vec::new(), Vec::new(), Vec::new());
        Self { name, files, absent, merged: Value::Object(serde_json::Map::new()), stamps }
    }

    /// Reads the files in these folders, the strongest first; does nothing where none changed since the last time. Gives
    /// whether it read.
    ///
    /// Errors: a file that cannot be read or is not TOML; what was read before stays.
    pub fn refresh(&mut self, folders: &[PathBuf]) -> Result<bool> {
        let stamp = |folder: &PathBuf| {
            let path = folder.join(self.name);
            let found = std::fs::metadata(&path).ok().map(|found| (found.modified().ok(), found.len()));
            (path, found)
        };
        let stamps: Vec<_> = folders.iter().map(stamp).collect();
        if stamps == self.stamps {
            return Ok(false);
        }
        let (mut files, mut absent) = (Vec::new(), Vec::new());
        for (path, found) in &stamps {
            if found.is_none() {
                absent.push(path.clone());
                continue;
            }
            let text = read_to_string(path)?;
            let document = Document::parse(&text, DocumentFormat::Toml, &path.display().to_string())?;
            files.push((path.clone(), document.value));
        }
        let mut merged = Value::Object(serde_json::Map::new());
        files.iter().for_each(|(_, value)| merge_below(&mut merged, value));
        (self.files, self.absent, self.merged, self.stamps) = (files, absent, merged, stamps);
        Ok(true)
    }

    /// The value at a path.
    pub fn value(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(&self.merged, |value, key| value.get(key))
    }

    /// Whether the files hold nothing, or are not there.
    pub fn is_empty(&self) -> bool {
        self.merged.as_object().is_none_or(serde_json::Map::is_empty)
    }

    /// The files that were read, and what each holds.
    pub fn files(&self) -> impl Iterator<Item = (&Path, &Value)> {
        self.files.iter().map(|(path, value)| (path.as_path(), value))
    }

    /// The files that do not exist.
    pub fn absent(&self) -> impl Iterator<Item = &Path> {
        self.absent.iter().map(PathBuf::as_path)
    }
}

/// Adds what a weaker file says to what is known, key by key.
fn merge_below(strong: &mut Value, weak: &Value) {
    let (Value::Object(strong), Value::Object(weak)) = (strong, weak) else { return };
    for (key, value) in weak {
        match strong.get_mut(key) {
            Some(known) => merge_below(known, value),
            None => drop(strong.insert(key.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_as_one_key_by_key_and_are_read_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [folder.path().join("a"), folder.path().join("b")];
        let write = |number: usize, text: &str| {
            std::fs::create_dir_all(&folders[number]).unwrap();
            std::fs::write(folders[number].join("config.toml"), text).unwrap();
        };
        let mut files = TomlFiles::new(TomlFiles::CONFIG);
        write(1, "x = 1\n[t]\nk = 1\nl = 2\n[u]\ny = 1\n");
        assert!(files.refresh(&folders).unwrap());
        assert_eq!(files.value(&["t", "k"]), Some(&Value::from(1)));
        write(0, "u = 7\n[t]\nk = 10\n");
        assert!(files.refresh(&folders).unwrap());
        assert!(!files.refresh(&folders).unwrap());
        assert_eq!(files.value(&["t"]), Some(&serde_json::json!({"k": 10, "l": 2})));
        assert_eq!(files.value(&["u"]), Some(&Value::from(7)));
        assert_eq!(files.value(&["u", "y"]), None);
        write(0, "u = \n");
        assert!(files.refresh(&folders).unwrap_err().to_string().contains("config.toml"));
        assert_eq!(files.value(&["u"]), Some(&Value::from(7)));
    }
}
