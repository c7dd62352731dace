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
pub fn parse_options<T: DeserializeOwned>(what: &str, options: Value) -> Result<T> {
    serde_path_to_error::deserialize(options).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { what.to_owned() } else { format!("{what}.{path}") };
        Error::config(format!("`{path}`: {}", error.into_inner()))
            .with_hint("`windlass json-schema` prints all options")
    })
}

/// The error for a name that does not exist, with the nearest one or all of them.
pub(crate) fn unknown_name<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.into_iter().collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", known.join(", ")),
    };
    Error::config(format!("there is no {what} `{name}`")).with_hint(hint)
}
