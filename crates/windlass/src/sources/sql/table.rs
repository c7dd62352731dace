//! What is read of a table: its columns, its hints and its query, decided from the options and the catalogue.

use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use windlass_core::hints::{ColumnHints, OneOrMany};
use windlass_core::incremental::{IncrementalOptions, RowOrder};
use windlass_core::{Error, Result};

use super::catalog::{ColumnShape, ForeignKey, TableShape};
use super::config::{SqlResourceOptions, TableOptions, by_name};
use super::database::{Database, Dialect};
use super::query::{Direction, Select, SelectedColumn, cursor_direction};
use super::sql_type::{ReflectionLevel, SqlType};
use crate::config::unknown_name;
use crate::source::Resource;

/// A table, or a query, that is to be read.
#[derive(Clone, Debug)]
pub struct PlannedTable {
    /// Name of the resource.
    pub resource: String,
    /// The options.
    pub options: TableOptions,
    /// A condition that all rows fulfil.
    pub condition: Option<String>,
    /// The table as the catalogue describes it; of a query, its name and columns.
    pub shape: TableShape,
    /// Whether a query stands in place of the table.
    pub query: Option<String>,
    /// What is selected, in order.
    pub selected: Vec<SelectedColumn>,
    /// The columns of the result, as [`PlannedTable::selected`].
    pub columns: Vec<ColumnShape>,
}

impl PlannedTable {
    /// A plan that selects the columns that the options leave.
    ///
    /// Columns that the server computes or casts have no shape yet: [`PlannedTable::needs_description`].
    pub fn new(
        resource: &str,
        own: SqlResourceOptions,
        defaults: &TableOptions,
        shape: TableShape,
    ) -> Result<Self> {
        let options = own.table_options.or(defaults);
        let names = || shape.columns.iter().map(|column| column.name.as_str());
        let known = |name: &str| match shape.columns.iter().any(|column| column.name == name) {
            true => Ok(()),
            false => Err(unknown_name(&format!("column of `{}`", shape.name), name, names())),
        };
        let is_included = |name: &String| {
            options.included_columns.as_ref().is_none_or(|names| names.contains(name))
                && options.excluded_columns.as_ref().is_none_or(|names| !names.contains(name))
        };
        let mut casts = own.cast.unwrap_or_default();
        casts.keys().try_for_each(|name| known(name))?;
        let mut computed = own.select.unwrap_or_default();
        let mut selected = Vec::new();
        let mut columns = Vec::new();
        for column in shape.columns.iter().filter(|column| is_included(&column.name)) {
            selected.push(SelectedColumn {
                name: column.name.clone(),
                cast: casts.shift_remove(&column.name),
                read_as: None,
                expression: computed.shift_remove(&column.name),
            });
            columns.push(column.clone());
        }
        for (name, expression) in computed {
            selected.push(SelectedColumn {
                name: name.clone(),
                cast: None,
                expression: Some(expression),
                read_as: None,
            });
            columns.push(ColumnShape {
                name,
                is_nullable: true,
                sql_type: SqlType::Other,
                declared: String::new(),
            });
        }
        if selected.is_empty() {
            return Err(Error::config(format!("no column of `{}` is left to be read", shape.name))
                .with_hint(
                    "check included_columns and excluded_columns: names are as the database has them",
                ));
        }
        Ok(Self {
            resource: resource.to_owned(),
            options,
            condition: own.condition,
            query: own.query,
            shape,
            selected,
            columns,
        })
    }

    /// Whether the server has to say which types the columns have that it computes or casts.
    pub fn needs_description(&self) -> bool {
        self.selected.iter().any(|column| column.cast.is_some() || column.expression.is_some())
    }

    /// Takes the types of computed columns over.
    pub fn describe(&mut self, described: Vec<ColumnShape>) {
        for ((column, selected), described) in self.columns.iter_mut().zip(&self.selected).zip(described) {
            if selected.cast.is_some() || selected.expression.is_some() {
                *column = ColumnShape { name: column.name.clone(), is_nullable: true, ..described };
            }
        }
    }

    /// Reads from a query of the table if the server computes or casts the cursor, so that conditions and orders see the
    /// values that are read, and not the stored ones.
    pub fn nest(&mut self, dialect: Dialect, cursor: Option<&str>) {
        let is_made = |column: &SelectedColumn| column.cast.is_some() || column.expression.is_some();
        if !self.selected.iter().any(|column| Some(column.name.as_str()) == cursor && is_made(column)) {
            return;
        }
        self.query = Some(self.select().sql(dialect));
        self.condition = None;
        // What holds of the table's rows and indexes does not hold of the query's.
        self.shape.is_view = true;
        self.shape.indexed.clear();
        for column in &mut self.selected {
            *column = SelectedColumn::plain(&column.name);
        }
    }

    /// Selects each column in the form that the database's client reads.
    pub fn adapt(&mut self, database: &dyn Database) {
        let dialect = database.dialect();
        for (selected, column) in self.selected.iter_mut().zip(&self.columns) {
            let plain = selected.value(dialect);
            let adapted = database.selected(column, &plain);
            selected.read_as = (adapted != plain).then_some(adapted);
        }
    }

    /// The query of all rows.
    pub fn select(&self) -> Select {
        Select {
            schema: self.shape.schema.clone(),
            table: self.shape.name.clone(),
            query: self.query.clone(),
            columns: self.selected.clone(),
            conditions: self.condition.clone().into_iter().collect(),
            ..Select::default()
        }
    }

    /// The column of this name. Errors: there is none, with the nearest one.
    pub fn column(&self, name: &str) -> Result<&ColumnShape> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let names = self.columns.iter().map(|column| column.name.as_str());
            unknown_name(&format!("column of `{}`", self.shape.name), name, names).at_table(&self.shape.name)
        })
    }

    /// The columns of the table's key, if they are all read.
    pub fn key(&self) -> &[String] {
        let key = &self.shape.primary_key;
        let is_read = |name: &String| {
            self.selected.iter().any(|column| column.name == *name && column.expression.is_none())
        };
        if key.iter().all(is_read) { key } else { &[] }
    }

    /// The column of the cursor. Errors: a path, no such column, or one whose texts have another order than the database.
    pub fn cursor(&self, options: &IncrementalOptions) -> Result<&ColumnShape> {
        let name = options.column().ok_or_else(|| {
            Error::config(format!("the cursor `{}` is a path, but the records are rows", options.cursor_path))
                .with_hint("name a column as cursor_path")
        })?;
        let column = self.column(&name)?;
        match column.sql_type {
            SqlType::Enum | SqlType::Other | SqlType::Json | SqlType::Array => Err(Error::config(format!(
                "the cursor `{name}` has a type whose values the database orders in another way than their texts"
            ))
            .at_table(&self.shape.name)
            .at_column(&name)
            .with_hint("take a number, a text, a date or a timestamp, or a `query` that casts it to one")),
            _ => Ok(column),
        }
    }

    /// Whether the values of a column become nested tables.
    pub fn unpacks(&self, column: &ColumnShape) -> bool {
        matches!(column.sql_type, SqlType::Json | SqlType::Array) && self.options.unpacks(&column.name)
    }

    /// Adds what the database says to the resource; what its author said stays.
    ///
    /// Errors: keys and cursors that are no columns.
    pub fn declare(&self, resource: &mut Resource) -> Result<()> {
        let level = self.options.level();
        let own = by_name(resource.hints.columns.take());
        let mut columns: IndexMap<String, Map<String, Value>> = IndexMap::new();
        for column in &self.columns {
            let mut hints = if self.unpacks(column) { Map::new() } else { column.sql_type.hints(level) };
            if level == ReflectionLevel::Minimal && !self.unpacks(column) {
                hints = without_digits(column.sql_type.hints(ReflectionLevel::Full));
            }
            if !self.unpacks(column) {
                hints.insert("nullable".to_owned(), json!(column.is_nullable));
            }
            columns.insert(column.name.clone(), hints);
        }
        for (name, hints) in own {
            let column = columns.entry(name).or_default();
            // A type of one's own comes with its own digits.
            if hints.contains_key("data_type") {
                for key in ["precision", "scale", "timezone"] {
                    column.shift_remove(key);
                }
            }
            column.extend(hints);
        }
        columns.retain(|_, hints| !hints.is_empty());
        resource.hints.columns = Some(ColumnHints::Map(columns));
        if resource.hints.primary_key.is_none() && !self.key().is_empty() {
            resource.hints.primary_key = Some(OneOrMany::Many(self.key().to_vec()));
        }
        let keys = [&resource.hints.primary_key, &resource.hints.merge_key];
        for name in keys.into_iter().flatten().flat_map(OneOrMany::names) {
            self.column(name)?;
        }
        if self.options.resolve_foreign_keys == Some(true) && resource.hints.references.is_none() {
            let references = references(&self.shape.foreign_keys);
            resource.hints.references = (!references.is_empty()).then_some(references);
        }
        if let Some(options) = &mut resource.incremental {
            let column = self.cursor(options)?;
            typed_ends(options, column);
            // The reference's order is relative to the direction in which the cursor grows, the engine's is not.
            options.row_order = cursor_direction(options).map(|direction| match direction {
                Direction::Asc => RowOrder::Asc,
                Direction::Desc => RowOrder::Desc,
            });
        }
        Ok(())
    }
}

/// The type alone, as it would be found in the values.
fn without_digits(mut hints: Map<String, Value>) -> Map<String, Value> {
    for key in ["precision", "scale"] {
        hints.shift_remove(key);
    }
    hints
}

/// Keys to tables of the same schema. A schema has one reference to each table, so that several keys to the same one
/// are joined, as in the reference.
fn references(keys: &[ForeignKey]) -> Vec<Map<String, Value>> {
    let mut joined: IndexMap<&str, (Vec<&String>, Vec<&String>)> = IndexMap::new();
    for key in keys.iter().filter(|key| key.referenced_schema.is_none()) {
        let (columns, referenced) = joined.entry(&key.referenced_table).or_default();
        columns.extend(&key.columns);
        referenced.extend(&key.referenced_columns);
    }
    let reference = |(table, (columns, referenced)): (&str, (Vec<&String>, Vec<&String>))| {
        Map::from_iter([
            ("referenced_table".to_owned(), json!(table)),
            ("columns".to_owned(), json!(columns)),
            ("referenced_columns".to_owned(), json!(referenced)),
        ])
    };
    joined.into_iter().map(reference).collect()
}

/// Settings that come as texts are numbers where the cursor is one.
fn typed_ends(options: &mut IncrementalOptions, column: &ColumnShape) {
    let is_int = matches!(column.sql_type, SqlType::Int { .. });
    for end in [&mut options.initial_value, &mut options.end_value] {
        if let (true, Some(number)) = (is_int, end.as_str().and_then(|text| text.trim().parse::<i64>().ok()))
        {
            *end = json!(number);
        }
    }
}

/// The tables that are meant by names and patterns, each with the index of the entry that names it. A name wins over a
/// pattern, an earlier pattern over a later one.
///
/// Errors: a pattern that finds nothing. Names are not looked up.
pub(super) fn expand(
    entries: &[(String, bool)],
    relations: &[super::catalog::Relation],
    location: &str,
) -> Result<Vec<(usize, String)>> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let is_named = |name: &str| entries.iter().any(|(entry, _)| entry == name);
    for (index, (entry, include_views)) in entries.iter().enumerate() {
        let is_there = relations.iter().any(|relation| relation.name == *entry);
        let pattern = if is_pattern(entry) && !is_there { glob::Pattern::new(entry).ok() } else { None };
        let Some(pattern) = pattern else {
            found.push((index, entry.clone()));
            continue;
        };
        let before = found.len();
        for relation in relations.iter().filter(|relation| *include_views || !relation.is_view) {
            let is_new = !is_named(&relation.name) && found.iter().all(|(_, name)| *name != relation.name);
            if is_new && pattern.matches(&relation.name) {
                found.push((index, relation.name.clone()));
            }
        }
        if found.len() == before && !relations.iter().any(|relation| pattern.matches(&relation.name)) {
            return Err(Error::config(format!("no table of {location} matches `{entry}`"))
                .with_hint("check `schema` and the pattern; views need `include_views: true`"));
        }
    }
    Ok(found)
}

/// Whether a name stands for several tables.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The warning about a cursor that no index finds, with what the server says about the query.
pub(super) fn unindexed(table: &str, column: &str, plan: &[String]) -> String {
    let plan: Vec<&str> = plan.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let plan = if plan.is_empty() { String::new() } else { format!(" (plan: {})", plan.join("; ")) };
    format!(
        "no index of `{table}` begins with the cursor `{column}`, so that every run reads the whole table{plan}"
    )
}

/// How a query is explained.
pub(super) fn explain(dialect: Dialect, sql: &str) -> String {
    match dialect {
        Dialect::Sqlite => format!("EXPLAIN QUERY PLAN {sql}"),
        Dialect::Postgres | Dialect::MySql | Dialect::DuckDb => format!("EXPLAIN {sql}"),
    }
}
