//! Rows on their way from a file to a table that no Python code looks at: written without becoming Python objects.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, RecordBatch};
use arrow_schema::DataType;
use pyo3::prelude::*;
use windlass::core::json::ParseBuffers;

use crate::arrow::batches;
use crate::cursor::Rows;
use crate::error::OrRaise as _;
use crate::read::Maker;
use crate::write::{Refused, write, write_float, write_string, write_text};

/// The lines of a JSON lines file as rows; `None` if a line is anything but one object, or may hold a text that rows
/// mark.
#[pyfunction]
pub(crate) fn rows_of_lines(py: Python<'_>, text: &[u8]) -> PyResult<Option<Rows>> {
    let lines = || text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let count = lines().filter(|line| !line.is_empty()).count();
    if !lines().all(|line| line.is_empty() || line.starts_with(b"{")) || may_hold_tag(text) {
        return Ok(None);
    }
    let is_sound = py
        .detach(|| {
            let mut buffers = ParseBuffers::new();
            let parsed = buffers.parse_lines(text)?;
            Ok(parsed.bad.is_empty() && parsed.rows.len() == count)
        })
        .or_raise(py)?;
    if !is_sound {
        return Ok(None);
    }
    let mut lines = text.to_vec();
    if !lines.ends_with(b"\n") {
        lines.push(b'\n');
    }
    Ok(Some(Rows { lines, count: count as u64 }))
}

/// Whether a text has one of the characters that typed strings begin with, as it is or escaped.
fn may_hold_tag(text: &[u8]) -> bool {
    text.windows(6).any(|bytes| match bytes {
        [0xef, 0x80, 0xa6..=0xb0, ..] => true,
        [b'\\', b'u', digits @ ..] => digits[..2].eq_ignore_ascii_case(b"f0"),
        _ => false,
    })
}

/// Columns as rows, as their dicts would be.
#[pyfunction]
pub(crate) fn rows_of_columns(columns: &Bound<'_, PyAny>) -> PyResult<Rows> {
    let py = columns.py();
    let maker = Maker::new(py)?;
    let mut rows = Rows { lines: Vec::new(), count: 0 };
    for batch in batches(columns)? {
        write_batch(&batch, &maker, &mut rows.lines).map_err(|refused| refused.into_exception(py))?;
        rows.count += batch.num_rows() as u64;
    }
    Ok(rows)
}

type WriteValue<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Result<(), Refused> + 'a>;

fn write_batch(batch: &RecordBatch, maker: &Maker<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
    let schema = batch.schema();
    let columns: Vec<(Vec<u8>, &ArrayRef, WriteValue<'_>)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| {
            let mut key = Vec::new();
            write_string(field.name(), &mut key);
            key.push(b':');
            (key, column, writer(column, maker))
        })
        .collect();
    for row in 0..batch.num_rows() {
        out.push(b'{');
        for (index, (key, column, write_value)) in columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(key);
            if column.is_null(row) {
                out.extend_from_slice(b"null");
            } else {
                write_value(row, out)?;
            }
        }
        out.extend_from_slice(b"}\n");
    }
    Ok(())
}

/// What writes the values of a column; the common types need no Python.
fn writer<'a>(column: &'a ArrayRef, maker: &'a Maker<'_>) -> WriteValue<'a> {
    fn number<T: ArrowPrimitiveType>(column: &ArrayRef) -> WriteValue<'_>
    where
        T::Native: std::fmt::Display,
    {
        use std::io::Write as _;
        let column = column.as_primitive::<T>();
        Box::new(move |row, out| {
            // Writing into memory cannot fail.
            let _ = write!(out, "{}", column.value(row));
            Ok(())
        })
    }
    fn text<'a>(value: impl Fn(usize) -> &'a str + 'a) -> WriteValue<'a> {
        Box::new(move |row, out| {
            write_text(value(row), out);
            Ok(())
        })
    }
    fn float<'a>(value: impl Fn(usize) -> f64 + 'a) -> WriteValue<'a> {
        Box::new(move |row, out| {
            write_float(value(row), out);
            Ok(())
        })
    }
    match column.data_type() {
        DataType::Int8 => number::<Int8Type>(column),
        DataType::Int16 => number::<Int16Type>(column),
        DataType::Int32 => number::<Int32Type>(column),
        DataType::Int64 => number::<Int64Type>(column),
        DataType::UInt8 => number::<UInt8Type>(column),
        DataType::UInt16 => number::<UInt16Type>(column),
        DataType::UInt32 => number::<UInt32Type>(column),
        DataType::UInt64 => number::<UInt64Type>(column),
        DataType::Float32 => {
            let column = column.as_primitive::<Float32Type>();
            float(move |row| f64::from(column.value(row)))
        }
        DataType::Float64 => {
            let column = column.as_primitive::<Float64Type>();
            float(move |row| column.value(row))
        }
        DataType::Boolean => {
            let column = column.as_boolean();
            Box::new(move |row, out| {
                out.extend_from_slice(if column.value(row) { b"true" } else { b"false" });
                Ok(())
            })
        }
        DataType::Utf8 => {
            let column = column.as_string::<i32>();
            text(move |row| column.value(row))
        }
        DataType::LargeUtf8 => {
            let column = column.as_string::<i64>();
            text(move |row| column.value(row))
        }
        DataType::Utf8View => {
            let column = column.as_string_view();
            text(move |row| column.value(row))
        }
        _ => Box::new(move |row, out| write(&maker.value(column, row)?, out, 0)),
    }
}
