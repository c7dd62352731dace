//! A job file on its way into a table: prepared statements of several rows each, values bound as SQLite keeps them.

use std::path::Path;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{Array, RecordBatch, RecordBatchReader as _};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement, ToSql};
use windlass_core::sql::Dialect;
use windlass_core::value::{Time, Timestamp, format_date, format_time, format_timestamp};
use windlass_core::{Error, Result};

use super::connection::database_error;
use crate::destinations::job_file::{damaged, open_job_file};

/// Parameters that one statement may have.
const MAX_PARAMETERS: usize = 32_766;

/// Rows that one statement inserts; more makes it no faster.
const MAX_ROWS: usize = 50;

const DIALECT: Dialect = Dialect::Sqlite;

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
    let names: Vec<String> = schema.fields().iter().map(|field| DIALECT.quote(field.name())).collect();
    let row = format!("({})", vec!["?"; names.len()].join(","));
    let statement = |rows: usize| {
        let sql = format!(
            "INSERT INTO {} ({}) VALUES {}",
            DIALECT.qualify(dataset, table),
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
        let columns = columns(&batch)?;
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
            statement.raw_bind_parameter(parameter, column.bound(row))?;
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

/// A column of a batch.
struct Column<'a> {
    array: &'a dyn Array,
    /// Ticks of dates and times, whatever their unit, as integers.
    ticks: Option<arrow_array::ArrayRef>,
}

/// Errors: values of a type that no column of the engine has.
fn columns(batch: &RecordBatch) -> Result<Vec<Column<'_>>> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .map(|(field, array)| {
            let ticks = match array.data_type() {
                ArrowType::Time32(_) => Some(arrow_cast::cast(array, &ArrowType::Int32)),
                ArrowType::Time64(_) | ArrowType::Timestamp(..) => {
                    Some(arrow_cast::cast(array, &ArrowType::Int64))
                }
                _ => None,
            };
            // Times of 32 bits go on as the others do.
            let ticks = ticks
                .transpose()
                .and_then(|ticks| ticks.map(|ticks| arrow_cast::cast(&ticks, &ArrowType::Int64)).transpose());
            let ticks = ticks.map_err(|cause| {
                Error::internal("times cannot be read as numbers").with_source(cause).at_column(field.name())
            })?;
            let column = Column { array: array.as_ref(), ticks };
            if column.is_known() {
                return Ok(column);
            }
            let message = format!("SQLite takes no values of {}", array.data_type());
            Err(Error::unsupported(message).at_column(field.name()))
        })
        .collect()
}

impl Column<'_> {
    fn is_known(&self) -> bool {
        use ArrowType::{
            Binary, Boolean, Date32, Decimal128, Decimal256, FixedSizeBinary, Float64, Int8, Int16, Int32,
            Int64, LargeUtf8, Utf8,
        };
        self.ticks.is_some()
            || matches!(
                self.array.data_type(),
                Boolean
                    | Int8
                    | Int16
                    | Int32
                    | Int64
                    | Float64
                    | Decimal128(..)
                    | Decimal256(..)
                    | Utf8
                    | LargeUtf8
                    | Binary
                    | FixedSizeBinary(_)
                    | Date32
            )
    }

    fn bound(&self, row: usize) -> Bound<'_> {
        let array = self.array;
        if array.is_null(row) {
            return Bound::Null;
        }
        match array.data_type() {
            ArrowType::Boolean => Bound::Integer(i64::from(array.as_boolean().value(row))),
            ArrowType::Int8 => Bound::Integer(array.as_primitive::<Int8Type>().value(row).into()),
            ArrowType::Int16 => Bound::Integer(array.as_primitive::<Int16Type>().value(row).into()),
            ArrowType::Int32 => Bound::Integer(array.as_primitive::<Int32Type>().value(row).into()),
            ArrowType::Int64 => Bound::Integer(array.as_primitive::<Int64Type>().value(row)),
            ArrowType::Float64 => Bound::Real(array.as_primitive::<Float64Type>().value(row)),
            ArrowType::Decimal128(_, scale) => {
                decimal(&array.as_primitive::<Decimal128Type>().value(row).to_string(), *scale)
            }
            ArrowType::Decimal256(_, scale) => {
                decimal(&array.as_primitive::<Decimal256Type>().value(row).to_string(), *scale)
            }
            ArrowType::Utf8 => Bound::Text(array.as_string::<i32>().value(row)),
            ArrowType::LargeUtf8 => Bound::Text(array.as_string::<i64>().value(row)),
            ArrowType::Binary => Bound::Blob(array.as_binary::<i32>().value(row)),
            ArrowType::FixedSizeBinary(_) => Bound::Blob(array.as_fixed_size_binary().value(row)),
            ArrowType::Date32 => {
                let mut text = String::new();
                format_date(&mut text, array.as_primitive::<Date32Type>().value(row).into());
                Bound::OwnText(text)
            }
            ArrowType::Time32(unit) | ArrowType::Time64(unit) => {
                let mut text = String::new();
                let micros = self.micros(row, *unit);
                format_time(&mut text, Time { micros, offset: None });
                Bound::OwnText(with_six_digits(text, micros))
            }
            ArrowType::Timestamp(unit, _) => {
                let mut text = String::new();
                let micros = self.micros(row, *unit);
                format_timestamp(&mut text, Timestamp { micros, offset: None }, ' ');
                Bound::OwnText(with_six_digits(text, micros))
            }
            _ => Bound::Null,
        }
    }

    fn micros(&self, row: usize, unit: TimeUnit) -> i64 {
        let ticks = self.ticks.as_ref().map_or(0, |ticks| ticks.as_primitive::<Int64Type>().value(row));
        match unit {
            TimeUnit::Second => ticks.saturating_mul(1_000_000),
            TimeUnit::Millisecond => ticks.saturating_mul(1000),
            TimeUnit::Microsecond => ticks,
            TimeUnit::Nanosecond => ticks.div_euclid(1000),
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
fn decimal(unscaled: &str, scale: i8) -> Bound<'static> {
    let scale = usize::try_from(scale).unwrap_or(0);
    let (sign, digits) = match unscaled.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unscaled),
    };
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
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
