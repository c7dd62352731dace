//! PostgreSQL.

use super::{Backslash, Clock, Dialect, Facts, Nul, RowAddress, decimal_digits, not_in, whole_number};
use crate::error::Result;
use crate::normalize::{RECORD_COLUMN, TypeDefaults, decimal_size};
use crate::schema::Column;
use crate::value::DataType;

const FACTS: Facts = Facts {
    name: "Postgres",
    identifier_quote: '"',
    // `standard_conforming_strings` says what a backslash in a plain literal is.
    backslash: Backslash::Prefixed,
    nul: Nul::LeftOut,
    has_time_zones: true,
    has_transactional_ddl: true,
    moves_tables: true,
    alters_many_columns: true,
    temporary_dataset: Some("pg_temp"),
    stages_in_temporary_tables: true,
    row_address: RowAddress::Hidden("ctid"),
    finds_rows_by_index: false,
    position_function: "strpos",
    double_type: "double precision",
    clock: Some(Clock {
        now: "clock_timestamp()",
        epoch: "to_timestamp(0)",
        column_type: "timestamptz",
        key_type: "text",
        later: |micros| format!("clock_timestamp() + interval '{micros} microseconds'"),
        micros: |time| format!("(extract(epoch FROM {time}) * 1000000)::bigint"),
    }),
};

/// PostgreSQL.
pub const POSTGRES: &dyn Dialect = &Postgres;

#[derive(Debug)]
struct Postgres;

impl Dialect for Postgres {
    fn facts(&self) -> &'static Facts {
        &FACTS
    }

    fn empty_table(&self, dataset: &str, table: &str) -> String {
        // Deleted rows would stay in the file until a vacuum, and each would be written to the log.
        format!("TRUNCATE TABLE {}", self.qualify(dataset, table))
    }

    fn stage_table(&self, staging: &str, table: &str, has_records: bool) -> Option<String> {
        let (temporary, model) = (self.temporary_table(staging, table), self.qualify(staging, table));
        let record =
            if has_records { format!(", {} bigint", self.quote(RECORD_COLUMN)) } else { String::new() };
        Some(format!("CREATE TEMPORARY TABLE {temporary} (LIKE {model}{record}) ON COMMIT DROP"))
    }

    fn analyze_staged(&self, table: &str) -> Option<String> {
        Some(format!("ANALYZE {}", self.temporary_table("", table)))
    }

    fn replace_by_staging(&self, dataset: &str, staging: &str, table: &str) -> Vec<String> {
        let (main, staged) = (self.qualify(dataset, table), self.qualify(staging, table));
        vec![
            format!("DROP TABLE IF EXISTS {main}"),
            format!("ALTER TABLE {staged} SET SCHEMA {}", self.quote(dataset)),
            format!("CREATE TABLE {staged} (LIKE {main} INCLUDING ALL)"),
        ]
    }

    fn in_byte_order(&self, column: &Column) -> String {
        let name = self.quote(&column.name);
        if column.data_type == Some(DataType::Text) { format!("{name} COLLATE \"C\"") } else { name }
    }

    fn type_of(&self, column: &Column, data_type: DataType, defaults: &TypeDefaults) -> Result<String> {
        let is_too_fine = column.precision.is_some_and(|precision| !(0..=6).contains(&precision));
        if is_too_fine && matches!(data_type, DataType::Timestamp | DataType::Time) {
            let hint = "set the precision to 6 digits or less";
            return Err(not_in(FACTS.name, "times finer than a microsecond", column, hint));
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
            DataType::Bigint => whole_number(FACTS.name, column, ["smallint", "integer", "bigint"])?,
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
}

/// The number of an option in parentheses, or nothing.
fn argument(number: Option<i64>) -> String {
    number.map(|number| format!(" ({number})")).unwrap_or_default()
}
