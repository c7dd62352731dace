//! Rows of a query as Arrow batches: by the declared types of columns where their values fit, else by the values.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int64Array, RecordBatch, RecordBatchOptions,
    Time64MicrosecondArray, TimestampMicrosecondArray,
};
use arrow_schema::{Field, Schema};
use rusqlite::fallible_iterator::FallibleIterator as _;
use rusqlite::types::Value;
use rusqlite::{Batch, Connection, Statement};
use windlass_core::value::{IsoValue, parse_iso, parse_timestamp};
use windlass_core::{Error, Result};

use super::connection::database_error;

/// The rows of a query that only reads. Errors: a statement that does more; what SQLite says of the query.
pub(super) fn batches(connection: &Connection, sql: &str, location: &str) -> Result<Vec<RecordBatch>> {
    let failed = |cause| database_error("query", location, cause);
    let mut statements = Batch::new(connection, sql);
    let statement = statements.next().map_err(failed)?;
    // A statement without columns, such as `ATTACH`, gives no rows whatever it does.
    let statement = statement.filter(|statement| statement.readonly() && statement.column_count() > 0);
    let (Some(mut statement), None) = (statement, statements.next().map_err(failed)?) else {
        return Err(Error::destination(format!("a query only reads, and this statement does more, at {location}"))
            .with_hint(
                "give one SELECT; to change data, use a client of the database, or Python's `pipeline.sql_client()`",
            ));
    };
    rows_of(&mut statement, location)
}

/// Executes statements, and gives the rows of the last. Errors: what SQLite says of them.
pub(super) fn execute(connection: &Connection, sql: &str, location: &str) -> Result<Vec<RecordBatch>> {
    let failed = |cause| database_error("query", location, cause);
    let mut statements = Batch::new(connection, sql);
    let mut batches = Vec::new();
    while let Some(mut statement) = statements.next().map_err(failed)? {
        batches = rows_of(&mut statement, location)?;
    }
    Ok(batches)
}

fn rows_of(statement: &mut Statement<'_>, location: &str) -> Result<Vec<RecordBatch>> {
    let failed = |cause| database_error("query", location, cause);
    let described: Vec<(String, String)> = statement
        .columns()
        .map(|column| (column.name().to_owned(), column.decl_type().unwrap_or_default().to_uppercase()))
        .collect();
    let mut columns: Vec<Vec<Value>> = vec![Vec::new(); described.len()];
    let mut rows = statement.query([]).map_err(failed)?;
    let mut count = 0;
    while let Some(row) = rows.next().map_err(failed)? {
        for (index, column) in columns.iter_mut().enumerate() {
            column.push(row.get(index).map_err(failed)?);
        }
        count += 1;
    }
    let mut fields = Vec::new();
    let mut arrays = Vec::new();
    for ((name, declared), values) in described.iter().zip(&columns) {
        let array = array(declared, values);
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map(|batch| vec![batch])
        .map_err(|cause| Error::internal("rows of SQLite make no batch").with_source(cause))
}

fn array(declared: &str, values: &[Value]) -> ArrayRef {
    let plain = declared.split('(').next().unwrap_or_default().trim();
    let by_type: Option<ArrayRef> = match plain {
        "BOOLEAN" => each(values, |value| match value {
            Value::Integer(0) => Some(false),
            Value::Integer(1) => Some(true),
            _ => None,
        })
        .map(|values| Arc::new(BooleanArray::from(values)) as ArrayRef),
        "DATETIME" => each(values, |value| Some(parse_timestamp(text(value)?)?.utc_micros()))
            .map(|values| Arc::new(TimestampMicrosecondArray::from(values)) as ArrayRef),
        "DATE" => each(values, |value| match parse_iso(text(value)?)? {
            IsoValue::Date(days) => Some(days),
            _ => None,
        })
        .map(|values| Arc::new(Date32Array::from(values)) as ArrayRef),
        "TIME" => each(values, |value| match parse_iso(text(value)?)? {
            IsoValue::Time(time) => Some(time.micros),
            _ => None,
        })
        .map(|values| Arc::new(Time64MicrosecondArray::from(values)) as ArrayRef),
        "DOUBLE" | "REAL" => {
            each(values, real).map(|values| Arc::new(Float64Array::from(values)) as ArrayRef)
        }
        "BLOB" => blobs(values),
        "TEXT" | "VARCHAR" | "JSON" => Some(texts(values)),
        _ => None,
    };
    by_type.unwrap_or_else(|| by_values(values))
}

fn by_values(values: &[Value]) -> ArrayRef {
    let integer = |value: &Value| match value {
        Value::Integer(integer) => Some(*integer),
        _ => None,
    };
    let has_values = values.iter().any(|value| *value != Value::Null);
    if let Some(integers) = each(values, integer).filter(|_| has_values) {
        return Arc::new(Int64Array::from(integers));
    }
    if let Some(reals) = each(values, real).filter(|_| has_values) {
        return Arc::new(Float64Array::from(reals));
    }
    match blobs(values).filter(|_| has_values) {
        Some(blobs) => blobs,
        None => texts(values),
    }
}

/// Reads every value that is not null; `None` if one cannot be read.
fn each<T>(values: &[Value], read: impl Fn(&Value) -> Option<T>) -> Option<Vec<Option<T>>> {
    values
        .iter()
        .map(|value| match value {
            Value::Null => Some(None),
            value => read(value).map(Some),
        })
        .collect()
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Real(real) => Some(*real),
        Value::Integer(integer) => Some(*integer as f64),
        _ => None,
    }
}

fn blobs(values: &[Value]) -> Option<ArrayRef> {
    let mut builder = BinaryBuilder::new();
    for value in values {
        match value {
            Value::Null => builder.append_null(),
            Value::Blob(bytes) => builder.append_value(bytes),
            _ => return None,
        }
    }
    Some(Arc::new(builder.finish()))
}

fn texts(values: &[Value]) -> ArrayRef {
    let mut builder = StringBuilder::new();
    for value in values {
        match value {
            Value::Null => builder.append_null(),
            Value::Text(text) => builder.append_value(text),
            Value::Integer(integer) => builder.append_value(integer.to_string()),
            Value::Real(real) => builder.append_value(format!("{real:?}")),
            Value::Blob(bytes) => builder.append_value(String::from_utf8_lossy(bytes)),
        }
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use arrow_schema::{DataType, TimeUnit};

    use super::*;

    #[test]
    fn declared_types_hold_where_all_values_fit() {
        let check = |declared: &str, values: &[Value], expected| {
            assert_eq!(*array(declared, values).data_type(), expected, "{declared}");
        };
        let (text, one) = (Value::Text("2024-01-02 03:04:05.000006".to_owned()), Value::Integer(1));
        check("BOOLEAN", &[one.clone(), Value::Null], DataType::Boolean);
        check("BOOLEAN", &[Value::Integer(2)], DataType::Int64);
        check("DATETIME", std::slice::from_ref(&text), DataType::Timestamp(TimeUnit::Microsecond, None));
        check("DATETIME", &[text.clone(), one.clone()], DataType::Utf8);
        check("NUMERIC(38,9)", &[one.clone(), Value::Real(0.5)], DataType::Float64);
        check("", &[one, text], DataType::Utf8);
        check("", &[Value::Null], DataType::Utf8);
    }
}
