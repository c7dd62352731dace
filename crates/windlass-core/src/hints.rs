//! Hints of a resource: what its author says about its tables before any data is read.

mod option_schemas;

use std::collections::{HashMap, HashSet};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use self::option_schemas::{ColumnSchema, contract_schema, strategy_schema};
use crate::error::{Code, Error, Result};
use crate::file::FileFormat;
use crate::merge::MergeStrategy;
use crate::naming::Naming;
use crate::nearest::choices;
use crate::schema::{Column, Contract, ContractMode, Schema, Table};
use crate::value::DataType;

/// What happens to the rows that a table has already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Disposition {
    /// New rows are added.
    #[default]
    Append,
    /// New rows take the place of all rows.
    Replace,
    /// New rows take the place of those with the same key.
    Merge,
    /// Nothing is loaded.
    Skip,
}

impl Disposition {
    /// The name in stored schemas.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Append => "append",
            Self::Replace => "replace",
            Self::Merge => "merge",
            Self::Skip => "skip",
        }
    }
}

/// A write disposition, alone or with options.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum WriteDisposition {
    /// `append`, `replace`, `merge` or `skip`.
    Plain(Disposition),
    /// The disposition with a merge strategy and its options.
    Detailed(DispositionOptions),
}

/// A merge strategy and its options.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DispositionOptions {
    /// What happens to the rows that a table has already.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    /// How rows are merged: delete-insert, upsert, insert-only, scd2 or cdc.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "strategy_schema")]
    pub strategy: Option<String>,
    /// Whether the new rows have no duplicates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deduplicated: Option<bool>,
    /// SQL condition over the new rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_filter: Option<String>,
    /// SQL condition over the stored rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_scope: Option<String>,
    /// Whether rows are only written where a value differs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skip_unchanged_rows: Option<bool>,
    /// When the new rows of an scd2 load became valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boundary_timestamp: Option<String>,
    /// The end of validity of rows that are valid now; null by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_record_timestamp: Option<String>,
    /// Names of the two columns of an scd2 table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_column_names: Option<(String, String)>,
    /// The column that tells versions of a row apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_version_column_name: Option<String>,
}

impl DispositionOptions {
    /// The strategy that the options are for.
    ///
    /// Errors: there is no such strategy; an option that means nothing to it; nothing is to be merged.
    pub fn check(&self) -> Result<MergeStrategy> {
        let strategy = self.strategy.as_deref().map_or(Ok(MergeStrategy::default()), str::parse)?;
        let Some(disposition) = self.disposition else {
            return Err(self.without_merge().unwrap_or_else(|| {
                Error::of(Code::MissingKey, "the options of `write_disposition` have no `disposition`")
                    .with_detail("key", "disposition")
                    .with_hint("it is append, replace, merge or skip")
            }));
        };
        if disposition != Disposition::Merge {
            return self.without_merge().map_or(Ok(strategy), Err);
        }
        // Without a strategy the destination's default counts, and options of others are left alone.
        if self.strategy.is_some() {
            strategy.check_options(self.options())?;
        }
        Ok(strategy)
    }

    /// The options of a strategy that are given.
    fn options(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("deduplicated", self.deduplicated == Some(true)),
            ("source_filter", self.source_filter.is_some()),
            ("destination_scope", self.destination_scope.is_some()),
            ("skip_unchanged_rows", self.skip_unchanged_rows == Some(true)),
            ("boundary_timestamp", self.boundary_timestamp.is_some()),
            ("active_record_timestamp", self.active_record_timestamp.is_some()),
            ("validity_column_names", self.validity_column_names.is_some()),
            ("row_version_column_name", self.row_version_column_name.is_some()),
        ];
        given.into_iter().filter(|(_, is_given)| *is_given).map(|(name, _)| name)
    }

    /// The error for a strategy, or an option of one, where rows are not merged: they would be appended in silence.
    fn without_merge(&self) -> Option<Error> {
        let strategy = self.strategy.as_ref().map(|_| "strategy");
        let option = strategy.or_else(|| self.options().next())?;
        let error = Error::of(Code::InvalidMergeOption, format!("`{option}` needs `disposition: merge`"))
            .with_detail("option", option);
        Some(error.with_hint(match self.disposition {
            None => format!("write {{disposition: merge, {option}: ...}}"),
            Some(other) => format!("with `disposition: {}` it means nothing; leave it out", other.as_str()),
        }))
    }
}

impl WriteDisposition {
    /// The disposition without its options.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Plain(disposition) => *disposition,
            Self::Detailed(options) => options.disposition.unwrap_or_default(),
        }
    }
}

/// One name or several.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl OneOrMany {
    /// The names that are not empty.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        };
        names.iter().map(String::as_str).filter(|name| !name.is_empty())
    }
}

/// Columns by name, or a list of columns with a `name` each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ColumnHints {
    /// By name.
    Map(#[schemars(with = "IndexMap<String, ColumnSchema>")] IndexMap<String, Map<String, Value>>),
    /// Each with a `name`.
    List(#[schemars(with = "Vec<ColumnSchema>")] Vec<Map<String, Value>>),
}

/// What is said about the tables of a resource.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceHints {
    /// Name of the table; the resource's name by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_name: Option<String>,
    /// What happens to the rows that the table has already; append by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write_disposition: Option<WriteDisposition>,
    /// Columns that identify a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_key: Option<OneOrMany>,
    /// Columns whose rows are replaced together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_key: Option<OneOrMany>,
    /// Types and hints of columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<ColumnHints>,
    /// What new tables, columns and types may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "contract_schema")]
    pub schema_contract: Option<Value>,
    /// Table format of data lakes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_format: Option<String>,
    /// Format of the files of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_format: Option<FileFormat>,
    /// References to other tables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub references: Option<Vec<Map<String, Value>>>,
    /// Levels of nesting that become tables; deeper ones stay JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_table_nesting: Option<i64>,
    /// Hints of nested tables by the path of their list, keys joined by dots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nested_hints: Option<IndexMap<String, ResourceHints>>,
    /// Table hints that are passed on as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_table_hints: Option<Map<String, Value>>,
}

impl ResourceHints {
    /// The definitions of the resource's tables: the root first, then nested ones that have hints.
    ///
    /// Errors: a contract, a type or a disposition that does not exist; a column list without names.
    pub fn tables(&self, resource: &str, root_name: &str, naming: &Naming) -> Result<Vec<Table>> {
        let mut root = Table::new(root_name);
        self.add_columns(&mut root, naming)?;
        let disposition =
            self.write_disposition.clone().unwrap_or(WriteDisposition::Plain(Disposition::Append));
        add_disposition(&mut root, &disposition, naming)?;
        self.add_table_hints(&mut root)?;
        if let Some(levels) = self.max_table_nesting {
            root.hints.insert("x-normalizer".to_owned(), json!({ "max_nesting": levels }));
        }
        root.hints.insert("resource".to_owned(), resource.into());
        let mut tables = vec![root];
        for (path, hints) in self.nested_hints.iter().flatten() {
            tables.push(hints.nested_table(resource, root_name, path, naming)?);
        }
        Ok(tables)
    }

    /// The type that is declared for a column of the root table, by its name there.
    pub fn declared_type(&self, column: &str, naming: &Naming) -> Option<&str> {
        let is_meant = |name: &str| naming.path(name).is_ok_and(|name| name == column);
        let hints = match self.columns.as_ref()? {
            ColumnHints::Map(map) => map.iter().find(|(name, _)| is_meant(name))?.1,
            ColumnHints::List(list) => {
                list.iter().find(|hints| hints.get("name").and_then(Value::as_str).is_some_and(is_meant))?
            }
        };
        hints.get("data_type").and_then(Value::as_str)
    }

    /// A nested table: with a key it is a table of its own, else it belongs to the list above.
    fn nested_table(&self, resource: &str, root: &str, path: &str, naming: &Naming) -> Result<Table> {
        let keys: Vec<&str> = path.split('.').filter(|key| !key.is_empty()).collect();
        let mut parts = vec![root.to_owned()];
        for key in &keys {
            parts.push(naming.tables_path(key)?);
        }
        let name = |parts: &[String]| naming.shorten_fragments(parts).unwrap_or_default();
        let mut table = Table::new(name(&parts));
        self.add_columns(&mut table, naming)?;
        if self.primary_key.is_some() || self.merge_key.is_some() {
            let disposition =
                self.write_disposition.clone().unwrap_or(WriteDisposition::Plain(Disposition::Append));
            add_disposition(&mut table, &disposition, naming)?;
            table.hints.insert("resource".to_owned(), resource.into());
        } else {
            if let Some(WriteDisposition::Detailed(options)) = &self.write_disposition {
                options.check()?;
            }
            table.parent = Some(name(&parts[..parts.len() - 1]));
        }
        self.add_table_hints(&mut table)?;
        Ok(table)
    }

    fn add_columns(&self, table: &mut Table, naming: &Naming) -> Result<()> {
        let named: Vec<(String, Value)> = match &self.columns {
            None => Vec::new(),
            Some(ColumnHints::Map(map)) => {
                map.iter().map(|(name, hints)| (name.clone(), Value::Object(hints.clone()))).collect()
            }
            Some(ColumnHints::List(list)) => {
                let name = |hints: &Map<String, Value>| {
                    let name = hints.get("name").and_then(Value::as_str).map(str::to_owned);
                    name.ok_or_else(|| {
                        Error::of(Code::MissingKey, "a column in a list of columns needs a `name`")
                            .with_detail("key", "name")
                    })
                };
                list.iter()
                    .map(|hints| Ok((name(hints)?, Value::Object(hints.clone()))))
                    .collect::<Result<_>>()?
            }
        };
        for (name, hints) in named {
            let column = Column::from_json(&naming.path(&name)?, &hints)?;
            check_column(&column)?;
            table.merge_column(&column);
        }
        let keys = [("primary_key", &self.primary_key), ("merge_key", &self.merge_key)];
        for (hint, names) in keys {
            let Some(names) = names else { continue };
            table.columns.values_mut().for_each(|column| drop(column.hints.shift_remove(hint)));
            for name in names.names() {
                let name = naming.path(name)?;
                let column = table.columns.entry(name.clone()).or_insert_with(|| Column::new(name));
                column.hints.insert(hint.to_owned(), true.into());
                column.nullable.get_or_insert(false);
            }
        }
        Ok(())
    }

    fn add_table_hints(&self, table: &mut Table) -> Result<()> {
        if let Some(contract) = &self.schema_contract {
            Contract::from_json(contract)?;
            table.hints.insert("schema_contract".to_owned(), contract.clone());
        }
        if let Some(format) = &self.table_format {
            table.hints.insert("table_format".to_owned(), format.clone().into());
        }
        if let Some(format) = self.file_format {
            table.hints.insert("file_format".to_owned(), format.as_str().into());
        }
        if let Some(references) = &self.references {
            table
                .hints
                .insert("references".to_owned(), references.iter().cloned().map(Value::Object).collect());
        }
        for (key, value) in self.additional_table_hints.iter().flatten() {
            table.hints.insert(key.clone(), value.clone());
        }
        Ok(())
    }
}

/// Column keys that people may set, for "did you mean".
const COLUMN_KEYS: [&str; 19] = [
    "name",
    "data_type",
    "nullable",
    "precision",
    "scale",
    "timezone",
    "description",
    "primary_key",
    "merge_key",
    "partition",
    "cluster",
    "sort",
    "distribution",
    "index",
    "unique",
    "root_key",
    "hard_delete",
    "dedup_sort",
    "incremental",
];

fn check_column(column: &Column) -> Result<()> {
    let known = |key: &str| COLUMN_KEYS.contains(&key) || key.starts_with("x-");
    if let Some(key) = column.hints.keys().find(|key| !known(key)) {
        return Err(Error::of(Code::UnknownHint, format!("a column has no hint `{key}`"))
            .with_detail("key", key.as_str())
            .at_column(&column.name)
            .with_hint(choices(key, COLUMN_KEYS)));
    }
    Ok(())
}

fn add_disposition(table: &mut Table, disposition: &WriteDisposition, naming: &Naming) -> Result<()> {
    table.hints.insert("write_disposition".to_owned(), disposition.disposition().as_str().into());
    let WriteDisposition::Detailed(options) = disposition else { return Ok(()) };
    let strategy = options.check()?;
    let mut set = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            table.hints.insert(key.to_owned(), value);
        }
    };
    set("x-merge-strategy", options.strategy.clone().map(Value::from));
    set("x-stage-data-deduplicated", options.deduplicated.filter(|set| *set).map(Value::from));
    set("x-merge-source-filter", options.source_filter.clone().map(Value::from));
    set("x-merge-destination-scope", options.destination_scope.clone().map(Value::from));
    set("x-merge-skip-unchanged-rows", options.skip_unchanged_rows.filter(|set| *set).map(Value::from));
    if strategy == MergeStrategy::Scd2 {
        set("x-boundary-timestamp", options.boundary_timestamp.clone().map(Value::from));
        let active = options.active_record_timestamp.clone().map_or(Value::Null, Value::from);
        let (from, to) = options
            .validity_column_names
            .clone()
            .unwrap_or_else(|| ("_dlt_valid_from".to_owned(), "_dlt_valid_to".to_owned()));
        let validity = [
            Column::typed(naming.path(&from)?, DataType::Timestamp, true).with("x-valid-from", true),
            Column::typed(naming.path(&to)?, DataType::Timestamp, true)
                .with("x-valid-to", true)
                .with("x-active-record-timestamp", active),
        ];
        validity.iter().for_each(|column| table.merge_column(column));
    }
    let default_version = (strategy == MergeStrategy::Scd2).then_some("_dlt_id");
    if let Some(version) = options.row_version_column_name.as_deref().or(default_version) {
        let column = Column { nullable: Some(false), ..Column::new(naming.path(version)?) };
        let mut column = column.with("x-row-version", true);
        if strategy == MergeStrategy::Scd2 {
            column = column.with("unique", false).with("row_key", false);
        }
        table.merge_column(&column);
    }
    Ok(())
}

/// What became of the hints of a resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Declared {
    /// The tables are in the schema.
    Tables,
    /// A contract refuses the root table; the resource is left out.
    Refused,
}

/// Which columns the definitions of tables give types, by table.
#[derive(Clone, Debug, Default)]
pub struct DeclaredTypes {
    given: HashMap<String, HashSet<String>>,
    json: HashMap<String, HashSet<String>>,
    kept: HashMap<String, HashSet<String>>,
}

impl DeclaredTypes {
    /// Notes the columns of definitions, and which of them keep another type.
    pub fn note(&mut self, tables: &[Table], kept: &[KeptType]) {
        let keeps = |table: &Table, column: &Column| {
            kept.iter().any(|kept| kept.table == table.name && kept.column.name == column.name)
        };
        for table in tables {
            let columns = table.complete_columns().filter(|column| !keeps(table, column));
            let given = self.given.entry(table.name.clone()).or_default();
            given.extend(columns.map(|column| column.name.clone()));
        }
        for kept in kept {
            self.kept.entry(kept.table.clone()).or_default().insert(kept.column.name.clone());
        }
        for kept in kept.iter().filter(|kept| kept.declared.data_type == Some(DataType::Json)) {
            self.json.entry(kept.table.clone()).or_default().insert(kept.column.name.clone());
        }
    }

    /// The columns of a table whose types count.
    pub fn of(&self, table: &str) -> HashSet<String> {
        self.given.get(table).cloned().unwrap_or_default()
    }

    /// Whether a column keeps another type than the one that was declared.
    pub fn is_kept(&self, table: &str, column: &str) -> bool {
        self.kept.get(table).is_some_and(|columns| columns.contains(column))
    }

    /// Whether a column that keeps another type was declared as JSON: its values are not taken apart.
    pub fn is_kept_json(&self, table: &str, column: &str) -> bool {
        self.json.get(table).is_some_and(|columns| columns.contains(column))
    }
}

/// A column that keeps its type although the definition of its table gives it another one.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptType {
    /// The table.
    pub table: String,
    /// The column as the destination has it.
    pub column: Column,
    /// What the definition says.
    pub declared: Column,
}

/// Leaves the types of columns that hold data as they are, since no destination changes them: what does not fit such a
/// column goes to variants. Gives the columns that were to be changed.
pub fn keep_types(tables: &mut [Table], schema: &Schema) -> Vec<KeptType> {
    let mut kept = Vec::new();
    for table in tables {
        let Some(known) = schema.table(&table.name).filter(|known| known.normalizer_flag("seen-data")) else {
            continue;
        };
        for column in table.columns.values_mut() {
            let Some(known) = known.columns.get(&column.name).filter(|known| known.is_complete()) else {
                continue;
            };
            if !known.has_type_of(column) {
                let declared = column.clone();
                column.data_type = known.data_type;
                column.precision = known.precision;
                column.scale = known.scale;
                column.timezone = known.timezone;
                // Where a value goes to a variant, its own column stays empty.
                let is_key = ["primary_key", "merge_key"].iter().any(|key| column.has(key));
                if !known.is_nullable() && !is_key {
                    column.nullable = Some(true);
                }
                kept.push(KeptType { table: table.name.clone(), column: known.clone(), declared });
            }
        }
    }
    kept
}

/// Merges the tables of a resource into a schema as far as its contract allows.
///
/// A new root table whose contract does not let columns evolve takes all columns of its first package. `can_merge`
/// says whether the destination can; if not, nested rows need not carry the id of their root row. Errors: a contract
/// that freezes.
pub fn declare(
    schema: &mut Schema,
    tables: Vec<Table>,
    naming: &Naming,
    can_merge: bool,
) -> Result<Declared> {
    let prefix = schema.system_prefix(naming);
    for mut table in tables {
        let name = table.name.clone();
        let contract = match table.hints.get("schema_contract") {
            Some(contract) => Contract::from_json(contract)?,
            None => schema.contract(table.parent.as_deref().unwrap_or(&name))?,
        };
        let is_new = schema.table(&name).is_none_or(Table::is_new);
        if is_new && table.parent.is_none() && contract.columns != Default::default() {
            table.hints.insert("x-normalizer".to_owned(), json!({ "evolve-columns-once": true }));
        }
        let is_root = table.parent.is_none();
        let (allowed, violations) = contract.check(schema.table(&name), table, &prefix);
        if let Some(violation) = violations.iter().find(|v| v.mode == ContractMode::Freeze) {
            let what = match &violation.column {
                Some(column) => format!("the hints bring column `{column}`"),
                None => "the resource brings a new table".to_owned(),
            };
            return Err(violation
                .error(&name, &what)
                .with_hint("let the contract evolve, or leave the hint out"));
        }
        match allowed {
            Some(allowed) => schema.merge_table(allowed, false)?,
            None if is_root => return Ok(Declared::Refused),
            None => {}
        }
        schema.update_root_key(&name, can_merge);
    }
    Ok(Declared::Tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(hints: Value) -> Vec<Value> {
        let hints: ResourceHints = serde_json::from_value(hints).unwrap();
        let tables = hints.tables("Res", "res", &Naming::default()).unwrap();
        tables.into_iter().map(|table| Value::Object(table.to_json())).collect()
    }

    #[test]
    fn keys_make_incomplete_columns_that_may_not_be_null() {
        assert_eq!(
            tables(
                json!({"primary_key": ["Id"], "columns": {"v": {"data_type": "text"}, "id": {"nullable": true}}})
            ),
            [json!({
                "name": "res",
                "columns": {
                    "v": {"name": "v", "data_type": "text"},
                    "id": {"name": "id", "nullable": true, "primary_key": true},
                },
                "write_disposition": "append",
                "resource": "Res",
            })]
        );
    }

    #[test]
    fn scd2_brings_its_columns() {
        let table = &tables(json!({"write_disposition": {"disposition": "merge", "strategy": "scd2"}}))[0];
        assert_eq!(table["x-merge-strategy"], "scd2");
        let columns: Vec<_> = table["columns"].as_object().unwrap().keys().collect();
        assert_eq!(columns, ["_dlt_valid_from", "_dlt_valid_to", "_dlt_id"]);
        assert_eq!(table["columns"]["_dlt_id"]["row_key"], false);
    }

    #[test]
    fn a_strategy_without_merge_is_refused_by_name() {
        for (options, message) in [
            (json!({"strategy": "upsert"}), "`strategy` needs `disposition: merge`"),
            (json!({"strategy": "scd2", "disposition": "append"}), "`strategy` needs `disposition: merge`"),
            (json!({"deduplicated": true, "disposition": "append"}), "`deduplicated` needs"),
            (
                json!({"validity_column_names": ["a", "b"], "disposition": "replace"}),
                "`validity_column_names`",
            ),
            (json!({}), "have no `disposition`"),
        ] {
            for hints in [
                json!({"primary_key": "id", "write_disposition": options}),
                json!({"nested_hints": {"kids": {"write_disposition": options}}}),
            ] {
                let hints: ResourceHints = serde_json::from_value(hints).unwrap();
                let error = hints.tables("r", "r", &Naming::default()).unwrap_err();
                assert!(error.to_string().contains(message), "{options}: {error}");
            }
        }
        let kept = json!({"write_disposition": {"disposition": "append", "deduplicated": false}});
        assert_eq!(tables(kept)[0]["write_disposition"], "append");
    }

    #[test]
    fn nested_tables_with_keys_stand_alone() {
        let tables = tables(json!({"nested_hints": {"kids": {}, "kids.g": {"primary_key": "x"}}}));
        assert_eq!(tables[1]["parent"], "res");
        assert_eq!(tables[2]["name"], "res__kids__g");
        assert_eq!(tables[2]["resource"], "Res");
        assert_eq!(tables[2].get("parent"), None);
    }

    #[test]
    fn an_unknown_column_hint_is_refused() {
        let hints: ResourceHints =
            serde_json::from_value(json!({"columns": {"a": {"datatype": "text"}}})).unwrap();
        let error = hints.tables("r", "r", &Naming::default()).unwrap_err();
        assert!(error.to_string().contains("no hint `datatype`"), "{error}");
    }
}
