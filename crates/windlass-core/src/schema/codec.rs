//! The stored form of a schema, its hash, and reading it back.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::{Schema, Table, migrate, validate};
use crate::error::{Code, Error, Result};
use crate::hash::sha3_256_base64;
use crate::json::write_sorted;
use crate::state::decompress;

/// Keys of the document that do not count as content.
const UNHASHED: [&str; 4] = ["version", "version_hash", "imported_version_hash", "previous_hashes"];

/// The hash of a full document: its content in canonical form, then the names of tables and columns.
///
/// Tables count in the order of their names, columns in stored order.
pub fn document_hash(document: &Value) -> String {
    let Value::Object(map) = document else { return String::new() };
    let content: Map<String, Value> = map
        .iter()
        .filter(|(key, _)| !UNHASHED.contains(&key.as_str()))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let mut text = String::new();
    write_sorted(&mut text, &Value::Object(content));
    let mut pieces: Vec<&[u8]> = vec![text.as_bytes()];
    if let Some(Value::Object(tables)) = map.get("tables") {
        let mut names: Vec<&String> = tables.keys().collect();
        names.sort_unstable();
        for name in names {
            pieces.push(name.as_bytes());
            if let Some(Value::Object(columns)) = tables[name].get("columns") {
                pieces.extend(columns.keys().map(String::as_bytes));
            }
        }
    }
    sha3_256_base64(pieces)
}

impl Schema {
    /// The full stored form.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("version".to_owned(), self.version.into());
        map.insert("version_hash".to_owned(), self.version_hash.clone().into());
        map.insert("engine_version".to_owned(), migrate::ENGINE_VERSION.into());
        map.insert("name".to_owned(), self.name.clone().into());
        let tables = self.tables.iter().map(|(name, table)| (name.clone(), table.to_json().into()));
        map.insert("tables".to_owned(), Value::Object(tables.collect()));
        map.insert("settings".to_owned(), self.settings.clone().into());
        map.insert("normalizers".to_owned(), self.normalizers.clone().into());
        map.insert("previous_hashes".to_owned(), self.previous_hashes.clone().into());
        if let Some(hash) = &self.imported_version_hash {
            map.insert("imported_version_hash".to_owned(), hash.clone().into());
        }
        if let Some(description) = &self.description {
            map.insert("description".to_owned(), description.clone().into());
        }
        map
    }

    /// The compact form for files that people edit: names that repeat their key are left out.
    pub fn to_compact_json(&self) -> Map<String, Value> {
        let mut map = self.to_json();
        map.shift_remove("imported_version_hash");
        if let Some(Value::Object(tables)) = map.get_mut("tables") {
            for table in tables.values_mut().filter_map(Value::as_object_mut) {
                table.shift_remove("name");
                if let Some(Value::Object(columns)) = table.get_mut("columns") {
                    for column in columns.values_mut().filter_map(Value::as_object_mut) {
                        column.shift_remove("name");
                    }
                }
            }
        }
        map
    }

    /// Reads a document of any engine version and brings it up to date.
    ///
    /// A stored hash that does not match the content counts as a change. Errors: a document of a newer engine, a
    /// table whose parent is missing, a value of the wrong kind; with `strict` also an unknown key, as for files that
    /// people edit and schemas that come back from a destination.
    pub fn from_json(document: &Value, strict: bool) -> Result<Self> {
        let document = migrate::migrate(document.clone())?;
        if strict {
            validate::validate(&document)?;
        }
        let Value::Object(map) = &document else {
            return Err(Error::of(Code::InvalidSchema, "a schema is not an object"));
        };
        let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
        super::check_schema_name(name)?;
        let object = |key: &str| map.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut tables = IndexMap::new();
        for (name, table) in &object("tables") {
            tables.insert(name.clone(), Arc::new(Table::from_json(name, table)?));
        }
        let hashes = map.get("previous_hashes").and_then(Value::as_array).into_iter().flatten();
        let mut schema = Self {
            name: name.to_owned(),
            version: map.get("version").and_then(Value::as_i64),
            version_hash: text("version_hash"),
            tables,
            settings: object("settings"),
            normalizers: object("normalizers"),
            previous_hashes: hashes.filter_map(Value::as_str).map(str::to_owned).collect(),
            imported_version_hash: text("imported_version_hash"),
            description: text("description"),
        };
        schema.check_parents()?;
        schema.bump();
        Ok(schema)
    }

    /// Reads the text of the version table: JSON, plain or as base64 of zlib.
    pub fn decode(text: &str) -> Result<Self> {
        let document = serde_json::from_str(&decompress(text)).map_err(|cause| {
            Error::of(Code::DamagedState, "a stored schema cannot be read").with_source(cause)
        })?;
        Self::from_json(&document, false)
    }

    fn check_parents(&self) -> Result<()> {
        for table in self.tables.values() {
            if let Some(parent) = table.parent.as_ref().filter(|parent| !self.tables.contains_key(*parent)) {
                return Err(Error::of(
                    Code::ParentTableMissing,
                    format!("the parent table `{parent}` does not exist"),
                )
                .with_detail("parent", parent.as_str())
                .at_table(&table.name));
            }
        }
        Ok(())
    }

    /// Removes what the engine noted about its own processing, as import files have it.
    pub fn strip_processing_hints(&mut self) {
        for table in self.tables.values_mut() {
            let table = Arc::make_mut(table);
            for hint in ["x-normalizer", "x-loader", "x-extractor"] {
                table.hints.shift_remove(hint);
            }
            for column in table.columns.values_mut() {
                column.hints.shift_remove("x-normalizer");
            }
        }
    }
}
