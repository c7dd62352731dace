//! Checks of documents that people edit, or that come back from a destination.

use serde_json::{Map, Value};

use super::{Contract, Pattern};
use crate::error::{Code, Error, Result};
use crate::value::DataType;

/// What a key's value must be.
#[derive(Clone, Copy)]
enum Is {
    Text,
    Bool,
    Int,
    List,
    Object,
    Any,
    OneOf(&'static [&'static str]),
}

type Keys = &'static [(&'static str, Is)];

const SCHEMA: Keys = &[
    ("version", Is::Int),
    ("version_hash", Is::Text),
    ("engine_version", Is::Int),
    ("name", Is::Text),
    ("tables", Is::Object),
    ("settings", Is::Object),
    ("normalizers", Is::Object),
    ("previous_hashes", Is::List),
    ("imported_version_hash", Is::Text),
    ("description", Is::Text),
];

const TABLE: Keys = &[
    ("name", Is::Text),
    ("columns", Is::Object),
    ("description", Is::Text),
    ("parent", Is::Text),
    ("write_disposition", Is::OneOf(&["skip", "append", "replace", "merge"])),
    ("resource", Is::Text),
    ("schema_contract", Is::Any),
    ("table_sealed", Is::Bool),
    ("filters", Is::Object),
    ("table_format", Is::OneOf(&["iceberg", "delta", "hive", "native"])),
    ("file_format", Is::Text),
    ("references", Is::List),
    ("variant_name", Is::Text),
];

const COLUMN: Keys = &[
    ("name", Is::Text),
    ("data_type", Is::Text),
    ("precision", Is::Int),
    ("scale", Is::Int),
    ("timezone", Is::Bool),
    ("nullable", Is::Bool),
    ("variant", Is::Bool),
    ("description", Is::Text),
    ("primary_key", Is::Bool),
    ("merge_key", Is::Bool),
    ("partition", Is::Bool),
    ("cluster", Is::Bool),
    ("incremental", Is::Any),
    ("sort", Is::Bool),
    ("unique", Is::Bool),
    ("row_key", Is::Bool),
    ("parent_key", Is::Bool),
    ("root_key", Is::Bool),
    ("hard_delete", Is::Bool),
    ("dedup_sort", Is::OneOf(&["asc", "desc"])),
];

const SETTINGS: Keys = &[
    ("detections", Is::List),
    ("default_hints", Is::Object),
    ("preferred_types", Is::Object),
    ("schema_contract", Is::Any),
];

const NORMALIZERS: Keys = &[
    ("names", Is::Text),
    ("json", Is::Object),
    ("use_break_path_on_normalize", Is::Bool),
    ("allow_identifier_change_on_table_with_data", Is::Bool),
    ("detections", Is::List),
];

/// Checks every known key. Errors name the path; keys that start with `x-` are not looked at.
pub(super) fn validate(document: &Value) -> Result<()> {
    let schema = keys(document, "schema", SCHEMA)?;
    for (name, table) in objects(schema, "tables") {
        let path = format!("tables.{name}");
        let table = keys(table, &path, TABLE)?;
        if let Some(contract) = table.get("schema_contract") {
            Contract::from_json(contract).map_err(|e| e.at_table(name))?;
        }
        for (column_name, column) in objects(table, "columns") {
            let column = keys(column, &format!("{path}.columns.{column_name}"), COLUMN)?;
            if let Some(data_type) = column.get("data_type").and_then(Value::as_str) {
                data_type.parse::<DataType>().map_err(|e| e.at_table(name).at_column(column_name))?;
            }
        }
    }
    if let Some(settings) = schema.get("settings") {
        let settings = keys(settings, "settings", SETTINGS)?;
        for (_, patterns) in objects(settings, "default_hints") {
            for pattern in patterns.as_array().into_iter().flatten().filter_map(Value::as_str) {
                Pattern::new(pattern)?;
            }
        }
        for (pattern, data_type) in objects(settings, "preferred_types") {
            Pattern::new(pattern)?;
            data_type.as_str().unwrap_or_default().parse::<DataType>()?;
        }
        Contract::from_json(settings.get("schema_contract").unwrap_or(&Value::Null))?;
    }
    if let Some(normalizers) = schema.get("normalizers") {
        keys(normalizers, "normalizers", NORMALIZERS)?;
    }
    Ok(())
}

fn objects<'a>(map: &'a Map<String, Value>, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    map.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn keys<'a>(value: &'a Value, path: &str, known: Keys) -> Result<&'a Map<String, Value>> {
    let Value::Object(map) = value else {
        return Err(Error::of(Code::InvalidSchema, format!("`{path}` is not an object")));
    };
    for (key, value) in map.iter().filter(|(key, _)| !key.starts_with("x-")) {
        let Some((_, is)) = known.iter().find(|(name, _)| name == key) else {
            return Err(Error::of(Code::UnknownSchemaKey, format!("`{path}` has an unknown key `{key}`"))
                .with_detail("key", key.as_str())
                .with_detail("path", path));
        };
        let fits = value.is_null()
            || match is {
                Is::Any => true,
                Is::Text => value.is_string(),
                Is::Bool => value.is_boolean(),
                Is::Int => value.is_i64(),
                Is::List => value.is_array(),
                Is::Object => value.is_object(),
                Is::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            };
        if !fits {
            return Err(Error::of(Code::InvalidSchema, format!("`{path}.{key}` cannot be {value}")));
        }
    }
    Ok(map)
}
