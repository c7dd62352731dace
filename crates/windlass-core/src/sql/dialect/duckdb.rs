//! DuckDB.

use super::{Backslash, Dialect, Facts, Nul, RowAddress, decimal_digits, record_of_copy};
use crate::error::Result;
use crate::normalize::TypeDefaults;
use crate::schema::Column;
use crate::value::DataType;

const FACTS: Facts = Facts {
    name: "DuckDB",
    identifier_quote: '"',
    backslash: Backslash::Plain,
    nul: Nul::Expression("chr(0)"),
    has_time_zones: true,
    has_transactional_ddl: true,
    moves_tables: false,
    alters_many_columns: false,
    temporary_dataset: Some("temp"),
    stages_in_temporary_tables: true,
    row_address: RowAddress::Hidden("rowid"),
    finds_rows_by_index: false,
    position_function: "instr",
    double_type: "DOUBLE",
    // The lock of the file is held from the first statement of a load to its commit: there is no lease.
    clock: None,
};

/// DuckDB.
pub const DUCKDB: &dyn Dialect = &DuckDb;

#[derive(Debug)]
struct DuckDb;

impl Dialect for DuckDb {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn stage_table(&self, staging: &str, table: &str, has_records: bool) -> Option<String> {
        let (temporary, model) = (self.temporary_table(staging, table), self.qualify(staging, table));
        let record = record_of_copy(self, has_records);
        Some(format!("CREATE TEMPORARY TABLE {temporary} AS SELECT *{record} FROM {model} LIMIT 0"))
    }

    fn type_of(&self, column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String> {
        let decimal = |default| {
            let (precision, scale) = decimal_digits(column, default);
            Ok(format!("DECIMAL({precision},{scale})"))
        };
        let fixed = match data_type {
            DataType::Text => "VARCHAR",
            DataType::Double => "DOUBLE",
            DataType::Bool => "BOOLEAN",
            DataType::Binary => "BLOB",
            DataType::Json => "JSON",
            DataType::Date => "DATE",
            DataType::Time => "TIME",
            DataType::Timestamp if column.timezone.unwrap_or(true) => "TIMESTAMP WITH TIME ZONE",
            DataType::Timestamp => {
                match column.precision.unwrap_or(i64::from(defaults.timestamp_precision)) {
                    ..=0 => "TIMESTAMP_S",
                    1..=3 => "TIMESTAMP_MS",
                    4..=6 => "TIMESTAMP",
                    _ => "TIMESTAMP_NS",
                }
            }
            DataType::Bigint => match column.precision.unwrap_or(64) {
                ..=8 => "TINYINT",
                9..=16 => "SMALLINT",
                17..=32 => "INTEGER",
                33..=64 => "BIGINT",
                _ => "HUGEINT",
            },
            DataType::Decimal => return decimal(defaults.decimal),
            DataType::Wei => return decimal(defaults.wei),
        };
        Ok(fixed.to_owned())
    }
}
