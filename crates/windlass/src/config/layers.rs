//! Where settings come from: the environment and files of secrets, then `secrets.toml`, then `config.toml`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::Path;

use serde_json::Value;
use windlass_core::Result;
use windlass_core::masking::{learn_setting, learn_settings};

use super::folders::Folders;
use super::lookup::{Answer, Provider, Query, variable_name};
use super::secret_files::SecretFiles;
use super::toml_files::TomlFiles;

/// All settings that are not in the pipeline file.
#[derive(Clone, Debug)]
pub struct Layers {
    env: BTreeMap<String, String>,
    folders: Folders,
    secret_files: SecretFiles,
    secrets: TomlFiles,
    config: TomlFiles,
}

/// A setting that was found.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<'a> {
    /// Text from the environment, or from a file of a secret.
    Text(Cow<'a, str>),
    /// A value from a file.
    Value(&'a Value),
}

impl Layers {
    /// Settings from these environment variables only.
    pub fn from_env(env: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::new(env, Path::new(""))
    }

    fn new(env: impl IntoIterator<Item = (String, String)>, base: &Path) -> Self {
        let env: BTreeMap<String, String> = env.into_iter().collect();
        for (name, value) in &env {
            if let Some((_, key)) = name.rsplit_once("__") {
                learn_setting(key, value);
            }
        }
        Self {
            folders: Folders::of(&|name| env.get(name).cloned(), base),
            env,
            secret_files: SecretFiles::default(),
            secrets: TomlFiles::new(TomlFiles::SECRETS),
            config: TomlFiles::new(TomlFiles::CONFIG),
        }
    }

    /// Settings from these environment variables, from files of secrets and from the files of settings of a project and of
    /// the user. `base` is the folder of the project unless a variable names another.
    ///
    /// Errors: a file of settings that cannot be read or is not TOML.
    pub fn of_project(env: impl IntoIterator<Item = (String, String)>, base: &Path) -> Result<Self> {
        let mut layers = Self::new(env, base);
        layers.secret_files = SecretFiles::list(&layers.folders.secrets);
        let folders = layers.folders.settings();
        for files in [&mut layers.secrets, &mut layers.config] {
            files.refresh(&folders)?;
            files.files().for_each(|(_, value)| learn_settings(value));
        }
        Ok(layers)
    }

    /// The files that were read, and what they hold.
    pub(super) fn files(&self) -> impl Iterator<Item = (&Path, &Value)> {
        self.secrets.files().chain(self.config.files())
    }

    /// The folders of the project and of the user.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// An environment variable.
    pub fn env(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    /// What is known of a setting, by the order of [`Query::find`].
    pub fn find(&self, query: &Query<'_>) -> Answer<Found<'_>> {
        let secrets = Files { files: &self.secrets, holds_secrets: true };
        let config = Files { files: &self.config, holds_secrets: false };
        let providers: [&dyn Provider<Value = Found<'_>, Error = Infallible>; 3] =
            [&Environment(self), &secrets, &config];
        let Ok(answer) = query.find(&providers, &mut |_, _| {});
        answer
    }

    /// The value of a key below sections that may be left out, for a pipeline. A pipeline file says of none of its keys
    /// that it is secret, so that any file may have any of them.
    pub(super) fn get(&self, pipeline: &str, sections: &[&str], key: &[&str]) -> Option<Found<'_>> {
        match self.find(&Query { pipeline, sections, key, is_secret: false }) {
            Answer::Found(found) => Some(found),
            Answer::NotSecret { .. } | Answer::Absent => None,
        }
    }

    /// All places in which a key is looked for, for the report of one that is missing.
    pub(super) fn places(&self, pipeline: &str, sections: &[&str], key: &[&str]) -> Vec<String> {
        let query = Query { pipeline, sections, key, is_secret: false };
        let variables = query.rounds().into_iter().flatten();
        let mut places: Vec<String> =
            variables.map(|path| format!("environment {}", variable_name(&path))).collect();
        let full = [sections, key].concat();
        places.extend(self.secret_files.place(&full).map(|path| path.display().to_string()));
        let dotted = full.join(".");
        places.extend(self.files().map(|(path, _)| format!("{} {dotted}", path.display())));
        let absent = self.secrets.absent().chain(self.config.absent());
        places.extend(absent.map(|path| format!("{} (not there)", path.display())));
        places
    }
}

/// The environment, and files of secrets behind it path by path.
struct Environment<'a>(&'a Layers);

impl<'a> Provider for Environment<'a> {
    type Value = Found<'a>;
    type Error = Infallible;

    fn value(&self, path: &[&str]) -> Result<Option<Found<'a>>, Infallible> {
        let text = self.0.env.get(&variable_name(path)).map(|text| Cow::Borrowed(text.as_str()));
        let text = text.or_else(|| self.0.secret_files.value(path).map(Cow::Owned));
        Ok(text.map(Found::Text))
    }

    fn is_empty(&self) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn holds_secrets(&self) -> Result<bool, Infallible> {
        Ok(true)
    }
}

/// The files of one name.
struct Files<'a> {
    files: &'a TomlFiles,
    holds_secrets: bool,
}

impl<'a> Provider for Files<'a> {
    type Value = Found<'a>;
    type Error = Infallible;

    fn value(&self, path: &[&str]) -> Result<Option<Found<'a>>, Infallible> {
        Ok(self.files.value(path).map(Found::Value))
    }

    fn is_empty(&self) -> Result<bool, Infallible> {
        Ok(self.files.is_empty())
    }

    fn holds_secrets(&self) -> Result<bool, Infallible> {
        Ok(self.holds_secrets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::folders::SECRETS_DIR;

    fn layers(env: &[(&str, &str)], files: &[(&str, &str)]) -> Layers {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let own = folder.path().join("secret_files").display().to_string();
        let own = [(SECRETS_DIR, own.as_str())];
        let env = env.iter().chain(&own);
        let env: Vec<_> = env.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Layers::of_project(env, folder.path()).unwrap()
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

    #[test]
    fn a_file_of_a_secret_stands_behind_the_variable_of_its_name() {
        let secret = ("secret_files/destination--duckdb--credentials", "a\n");
        assert_eq!(get(&layers(&[("CREDENTIALS", "c")], &[secret]), "credentials"), "env a");
        let variable = ("DESTINATION__DUCKDB__CREDENTIALS", "b");
        let found = layers(&[variable], &[secret]);
        assert_eq!(get(&found, "credentials"), "env b");
        let places = found.places("", &["destination", "duckdb"], &["credentials"]);
        assert!(places[3].ends_with("secret_files/destination--duckdb--credentials"), "{places:?}");
    }

    #[test]
    fn the_type_of_a_source_may_be_left_out() {
        let found = layers(&[], &[(".dlt/config.toml", "[sources.orders]\nlimit = 5")]);
        let value = found.get("pp", &["sources", "sql_database", "orders"], &["limit"]);
        assert_eq!(value, Some(Found::Value(&Value::from(5))));
    }
}
