//! Rows as lines of text that are the same for equal values, whatever type a destination keeps them in.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

/// A row: its values as text, by column.
pub(crate) type Record = BTreeMap<String, String>;

/// What stands for a value that is null.
pub(crate) const NULL: &str = "∅";

/// The rows as they come.
pub(crate) fn records(batches: &[RecordBatch]) -> Vec<Record> {
    let mut records = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let columns = || schema.fields().iter().zip(batch.columns());
        let record =
            |row| columns().map(|(field, array)| (field.name().clone(), text(array.as_ref(), row))).collect();
        records.extend((0..batch.num_rows()).map(record));
    }
    records
}

/// The rows, sorted: `column=value` of the columns that are wanted, by name.
#[allow(dead_code, reason = "not every test that includes this file compares lines")]
pub(crate) fn lines(batches: &[RecordBatch], is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let line = |record: Record| {
        let wanted = record.iter().filter(|(column, _)| is_wanted(column));
        wanted.map(|(column, value)| format!("{column}={value}")).collect::<Vec<_>>().join(" ")
    };
    let mut lines: Vec<String> = records(batches).into_iter().map(line).collect();
    lines.sort();
    lines
}

fn text(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return NULL.to_owned();
    }
    if let DataType::Timestamp(unit, Some(_)) = array.data_type() {
        // Times with a zone are of UTC everywhere.
        let naive = arrow_cast::cast(array, &DataType::Timestamp(*unit, None)).unwrap();
        return text(naive.as_ref(), row);
    }
    let options = FormatOptions::new().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.6f"));
    let shown = || ArrayFormatter::try_new(array, &options).unwrap().value(row).to_string();
    match array.data_type() {
        DataType::Decimal128(..) | DataType::Decimal256(..) => {
            let text = shown();
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
        DataType::Utf8 => {
            let text = array.as_string::<i32>().value(row);
            match serde_json::from_str::<serde_json::Value>(text) {
                Ok(mut document) if document.is_object() || document.is_array() => {
                    document.sort_all_objects();
                    document.to_string()
                }
                _ => text.to_owned(),
            }
        }
        DataType::Float64 => {
            format!("{:?}", array.as_primitive::<arrow_array::types::Float64Type>().value(row))
        }
        _ => shown(),
    }
}
