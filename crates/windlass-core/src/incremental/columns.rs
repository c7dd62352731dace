//! The same for records that come as columns.

use std::borrow::Cow;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type,
    TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use arrow_select::take::take_record_batch;

use super::digest::{Digest, DigestForm};
use super::filter::{Cursor, CursorPath, Filter, Judged, PageScan};
use super::tally::Tally;
use crate::error::{Error, Result};
use crate::json::ParseBuffers;
use crate::normalize::{batch_rows, means_decimal};
use crate::value::{Decimal, Scalar, Timestamp};

impl Filter {
    /// Judges the records of a batch.
    ///
    /// Errors: as [`Filter::records`]; a cursor that is no column, or of a type without order.
    pub fn batch(&self, batch: &RecordBatch, scan: PageScan, tally: &mut Tally) -> Result<Judged> {
        let path = &self.options().cursor_path;
        let CursorPath::Key(name) = &self.path else {
            return Err(Error::config(format!("the cursor `{path}` is a path, but the records are columns"))
                .with_hint("name a column as cursor_path"));
        };
        let Some(column) = batch.column_by_name(name) else {
            return Err(Error::data(format!("there is no column `{path}`, which is the cursor"))
                .with_hint("check cursor_path: it is the name of a column as in the file"));
        };
        let is_number = batch.schema_ref().field_with_name(name).is_ok_and(means_decimal);
        let column = batch_rows::comparable(column)?;
        let cursors = match column.as_string_opt::<i32>().filter(|_| is_number) {
            // Numbers of any size travel as texts.
            Some(texts) => texts.iter().map(|text| text.map_or(Cursor::Null, number)).collect(),
            None => cursors(&column).map_err(|e| e.at_column(name))?,
        };
        let mut digest = |indexes: &[u32], form| self.digests(batch, indexes, form);
        self.judge(&cursors, &u64::from, &mut digest, scan, tally)
    }

    /// Digests of a few rows, taken apart into the records that they would be as JSON.
    fn digests(&self, batch: &RecordBatch, rows: &[u32], form: DigestForm) -> Result<Vec<Digest>> {
        let rows = take_rows(self.key_columns(batch)?.as_ref(), rows)?;
        let lines = batch_rows::lines(&rows)?;
        let mut buffers = ParseBuffers::new();
        let parsed = buffers.parse_typed_lines(&lines)?;
        parsed.rows.iter().map(|row| self.key.digest(&parsed.tape, row.node, form)).collect()
    }

    fn key_columns<'a>(&self, batch: &'a RecordBatch) -> Result<Cow<'a, RecordBatch>> {
        let Some(names) = self.key.columns() else { return Ok(Cow::Borrowed(batch)) };
        let schema = batch.schema();
        // A missing one is noticed when the digest is taken.
        let indexes: Vec<usize> = names.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        batch.project(&indexes).map(Cow::Owned).map_err(failed)
    }
}

/// The rows of a batch with these indexes. Errors: an index past the end.
pub fn take_rows(batch: &RecordBatch, rows: &[u32]) -> Result<RecordBatch> {
    take_record_batch(batch, &UInt32Array::from(rows.to_vec())).map_err(failed)
}

fn failed(cause: arrow_schema::ArrowError) -> Error {
    Error::internal("rows of a batch could not be taken").with_source(cause)
}

fn cursors(column: &ArrayRef) -> Result<Vec<Cursor<'_>>> {
    Ok(match column.data_type() {
        ArrowType::Null => vec![Cursor::Null; column.len()],
        ArrowType::Int64 => primitive::<Int64Type>(column, Scalar::Int),
        ArrowType::UInt64 => primitive::<UInt64Type>(column, |value| match i64::try_from(value) {
            Ok(value) => Scalar::Int(value),
            Err(_) => Scalar::Wei(value.into()),
        }),
        ArrowType::Float64 => primitive::<Float64Type>(column, Scalar::Double),
        ArrowType::Date32 => primitive::<Date32Type>(column, Scalar::Date),
        ArrowType::Timestamp(TimeUnit::Microsecond, zone) => {
            // The zone of a column is how it is shown; the state has the instant in UTC.
            let offset = zone.is_some().then_some(0);
            primitive::<TimestampMicrosecondType>(column, |micros| {
                Scalar::Timestamp(Timestamp { micros, offset })
            })
        }
        ArrowType::Utf8 => {
            let texts = column.as_string::<i32>().iter();
            texts.map(|text| text.map_or(Cursor::Null, |t| Cursor::Value(Scalar::Text(t.into())))).collect()
        }
        ArrowType::Decimal128(..) => {
            let array = column.as_primitive::<Decimal128Type>();
            (0..array.len()).map(|row| decimal(array, row, || array.value_as_string(row))).collect()
        }
        ArrowType::Decimal256(..) => {
            let array = column.as_primitive::<Decimal256Type>();
            (0..array.len()).map(|row| decimal(array, row, || array.value_as_string(row))).collect()
        }
        other => {
            return Err(Error::data(format!("a column of type {other} cannot be a cursor"))
                .with_hint("a cursor must be a number, a text, a timestamp or a date"));
        }
    })
}

fn primitive<T: ArrowPrimitiveType>(
    column: &ArrayRef,
    scalar: impl Fn(T::Native) -> Scalar<'static>,
) -> Vec<Cursor<'_>> {
    let values = column.as_primitive::<T>().iter();
    values.map(|value| value.map_or(Cursor::Null, |value| Cursor::of(scalar(value)))).collect()
}

fn number(text: &str) -> Cursor<'_> {
    Cursor::of(Decimal::parse(text).map_or(Scalar::Text(text.into()), Scalar::Decimal))
}

fn decimal(array: &dyn Array, row: usize, text: impl Fn() -> String) -> Cursor<'static> {
    if array.is_null(row) {
        return Cursor::Null;
    }
    Decimal::parse(&text()).map_or(Cursor::Null, |number| Cursor::of(Scalar::Decimal(number)))
}
