//! The statements of a load: what comes before the rows, and what makes them count.

use std::collections::HashSet;

use super::{Dialect, ExistingTables, RowAddress, fill_root_keys, migration};
use crate::error::{Error, Result};
use crate::naming::Naming;
use crate::normalize::{RECORD_COLUMN, TypeDefaults};
use crate::schema::{Column, ENGINE_VERSION, Schema, SystemNames, Table};
use crate::system_row::SystemRow;

/// Where a load goes and what its schema is.
#[derive(Clone, Copy, Debug)]
pub struct LoadTarget<'a> {
    /// The database.
    pub dialect: &'a dyn Dialect,
    /// Default digits and precisions of the database.
    pub types: &'a TypeDefaults,
    /// The schema of the rows.
    pub schema: &'a Schema,
    /// The engine's own names.
    pub names: &'a SystemNames,
    /// How they came about.
    pub naming: &'a Naming,
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

    /// The statements that change tables, in the order of execution: where each of them commits by itself
    /// ([`Facts::has_transactional_ddl`](super::Facts)), they come before the transaction of the load.
    pub fn table_statements(&self) -> Vec<String> {
        [&self.drops, &self.ddl, &self.staging].into_iter().flatten().cloned().collect()
    }

    /// The statements that change rows, to be executed after those that change tables.
    pub fn row_statements(&self) -> Vec<String> {
        [&self.records, &self.truncations].into_iter().flatten().cloned().collect()
    }

    /// Whether tables or columns come or go that others can see.
    pub fn changes_tables(&self) -> bool {
        !self.drops.is_empty() || !self.ddl.is_empty()
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
            statements.push(format!(
                "DELETE FROM {} WHERE {} = {}",
                self.dialect.qualify(dataset, &self.names.version_table),
                self.dialect.quote(&self.naming.identifier("schema_name")?),
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
                None => {
                    staging.extend(self.staged_columns(dataset, table, existing, has_records));
                    emptied.push(table.clone());
                }
                _ => emptied.push(table.clone()),
            }
        }
        Ok(LoadPlan { staging, ..self.plan_dataset(dataset, all, &emptied, existing, has_version)? })
    }

    /// Adds what tells apart the rows of a table of the staging dataset that takes rows itself: the column that numbers
    /// records, and the rows' own number where the database has none.
    fn staged_columns(
        &self,
        dataset: &str,
        table: &str,
        existing: &ExistingTables,
        has_records: bool,
    ) -> Vec<String> {
        let known = existing.iter().find(|(name, _)| name.eq_ignore_ascii_case(table));
        let has =
            |name: &str| known.is_some_and(|(_, columns)| columns.iter().any(|column| column.name == name));
        let mut added = Vec::new();
        if has_records && !has(RECORD_COLUMN) {
            added.push(format!("{} BIGINT", self.dialect.quote(RECORD_COLUMN)));
        }
        if let RowAddress::Added(name) = self.dialect.facts().row_address
            && !has(name)
        {
            added.push(format!("{} BIGINT NOT NULL AUTO_INCREMENT UNIQUE", self.dialect.quote(name)));
        }
        let table = self.dialect.qualify(dataset, table);
        added.into_iter().map(|column| format!("ALTER TABLE {table} ADD COLUMN {column}")).collect()
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
        let fills = fill_root_keys(self.dialect, dataset, self.schema, &tables, existing, has_version);
        plan.ddl.extend(migration(self.dialect, dataset, tables, existing, self.types, prefix)?);
        plan.ddl.extend(fills);
        if !has_version {
            plan.records.push(self.version_record(dataset)?);
        }
        let known: HashSet<String> = existing.keys().map(|name| name.to_ascii_lowercase()).collect();
        plan.truncations = truncated
            .iter()
            .filter(|table| known.contains(&table.to_ascii_lowercase()))
            .map(|table| self.dialect.empty_table(dataset, table))
            .collect();
        Ok(plan)
    }

    fn version_record(&self, dataset: &str) -> Result<String> {
        let text = serde_json::Value::Object(self.schema.to_json()).to_string();
        let row = SystemRow::Version {
            version: self.schema.version.unwrap_or(1),
            engine_version: ENGINE_VERSION,
            inserted_at: self.now,
            schema_name: &self.schema.name,
            version_hash: self.schema.version_hash.as_deref().unwrap_or_default(),
            schema: &text,
        };
        row.to_sql(self.dialect, dataset, self.naming)
    }
}

/// Replaces the rows of tables by those of their staging tables: each is emptied and filled, by column name.
pub fn replace_from_staging(
    dialect: &dyn Dialect,
    dataset: &str,
    staging: &str,
    tables: &[&Table],
) -> Vec<String> {
    let mut statements = Vec::new();
    for table in tables {
        let columns: Vec<String> =
            table.complete_columns().map(|column| dialect.quote(&column.name)).collect();
        let columns = columns.join(", ");
        statements.push(dialect.empty_table(dataset, &table.name));
        statements.push(format!(
            "INSERT INTO {} ({columns}) SELECT {columns} FROM {}",
            dialect.qualify(dataset, &table.name),
            dialect.qualify(staging, &table.name)
        ));
    }
    statements
}

/// The columns of a table by which its rows are found when they are merged.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyIndex {
    /// The table.
    pub table: String,
    /// The columns, those of one index each.
    pub keys: Vec<Vec<Column>>,
}

/// The keys by which a merge finds the rows of tables: keys of the user together, the engine's ids each for itself.
pub fn key_indexes(schema: &Schema, tables: &[String]) -> Vec<KeyIndex> {
    let tables = tables.iter().filter_map(|name| schema.table(name));
    let indexes = tables.map(|table| {
        let with = |hint: &str| -> Vec<Column> {
            table.columns_with(hint).filter(|column| column.is_complete()).cloned().collect()
        };
        let together = ["primary_key", "merge_key"].map(with).into_iter();
        let alone = ["row_key", "parent_key", "root_key", "x-row-version"].map(with).into_iter();
        let alone = alone.flatten().map(|column| vec![column]);
        let mut keys: Vec<Vec<Column>> = Vec::new();
        for key in together.chain(alone).filter(|key| !key.is_empty()) {
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        KeyIndex { table: table.name.clone(), keys }
    });
    indexes.collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::sql::{MYSQL, POSTGRES};

    #[test]
    fn a_staging_table_takes_the_place_of_the_table() {
        expect![[r#"
            DROP TABLE IF EXISTS "ds"."t";
            ALTER TABLE "st"."t" SET SCHEMA "ds";
            CREATE TABLE "st"."t" (LIKE "ds"."t" INCLUDING ALL)"#]]
        .assert_eq(&POSTGRES.replace_by_staging("ds", "st", "t").join(";\n"));
        assert_eq!(MYSQL.replace_by_staging("ds", "st", "t"), Vec::<String>::new());
    }
}
