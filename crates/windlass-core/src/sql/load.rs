//! The statements around the rows: emptying tables, replacing them from staging, and the engine's own records.

use super::Dialect;
use crate::schema::Table;
use crate::value::{Timestamp, format_timestamp};

/// Removes all rows of a table, within a transaction.
pub fn delete_all(dialect: Dialect, dataset: &str, table: &str) -> String {
    format!("DELETE FROM {}", dialect.qualify(dataset, table))
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

fn timestamp_literal(dialect: Dialect, micros: i64) -> String {
    let mut text = String::new();
    format_timestamp(&mut text, Timestamp { micros, offset: Some(0) }, ' ');
    dialect.literal(&text)
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
        timestamp_literal(dialect, inserted_at),
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
        timestamp_literal(dialect, inserted_at),
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
