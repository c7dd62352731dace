//! The options of a `sql_database` source as a pipeline file has them.

use std::num::NonZeroUsize;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use windlass_core::hints::{ColumnHints, OneOrMany, WriteDisposition};

use super::address::SqlCredentials;
use super::sql_type::ReflectionLevel;
use crate::sources::{ResourceLists, SourceForms};

/// Rows of a batch when nobody says otherwise; the reference's default.
pub(super) const CHUNK_SIZE: usize = 50_000;

/// Options of a `sql_database` source.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SqlOptions {
    /// The database: a URL such as `postgresql://user:password@host/database` in SQLAlchemy's form, or its parts.
    pub credentials: Option<SqlCredentials>,
    /// Which tables, as names or patterns such as `sales_*`; all of the schema when neither these nor `tables` are given.
    pub table_names: Option<Vec<String>>,
    /// Whether patterns find views too; a view that is named is always read. Default false.
    pub include_views: bool,
    /// Settings of the connection; `connect_args` holds parameters that could follow the `?` of the URL. The rest is
    /// accepted and means nothing here.
    pub engine_kwargs: Option<Map<String, Value>>,
    /// What happens to the rows that the tables have already; append by default.
    pub write_disposition: Option<WriteDisposition>,
    /// Columns that identify a row, in place of those of the database.
    pub primary_key: Option<OneOrMany>,
    /// Columns whose rows are replaced together.
    pub merge_key: Option<OneOrMany>,
    /// What becomes of values that no table can hold: MySQL's zero dates, dates that are infinite or outside of the
    /// years 1 to 9999, and NaN in decimals. Default null.
    pub invalid_values: InvalidValues,
    /// Connections that rows are read over at the same time, by all tables together. Default 8.
    pub max_connections: Option<NonZeroUsize>,
    /// What holds for all tables that do not say otherwise.
    #[serde(flatten)]
    pub table: TableOptions,
}

/// What becomes of values that no table can hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum InvalidValues {
    /// They are read as null, and a warning counts them.
    #[default]
    Null,
    /// The run fails at the first one.
    Error,
}

/// Ways in which the reference reads rows. All of them read columns here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Rows as maps.
    #[default]
    SqlAlchemy,
    /// Arrow tables.
    PyArrow,
    /// Data frames.
    Pandas,
    /// Arrow tables by connectorx.
    ConnectorX,
}

/// Which JSON columns become nested tables.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Unpack {
    /// All or none: JSON documents and arrays.
    All(bool),
    /// These columns.
    Columns(Vec<String>),
}

/// Options of one table, or of all of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TableOptions {
    /// The schema of the table; of a MySQL table its database.
    pub schema: Option<String>,
    /// Rows of a batch. Default 50,000.
    pub chunk_size: Option<NonZeroUsize>,
    /// The reference's way of reading: accepted; all of them read columns here.
    pub backend: Option<Backend>,
    /// Options of the reference's backend: accepted, and mean nothing here.
    pub backend_kwargs: Option<Map<String, Value>>,
    /// How much of the description of a table the schema takes over. Default full.
    pub reflection_level: Option<ReflectionLevel>,
    /// Whether the level is full_with_precision; the reference's older name for it.
    pub detect_precision_hints: Option<bool>,
    /// Accepted: tables are looked at when the run begins.
    pub defer_table_reflect: Option<bool>,
    /// Only these columns.
    pub included_columns: Option<Vec<String>>,
    /// Without these columns.
    pub excluded_columns: Option<Vec<String>>,
    /// Whether foreign keys become references of the schema. Default false.
    pub resolve_foreign_keys: Option<bool>,
    /// Which JSON columns and arrays become nested tables: true, or names. Default none, and all of them at the
    /// reflection level minimal.
    pub unpack: Option<Unpack>,
    /// Parts of the table that are read at the same time, with a connection each. By default large tables of PostgreSQL
    /// are read with as many as there are cores, four at most, and all others with one.
    pub partitions: Option<NonZeroUsize>,
    /// The column that cuts the table into parts; the primary key if none is named. Best one with an index.
    pub partition_on: Option<String>,
}

/// Options of one table.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(default)]
pub struct SqlResourceOptions {
    /// The table, where the resource has another name.
    pub table: Option<String>,
    /// A query in place of a table.
    pub query: Option<String>,
    /// A condition in SQL that the rows must fulfil, besides that of the cursor.
    #[serde(rename = "where")]
    pub condition: Option<String>,
    /// Columns that the server computes: names, and their SQL over the columns of the table.
    pub select: Option<IndexMap<String, String>>,
    /// Columns that the server casts: names, and the type in the server's SQL.
    pub cast: Option<IndexMap<String, String>>,
    /// What may stand at the source as well.
    #[serde(flatten)]
    pub table_options: TableOptions,
}

impl TableOptions {
    /// These options, and what they leave out from `defaults`.
    #[must_use]
    pub fn or(self, defaults: &Self) -> Self {
        let defaults = defaults.clone();
        Self {
            schema: self.schema.or(defaults.schema),
            chunk_size: self.chunk_size.or(defaults.chunk_size),
            backend: self.backend.or(defaults.backend),
            backend_kwargs: self.backend_kwargs.or(defaults.backend_kwargs),
            reflection_level: self.reflection_level.or(defaults.reflection_level),
            detect_precision_hints: self.detect_precision_hints.or(defaults.detect_precision_hints),
            defer_table_reflect: self.defer_table_reflect.or(defaults.defer_table_reflect),
            included_columns: self.included_columns.or(defaults.included_columns),
            excluded_columns: self.excluded_columns.or(defaults.excluded_columns),
            resolve_foreign_keys: self.resolve_foreign_keys.or(defaults.resolve_foreign_keys),
            unpack: self.unpack.or(defaults.unpack),
            partitions: self.partitions.or(defaults.partitions),
            partition_on: self.partition_on.or(defaults.partition_on),
        }
    }

    /// Rows of a batch.
    pub fn chunk_rows(&self) -> usize {
        self.chunk_size.map_or(CHUNK_SIZE, NonZeroUsize::get)
    }

    /// How much of a table's description the schema takes over.
    pub fn level(&self) -> ReflectionLevel {
        match (self.reflection_level, self.detect_precision_hints) {
            (None, Some(true)) => ReflectionLevel::FullWithPrecision,
            (level, _) => level.unwrap_or_default(),
        }
    }

    /// Whether a JSON column or an array becomes nested tables.
    pub fn unpacks(&self, column: &str) -> bool {
        match &self.unpack {
            Some(Unpack::All(all)) => *all,
            Some(Unpack::Columns(names)) => names.iter().any(|name| name == column),
            // The reference forgets at this level that a column is JSON, but for backends that read columns.
            None => {
                self.level() == ReflectionLevel::Minimal
                    && self.backend.unwrap_or_default() == Backend::SqlAlchemy
            }
        }
    }
}

/// The forms that the file allows besides a list of objects.
pub(super) const FORMS: SourceForms = SourceForms {
    defaults: DEFAULTS,
    complete,
    credentials: |_, _| Vec::new(),
    lists: ResourceLists { keys: &["resources", "tables"], may_be_left_out: true },
    has_guard: true,
};

const DEFAULTS: &str = "resource_defaults";

/// Each table as an object with the defaults merged in. Names of `table_names` join the list; without any, all tables
/// are meant.
fn complete(options: &mut Map<String, Value>, resources: Vec<Value>) -> Vec<Value> {
    let defaults = match options.shift_remove(DEFAULTS) {
        Some(Value::Object(defaults)) => defaults,
        _ => Map::new(),
    };
    let named = match options.shift_remove("table_names") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    let is_listed = |name: &Value| {
        resources.iter().any(|resource| resource == name || resource.get("name") == Some(name))
    };
    let mut named: Vec<Value> = named.into_iter().filter(|name| !is_listed(name)).collect();
    if named.is_empty() && resources.is_empty() {
        named.push(json!("*"));
    }
    let with_defaults = |resource: Value| match resource {
        Value::String(name) => {
            let mut whole = defaults.clone();
            whole.insert("name".to_owned(), name.into());
            Value::Object(whole)
        }
        Value::Object(own) => {
            let mut whole = defaults.clone();
            for (key, value) in own {
                let value = match (key.as_str(), whole.get(&key), value) {
                    ("columns", Some(Value::Object(default)), Value::Object(own)) => {
                        let mut both = default.clone();
                        both.extend(own);
                        Value::Object(both)
                    }
                    (_, _, value) => value,
                };
                whole.insert(key, value);
            }
            Value::Object(whole)
        }
        other => other,
    };
    resources.into_iter().chain(named).map(with_defaults).collect()
}

/// The hints of columns by name.
pub(super) fn by_name(hints: Option<ColumnHints>) -> IndexMap<String, Map<String, Value>> {
    match hints {
        None => IndexMap::new(),
        Some(ColumnHints::Map(map)) => map,
        Some(ColumnHints::List(list)) => {
            let named = |mut hints: Map<String, Value>| {
                let name = hints.get("name")?.as_str()?.to_owned();
                hints.shift_remove("name");
                Some((name, hints))
            };
            list.into_iter().filter_map(named).collect()
        }
    }
}
