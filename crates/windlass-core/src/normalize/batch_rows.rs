//! Batches taken apart: each row as a line of typed JSON, for columns that are nested or do not fit.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Decimal128Type, Decimal256Type, Float64Type, Int64Type, Time64MicrosecondType, TimestampMicrosecondType,
    UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType as ArrowType, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::columns::meaning;
use crate::error::{Error, Result};
use crate::json::{ParseBuffers, sanitize, write_compact};
use crate::value::{
    DataType, Decimal, Tag, Time, Timestamp, encode_tagged, escape_text, format_date, format_time,
    format_timestamp, json_double, json_string,
};

/// One line of typed JSON for each row, for [`ParseBuffers::parse_typed_lines`]. Errors: a type that no column can hold.
pub fn lines(batch: &RecordBatch) -> Result<Vec<u8>> {
    let columns = batch
        .columns()
        .iter()
        .zip(batch.schema().fields())
        .map(|(array, field)| {
            let array = plain(array).map_err(|e| e.at_column(field.name()))?;
            Ok((field.name().clone(), array, meaning(field)))
        })
        .collect::<Result<Vec<(String, ArrayRef, Option<DataType>)>>>()?;
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        text.push('{');
        for (index, (name, array, meaning)) in columns.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            json_string(&mut text, name);
            text.push(':');
            match (meaning, array.as_string_opt::<i32>()) {
                (Some(meaning), Some(texts)) if texts.is_valid(row) => {
                    meant(&mut text, texts.value(row), *meaning);
                }
                _ => value(&mut text, array, row).map_err(|e| e.at_column(name))?,
            }
        }
        text.push_str("}\n");
    }
    Ok(text.into_bytes())
}

/// A text that stands for a value of another type. One that is no such value stays a text.
fn meant(out: &mut String, text: &str, data_type: DataType) {
    match data_type {
        DataType::Json if serde_json::from_str::<IgnoredAny>(text).is_ok() => {
            let mut typed = Vec::with_capacity(text.len());
            match sanitize(text.as_bytes(), &mut typed).map(|()| String::from_utf8(typed)) {
                Ok(Ok(typed)) => out.push_str(&typed),
                _ => json_string(out, &escape_text(text)),
            }
        }
        DataType::Decimal if Decimal::parse(text).is_some() => tagged(out, Tag::Decimal, text),
        _ => json_string(out, &escape_text(text)),
    }
}

/// The values of a nested array as JSON. Errors: a type that no column can hold.
pub(super) fn json_texts(array: &ArrayRef) -> Result<StringArray> {
    let mut texts = StringBuilder::with_capacity(array.len(), array.len() * 32);
    let mut buffers = ParseBuffers::new();
    let (mut typed, mut text) = (String::new(), String::new());
    for row in 0..array.len() {
        if array.is_null(row) {
            texts.append_null();
            continue;
        }
        typed.clear();
        text.clear();
        value(&mut typed, array, row)?;
        // Values within are written as those of records are.
        let parsed = buffers.parse_typed_value(typed.as_bytes()).map_err(|cause| {
            Error::internal(format!("a nested value was not written as JSON: {}", cause.message))
        })?;
        write_compact(&mut text, &parsed.tape, 0);
        texts.append_value(&text);
    }
    Ok(texts.finish())
}

/// The array in one of the few types that are written; nested values are treated when they are reached.
pub(crate) fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    let target = match array.data_type() {
        ArrowType::Int8
        | ArrowType::Int16
        | ArrowType::Int32
        | ArrowType::UInt8
        | ArrowType::UInt16
        | ArrowType::UInt32 => ArrowType::Int64,
        ArrowType::Float16 | ArrowType::Float32 => ArrowType::Float64,
        ArrowType::LargeUtf8 | ArrowType::Utf8View => ArrowType::Utf8,
        ArrowType::LargeBinary | ArrowType::BinaryView | ArrowType::FixedSizeBinary(_) => ArrowType::Binary,
        ArrowType::Date64 => ArrowType::Date32,
        ArrowType::Time32(_) | ArrowType::Time64(TimeUnit::Nanosecond) => {
            ArrowType::Time64(TimeUnit::Microsecond)
        }
        ArrowType::Timestamp(unit, zone) if *unit != TimeUnit::Microsecond => {
            ArrowType::Timestamp(TimeUnit::Microsecond, zone.clone())
        }
        ArrowType::Dictionary(_, values) => {
            let unpacked = cast(array, values).map_err(failed)?;
            return plain(&unpacked);
        }
        _ => return Ok(Arc::clone(array)),
    };
    cast(array, &target).map_err(failed)
}

fn failed(cause: arrow_schema::ArrowError) -> Error {
    Error::data("a column cannot be read").with_source(cause)
}

fn tagged(out: &mut String, tag: Tag, body: &str) {
    json_string(out, &encode_tagged(tag, body));
}

fn value(out: &mut String, array: &ArrayRef, row: usize) -> Result<()> {
    if array.is_null(row) {
        out.push_str("null");
        return Ok(());
    }
    match array.data_type() {
        ArrowType::Null => out.push_str("null"),
        ArrowType::Boolean => out.push_str(if array.as_boolean().value(row) { "true" } else { "false" }),
        ArrowType::Int64 => out.push_str(&array.as_primitive::<Int64Type>().value(row).to_string()),
        ArrowType::UInt64 => out.push_str(&array.as_primitive::<UInt64Type>().value(row).to_string()),
        ArrowType::Float64 => {
            let number = array.as_primitive::<Float64Type>().value(row);
            match number {
                number if number.is_nan() => tagged(out, Tag::Number, "NaN"),
                f64::INFINITY => tagged(out, Tag::Number, "Infinity"),
                f64::NEG_INFINITY => tagged(out, Tag::Number, "-Infinity"),
                number => json_double(out, number),
            }
        }
        ArrowType::Utf8 => json_string(out, &escape_text(array.as_string::<i32>().value(row))),
        ArrowType::Binary => match array.as_binary::<i32>().value(row) {
            // A tag without a body is a text.
            [] => tagged(out, Tag::HexBytes, "0x"),
            bytes => tagged(out, Tag::Bytes, &STANDARD.encode(bytes)),
        },
        ArrowType::Decimal128(..) => {
            tagged(out, Tag::Decimal, &array.as_primitive::<Decimal128Type>().value_as_string(row));
        }
        ArrowType::Decimal256(..) => {
            tagged(out, Tag::Decimal, &array.as_primitive::<Decimal256Type>().value_as_string(row));
        }
        ArrowType::Date32 => {
            let mut text = String::new();
            format_date(
                &mut text,
                i64::from(array.as_primitive::<arrow_array::types::Date32Type>().value(row)),
            );
            tagged(out, Tag::Date, &text);
        }
        ArrowType::Time64(TimeUnit::Microsecond) => {
            let mut text = String::new();
            let micros = array.as_primitive::<Time64MicrosecondType>().value(row);
            format_time(&mut text, Time { micros, offset: None });
            tagged(out, Tag::Time, &text);
        }
        ArrowType::Timestamp(TimeUnit::Microsecond, zone) => {
            let mut text = String::new();
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            format_timestamp(&mut text, Timestamp { micros, offset: zone.is_some().then_some(0) }, 'T');
            tagged(out, Tag::Timestamp, &text);
        }
        ArrowType::Struct(fields) => {
            let columns = array.as_struct().columns();
            out.push('{');
            for (index, (field, column)) in fields.iter().zip(columns).enumerate() {
                if index > 0 {
                    out.push(',');
                }
                json_string(out, field.name());
                out.push(':');
                value(out, &plain(column)?, row)?;
            }
            out.push('}');
        }
        ArrowType::List(_) => elements(out, &array.as_list::<i32>().value(row))?,
        ArrowType::LargeList(_) => elements(out, &array.as_list::<i64>().value(row))?,
        ArrowType::FixedSizeList(..) => elements(out, &array.as_fixed_size_list().value(row))?,
        ArrowType::Map(..) => {
            let entries = array.as_map().value(row);
            let keys = cast(entries.column(0), &ArrowType::Utf8).map_err(failed)?;
            let values = plain(entries.column(1))?;
            out.push('{');
            for index in 0..entries.len() {
                if index > 0 {
                    out.push(',');
                }
                json_string(out, keys.as_string::<i32>().value(index));
                out.push(':');
                value(out, &values, index)?;
            }
            out.push('}');
        }
        other => {
            return Err(Error::unsupported(format!("a column of type {other} cannot be loaded"))
                .with_hint("cast the column to another type before it is loaded"));
        }
    }
    Ok(())
}

fn elements(out: &mut String, list: &ArrayRef) -> Result<()> {
    let list = plain(list)?;
    out.push('[');
    for index in 0..list.len() {
        if index > 0 {
            out.push(',');
        }
        value(out, &list, index)?;
    }
    out.push(']');
    Ok(())
}
