//! Layouts of settings (variables, files, secrets) and what is found in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use windlass::config::{Answer, Found, Layers, Query, SECRETS_DIR};
use windlass::core::{Error, Result};

/// A layout, as `python/differential/settings/layouts.py` makes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// Its name.
    pub name: String,
    env: BTreeMap<String, String>,
    files: BTreeMap<String, String>,
    secret_files: BTreeMap<String, String>,
    questions: Vec<Question>,
    /// What dlt answered to each question; nothing where it was not asked.
    #[serde(default)]
    pub answers: Vec<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    pipeline: String,
    sections: Vec<String>,
    fixed: Vec<String>,
    field: String,
    is_secret: bool,
}

impl Layout {
    /// The layouts of a text. Errors: it is not a list of layouts.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        serde_json::from_str(text)
            .map_err(|cause| Error::config("this is not a list of layouts").with_source(cause))
    }

    /// What a pipeline file in the folder `base` of the layout finds for each question: `{"value": …}`,
    /// `{"absent": true}`, or `{"refused": true}` for a secret in a file that must not have any.
    ///
    /// Errors: the files of the layout cannot be made or read.
    pub fn answer(&self) -> Result<Vec<Value>> {
        let root = tempfile::tempdir().map_err(|cause| unwritten(Path::new("a folder"), cause))?;
        let root = root.path();
        let secrets = root.join("secrets");
        for (path, text) in &self.files {
            write(&root.join(path), text)?;
        }
        for (name, text) in &self.secret_files {
            write(&secrets.join(name), text)?;
        }
        let path = |path: &Path| path.display().to_string();
        let env = self.env.iter().map(|(name, value)| (name.clone(), value.replace("{root}", &path(root))));
        let own = [("HOME".to_owned(), path(&root.join("home"))), (SECRETS_DIR.to_owned(), path(&secrets))];
        let layers = Layers::of_project(env.chain(own), &root.join("base"))?;
        Ok(self.questions.iter().map(|question| question.answer(&layers)).collect())
    }
}

impl Question {
    fn answer(&self, layers: &Layers) -> Value {
        let sections: Vec<&str> = self.sections.iter().map(String::as_str).collect();
        let key: Vec<&str> = self.fixed.iter().chain([&self.field]).map(String::as_str).collect();
        let query =
            Query { pipeline: &self.pipeline, sections: &sections, key: &key, is_secret: self.is_secret };
        match layers.find(&query) {
            Answer::Found(Found::Text(text)) => json!({ "value": text }),
            Answer::Found(Found::Value(value)) => json!({ "value": value }),
            Answer::NotSecret { .. } => json!({ "refused": true }),
            Answer::Absent => json!({ "absent": true }),
        }
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).and_then(|()| fs::write(path, text)).map_err(|cause| unwritten(path, cause))
}

fn unwritten(path: &Path, cause: std::io::Error) -> Error {
    Error::config(format!("{} cannot be written", path.display())).with_source(cause)
}
