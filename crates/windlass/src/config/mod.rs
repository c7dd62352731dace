//! Settings: what connectors say about their options, and errors that name the place and the nearest right word.

mod check;
mod document_schema;
mod fill;
mod interpolate;
mod layers;
mod needs;
mod pipeline_file;
mod resource;
mod secret;
mod settings;
mod unused;

pub use check::{Problem, check};
pub use document_schema::json_schema;
pub use layers::Layers;
pub use needs::{Needs, Variable};
pub use pipeline_file::{Described, Overrides, PipelineFile, pipelines_dir};
pub use secret::{Secret, SecretAddress};
pub use settings::{parse_byte_size, pipeline_settings};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;
pub(crate) use windlass_core::nearest;
use windlass_core::{Error, Result};

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
        let path = error.path().to_string();
        let path = if path == "." { what.to_owned() } else { format!("{what}.{path}") };
        Error::config(format!("`{path}`: {}", error.into_inner())).with_hint(general)
    })
}

/// The same with the words of the parser itself, for options whose own errors say more than their schema.
#[cfg(feature = "http")]
pub(crate) fn parse_plainly<T: DeserializeOwned>(what: &str, options: Value) -> Result<T> {
    serde_path_to_error::deserialize(options).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { what.to_owned() } else { format!("{what}.{path}") };
        Error::config(format!("`{path}`: {}", error.into_inner()))
            .with_hint("`windlass json-schema` prints all options")
    })
}

/// Names that an error lists; a database may have thousands of tables.
const LISTED_NAMES: usize = 40;

/// All words, the one that was probably meant first and the others in their order.
pub(crate) fn nearest_first<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut all: Vec<&str> = Vec::new();
    known.into_iter().for_each(|other| {
        if !all.contains(&other) {
            all.push(other);
        }
    });
    if let Some(place) =
        nearest(word, all.iter().copied()).and_then(|near| all.iter().position(|a| *a == near))
    {
        let near = all.remove(place);
        all.insert(0, near);
    }
    all
}

/// What helps where `word` is none of the words that are known: the nearest one, and all of them.
pub(crate) fn choices<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let all = nearest_first(word, known);
    let more = match all.len().saturating_sub(LISTED_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let list = all.iter().take(LISTED_NAMES).copied().collect::<Vec<_>>().join(", ");
    match (nearest(word, all.iter().copied()), all.len()) {
        (Some(near), 1) => format!("did you mean `{near}`?"),
        (Some(near), _) => format!("did you mean `{near}`? there are {list}{more}"),
        (None, 0) => "there is none".to_owned(),
        (None, _) => format!("there are {list}{more}"),
    }
}

/// The error for a name that does not exist, with the nearest one and all of them.
pub(crate) fn unknown_name<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    Error::config(format!("there is no {what} `{name}`")).with_hint(choices(name, known))
}
