//! SQLite, each dataset an attached database.

use super::{Backslash, Dialect, Facts, Nul, RowAddress, whole_number};
use crate::error::Result;
use crate::normalize::TypeDefaults;
use crate::schema::Column;
use crate::value::{DataType, Timestamp, format_timestamp};

const FACTS: Facts = Facts {
    name: "SQLite",
    identifier_quote: '"',
    backslash: Backslash::Plain,
    nul: Nul::Expression("char(0)"),
    has_time_zones: false,
    has_transactional_ddl: true,
    moves_tables: false,
    alters_many_columns: false,
    temporary_dataset: Some("temp"),
    // They cost what others do.
    stages_in_temporary_tables: false,
    row_address: RowAddress::Hidden("rowid"),
    finds_rows_by_index: false,
    position_function: "instr",
    double_type: "DOUBLE",
    // `BEGIN IMMEDIATE` keeps all other writers out to the commit: there is no lease.
    clock: None,
};

/// SQLite.
pub const SQLITE: &dyn Dialect = &Sqlite;

#[derive(Debug)]
struct Sqlite;

impl Dialect for Sqlite {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    /// Times are texts in UTC, always with six digits, so that they sort.
    fn timestamp_literal(&self, micros: i64) -> String {
        let mut text = String::new();
        format_timestamp(&mut text, Timestamp { micros, offset: None }, ' ');
        if micros.rem_euclid(1_000_000) == 0 {
            text.push_str(".000000");
        }
        self.literal(&text)
    }

    /// A dataset is a file, which comes with its first table.
    fn create_dataset(&self, _: &str) -> Option<String> {
        None
    }

    /// A column cannot be changed: another takes its values and its name.
    fn allow_nulls(&self, table: &str, column: &Column, definition: &str) -> Vec<String> {
        let (name, former) = (self.quote(&column.name), self.quote(&format!("{}__not_null", column.name)));
        vec![
            format!("ALTER TABLE {table} RENAME COLUMN {name} TO {former}"),
            format!("ALTER TABLE {table} ADD COLUMN {definition}"),
            format!("UPDATE {table} SET {name} = {former}"),
            format!("ALTER TABLE {table} DROP COLUMN {former}"),
        ]
    }

    fn type_of(&self, column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String> {
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
            DataType::Bigint => whole_number(FACTS.name, column, ["SMALLINT", "INTEGER", "BIGINT"])?,
            DataType::Decimal => numeric(column, defaults.decimal),
            DataType::Wei => numeric(column, defaults.wei),
        })
    }
}

/// A decimal as the reference's way to databases of SQLAlchemy declares it.
pub(super) fn numeric(column: &Column, default: (u8, i8)) -> String {
    match (column.precision, column.scale) {
        (None, None) => format!("NUMERIC({},{})", default.0, default.1),
        (Some(precision), None) => format!("NUMERIC({precision})"),
        (precision, Some(scale)) => format!("NUMERIC({},{scale})", precision.unwrap_or(i64::from(default.0))),
    }
}
