//! Where settings come from: the environment, then `secrets.toml`, then `config.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use windlass_core::Result;
use windlass_core::document::{Document, DocumentFormat};
use windlass_core::masking::{learn_setting, learn_settings};

use crate::files::read_to_string;

/// Folders of settings, the strongest first. The second is the reference's, so that its projects work as they are.
pub(super) const FOLDERS: [&str; 2] = [".windlass", ".dlt"];

/// All settings that are not in the pipeline file.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    env: BTreeMap<String, String>,
    files: Vec<SettingsFile>,
    /// Files that do not exist.
    absent: Vec<PathBuf>,
}

#[derive(Clone, Debug)]
struct SettingsFile {
    path: PathBuf,
    is_secrets: bool,
    value: Value,
}

/// A setting that was found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found<'a> {
    /// Text from the environment.
    Text(&'a str),
    /// A value from a file.
    Value(&'a Value),
}

impl Layers {
    /// Settings from these environment variables only.
    pub fn from_env(env: impl IntoIterator<Item = (String, String)>) -> Self {
        let env: BTreeMap<String, String> = env.into_iter().collect();
        for (name, value) in &env {
            if let Some((_, key)) = name.rsplit_once("__") {
                learn_setting(key, value);
            }
        }
        Self { env, ..Self::default() }
    }

    /// Adds the files of settings below `folders`, the strongest folder first.
    ///
    /// Errors: a file that cannot be read or is not TOML.
    pub fn with_folders<'a>(mut self, folders: impl IntoIterator<Item = &'a Path>) -> Result<Self> {
        // A folder that is there under two names would be read, and told of, twice.
        let mut known = Vec::new();
        let is_new = |folder: &&Path| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let full = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            let is_new = !known.contains(&full);
            known.push(full);
            is_new
        };
        let folders: Vec<&Path> = folders.into_iter().filter(is_new).collect();
        for (name, is_secrets) in [("secrets.toml", true), ("config.toml", false)] {
            for folder in &folders {
                for settings in FOLDERS {
                    let path = folder.join(settings).join(name);
                    if self.files.iter().any(|file| file.path == path) || self.absent.contains(&path) {
                        continue;
                    }
                    if !path.exists() {
                        self.absent.push(path);
                        continue;
                    }
                    let text = read_to_string(&path)?;
                    let document = Document::parse(&text, DocumentFormat::Toml, &path.display().to_string())?;
                    learn_settings(&document.value);
                    self.files.push(SettingsFile { path, is_secrets, value: document.value });
                }
            }
        }
        Ok(self)
    }

    /// The files that were read, and what they hold.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &Value)> {
        self.files.iter().map(|file| (file.path.as_path(), &file.value))
    }

    /// An environment variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    /// The value of a key: first with the pipeline's name in front, then without; in each, provider by provider; in
    /// each, with all sections, then with fewer from the right.
    pub(super) fn get(&self, pipeline: &str, sections: &[&str], key: &[&str]) -> Option<Found<'_>> {
        for prefix in prefixes(pipeline) {
            for count in (0..=sections.len()).rev() {
                let path = path(&prefix, &sections[..count], key);
                if let Some(text) = self.env.get(&env_name(&path)) {
                    return Some(Found::Text(text));
                }
            }
            for is_secrets in [true, false] {
                for count in (0..=sections.len()).rev() {
                    let path = path(&prefix, &sections[..count], key);
                    let files = self.files.iter().filter(|file| file.is_secrets == is_secrets);
                    let mut values = files.filter_map(|file| lookup(&file.value, &path));
                    if let Some(value) = values.next() {
                        return Some(Found::Value(value));
                    }
                }
            }
        }
        None
    }

    /// All places in which a key is looked for, for the report of one that is missing.
    pub(super) fn places(&self, pipeline: &str, sections: &[&str], key: &[&str]) -> Vec<String> {
        let mut places = Vec::new();
        for prefix in prefixes(pipeline) {
            for count in (0..=sections.len()).rev() {
                places.push(format!("environment {}", env_name(&path(&prefix, &sections[..count], key))));
            }
        }
        let dotted = path(&[], sections, key).join(".");
        for file in &self.files {
            places.push(format!("{} {dotted}", file.path.display()));
        }
        places.extend(self.absent.iter().map(|path| format!("{} (not there)", path.display())));
        places
    }
}

/// A key is looked for with the pipeline's name in front, then without.
fn prefixes(pipeline: &str) -> Vec<Vec<&str>> {
    if pipeline.is_empty() { vec![Vec::new()] } else { vec![vec![pipeline], Vec::new()] }
}

fn path<'a>(prefix: &[&'a str], sections: &[&'a str], key: &[&'a str]) -> Vec<&'a str> {
    [prefix, sections, key].concat()
}

pub(super) fn env_name(path: &[&str]) -> String {
    path.join("__").to_uppercase()
}

fn lookup<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layers(env: &[(&str, &str)], files: &[(&str, &str)]) -> Layers {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Layers::from_env(env).with_folders([folder.path()]).unwrap()
    }

    fn get(layers: &Layers, key: &str) -> String {
        let key: Vec<&str> = key.split('.').collect();
        match layers.get("pp", &["destination", "duckdb"], &key) {
            None => "-".to_owned(),
            Some(Found::Text(text)) => format!("env {text}"),
            Some(Found::Value(value)) => value.to_string(),
        }
    }

    #[test]
    fn the_nearest_section_wins_within_a_provider() {
        let found = layers(&[("DESTINATION__CREDENTIALS", "b"), ("CREDENTIALS", "c")], &[]);
        assert_eq!(get(&found, "credentials"), "env b");
        let found = layers(&[("CREDENTIALS", "c"), ("DESTINATION__DUCKDB__CREDENTIALS", "a")], &[]);
        assert_eq!(get(&found, "credentials"), "env a");
    }

    #[test]
    fn a_value_for_the_pipeline_beats_a_general_one_of_a_stronger_provider() {
        let found = layers(
            &[("DESTINATION__DUCKDB__CREDENTIALS", "env")],
            &[(".dlt/config.toml", "[pp.destination.duckdb]\ncredentials = \"pipe\"")],
        );
        assert_eq!(get(&found, "credentials"), "\"pipe\"");
    }

    #[test]
    fn secrets_beat_config_and_our_folder_beats_the_references() {
        let file = |value: &str| format!("[destination.duckdb.credentials]\ndatabase = \"{value}\"");
        let (a, b, c) = (file("a"), file("b"), file("c"));
        let found = layers(&[], &[(".dlt/secrets.toml", &a), (".windlass/config.toml", &b)]);
        assert_eq!(get(&found, "credentials.database"), "\"a\"");
        let found = layers(&[], &[(".dlt/secrets.toml", &a), (".windlass/secrets.toml", &c)]);
        assert_eq!(get(&found, "credentials.database"), "\"c\"");
    }

    #[test]
    fn a_missing_key_lists_every_place() {
        let found = layers(&[], &[(".dlt/config.toml", "")]);
        let places = found.places("pp", &["destination", "filesystem"], &["bucket_url"]);
        assert_eq!(places[0], "environment PP__DESTINATION__FILESYSTEM__BUCKET_URL");
        assert_eq!(places[5], "environment BUCKET_URL");
        assert!(places[6].ends_with(".dlt/config.toml destination.filesystem.bucket_url"), "{places:?}");
        assert!(places.iter().any(|place| place.ends_with("secrets.toml (not there)")));
    }
}
