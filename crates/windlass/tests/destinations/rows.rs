//! Rows as lines of text that are the same for equal values, whatever type a destination keeps them in.

use arrow_array::cast::AsArray as _;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::DataType;

/// The rows, sorted: `column=value` of the columns that are wanted, by name.
pub(crate) fn lines(batches: &[RecordBatch], is_wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let mut values: Vec<String> = schema
                .fields()
                .iter()
                .zip(batch.columns())
                .filter(|(field, _)| is_wanted(field.name()))
                .map(|(field, array)| format!("{}={}", field.name(), text(array.as_ref(), row)))
                .collect();
            values.sort();
            lines.push(values.join(" "));
        }
    }
    lines.sort();
    lines
}

fn text(array: &dyn Array, row: usize) -> String {
    if array.is_null(row) {
        return "∅".to_owned();
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
