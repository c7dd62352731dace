//! A job file on its way into a table: prepared statements of several rows each, values bound as SQLite keeps them.

use std::path::Path;

use arrow_array::RecordBatchReader as _;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};
use windlass_core::Result;
use windlass_core::sql::SQLITE;
use windlass_core::value::{Time, Timestamp, format_date, format_time, format_timestamp};

use super::connection::database_error;
use crate::destinations::job_file::{damaged, open_job_file};
use crate::destinations::sql::{Column, Value, decimal_parts};

/// Parameters that one statement may have.
const MAX_PARAMETERS: usize = 32_766;

/// Rows that one statement inserts; more makes it no faster.
const MAX_ROWS: usize = 50;

/// Inserts the rows of a file into a table. Errors: the file, the database.
pub(super) fn insert_file(
    connection: &Connection,
    dataset: &str,
    table: &str,
    path: &Path,
    location: &str,
) -> Result<()> {
    let failed = |cause| database_error("write to", location, cause);
    let reader = open_job_file(path)?;
    let schema = reader.schema();
    let names: Vec<String> = schema.fields().iter().map(|field| SQLITE.quote(field.name())).collect();
    let row = format!("({})", vec!["?"; names.len()].join(","));
    let statement = |rows: usize| {
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}",
            SQLITE.qualify(dataset, table),
            names.join(", "),
            vec![row.as_str(); rows].join(",")
        );
        connection.prepare(&sql).map_err(failed)
    };
    let many = (MAX_PARAMETERS / names.len().max(1)).clamp(1, MAX_ROWS);
    let mut of_many = statement(many)?;
    let mut of_one = statement(1)?;
    for batch in reader {
        let batch = batch.map_err(|cause| damaged(path, cause))?;
        let columns = Column::all(&batch, SQLITE.facts().name)?;
        let mut row = 0;
        while row < batch.num_rows() {
            let is_full = row + many <= batch.num_rows();
            let (statement, rows) = if is_full { (&mut of_many, many) } else { (&mut of_one, 1) };
            insert_rows(statement, &columns, row..row + rows).map_err(failed)?;
            row += rows;
        }
    }
    Ok(())
}

fn insert_rows(
    statement: &mut Statement<'_>,
    columns: &[Column<'_>],
    rows: std::ops::Range<usize>,
) -> rusqlite::Result<()> {
    let mut parameter = 1;
    for row in rows {
        for column in columns {
            statement.raw_bind_parameter(parameter, bound(column.value(row)))?;
            parameter += 1;
        }
    }
    statement.raw_execute().map(drop)
}

/// A value, borrowed where SQLite keeps it as it is.
enum Bound<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a str),
    OwnText(String),
    Blob(&'a [u8]),
}

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(value) => ValueRef::Integer(*value),
            Self::Real(value) => ValueRef::Real(*value),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::OwnText(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// A value as SQLite keeps it.
fn bound(value: Value<'_>) -> Bound<'_> {
    match value {
        Value::Null => Bound::Null,
        Value::Bool(value) => Bound::Integer(i64::from(value)),
        Value::Integer(value) => Bound::Integer(value),
        Value::Real(value) => Bound::Real(value),
        Value::Decimal(digits, scale) => decimal(&digits, scale),
        Value::Text(text) => Bound::Text(text),
        Value::Blob(bytes) => Bound::Blob(bytes),
        Value::Date(days) => {
            let mut text = String::new();
            format_date(&mut text, days);
            Bound::OwnText(text)
        }
        Value::Time(micros) => {
            let mut text = String::new();
            format_time(&mut text, Time { micros, offset: None });
            Bound::OwnText(with_six_digits(text, micros))
        }
        Value::Timestamp(micros) => {
            let mut text = String::new();
            format_timestamp(&mut text, Timestamp { micros, offset: None }, ' ');
            Bound::OwnText(with_six_digits(text, micros))
        }
    }
}

/// Texts of one length sort as the times do.
fn with_six_digits(mut text: String, micros: i64) -> String {
    if micros.rem_euclid(1_000_000) == 0 {
        text.push_str(".000000");
    }
    text
}

/// A decimal as SQLite keeps it in a numeric column: an integer where it is one, else the nearest float.
fn decimal(digits: &str, scale: usize) -> Bound<'static> {
    let (sign, whole, fraction) = decimal_parts(digits, scale);
    let is_whole = fraction.bytes().all(|digit| digit == b'0');
    match format!("{sign}{whole}").parse() {
        Ok(integer) if is_whole => Bound::Integer(integer),
        _ => Bound::Real(format!("{sign}{whole}.{fraction}0").parse().unwrap_or(f64::NAN)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_integers_or_the_nearest_floats() {
        let text = |bound| match bound {
            Bound::Integer(value) => format!("i {value}"),
            Bound::Real(value) => format!("r {value:?}"),
            _ => String::new(),
        };
        assert_eq!(text(decimal("-12000", 3)), "i -12");
        assert_eq!(text(decimal("5", 3)), "r 0.005");
        assert_eq!(text(decimal("-5", 1)), "r -0.5");
        assert_eq!(text(decimal("9223372036854775807", 0)), "i 9223372036854775807");
        assert_eq!(text(decimal("9223372036854775808", 0)), "r 9.223372036854776e18");
    }
}
