//! What a pipeline needs from where it runs: the names of variables and settings, never their values.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use windlass_core::document::{Document, DocumentFormat};
use windlass_core::{Error, Result};

use super::folders::SETTINGS;
use super::interpolate::{is_secret_variable, variables};
use super::lookup::variable_name;
use crate::files::read_to_string;

/// What a pipeline file or a Python script needs to run somewhere else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The name of the pipeline; a script's is that of the file, as far as it tells.
    pub pipeline: String,
    /// The kind of the destination, if the file names it.
    pub destination: Option<String>,
    /// Environment variables by name.
    pub variables: BTreeMap<String, Variable>,
}

/// One environment variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Whether its value is likely to be secret.
    pub is_secret: bool,
    /// Whether the pipeline does without it.
    pub has_default: bool,
}

impl Needs {
    /// What a pipeline file asks for: its `${VARIABLES}`, and what `secrets.toml` beside it holds.
    ///
    /// Errors: the file cannot be read, or is neither YAML nor TOML.
    pub fn of_file(path: &Path) -> Result<Self> {
        let file = path.display().to_string();
        let text = read(path, "`windlass init SOURCE DESTINATION` writes one")?;
        let document = Document::parse(&text, DocumentFormat::of_path(&file), &file)?;
        let value = &document.value;
        let destination = value.pointer("/destination/type").or_else(|| value.get("destination"));
        let mut needs = Self {
            pipeline: value.get("pipeline").and_then(Value::as_str).unwrap_or_default().to_owned(),
            destination: destination.and_then(Value::as_str).map(str::to_owned),
            variables: BTreeMap::new(),
        };
        if needs.pipeline.is_empty() {
            return Err(Error::config(format!("{file} has no key `pipeline`"))
                .with_hint("a pipeline file begins with `pipeline: NAME`"));
        }
        for (name, has_default) in variables(value) {
            let is_secret = is_secret_variable(&name);
            needs.variables.insert(name, Variable { is_secret, has_default });
        }
        needs.add_secrets_beside(path)?;
        Ok(needs)
    }

    /// What a Python script asks for, as far as its text tells: `os.environ["A"]`, `dlt.secrets["a.b"]`, and what
    /// `secrets.toml` beside it holds. Errors: the script cannot be read.
    pub fn of_script(path: &Path) -> Result<Self> {
        let text = read(path, "give the path of a Python script, or of a pipeline file")?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let named = |found: Option<regex::Captures<'_>>| found.map(|found| found[1].to_owned());
        let mut needs = Self {
            pipeline: named(PIPELINE.captures(&text)).unwrap_or(stem),
            destination: named(DESTINATION.captures(&text)),
            variables: BTreeMap::new(),
        };
        for found in ENVIRON.captures_iter(&text) {
            // `get` and `getenv` give nothing where there is nothing.
            let has_default = found.get(1).is_none();
            let name = found.get(1).or_else(|| found.get(2)).map(|name| name.as_str()).unwrap_or_default();
            let is_secret = is_secret_variable(name);
            needs.variables.insert(name.to_owned(), Variable { is_secret, has_default });
        }
        for found in SECRETS.captures_iter(&text) {
            needs.add_secret(&found[1].split('.').map(str::to_owned).collect::<Vec<_>>());
        }
        needs.add_secrets_beside(path)?;
        Ok(needs)
    }

    fn add_secret(&mut self, path: &[String]) {
        let keys: Vec<&str> = path.iter().map(String::as_str).collect();
        self.variables.insert(variable_name(&keys), Variable { is_secret: true, has_default: false });
    }

    /// The keys of `secrets.toml` in the folders of settings beside a file.
    fn add_secrets_beside(&mut self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or_else(|| Path::new(""));
        for settings in SETTINGS {
            let secrets = folder.join(settings).join("secrets.toml");
            if !secrets.exists() {
                continue;
            }
            let name = secrets.display().to_string();
            let document = Document::parse(&read_to_string(&secrets)?, DocumentFormat::Toml, &name)?;
            let mut leaves = Vec::new();
            add_leaves(&document.value, &mut Vec::new(), &mut leaves);
            leaves.iter().for_each(|path| self.add_secret(path));
        }
        Ok(())
    }
}

fn read(path: &Path, hint: &'static str) -> Result<String> {
    read_to_string(path).map_err(|error| match path.exists() {
        true => error,
        false => Error::config(format!("there is no file {}", path.display())).with_hint(hint),
    })
}

fn add_leaves(value: &Value, path: &mut Vec<String>, leaves: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(map) => {
            for (key, item) in map {
                path.push(key.clone());
                add_leaves(item, path, leaves);
                path.pop();
            }
        }
        _ if !path.is_empty() => leaves.push(path.clone()),
        _ => {}
    }
}

#[expect(clippy::expect_used, reason = "the patterns are constants, which a test compiles")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern is valid")
}

static PIPELINE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\.pipeline\(\s*(?:pipeline_name\s*=\s*)?["']([^"']+)["']"#));
static DESTINATION: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\bdestination\s*=\s*(?:(?:\w+\.)?destinations\.|["'])(\w+)"#));
static ENVIRON: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"environ\[\s*["'](\w+)["']\s*\]|(?:environ\.get|getenv)\(\s*["'](\w+)["']"#));
static SECRETS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\bsecrets(?:\[\s*|\.get\(\s*)["']([\w.]+)["']"#));

#[cfg(test)]
mod tests {
    use super::*;

    fn told(needs: &Needs) -> Vec<String> {
        let told = |(name, variable): (&String, &Variable)| {
            let secret = if variable.is_secret { " secret" } else { "" };
            let default = if variable.has_default { " default" } else { "" };
            format!("{name}{secret}{default}")
        };
        needs.variables.iter().map(told).collect()
    }

    #[test]
    fn a_file_needs_its_variables_and_the_secrets_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.yaml");
        std::fs::write(
            &file,
            "pipeline: shop\ndestination: {type: postgres, credentials: \"${URL}\"}\n\
             source: {type: rest_api, client: {auth: {token: \"${API_TOKEN}\"}, base_url: \"${BASE:-http://x}/$${NO}\"}}\n",
        )
        .unwrap();
        std::fs::create_dir(folder.path().join(".dlt")).unwrap();
        std::fs::write(
            folder.path().join(".dlt/secrets.toml"),
            "[destination.postgres]\ncredentials = \"postgres://u:very-secret@h/d\"\n",
        )
        .unwrap();
        let needs = Needs::of_file(&file).unwrap();
        assert_eq!((needs.pipeline.as_str(), needs.destination.as_deref()), ("shop", Some("postgres")));
        assert_eq!(
            told(&needs),
            ["API_TOKEN secret", "BASE default", "DESTINATION__POSTGRES__CREDENTIALS secret", "URL"]
        );
        assert!(!format!("{needs:?}").contains("very-secret"));
    }

    #[test]
    fn a_script_needs_what_its_text_names() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("load_shop.py");
        std::fs::write(
            &file,
            "import windlass as dlt\nx = os.environ['API_KEY']\ny = os.getenv(\"REGION\", 'eu')\n\
             t = dlt.secrets[\"sources.shop.token\"]\n\
             p = dlt.pipeline(\n    pipeline_name='shop', destination=dlt.destinations.duckdb('x.duckdb'))\n",
        )
        .unwrap();
        let needs = Needs::of_script(&file).unwrap();
        assert_eq!((needs.pipeline.as_str(), needs.destination.as_deref()), ("shop", Some("duckdb")));
        assert_eq!(told(&needs), ["API_KEY secret", "REGION default", "SOURCES__SHOP__TOKEN secret"]);
        std::fs::write(&file, "dlt.run([1])\n").unwrap();
        assert_eq!(Needs::of_script(&file).unwrap().pipeline, "load_shop");
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = Needs::of_file(Path::new("nowhere.yaml")).unwrap_err();
        assert_eq!(error.to_string(), "there is no file nowhere.yaml");
    }
}
