//! What differs between SQL databases: quotes, names and types.

use crate::error::{Error, Result};
use crate::normalize::{TypeDefaults, decimal_size, with_held_digits};
use crate::schema::Column;
use crate::value::{DataType, Timestamp, format_timestamp};

/// A SQL database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DuckDB.
    DuckDb,
    /// PostgreSQL.
    Postgres,
    /// SQLite, each dataset an attached database.
    Sqlite,
}

impl Dialect {
    /// The name as an identifier in quotes.
    pub fn quote(self, name: &str) -> String {
        match self {
            Self::DuckDb | Self::Postgres | Self::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
        }
    }

    /// The table in its dataset, in quotes.
    pub fn qualify(self, dataset: &str, table: &str) -> String {
        format!("{}.{}", self.quote(dataset), self.quote(table))
    }

    /// The text as a literal.
    pub fn literal(self, text: &str) -> String {
        match self {
            // A NUL cannot stand in a statement; it is the only character that is lost.
            Self::DuckDb | Self::Postgres | Self::Sqlite => {
                format!("'{}'", text.replace('\0', "").replace('\'', "''"))
            }
        }
    }

    /// The time in microseconds since the epoch as a literal.
    pub fn timestamp_literal(self, micros: i64) -> String {
        let mut text = String::new();
        // SQLite knows no time zones; its timestamps are texts in UTC, always with six digits, so that they sort.
        let offset = (self != Self::Sqlite).then_some(0);
        format_timestamp(&mut text, Timestamp { micros, offset }, ' ');
        if self == Self::Sqlite && micros.rem_euclid(1_000_000) == 0 {
            text.push_str(".000000");
        }
        self.literal(&text)
    }

    /// The statement that creates a dataset, where datasets are created by statements.
    pub fn create_dataset(self, dataset: &str) -> Option<String> {
        match self {
            Self::DuckDb | Self::Postgres => {
                Some(format!("CREATE SCHEMA IF NOT EXISTS {}", self.quote(dataset)))
            }
            Self::Sqlite => None,
        }
    }

    /// The statement that removes all rows of a table and can be undone by a rollback.
    pub fn empty_table(self, dataset: &str, table: &str) -> String {
        match self {
            Self::DuckDb | Self::Sqlite => format!("DELETE FROM {}", self.qualify(dataset, table)),
            // Deleted rows would stay in the file until a vacuum, and each would be written to the log.
            Self::Postgres => format!("TRUNCATE TABLE {}", self.qualify(dataset, table)),
        }
    }

    /// Whether a table can move to another dataset within a transaction.
    pub fn moves_tables(self) -> bool {
        match self {
            Self::DuckDb | Self::Sqlite => false,
            Self::Postgres => true,
        }
    }

    /// Whether one `ALTER TABLE` can add several columns.
    pub fn alters_many_columns(self) -> bool {
        match self {
            Self::DuckDb | Self::Sqlite => false,
            Self::Postgres => true,
        }
    }

    /// Whether a column can be added that may not be null, to a table that has rows.
    pub fn adds_not_null_columns(self) -> bool {
        match self {
            Self::DuckDb | Self::Postgres | Self::Sqlite => false,
        }
    }

    /// The statements by which a column of `table`, which is quoted, stops refusing nulls. `definition` is the column's
    /// as it shall be.
    ///
    /// SQLite cannot change a column: another takes its values and its name.
    pub fn allow_nulls(self, table: &str, column: &Column, definition: &str) -> Vec<String> {
        let name = self.quote(&column.name);
        match self {
            Self::DuckDb | Self::Postgres => {
                vec![format!("ALTER TABLE {table} ALTER COLUMN {name} DROP NOT NULL")]
            }
            Self::Sqlite => {
                let former = self.quote(&format!("{}__not_null", column.name));
                vec![
                    format!("ALTER TABLE {table} RENAME COLUMN {name} TO {former}"),
                    format!("ALTER TABLE {table} ADD COLUMN {definition}"),
                    format!("UPDATE {table} SET {name} = {former}"),
                    format!("ALTER TABLE {table} DROP COLUMN {former}"),
                ]
            }
        }
    }

    /// The type of a complete column in DDL. Errors: a precision that the database does not have.
    pub fn column_type(self, column: &Column, defaults: &TypeDefaults) -> Result<String> {
        let column = &*with_held_digits(column, defaults);
        let data_type = column.data_type.unwrap_or(DataType::Text);
        match self {
            Self::DuckDb => Ok(duckdb_type(column, data_type, defaults)),
            Self::Postgres => postgres_type(column, data_type, defaults),
            Self::Sqlite => sqlite_type(column, data_type, defaults),
        }
    }

    /// The column with type and constraints in DDL.
    ///
    /// Errors: a column without a type, or with one that the database does not have.
    pub fn column_definition(self, column: &Column, defaults: &TypeDefaults) -> Result<String> {
        if !column.is_complete() {
            return Err(
                Error::internal("a column without a type reached the destination").at_column(&column.name)
            );
        }
        let mut text = format!("{} {}", self.quote(&column.name), self.column_type(column, defaults)?);
        if defaults.unique_constraints && column.has("unique") {
            text.push_str(" UNIQUE");
        }
        if !column.is_nullable() {
            text.push_str(" NOT NULL");
        }
        Ok(text)
    }
}

fn decimal_type(column: &Column, default: (u8, i8)) -> String {
    let (precision, scale) = decimal_digits(column, default);
    format!("DECIMAL({precision},{scale})")
}

/// Precision and scale default each by itself, as in the reference.
fn decimal_digits(column: &Column, (precision, scale): (u8, i8)) -> (i64, i64) {
    let precision = column.precision.unwrap_or(i64::from(precision));
    match column.scale {
        Some(scale) => decimal_size(precision, scale),
        None => (precision, i64::from(scale).min(precision)),
    }
}

/// The number of an option in parentheses, or nothing.
fn argument(number: Option<i64>) -> String {
    number.map(|number| format!(" ({number})")).unwrap_or_default()
}

fn not_in(database: &str, what: &str, column: &Column, hint: &str) -> Error {
    Error::config(format!("{database} has no {what}")).at_column(&column.name).with_hint(hint.to_owned())
}

fn postgres_type(column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String> {
    let is_too_fine = column.precision.is_some_and(|precision| !(0..=6).contains(&precision));
    if is_too_fine && matches!(data_type, DataType::Timestamp | DataType::Time) {
        let hint = "set the precision to 6 digits or less";
        return Err(not_in("Postgres", "times finer than a microsecond", column, hint));
    }
    Ok(match data_type {
        DataType::Text => match column.precision.filter(|length| *length > 0) {
            Some(length) => format!("varchar({length})"),
            None => "varchar".to_owned(),
        },
        DataType::Double => "double precision".to_owned(),
        DataType::Bool => "boolean".to_owned(),
        DataType::Binary => "bytea".to_owned(),
        DataType::Json => "jsonb".to_owned(),
        DataType::Date => "date".to_owned(),
        DataType::Time => format!("time{} without time zone", argument(column.precision)),
        DataType::Timestamp => {
            let zone = if column.timezone.unwrap_or(true) { "with" } else { "without" };
            format!("timestamp{} {zone} time zone", argument(column.precision))
        }
        DataType::Bigint => match column.precision.unwrap_or(64) {
            ..=16 => "smallint".to_owned(),
            17..=32 => "integer".to_owned(),
            33..=64 => "bigint".to_owned(),
            _ => {
                let hint = "use the type decimal, or a precision of at most 64";
                return Err(not_in("Postgres", "integers of more than 64 bits", column, hint));
            }
        },
        DataType::Decimal => {
            let (precision, scale) = decimal_digits(column, defaults.decimal);
            format!("numeric({precision},{scale})")
        }
        DataType::Wei => match (column.precision, column.scale) {
            // Wide enough for 256 bits before and after the point, whatever the layout of the files is.
            (None, None) => "numeric(156,78)".to_owned(),
            (precision, scale) => {
                let (precision, scale) = decimal_size(precision.unwrap_or(156), scale.unwrap_or(0));
                format!("numeric({precision},{scale})")
            }
        },
    })
}

fn sqlite_type(column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String> {
    let number = |default: (u8, i8)| match (column.precision, column.scale) {
        (None, None) => format!("NUMERIC({},{})", default.0, default.1),
        (Some(precision), None) => format!("NUMERIC({precision})"),
        (precision, Some(scale)) => format!("NUMERIC({},{scale})", precision.unwrap_or(i64::from(default.0))),
    };
    Ok(match data_type {
        DataType::Text => match column.precision.filter(|length| *length > 0) {
            Some(length) => format!("VARCHAR({length})"),
            None => "TEXT".to_owned(),
        },
        DataType::Double => "DOUBLE".to_owned(),
        DataType::Bool => "BOOLEAN".to_owned(),
        DataType::Binary => "BLOB".to_owned(),
        DataType::Json => "JSON".to_owned(),
        DataType::Date => "DATE".to_owned(),
        DataType::Time => "TIME".to_owned(),
        DataType::Timestamp => "DATETIME".to_owned(),
        DataType::Bigint => match column.precision.unwrap_or(64) {
            ..=16 => "SMALLINT".to_owned(),
            17..=32 => "INTEGER".to_owned(),
            33..=64 => "BIGINT".to_owned(),
            _ => {
                let hint = "use the type decimal, or a precision of at most 64";
                return Err(not_in("SQLite", "integers of more than 64 bits", column, hint));
            }
        },
        DataType::Decimal => number(defaults.decimal),
        DataType::Wei => number(defaults.wei),
    })
}

fn duckdb_type(column: &Column, data_type: DataType, defaults: &TypeDefaults) -> String {
    let fixed = match data_type {
        DataType::Text => "VARCHAR",
        DataType::Double => "DOUBLE",
        DataType::Bool => "BOOLEAN",
        DataType::Binary => "BLOB",
        DataType::Json => "JSON",
        DataType::Date => "DATE",
        DataType::Time => "TIME",
        DataType::Timestamp if column.timezone.unwrap_or(true) => "TIMESTAMP WITH TIME ZONE",
        DataType::Timestamp => match column.precision.unwrap_or(i64::from(defaults.timestamp_precision)) {
            ..=0 => "TIMESTAMP_S",
            1..=3 => "TIMESTAMP_MS",
            4..=6 => "TIMESTAMP",
            _ => "TIMESTAMP_NS",
        },
        DataType::Bigint => match column.precision.unwrap_or(64) {
            ..=8 => "TINYINT",
            9..=16 => "SMALLINT",
            17..=32 => "INTEGER",
            33..=64 => "BIGINT",
            _ => "HUGEINT",
        },
        DataType::Decimal => return decimal_type(column, defaults.decimal),
        DataType::Wei => return decimal_type(column, defaults.wei),
    };
    fixed.to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(dialect: Dialect, expected: Expect) {
        let typed =
            |data_type, precision, scale| Column { precision, scale, ..Column::typed("c", data_type, true) };
        let naive =
            |precision| Column { timezone: Some(false), ..typed(DataType::Timestamp, precision, None) };
        let columns = [
            typed(DataType::Text, None, None),
            typed(DataType::Text, Some(50), None),
            typed(DataType::Timestamp, None, None),
            typed(DataType::Timestamp, Some(3), None),
            typed(DataType::Timestamp, Some(9), None),
            naive(None),
            naive(Some(0)),
            typed(DataType::Time, Some(3), None),
            typed(DataType::Bigint, Some(8), None),
            typed(DataType::Bigint, Some(32), None),
            typed(DataType::Bigint, None, None),
            typed(DataType::Bigint, Some(128), None),
            typed(DataType::Decimal, None, None),
            typed(DataType::Decimal, Some(6), Some(2)),
            typed(DataType::Decimal, Some(10), None),
            typed(DataType::Wei, None, None),
            typed(DataType::Wei, Some(20), None),
            typed(DataType::Json, None, None),
            Column::typed("id", DataType::Text, false).with("unique", true),
        ];
        let defaults = TypeDefaults { unique_constraints: true, ..TypeDefaults::default() };
        let lines: Vec<String> = columns
            .iter()
            .map(|column| match dialect.column_definition(column, &defaults) {
                Ok(text) => text,
                Err(error) => format!("error: {error}"),
            })
            .collect();
        expected.assert_eq(&lines.join("\n"));
    }

    #[test]
    fn types_of_postgres_are_those_of_the_reference() {
        check(
            Dialect::Postgres,
            expect![[r#"
            "c" varchar
            "c" varchar(50)
            "c" timestamp with time zone
            "c" timestamp (3) with time zone
            error: Postgres has no times finer than a microsecond (column `c`)
            "c" timestamp without time zone
            "c" timestamp (0) without time zone
            "c" time (3) without time zone
            "c" smallint
            "c" integer
            "c" bigint
            error: Postgres has no integers of more than 64 bits (column `c`)
            "c" numeric(38,9)
            "c" numeric(6,2)
            "c" numeric(10,9)
            "c" numeric(156,78)
            "c" numeric(20,0)
            "c" jsonb
            "id" varchar UNIQUE NOT NULL"#]],
        );
    }

    #[test]
    fn types_of_sqlite_are_those_of_the_reference() {
        check(
            Dialect::Sqlite,
            expect![[r#"
            "c" TEXT
            "c" VARCHAR(50)
            "c" DATETIME
            "c" DATETIME
            "c" DATETIME
            "c" DATETIME
            "c" DATETIME
            "c" TIME
            "c" SMALLINT
            "c" INTEGER
            "c" BIGINT
            error: SQLite has no integers of more than 64 bits (column `c`)
            "c" NUMERIC(38,9)
            "c" NUMERIC(6,2)
            "c" NUMERIC(10)
            "c" NUMERIC(38,0)
            "c" NUMERIC(20)
            "c" JSON
            "id" TEXT UNIQUE NOT NULL"#]],
        );
    }

    #[test]
    fn times_of_sqlite_are_texts_that_sort() {
        assert_eq!(Dialect::Sqlite.timestamp_literal(1_000_000), "'1970-01-01 00:00:01.000000'");
        assert_eq!(Dialect::Sqlite.timestamp_literal(1), "'1970-01-01 00:00:00.000001'");
        assert_eq!(Dialect::Postgres.timestamp_literal(1_000_000), "'1970-01-01 00:00:01+00:00'");
    }
}
