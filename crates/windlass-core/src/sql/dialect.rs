//! What differs between SQL databases: quotes, names and types.

use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::normalize::TypeDefaults;
use crate::schema::Column;
use crate::value::DataType;

/// A SQL database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// DuckDB.
    DuckDb,
}

impl Dialect {
    /// The name as an identifier in quotes.
    pub fn quote(self, name: &str) -> String {
        match self {
            Self::DuckDb => format!("\"{}\"", name.replace('"', "\"\"")),
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
            Self::DuckDb => format!("'{}'", text.replace('\0', "").replace('\'', "''")),
        }
    }

    /// Whether one `ALTER TABLE` can add several columns.
    pub fn alters_many_columns(self) -> bool {
        match self {
            Self::DuckDb => false,
        }
    }

    /// Whether a column can be added that may not be null.
    pub fn adds_not_null_columns(self) -> bool {
        match self {
            Self::DuckDb => false,
        }
    }

    /// The type of a complete column in DDL. Errors: a precision that the database does not have.
    pub fn column_type(self, column: &Column, defaults: &TypeDefaults) -> Result<String> {
        let data_type = column.data_type.unwrap_or(DataType::Text);
        match self {
            Self::DuckDb => Ok(duckdb_type(column, data_type, defaults)),
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
        if !column.is_nullable() {
            let _ = write!(text, " NOT NULL");
        }
        Ok(text)
    }
}

fn decimal_type(column: &Column, (precision, scale): (u8, i8)) -> String {
    // Precision and scale default each by itself, as in the reference.
    let precision = column.precision.unwrap_or(i64::from(precision));
    let scale = column.scale.unwrap_or(i64::from(scale)).min(precision);
    format!("DECIMAL({precision},{scale})")
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
