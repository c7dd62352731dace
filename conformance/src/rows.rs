//! Rows of a destination in the tagged form of the cases.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, Time64MicrosecondType, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use windlass::core::value::{Time, Timestamp, format_date, format_time, format_timestamp};

/// The rows of batches as objects.
pub(crate) fn rows(batches: &[RecordBatch]) -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let columns = schema.fields().iter().zip(batch.columns());
            rows.push(columns.map(|(field, array)| (field.name().clone(), value(array, row))).collect());
        }
    }
    rows
}

fn value(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Utf8 => array.as_string::<i32>().value(row).into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).into(),
        DataType::Boolean => array.as_boolean().value(row).into(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => float(f64::from(array.as_primitive::<Float32Type>().value(row))),
        DataType::Float64 => float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => {
            let mut text = String::new();
            format_date(&mut text, i64::from(array.as_primitive::<Date32Type>().value(row)));
            json!({ "$date": text })
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            let mut text = String::new();
            let micros = array.as_primitive::<Time64MicrosecondType>().value(row);
            format_time(&mut text, Time { micros, offset: None });
            json!({ "$time": text })
        }
        DataType::Timestamp(unit, zone) => {
            let micros = match unit {
                TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row) * 1_000_000,
                TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row) * 1000,
                TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row) / 1000,
            };
            let mut text = String::new();
            format_timestamp(&mut text, Timestamp { micros, offset: None }, 'T');
            if zone.is_some() {
                text.push('Z');
            }
            json!({ "$timestamp": text })
        }
        DataType::Decimal128(_, scale) => {
            let digits = array.as_primitive::<Decimal128Type>().value(row).to_string();
            json!({ "$decimal": decimal(&digits, *scale) })
        }
        DataType::Decimal256(_, scale) => {
            let digits = array.as_primitive::<Decimal256Type>().value(row).to_string();
            json!({ "$decimal": decimal(&digits, *scale) })
        }
        DataType::Binary => json!({ "$binary": STANDARD.encode(array.as_binary::<i32>().value(row)) }),
        DataType::LargeBinary => json!({ "$binary": STANDARD.encode(array.as_binary::<i64>().value(row)) }),
        other => json!({ "$unknown": other.to_string() }),
    }
}

fn float(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => json!({ "$float": "nan" }),
        None => json!({ "$float": value.to_string() }),
    }
}

/// Unscaled digits as plain decimal text without zeros at the end, as the recorder writes it.
fn decimal(digits: &str, scale: i8) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let scale = usize::try_from(scale).unwrap_or(0);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_zeros_at_the_end_only() {
        assert_eq!(decimal("12500000000", 9), "12.5");
        assert_eq!(decimal("-5", 2), "-0.05");
        assert_eq!(decimal("100", 0), "100");
        assert_eq!(decimal("0", 9), "0");
    }
}
