//! Functions that need no pipeline: schemas, names, typed JSON, settings files, the command line.

use std::ffi::OsString;
use std::str::FromStr as _;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::Value;
use windlass::core::document::{Document, DocumentFormat};
use windlass::core::incremental::IncrementalOptions;
use windlass::core::json::{Found, JsonPath, ParseBuffers};
use windlass::core::masking;
use windlass::core::naming::{Convention, Naming};
use windlass::core::schema::{Schema, SchemaFormat, default_schema_name, export, parse_document};
use windlass::core::{Error, Result};
use windlass::destinations::DESTINATIONS;

use crate::error::OrRaise as _;
use crate::typed;
use crate::write;

/// Adds the functions to the module.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let functions = [
        wrap_pyfunction!(typed_loads, module)?,
        wrap_pyfunction!(typed_dumps, module)?,
        wrap_pyfunction!(new_schema, module)?,
        wrap_pyfunction!(read_schema, module)?,
        wrap_pyfunction!(parse_schema, module)?,
        wrap_pyfunction!(export_schema, module)?,
        wrap_pyfunction!(schema_hash, module)?,
        wrap_pyfunction!(schema_name_of_pipeline, module)?,
        wrap_pyfunction!(normalize_name, module)?,
        wrap_pyfunction!(parse_toml, module)?,
        wrap_pyfunction!(select_json, module)?,
        wrap_pyfunction!(destination_kinds, module)?,
        wrap_pyfunction!(destination_options, module)?,
        wrap_pyfunction!(destination_needs, module)?,
        wrap_pyfunction!(cursor_column, module)?,
        wrap_pyfunction!(run_command, module)?,
        wrap_pyfunction!(learn_secret, module)?,
        wrap_pyfunction!(learn_setting, module)?,
        wrap_pyfunction!(masked, module)?,
        wrap_pyfunction!(masked_url, module)?,
        wrap_pyfunction!(is_secret_name, module)?,
        wrap_pyfunction!(shown_body, module)?,
        wrap_pyfunction!(link_target, module)?,
        wrap_pyfunction!(unknown_link_relations, module)?,
    ];
    functions.into_iter().try_for_each(|function| module.add_function(function))
}

/// The Python value of typed JSON.
#[pyfunction]
fn typed_loads<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    typed::loads(py, text)
}

/// A Python value as typed JSON.
#[pyfunction]
fn typed_dumps(value: &Bound<'_, PyAny>) -> PyResult<String> {
    let mut out = Vec::new();
    write::write(value, &mut out, 0).map_err(|refused| refused.into_exception(value.py()))?;
    String::from_utf8(out).map_err(|cause| PyValueError::new_err(cause.to_string()))
}

fn naming(convention: &str, max_length: Option<usize>) -> Result<Naming> {
    Naming::new(convention.parse::<Convention>()?, max_length)
}

fn json_text(text: &str) -> Result<Value> {
    serde_json::from_str(text).map_err(|cause| Error::config("this is not JSON").with_source(cause))
}

fn document(schema: &Schema) -> String {
    Value::Object(schema.to_json()).to_string()
}

/// A new schema, as JSON.
#[pyfunction]
#[pyo3(signature = (name, convention="snake_case", max_length=None))]
fn new_schema(py: Python<'_>, name: &str, convention: &str, max_length: Option<usize>) -> PyResult<String> {
    let schema = naming(convention, max_length).and_then(|naming| {
        let mut schema = Schema::new(name, &naming)?;
        schema.bump();
        Ok(schema)
    });
    Ok(document(&schema.or_raise(py)?))
}

/// A schema of any engine version brought up to date, as JSON; with `bump` its version is counted.
#[pyfunction]
#[pyo3(signature = (text, strict=true, bump=true))]
fn read_schema(py: Python<'_>, text: &str, strict: bool, bump: bool) -> PyResult<String> {
    let schema = json_text(text).and_then(|value| Schema::from_json(&value, strict));
    let mut schema = schema.or_raise(py)?;
    if bump {
        schema.bump();
    }
    Ok(document(&schema))
}

/// A schema file, YAML or JSON, as JSON.
#[pyfunction]
fn parse_schema(py: Python<'_>, text: &str, name: &str) -> PyResult<String> {
    Ok(document(&parse_document(text, name).or_raise(py)?))
}

/// A schema as `yaml`, `json`, `mermaid` or `dbml`.
#[pyfunction]
fn export_schema(py: Python<'_>, text: &str, format: &str) -> PyResult<String> {
    let text = json_text(text)
        .and_then(|value| Schema::from_json(&value, false))
        .and_then(|schema| Ok(export(&schema, SchemaFormat::from_str(format)?)));
    text.or_raise(py)
}

/// The hash of the content of a schema.
#[pyfunction]
fn schema_hash(py: Python<'_>, text: &str) -> PyResult<String> {
    let schema = json_text(text).and_then(|value| Schema::from_json(&value, false));
    Ok(schema.or_raise(py)?.content_hash())
}

/// The name of the schema of a pipeline's data that has no source.
#[pyfunction]
fn schema_name_of_pipeline(py: Python<'_>, pipeline: &str) -> PyResult<String> {
    default_schema_name(pipeline).or_raise(py)
}

/// A name under a convention: `what` is `table`, `column`, `table_path`, `column_path`.
#[pyfunction]
#[pyo3(signature = (name, what="table", convention="snake_case", max_length=None))]
fn normalize_name(
    py: Python<'_>,
    name: &str,
    what: &str,
    convention: &str,
    max_length: Option<usize>,
) -> PyResult<String> {
    let normalized = naming(convention, max_length).and_then(|naming| match what {
        "table" => naming.table_identifier(name),
        "table_path" => naming.tables_path(name),
        "column_path" => naming.path(name),
        _ => naming.identifier(name),
    });
    normalized.or_raise(py)
}

/// A TOML file as a dict.
#[pyfunction]
fn parse_toml<'py>(py: Python<'py>, text: &str, name: &str) -> PyResult<Bound<'py, PyAny>> {
    let document = Document::parse(text, DocumentFormat::Toml, name).or_raise(py)?;
    typed::object(py, &document.value)
}

/// What a JSONPath finds in a JSON text, each as JSON.
#[pyfunction]
fn select_json(py: Python<'_>, text: &str, path: &str) -> PyResult<Vec<String>> {
    let path = JsonPath::parse(path).or_raise(py)?;
    let mut buffers = ParseBuffers::new();
    let parsed =
        buffers.parse_value(text.as_bytes()).map_err(|error| PyValueError::new_err(error.message))?;
    let found = path.find(&parsed.tape, 0).or_raise(py)?;
    let as_text = |one| match one {
        Found::Node(node) => {
            let mut text = String::new();
            windlass::core::json::write_compact(&mut text, &parsed.tape, node);
            text
        }
        Found::Value(value) => value.to_string(),
    };
    Ok(found.into_iter().map(as_text).collect())
}

/// The destinations that the engine has.
#[pyfunction]
fn destination_kinds() -> Vec<&'static str> {
    DESTINATIONS.iter().filter(|entry| entry.missing.is_none()).map(|entry| entry.name).collect()
}

/// The JSON Schema of the options of a destination.
#[pyfunction]
fn destination_options(py: Python<'_>, kind: &str) -> PyResult<String> {
    let schema = windlass::config::json_schema();
    let entry = windlass::destinations::destination_entry(kind).or_raise(py)?;
    let definition = schema.pointer(&format!("/$defs/destination:{}", entry.name)).cloned();
    Ok(definition.unwrap_or_default().to_string())
}

/// The option that a destination cannot do without, if there is one.
#[pyfunction]
fn destination_needs(py: Python<'_>, kind: &str) -> PyResult<Option<&'static str>> {
    Ok(windlass::destinations::destination_entry(kind).or_raise(py)?.needed)
}

/// The column of a cursor, if its path is nothing but a name.
#[pyfunction]
fn cursor_column(path: &str) -> Option<String> {
    IncrementalOptions::new(path).column()
}

/// Runs the `windlass` command; gives the exit code.
#[pyfunction]
fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| windlass_cli::run(arguments))
}

/// Remembers a secret, which no message shows from now on.
#[pyfunction]
fn learn_secret(secret: &str) {
    masking::learn(secret);
}

/// Remembers what is secret of a setting.
#[pyfunction]
fn learn_setting(key: &str, value: &str) {
    masking::learn_setting(key, value);
}

/// A text without secrets.
#[pyfunction]
fn masked(text: &str) -> String {
    masking::masked(text).into_owned()
}

/// A URL for people.
#[pyfunction]
fn masked_url(url: &str) -> String {
    windlass::sources::rest::http::masked_url(url)
}

/// Whether a parameter, field or setting of this name holds what nobody should read.
#[pyfunction]
fn is_secret_name(name: &str) -> bool {
    masking::is_secret_name(name)
}

/// The beginning of an answer's body, for who asked to see it.
#[pyfunction]
fn shown_body(text: &str, characters: usize) -> String {
    windlass::sources::rest::http::shown_body(text, characters)
}

/// The URL that the text of a header `Link` names for a relation.
#[pyfunction]
fn link_target(header: &str, relation: &str) -> Option<String> {
    windlass::sources::rest::paginate::link_target(header, relation)
}

/// The relations of a header `Link` that lacks the wanted one, where some may be meant for it.
#[pyfunction]
fn unknown_link_relations(header: &str, wanted: &str) -> Vec<String> {
    windlass::sources::rest::paginate::unknown_link_relations(header, wanted)
}
