//! The statements of a load: what comes before the rows, and what makes them count.

use std::collections::HashSet;

use super::{Dialect, ExistingTables, fill_root_keys, migration};
use crate::error::{Error, Result};
use crate::normalize::{RECORD_COLUMN, TypeDefaults};
use crate::schema::{ENGINE_VERSION, Schema, SystemNames, Table};

/// Where a load goes and what its schema is.
#[derive(Clone, Copy, Debug)]
pub struct LoadTarget<'a> {
    /// The database.
    pub dialect: Dialect,
    /// Default digits and precisions of the database.
    pub types: &'a TypeDefaults,
    /// The schema of the rows.
    pub schema: &'a Schema,
    /// The engine's own names.
    pub names: &'a SystemNames,
    /// Microseconds since the epoch.
    pub now: i64,
}

/// What is executed before the rows come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadPlan {
    /// Statements that drop tables and forget the schema's versions.
    pub drops: Vec<String>,
    /// Statements that add datasets, tables and columns.
    pub ddl: Vec<String>,
    /// Statements that record schema versions.
    pub records: Vec<String>,
    /// Statements that empty tables.
    pub truncations: Vec<String>,
    /// Statements that create the tables which hold rows for the length of the load.
    pub staging: Vec<String>,
}

impl LoadPlan {
    /// Adds the statements of another dataset.
    pub fn extend(&mut self, other: Self) {
        self.drops.extend(other.drops);
        self.ddl.extend(other.ddl);
        self.records.extend(other.records);
        self.truncations.extend(other.truncations);
        self.staging.extend(other.staging);
    }

    /// All statements in the order of execution.
    pub fn in_order(&self) -> Vec<String> {
        [&self.drops, &self.ddl, &self.records, &self.truncations, &self.staging]
            .into_iter()
            .flatten()
            .cloned()
            .collect()
    }
}

impl LoadTarget<'_> {
    /// What the dataset needs for rows of `tables`, of which `truncated` are emptied if they exist.
    ///
    /// Errors: a table that is not in the schema; a type that the database does not have.
    pub fn plan(
        &self,
        dataset: &str,
        tables: &[String],
        truncated: &[String],
        existing: &ExistingTables,
        has_version: bool,
    ) -> Result<LoadPlan> {
        let system = [&self.names.version_table, &self.names.loads_table];
        self.plan_dataset(dataset, system.into_iter().chain(tables), truncated, existing, has_version)
    }

    /// The statements that drop tables of a dataset, and with them the memory of the schema's versions.
    ///
    /// `existing` loses the tables. Errors: none but an internal one.
    pub fn drop_tables(
        &self,
        dataset: &str,
        tables: &[String],
        existing: &mut ExistingTables,
    ) -> Result<Vec<String>> {
        let mut statements: Vec<String> = tables
            .iter()
            .map(|table| format!("DROP TABLE IF EXISTS {}", self.dialect.qualify(dataset, table)))
            .collect();
        let gone: HashSet<String> = tables.iter().map(|table| table.to_ascii_lowercase()).collect();
        existing.retain(|name, _| !gone.contains(&name.to_ascii_lowercase()));
        if !tables.is_empty() && existing.contains_key(&self.names.version_table) {
            let version = self.schema.table(&self.names.version_table);
            let version = version.ok_or_else(|| Error::internal("the schema has no table of versions"))?;
            // The columns of system tables have a fixed order, whatever the convention calls them.
            let column = version.columns.get_index(3).map(|(name, _)| name.as_str()).unwrap_or("schema_name");
            statements.push(format!(
                "DELETE FROM {} WHERE {} = {}",
                self.dialect.qualify(dataset, &self.names.version_table),
                self.dialect.quote(column),
                self.dialect.literal(&self.schema.name)
            ));
        }
        Ok(statements)
    }

    /// What the staging dataset needs for rows of `tables`, which are empty then. The rows of `swapped` go into the dataset
    /// itself, those of the others into temporary tables where the database has cheap ones.
    ///
    /// `has_records`: files have the column [`RECORD_COLUMN`]. Errors: as of [`LoadTarget::plan`].
    pub fn plan_staging(
        &self,
        dataset: &str,
        tables: &[String],
        swapped: &HashSet<String>,
        existing: &ExistingTables,
        has_version: bool,
        has_records: bool,
    ) -> Result<LoadPlan> {
        let all = std::iter::once(&self.names.version_table).chain(tables);
        let (mut staging, mut emptied) = (Vec::new(), Vec::new());
        for table in tables {
            match self.dialect.stage_table(dataset, table, has_records) {
                Some(statement) if !swapped.contains(table) => staging.push(statement),
                None if has_records => {
                    staging.extend(self.record_column(dataset, table, existing));
                    emptied.push(table.clone());
                }
                _ => emptied.push(table.clone()),
            }
        }
        Ok(LoadPlan { staging, ..self.plan_dataset(dataset, all, &emptied, existing, has_version)? })
    }

    /// Adds the column that numbers records to a table of the staging dataset that takes rows itself.
    fn record_column(&self, dataset: &str, table: &str, existing: &ExistingTables) -> Option<String> {
        let known = existing.iter().find(|(name, _)| name.eq_ignore_ascii_case(table));
        let has_it =
            known.is_some_and(|(_, columns)| columns.iter().any(|column| column.name == RECORD_COLUMN));
        let (table, column) = (self.dialect.qualify(dataset, table), self.dialect.quote(RECORD_COLUMN));
        (!has_it).then(|| format!("ALTER TABLE {table} ADD COLUMN {column} BIGINT"))
    }

    fn plan_dataset<'a>(
        &self,
        dataset: &str,
        tables: impl Iterator<Item = &'a String>,
        truncated: &[String],
        existing: &ExistingTables,
        has_version: bool,
    ) -> Result<LoadPlan> {
        let unknown = |name: &String| Error::internal("a table is not in the schema").at_table(name);
        let tables: Vec<&Table> =
            tables.map(|name| self.schema.table(name).ok_or_else(|| unknown(name))).collect::<Result<_>>()?;
        let mut plan = LoadPlan::default();
        if existing.is_empty() {
            plan.ddl.extend(self.dialect.create_dataset(dataset));
        }
        let prefix = &self.names.prefix;
        let fills = fill_root_keys(self.dialect, dataset, self.schema, &tables, existing);
        plan.ddl.extend(migration(self.dialect, dataset, tables, existing, self.types, prefix)?);
        plan.ddl.extend(fills);
        if !has_version {
            plan.records.push(self.version_record(dataset)?);
        }
        let known: HashSet<String> = existing.keys().map(|name| name.to_ascii_lowercase()).collect();
        plan.truncations = truncated
            .iter()
            .filter(|table| known.contains(&table.to_ascii_lowercase()))
            .map(|table| delete_all(self.dialect, dataset, table))
            .collect();
        Ok(plan)
    }

    fn version_record(&self, dataset: &str) -> Result<String> {
        let table = self.schema.table(&self.names.version_table);
        let table = table.ok_or_else(|| Error::internal("the schema has no table of versions"))?;
        let text = serde_json::Value::Object(self.schema.to_json()).to_string();
        let hash = self.schema.version_hash.clone().unwrap_or_default();
        let version = self.schema.version.unwrap_or(1);
        let schema = (self.schema.name.as_str(), hash.as_str(), text.as_str());
        Ok(insert_version(self.dialect, dataset, table, version, ENGINE_VERSION, self.now, schema))
    }
}

/// Removes all rows of a table, within a transaction.
pub fn delete_all(dialect: Dialect, dataset: &str, table: &str) -> String {
    dialect.empty_table(dataset, table)
}

/// Replaces the rows of tables by those of their staging tables: each is emptied and filled, by column name.
pub fn replace_from_staging(
    dialect: Dialect,
    dataset: &str,
    staging: &str,
    tables: &[&Table],
) -> Vec<String> {
    let mut statements = Vec::new();
    for table in tables {
        let columns: Vec<String> =
            table.complete_columns().map(|column| dialect.quote(&column.name)).collect();
        let columns = columns.join(", ");
        statements.push(delete_all(dialect, dataset, &table.name));
        statements.push(format!(
            "INSERT INTO {} ({columns}) SELECT {columns} FROM {}",
            dialect.qualify(dataset, &table.name),
            dialect.qualify(staging, &table.name)
        ));
    }
    statements
}

/// Puts the staging table of a table in its place, and an empty one of the same kind in place of that.
///
/// Only for databases that [move tables](Dialect::moves_tables). What depends on the old table, such as views and
/// grants, is lost or keeps it from being dropped, as in the reference.
pub fn replace_by_staging(dialect: Dialect, dataset: &str, staging: &str, table: &str) -> [String; 3] {
    let (main, staged) = (dialect.qualify(dataset, table), dialect.qualify(staging, table));
    [
        format!("DROP TABLE IF EXISTS {main}"),
        format!("ALTER TABLE {staged} SET SCHEMA {}", dialect.quote(dataset)),
        format!("CREATE TABLE {staged} (LIKE {main} INCLUDING ALL)"),
    ]
}

/// Records a schema version. `columns` are the columns of the version table in its own order.
pub fn insert_version(
    dialect: Dialect,
    dataset: &str,
    table: &Table,
    version: i64,
    engine_version: i64,
    inserted_at: i64,
    schema: (&str, &str, &str),
) -> String {
    let (name, hash, text) = schema;
    let values = [
        version.to_string(),
        engine_version.to_string(),
        dialect.timestamp_literal(inserted_at),
        dialect.literal(name),
        dialect.literal(hash),
        dialect.literal(text),
    ];
    insert(dialect, dataset, table, &values)
}

/// Records a completed load: its presence is what makes a load count.
pub fn load_record(
    dialect: Dialect,
    dataset: &str,
    table: &Table,
    load_id: &str,
    schema_name: &str,
    inserted_at: i64,
    schema_hash: &str,
) -> String {
    let values = [
        dialect.literal(load_id),
        dialect.literal(schema_name),
        "0".to_owned(),
        dialect.timestamp_literal(inserted_at),
        dialect.literal(schema_hash),
    ];
    insert(dialect, dataset, table, &values)
}

/// The system tables' columns have a fixed order, whatever their names under a convention.
fn insert(dialect: Dialect, dataset: &str, table: &Table, values: &[String]) -> String {
    let columns: Vec<String> =
        table.columns.keys().take(values.len()).map(|column| dialect.quote(column)).collect();
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        dialect.qualify(dataset, &table.name),
        columns.join(", "),
        values.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::naming::Naming;
    use crate::schema::{LOADS_TABLE, Schema, VERSION_TABLE};

    #[test]
    fn a_staging_table_takes_the_place_of_the_table() {
        expect![[r#"
            DROP TABLE IF EXISTS "ds"."t";
            ALTER TABLE "st"."t" SET SCHEMA "ds";
            CREATE TABLE "st"."t" (LIKE "ds"."t" INCLUDING ALL)"#]]
        .assert_eq(&replace_by_staging(Dialect::Postgres, "ds", "st", "t").join(";\n"));
    }

    #[test]
    fn records_name_their_columns() {
        let schema = Schema::new("s", &Naming::default()).unwrap();
        let loads = schema.table(LOADS_TABLE).unwrap();
        expect![[r#"INSERT INTO "ds"."_dlt_loads" ("load_id", "schema_name", "status", "inserted_at", "schema_version_hash") VALUES ('1.5', 's''x', 0, '1970-01-01 00:00:01+00:00', 'h')"#]]
            .assert_eq(&load_record(Dialect::DuckDb, "ds", loads, "1.5", "s'x", 1_000_000, "h"));
        let version = schema.table(VERSION_TABLE).unwrap();
        expect![[r#"INSERT INTO "ds"."_dlt_version" ("version", "engine_version", "inserted_at", "schema_name", "version_hash", "schema") VALUES (2, 11, '1970-01-01 00:00:00+00:00', 's', 'h', '{}')"#]]
            .assert_eq(&insert_version(Dialect::DuckDb, "ds", version, 2, 11, 0, ("s", "h", "{}")));
    }
}
