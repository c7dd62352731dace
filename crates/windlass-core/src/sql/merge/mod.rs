//! From rows in staging tables to rows that count: the statements of each merge strategy.
//!
//! Every statement is plain SQL that the databases understand alike; what differs is a method of [`Dialect`]. Keys are compared by one predicate each, `(a, b) IN (SELECT a, b FROM …)`, which databases answer with
//! one hash join; conditions joined by OR would make them compare every pair of rows. `MERGE INTO` is not used: DuckDB
//! takes twice as long for it as for a delete and an insert.

mod delete_insert;
mod rows;
mod scd2;
mod upsert;

use std::collections::HashSet;

use self::rows::Part;
use super::{DUCKDB, Dialect};
use crate::error::{Error, Result};
use crate::merge::{MergeSettings, MergeStrategy, NewestFirst, expand};
use crate::normalize::TypeDefaults;
use crate::schema::{Schema, SystemNames, Table};
use crate::value::{Timestamp, format_timestamp};

/// Where rows are merged and what is known of them.
#[derive(Clone, Copy, Debug)]
pub struct MergeTarget<'a> {
    /// The database.
    pub dialect: &'a dyn Dialect,
    /// The dataset of the stored rows.
    pub dataset: &'a str,
    /// The dataset of the new rows.
    pub staging: &'a str,
    /// The schema of the rows.
    pub schema: &'a Schema,
    /// The engine's own names.
    pub names: &'a SystemNames,
    /// Default digits and precisions of the database.
    pub types: &'a TypeDefaults,
    /// The time of the load in microseconds since the epoch.
    pub loaded_at: i64,
    /// Tables with columns that the schema does not know, which an upsert must not lose.
    pub widened: &'a HashSet<String>,
    /// Root tables of which no two staged rows have the same primary key: what [`MergeTarget::duplicate_query`] asks.
    pub unique: &'a HashSet<String>,
    /// Root tables of which the newest of several rows with one key stays; their staged rows have the column
    /// [`RECORD_COLUMN`](crate::normalize::RECORD_COLUMN).
    pub newest: &'a NewestFirst,
}

/// The tables that take part in the merge of a root table: those that ever had rows, parents first.
pub fn merge_chain<'a>(schema: &'a Schema, root: &str) -> Vec<&'a Table> {
    schema.chain(root).into_iter().filter(|table| table.normalizer_flag("seen-data")).collect()
}

/// Checks that the rows of a root table can be merged, in whatever database. Errors: as of [`MergeTarget::statements`].
pub fn check_merge(schema: &Schema, names: &SystemNames, root: &str) -> Result<()> {
    let target = MergeTarget {
        dialect: DUCKDB,
        dataset: "",
        staging: "",
        schema,
        names,
        types: &TypeDefaults::default(),
        loaded_at: 0,
        widened: &HashSet::new(),
        unique: &HashSet::new(),
        newest: &NewestFirst::new(),
    };
    target.statements(root).map(drop)
}

impl MergeTarget<'_> {
    /// The statements that merge the staged rows of a root table and of the tables below it, in order.
    ///
    /// They have to be executed in one transaction. Errors: hints that contradict each other, a nested table whose
    /// rows cannot be traced to their root.
    pub fn statements(&self, root: &str) -> Result<Vec<String>> {
        let unknown = || Error::internal("a table is not in the schema").at_table(root);
        let table = self.schema.table(root).ok_or_else(unknown)?;
        let settings = MergeSettings::of(self.schema, table)?
            .ok_or_else(|| Error::internal("a table is to be merged that is not").at_table(root))?;
        let chain = merge_chain(self.schema, root);
        let Some((_, nested)) = chain.split_first() else { return Ok(Vec::new()) };
        let mut merge = Merge::new(self, table, nested, settings).map_err(|error| error.at_table(root))?;
        match merge.settings.strategy {
            MergeStrategy::DeleteInsert => merge.delete_insert()?,
            MergeStrategy::Upsert | MergeStrategy::Cdc => merge.upsert()?,
            MergeStrategy::InsertOnly => merge.insert_only()?,
            MergeStrategy::Scd2 => merge.scd2()?,
        }
        Ok(merge.statements)
    }

    /// Asks for a primary key that two staged rows of a root table have; there is a row or none.
    ///
    /// Nearly always there is none, and to know it saves choosing one row of each key. `None` where nothing is chosen.
    /// Errors: as of [`MergeTarget::statements`].
    pub fn duplicate_query(&self, root: &str) -> Result<Option<String>> {
        let Some(table) = self.schema.table(root) else { return Ok(None) };
        let Some(settings) = MergeSettings::of(self.schema, table)? else { return Ok(None) };
        let merge = Merge::new(self, table, &[], settings).map_err(|error| error.at_table(root))?;
        Ok(merge.chooses().then(|| {
            format!(
                "SELECT '1' FROM {}{} GROUP BY {} HAVING count(*) > 1 LIMIT 1",
                merge.root.staged,
                merge.where_filter(),
                merge.primary_key.join(", ")
            )
        }))
    }

    /// An instant as a literal for a column.
    fn instant(&self, micros: i64, table: &Table, column: &str) -> String {
        let column = table.columns.get(column);
        let precision = column.and_then(|column| column.precision);
        let unit = match precision.unwrap_or(i64::from(self.types.timestamp_precision)) {
            ..=2 => 1_000_000,
            3..=5 => 1_000,
            _ => 1,
        };
        let has_zone = column.and_then(|column| column.timezone).unwrap_or(true);
        let micros = micros - micros.rem_euclid(unit);
        if has_zone || !self.dialect.facts().has_time_zones {
            return self.dialect.timestamp_literal(micros);
        }
        let mut text = String::new();
        format_timestamp(&mut text, Timestamp { micros, offset: None }, ' ');
        self.dialect.literal(&text)
    }
}

/// One merge being written.
struct Merge<'a> {
    target: &'a MergeTarget<'a>,
    settings: MergeSettings,
    root: Part<'a>,
    nested: Vec<Part<'a>>,
    primary_key: Vec<String>,
    merge_key: Vec<String>,
    source_filter: Option<String>,
    destination_scope: Option<String>,
    statements: Vec<String>,
}

impl<'a> Merge<'a> {
    fn new(
        target: &'a MergeTarget<'a>,
        root: &'a Table,
        nested: &[&'a Table],
        settings: MergeSettings,
    ) -> Result<Self> {
        let root = Part::new(target, root);
        let nested: Vec<Part<'a>> = nested.iter().map(|table| Part::new(target, table)).collect();
        // A key that never had a value has no column yet.
        let quoted = |names: &[String]| {
            let complete = names.iter().filter(|name| root.table.columns[*name].is_complete());
            complete.map(|name| target.dialect.quote(name)).collect::<Vec<_>>()
        };
        let (primary_key, merge_key) = (quoted(&settings.primary_key), quoted(&settings.merge_key));
        let tables = [("table", root.main.as_str()), ("staging_table", root.staged.as_str())];
        let condition = |option: &str, text: &Option<String>, names: &[(&str, &str)]| {
            text.as_ref().map(|text| expand(option, text, names)).transpose()
        };
        let source_filter = condition("source_filter", &settings.source_filter, &[])?;
        let destination_scope = condition("destination_scope", &settings.destination_scope, &tables)?;
        if settings.strategy.needs_primary_key() && primary_key.is_empty() {
            return Err(Error::config("no row has a value in the primary key")
                .with_hint("check the names in primary_key of the resource"));
        }
        Ok(Self {
            target,
            settings,
            root,
            nested,
            primary_key,
            merge_key,
            source_filter,
            destination_scope,
            statements: Vec::new(),
        })
    }

    /// Whether one of several new rows with the same key has to be chosen, if there are any.
    fn chooses(&self) -> bool {
        let is_unique = match self.settings.strategy {
            MergeStrategy::DeleteInsert => self.settings.is_deduplicated,
            MergeStrategy::Upsert | MergeStrategy::Cdc | MergeStrategy::InsertOnly => false,
            MergeStrategy::Scd2 => true,
        };
        !is_unique && !self.primary_key.is_empty()
    }

    /// Whether there may be several new rows with the same key.
    fn has_duplicates(&self) -> bool {
        self.chooses() && !self.target.unique.contains(&self.root.table.name)
    }

    fn push(&mut self, statement: String) {
        self.statements.push(statement);
    }

    /// A table for the length of the merge. `key` is what its rows are looked up by.
    fn create_temporary(&mut self, name: &str, key: &str, select: &str) -> String {
        let dialect = self.target.dialect;
        let table = dialect.temporary_table(self.target.dataset, name);
        self.push(dialect.create_temporary(&table, key, select));
        table
    }

    fn drop_temporary(&mut self, table: &str) {
        self.push(self.target.dialect.drop_temporary(table));
    }

    /// ` WHERE (filter)` or nothing.
    fn where_filter(&self) -> String {
        self.source_filter.as_ref().map_or_else(String::new, |filter| format!(" WHERE ({filter})"))
    }

    /// `(a, b) IN (SELECT a, b FROM staged)`: the row's key is among the new rows that take part.
    fn is_staged(&self, key: &[String]) -> String {
        format!(
            "{} IN (SELECT {} FROM {}{})",
            tuple(key),
            key.join(", "),
            self.root.staged,
            self.where_filter()
        )
    }

    /// `a.x = b.x AND a.y = b.y`
    fn same(key: &[String], left: &str, right: &str) -> String {
        conjunction(key.iter().map(|column| format!("{left}.{column} = {right}.{column}")))
    }

    /// The conditions that new rows are no deletions and that they are.
    fn deletion(&self) -> Option<(String, String)> {
        let hard_delete = self.settings.hard_delete.as_ref()?;
        let is_complete = self.root.table.columns[&hard_delete.column].is_complete();
        let column = self.target.dialect.quote(&hard_delete.column);
        is_complete.then(|| match hard_delete.is_bool {
            true => (format!("{column} IS NOT TRUE"), format!("{column} IS TRUE")),
            false => (format!("{column} IS NULL"), format!("{column} IS NOT NULL")),
        })
    }

    /// Deletes the nested rows of root rows: `roots` selects their ids.
    fn delete_nested(&mut self, roots: &str) -> Result<()> {
        // The deepest first: rows may be found through their parents.
        for index in (0..self.nested.len()).rev() {
            let part = &self.nested[index];
            let condition = self.below(self.target.dataset, part.table, roots)?;
            let statement = format!("DELETE FROM {} WHERE {condition}", part.main);
            self.push(statement);
        }
        Ok(())
    }

    /// The condition that a nested row belongs to one of the root rows whose ids `roots` selects.
    ///
    /// It asks the column with the root row's id, or else the rows above, in the same dataset.
    fn below(&self, dataset: &str, table: &Table, roots: &str) -> Result<String> {
        let quote = |name: &str| self.target.dialect.quote(name);
        if let Some(column) = table.columns_with("root_key").find(|column| column.is_complete()) {
            return Ok(format!("{} IN ({roots})", quote(&column.name)));
        }
        let lost = || {
            Error::config("the rows of a nested table cannot be traced to their root rows")
                .at_table(&table.name)
                .with_hint("let one column have the hint parent_key or root_key")
        };
        let key = table.columns_with("parent_key").find(|column| column.is_complete()).ok_or_else(lost)?;
        let key = quote(&key.name);
        let parent =
            table.parent.as_deref().and_then(|name| self.target.schema.table(name)).ok_or_else(lost)?;
        if !parent.is_nested() {
            return Ok(format!("{key} IN ({roots})"));
        }
        let above = self.below(dataset, parent, roots)?;
        let parent = Part::new(self.target, parent);
        let rows = self.target.dialect.qualify(dataset, &parent.table.name);
        Ok(format!("{key} IN (SELECT {} FROM {rows} WHERE {above})", parent.row_key()?))
    }
}

/// `a`, or `(a, b)`
fn tuple(columns: &[String]) -> String {
    match columns {
        [column] => column.clone(),
        columns => format!("({})", columns.join(", ")),
    }
}

fn conjunction(conditions: impl IntoIterator<Item = String>) -> String {
    conditions.into_iter().collect::<Vec<_>>().join(" AND ")
}

#[cfg(test)]
mod tests;
