//! What normalizing needs to know and what does not change during a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::collisions::Collisions;
use super::exact::Conversion;
use super::physical::TypeDefaults;
use crate::error::{Code, Error, ErrorKind, Result};
use crate::hints::DeclaredTypes;
use crate::naming::{Naming, strip};
use crate::path_part::check_part;
use crate::schema::{ColumnRules, Schema, SystemNames, Table};
use crate::value::DataType;

/// Levels of nesting that become tables and columns when nobody says otherwise.
pub const DEFAULT_MAX_NESTING: i64 = 1000;

/// Columns of one table when nobody says otherwise; see [`Limits::max_columns`].
pub const DEFAULT_MAX_COLUMNS: usize = 4096;

/// What stands in the place of a key that is empty or blank.
const EMPTY_KEY: &str = "_empty";

/// The column for keys that a table has no room for, before normalization.
const OVERFLOW_COLUMN: &str = "_overflow";

/// Bounds on what data may do to a schema.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Columns of one table. Past it an object whose keys would need more is kept as JSON in a column of its own,
    /// and new keys of the record itself are kept together in the JSON column `_overflow`.
    pub max_columns: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_columns: DEFAULT_MAX_COLUMNS }
    }
}

/// How the rows of a root table get their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowIdKind {
    /// From the position in the input; random in the reference.
    Position,
    /// From the values of the primary key.
    KeyHash,
    /// From the whole record.
    RowHash,
}

/// Which columns of the engine are added to rows that come as columns; a table that has them gets them always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchIds {
    /// The id of the load.
    pub load_id: bool,
    /// The id of the row.
    pub row_id: bool,
}

impl Default for BatchIds {
    fn default() -> Self {
        Self { load_id: true, row_id: true }
    }
}

/// The settings of a run over one schema. Shared by all workers.
#[derive(Clone, Debug)]
pub struct Context {
    /// Naming convention and longest identifier.
    pub naming: Naming,
    /// The engine's own names under that convention.
    pub names: SystemNames,
    /// How new columns are typed.
    pub rules: ColumnRules,
    /// Default digits and precisions of the destination.
    pub types: TypeDefaults,
    /// Bounds on growth.
    pub limits: Limits,
    /// The load that the rows belong to.
    pub load_id: String,
    /// Whether the destination can merge rows. If not, no row id is derived from a key or a record.
    pub can_merge: bool,
    /// Which columns of the engine are added to rows that come as columns.
    pub batch_ids: BatchIds,
    /// Columns whose types this run declares: values of columns are converted to those.
    pub declared: DeclaredTypes,
    /// What becomes of keys and columns that come to one name.
    pub collisions: Collisions,
    /// The root tables of the resources, and the names under which they were given.
    pub given_tables: BTreeMap<String, String>,
    breaks_paths: bool,
    pub(super) refuses_coercion: bool,
    pub(super) conversion: Conversion,
}

impl Context {
    /// Collects the settings of a schema. Errors: settings that do not compile.
    pub fn new(
        schema: &Schema,
        naming: Naming,
        types: TypeDefaults,
        limits: Limits,
        load_id: impl Into<String>,
    ) -> Result<Self> {
        Ok(Self {
            naming,
            names: SystemNames::new(&naming)?,
            rules: ColumnRules::new(schema)?,
            types,
            limits,
            load_id: load_id.into(),
            can_merge: true,
            batch_ids: BatchIds::default(),
            declared: DeclaredTypes::default(),
            collisions: Collisions::default(),
            given_tables: BTreeMap::new(),
            breaks_paths: schema.breaks_paths(),
            refuses_coercion: schema.refuses_coercion(),
            conversion: Conversion::default(),
        })
    }

    /// The settings for values of a table's columns, which have types: no conversion changes one.
    pub(super) fn exact(&self, table: &str) -> Self {
        Self { conversion: Conversion::Exact(Arc::new(self.declared.of(table))), ..self.clone() }
    }

    /// The column name of a key.
    pub(super) fn column_key(&self, key: &str) -> String {
        self.key(key, if self.breaks_paths { Naming::path } else { Naming::identifier })
    }

    /// The part of a table name for a key.
    pub(super) fn table_key(&self, key: &str) -> String {
        self.key(key, if self.breaks_paths { Naming::tables_path } else { Naming::table_identifier })
    }

    fn key(&self, key: &str, normalize: fn(&Naming, &str) -> Result<String>) -> String {
        if strip(key).is_empty() {
            return EMPTY_KEY.to_owned();
        }
        // A key of separators only has no part that could be named.
        normalize(&self.naming, key)
            .ok()
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| EMPTY_KEY.to_owned())
    }

    /// The normalized name of a root table. Errors: nothing to call it by; a name that leads elsewhere as a part of a path.
    pub fn root_table(&self, name: &str) -> Result<String> {
        let table = if self.breaks_paths {
            self.naming.tables_path(name)
        } else {
            self.naming.table_identifier(name)
        };
        let table = table.ok().filter(|table| !table.is_empty()).ok_or_else(|| {
            Error::of(Code::InvalidName, format!("`{name}` cannot be the name of a table"))
                .with_detail("name", name)
                .with_hint("a table name needs at least one letter, digit or symbol")
        })?;
        check_part(ErrorKind::Config, "a table", &table)?;
        let names = &self.names;
        if [&names.version_table, &names.loads_table, &names.state_table].contains(&&table) {
            return Err(Error::of(
                Code::InvalidName,
                format!("`{name}` cannot be the name of a table: the engine has one of this name"),
            )
            .with_detail("name", name)
            .with_hint("choose another table_name"));
        }
        Ok(table)
    }

    /// The column for keys that a table has no room for.
    pub(super) fn overflow_column(&self) -> String {
        self.column_key(OVERFLOW_COLUMN)
    }

    /// Errors: the table of a list is that of a resource, whose rows it would be mixed with.
    pub(super) fn check_list_table(&self, table: &str) -> Result<()> {
        match self.given_tables.get(table) {
            None => Ok(()),
            Some(given) => Err(Error::of(Code::NamesCollide, format!(
                "a list of the data comes to the table `{table}`, which is that of the resource or table `{given}`"
            )).with_detail("name", table)
            .at_table(table)
            .with_hint("give that resource another table_name")),
        }
    }

    /// Joins the parts of a nested name and shortens the whole.
    pub(super) fn join<S: AsRef<str>>(&self, parts: &[S]) -> String {
        self.naming.shorten_fragments(parts).unwrap_or_default()
    }

    /// How many levels below a root table become tables and columns.
    pub(super) fn nesting_budget(&self, schema: &Schema, root: Option<&Table>) -> i64 {
        root.and_then(|table| table.normalizer("max_nesting"))
            .or_else(|| schema.normalizer_config("max_nesting"))
            .and_then(Value::as_i64)
            .unwrap_or(DEFAULT_MAX_NESTING)
            .min(DEFAULT_MAX_NESTING)
    }

    /// Whether an object or list under this column name stays one JSON value.
    pub(super) fn keeps_nested(&self, start: &Schema, table: &str, column: &str, level: i64) -> bool {
        if level <= 0 || self.declared.is_kept_json(table, column) {
            return true;
        }
        let known = start
            .table(table)
            .and_then(|table| table.columns.get(column))
            .and_then(|column| column.data_type);
        known.or_else(|| self.rules.preferred(column)) == Some(DataType::Json)
    }

    /// Whether rows of a table carry the number of their record to where they are merged: the newest of several with one
    /// key may have to be found there, and what is nested in it.
    pub(super) fn has_records(&self, schema: &Schema, table: &str) -> bool {
        let root = schema.root_of(table).map_or(table, |root| root.name.as_str());
        let strategy = schema.inherited_hint(root, "x-merge-strategy").and_then(Value::as_str);
        self.can_merge
            && schema.write_disposition(root) == "merge"
            && !matches!(strategy, Some("scd2" | "insert-only"))
    }

    /// How a root table's rows get their ids: by its merge strategy.
    pub(super) fn row_id_kind(&self, schema: &Schema, table: &str) -> RowIdKind {
        if !self.can_merge || schema.write_disposition(table) != "merge" {
            return RowIdKind::Position;
        }
        match schema.inherited_hint(table, "x-merge-strategy").and_then(Value::as_str) {
            Some("upsert" | "insert-only" | "cdc") => RowIdKind::KeyHash,
            Some("scd2") => {
                let id = schema.table(table).and_then(|table| table.columns.get(&self.names.id));
                let is_version = id.is_some_and(|column| column.has("x-row-version"));
                if is_version { RowIdKind::RowHash } else { RowIdKind::Position }
            }
            _ => RowIdKind::Position,
        }
    }
}
