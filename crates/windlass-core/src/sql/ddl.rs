//! The statements that add what a schema has and a destination has not. Nothing is ever changed or dropped.

use std::collections::{HashMap, HashSet};

use super::Dialect;
use crate::error::Result;
use crate::normalize::TypeDefaults;
use crate::schema::{Column, Table};

/// The columns of each table that exists at the destination, by table name.
pub type ExistingTables = HashMap<String, Vec<String>>;

/// `CREATE TABLE` for missing tables and `ALTER TABLE` for missing columns, in the order of `tables`.
///
/// Names are compared without regard to case where the database does so. Errors: a type the database does not have.
pub fn migration<'a>(
    dialect: Dialect,
    dataset: &str,
    tables: impl IntoIterator<Item = &'a Table>,
    existing: &ExistingTables,
    defaults: &TypeDefaults,
    system_prefix: &str,
) -> Result<Vec<String>> {
    let fold = |name: &str| name.to_lowercase();
    let known: HashMap<String, HashSet<String>> = existing
        .iter()
        .map(|(table, columns)| (fold(table), columns.iter().map(|c| fold(c)).collect()))
        .collect();
    let mut statements = Vec::new();
    for table in tables {
        let name = dialect.qualify(dataset, &table.name);
        let definition = |column: &Column| {
            dialect.column_definition(column, defaults).map_err(|e| e.at_table(&table.name))
        };
        match known.get(&fold(&table.name)) {
            None => {
                let columns = table.complete_columns().map(definition).collect::<Result<Vec<_>>>()?;
                if columns.is_empty() {
                    continue;
                }
                let guard = if table.name.starts_with(system_prefix) { "IF NOT EXISTS " } else { "" };
                statements.push(format!("CREATE TABLE {guard}{name} (\n{}\n)", columns.join(",\n")));
            }
            Some(present) => {
                let missing =
                    table.complete_columns().filter(|column| !present.contains(&fold(&column.name)));
                let added: Vec<String> = missing
                    .map(|column| {
                        let is_nullable = column.is_nullable() || !dialect.adds_not_null_columns();
                        let column = Column { nullable: Some(is_nullable), ..column.clone() };
                        definition(&column).map(|definition| format!("ADD COLUMN {definition}"))
                    })
                    .collect::<Result<_>>()?;
                if added.is_empty() {
                    continue;
                }
                if dialect.alters_many_columns() {
                    statements.push(format!("ALTER TABLE {name}\n{}", added.join(",\n")));
                } else {
                    statements.extend(added.iter().map(|column| format!("ALTER TABLE {name}\n{column}")));
                }
            }
        }
    }
    Ok(statements)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::value::DataType;

    fn check(tables: &[Table], existing: &[(&str, &[&str])], expected: Expect) {
        let existing = existing
            .iter()
            .map(|(table, columns)| ((*table).to_owned(), columns.iter().map(|c| (*c).to_owned()).collect()))
            .collect();
        let statements =
            migration(Dialect::DuckDb, "ds", tables, &existing, &TypeDefaults::default(), "_dlt").unwrap();
        expected.assert_eq(&statements.join(";\n"));
    }

    fn items() -> Table {
        Table::new("items")
            .with_column(Column::typed("id", DataType::Bigint, false))
            .with_column(Column::new("hinted"))
            .with_column(Column { precision: Some(10), ..Column::typed("d", DataType::Decimal, true) })
            .with_column(Column { timezone: Some(false), ..Column::typed("ts", DataType::Timestamp, true) })
            .with_column(Column::typed("a\"b", DataType::Json, false))
    }

    #[test]
    fn a_missing_table_is_created_with_its_complete_columns() {
        check(
            &[
                items(),
                Table::new("empty"),
                Table::new("_dlt_x").with_column(Column::typed("v", DataType::Wei, true)),
            ],
            &[],
            expect![[r#"
                CREATE TABLE "ds"."items" (
                "id" BIGINT NOT NULL,
                "d" DECIMAL(10,9),
                "ts" TIMESTAMP,
                "a""b" JSON NOT NULL
                );
                CREATE TABLE IF NOT EXISTS "ds"."_dlt_x" (
                "v" DECIMAL(38,0)
                )"#]],
        );
    }

    #[test]
    fn only_missing_columns_are_added_whatever_their_case() {
        check(
            &[items()],
            &[("ITEMS", &["ID", "other"])],
            expect![[r#"
                ALTER TABLE "ds"."items"
                ADD COLUMN "d" DECIMAL(10,9);
                ALTER TABLE "ds"."items"
                ADD COLUMN "ts" TIMESTAMP;
                ALTER TABLE "ds"."items"
                ADD COLUMN "a""b" JSON"#]],
        );
    }
}
