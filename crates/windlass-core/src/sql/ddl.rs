//! The statements that add what a schema has and a destination has not, and allow nulls where the schema has come to
//! allow them. Nothing else is ever changed, and nothing is dropped.

use std::collections::HashMap;

use super::Dialect;
use crate::error::Result;
use crate::normalize::TypeDefaults;
use crate::schema::{Column, Table};

/// A column that exists at the destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingColumn {
    /// As the database spells it.
    pub name: String,
    /// Whether it refuses nulls.
    pub is_required: bool,
}

/// The columns of each table that exists at the destination, by table name.
pub type ExistingTables = HashMap<String, Vec<ExistingColumn>>;

/// `CREATE TABLE` for missing tables and `ALTER TABLE` for missing columns, in the order of `tables`. A column that
/// exists with `NOT NULL` and that the schema says may be null loses its constraint.
///
/// Names are compared without regard to case where the database does so. Errors: a type the database does not have.
pub fn migration<'a>(
    dialect: &dyn Dialect,
    dataset: &str,
    tables: impl IntoIterator<Item = &'a Table>,
    existing: &ExistingTables,
    defaults: &TypeDefaults,
    system_prefix: &str,
) -> Result<Vec<String>> {
    let fold = |name: &str| name.to_lowercase();
    let known: HashMap<String, HashMap<String, bool>> = existing
        .iter()
        .map(|(table, columns)| {
            (fold(table), columns.iter().map(|column| (fold(&column.name), column.is_required)).collect())
        })
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
                let options = dialect.table_options();
                statements.push(format!("CREATE TABLE {guard}{name} (\n{}\n){options}", columns.join(",\n")));
            }
            Some(present) => {
                let is_required = |column: &Column| present.get(&fold(&column.name)) == Some(&true);
                for column in table.complete_columns() {
                    if column.nullable == Some(true) && is_required(column) {
                        statements.extend(dialect.allow_nulls(&name, column, &definition(column)?));
                    }
                }
                let missing =
                    table.complete_columns().filter(|column| !present.contains_key(&fold(&column.name)));
                let added: Vec<String> = missing
                    .map(|column| {
                        // The rows that are there have no value in it.
                        let column = Column { nullable: Some(true), ..column.clone() };
                        definition(&column).map(|definition| format!("ADD COLUMN {definition}"))
                    })
                    .collect::<Result<_>>()?;
                if added.is_empty() {
                    continue;
                }
                if dialect.facts().alters_many_columns {
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
    use crate::sql::{DUCKDB, MYSQL, POSTGRES, SQLITE};
    use crate::value::DataType;

    fn check(tables: &[Table], existing: &[(&str, &[&str])], expected: Expect) {
        check_in(DUCKDB, tables, existing, expected);
    }

    /// Names of existing columns end with `!` if they refuse nulls.
    fn check_in(dialect: &dyn Dialect, tables: &[Table], existing: &[(&str, &[&str])], expected: Expect) {
        let column = |text: &&str| ExistingColumn {
            name: text.trim_end_matches('!').to_owned(),
            is_required: text.ends_with('!'),
        };
        let existing = existing
            .iter()
            .map(|(table, columns)| ((*table).to_owned(), columns.iter().map(column).collect()))
            .collect();
        let statements =
            migration(dialect, "ds", tables, &existing, &TypeDefaults::default(), "_dlt").unwrap();
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

    #[test]
    fn a_column_that_may_be_null_now_loses_its_constraint() {
        let tables = [items()];
        let existing: &[(&str, &[&str])] = &[("items", &["ID!", "d!", "ts", "a\"b!"])];
        check_in(
            DUCKDB,
            &tables,
            existing,
            expect![[r#"ALTER TABLE "ds"."items" ALTER COLUMN "d" DROP NOT NULL"#]],
        );
        check_in(
            POSTGRES,
            &tables,
            existing,
            expect![[r#"ALTER TABLE "ds"."items" ALTER COLUMN "d" DROP NOT NULL"#]],
        );
        check_in(
            SQLITE,
            &tables,
            existing,
            expect![[r#"
                ALTER TABLE "ds"."items" RENAME COLUMN "d" TO "d__not_null";
                ALTER TABLE "ds"."items" ADD COLUMN "d" NUMERIC(10);
                UPDATE "ds"."items" SET "d" = "d__not_null";
                ALTER TABLE "ds"."items" DROP COLUMN "d__not_null""#]],
        );
        check_in(
            MYSQL,
            &tables,
            existing,
            expect![[r#"ALTER TABLE `ds`.`items` MODIFY COLUMN `d` NUMERIC(10,9)"#]],
        );
    }
}
