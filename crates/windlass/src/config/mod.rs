//! Settings: what connectors say about their options, and errors that name the place and the nearest right word.

mod check;
mod document_schema;
mod examine;
mod fill;
mod folders;
mod formats;
mod interpolate;
mod layers;
mod lookup;
mod needs;
mod pipeline_file;
mod resource;
mod secret;
mod secret_files;
mod settings;
mod toml_files;
mod unused;

pub use check::{Problem, check};
pub use document_schema::json_schema;
pub use folders::{
    CONFIG_FOLDER, DATA_DIR, DLT_DATA_DIR, Folders, LOCAL_DIR, PROJECT_DIR, SECRETS_DIR, pipelines_dir,
};
pub use layers::{Found, Layers};
pub use lookup::{Answer, Provider, Query, variable_name};
pub use needs::{Needs, Variable};
pub use pipeline_file::{Described, Overrides, PipelineFile};
pub use secret::{Secret, SecretAddress};
pub use secret_files::SecretFiles;
pub use settings::{parse_byte_size, pipeline_settings};
pub use toml_files::TomlFiles;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;
use windlass_core::{Error, Result};
pub(crate) use windlass_core::{choices, nearest, nearest_first};

/// The JSON Schema of options.
pub fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Reads options. `what` names them in errors: `destination`, `source.resources.0`.
///
/// Errors: a key that is unknown, a value of the wrong kind; secrets are not shown.
pub fn parse_options<T: DeserializeOwned + JsonSchema>(what: &str, options: Value) -> Result<T> {
    let given = options.clone();
    serde_path_to_error::deserialize(options).map_err(|error| {
        let general = "`windlass json-schema` prints all options";
        // The schema knows all keys and words; a parser names the first that it stumbled over, or its own types.
        let schema = schemars::schema_for!(T).to_value();
        if let Some(problem) = check(&schema, &given).into_iter().next() {
            let path = format!("{what}{}", problem.pointer.replace('/', "."));
            let error = Error::config(format!("`{path}`: {}", problem.message));
            return error.with_hint(problem.hint.unwrap_or_else(|| general.to_owned()));
        }
        unread(what, &error)
    })
}

/// The error of a parser, without the names of its own types.
fn unread(what: &str, error: &serde_path_to_error::Error<serde_json::Error>) -> Error {
    let path = error.path().to_string();
    let path = if path == "." { what.to_owned() } else { format!("{what}.{path}") };
    let text = error.inner().to_string();
    let text = if text.contains("untagged enum") { "none of its forms fits this value" } else { &text };
    Error::config(format!("`{path}`: {text}")).with_hint("`windlass json-schema` prints all options")
}

/// The same with the words of the parser itself, for options whose own errors say more than their schema.
#[cfg(feature = "http")]
pub(crate) fn parse_plainly<T: DeserializeOwned>(what: &str, options: Value) -> Result<T> {
    serde_path_to_error::deserialize(options).map_err(|error| unread(what, &error))
}

/// The error for a name that does not exist, with the nearest one and all of them.
pub(crate) fn unknown_name<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    Error::config(format!("there is no {what} `{name}`")).with_hint(choices(name, known))
}
