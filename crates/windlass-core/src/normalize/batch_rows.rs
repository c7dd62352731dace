//! Batches taken apart: each row as a line of typed JSON, for columns that are nested or do not fit.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Decimal128Type, Decimal256Type, Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray, StructArray};
use arrow_cast::cast;
use arrow_schema::{DataType as ArrowType, Field, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::IgnoredAny;

use super::columns::{is_uuid, meaning};
use super::exact::{days, micros, ticks};
use crate::error::{Code, Error, Result};
use crate::json::{ParseBuffers, sanitize, write_compact};
use crate::value::{
    DAY_MICROS, DataType, Decimal, Tag, Time, Timestamp, encode_tagged, escape_text, format_date,
    format_time, format_timestamp, json_double, json_string,
};

/// One line of typed JSON for each row, for [`ParseBuffers::parse_typed_lines`]. Errors: a type that no column can hold.
pub fn lines(batch: &RecordBatch) -> Result<Vec<u8>> {
    let columns = batch
        .columns()
        .iter()
        .zip(batch.schema().fields())
        .map(|(array, field)| {
            let array = plain(array, field).map_err(|e| e.at_column(field.name()))?;
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
                _ => value(&mut text, array, row, Maps::Lists).map_err(|e| e.at_column(name))?,
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
pub(super) fn json_texts(array: &ArrayRef, field: &Field) -> Result<StringArray> {
    let array = &plain(array, field)?;
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
        value(&mut typed, array, row, Maps::Objects)?;
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
///
/// Timestamps keep their unit: not all of them are microseconds of 64 bits.
fn plain(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let target = match array.data_type() {
        ArrowType::Int8
        | ArrowType::Int16
        | ArrowType::Int32
        | ArrowType::UInt8
        | ArrowType::UInt16
        | ArrowType::UInt32 => ArrowType::Int64,
        ArrowType::Float16 | ArrowType::Float32 => ArrowType::Float64,
        ArrowType::LargeUtf8 | ArrowType::Utf8View => ArrowType::Utf8,
        ArrowType::FixedSizeBinary(_) if is_uuid(field) => return plain_uuid(array, field),
        ArrowType::LargeBinary | ArrowType::BinaryView | ArrowType::FixedSizeBinary(_) => ArrowType::Binary,
        ArrowType::Time32(_) => ArrowType::Time64(TimeUnit::Microsecond),
        ArrowType::Dictionary(_, values) => {
            let unpacked = cast(array, values).map_err(failed)?;
            return plain(&unpacked, field);
        }
        ArrowType::RunEndEncoded(_, values) => {
            let unpacked = cast(array, values.data_type()).map_err(failed)?;
            return plain(&unpacked, values);
        }
        ArrowType::ListView(item) => ArrowType::List(Arc::clone(item)),
        ArrowType::LargeListView(item) => ArrowType::LargeList(Arc::clone(item)),
        _ => return Ok(Arc::clone(array)),
    };
    cast(array, &target).map_err(failed)
}

/// The array in one of the few types that a cursor compares.
pub(crate) fn comparable(array: &ArrayRef) -> Result<ArrayRef> {
    let array = plain(array, &Field::new("", array.data_type().clone(), true))?;
    let target = match array.data_type() {
        ArrowType::Date64 => ArrowType::Date32,
        ArrowType::Timestamp(_, zone) => ArrowType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        _ => return Ok(array),
    };
    cast(&array, &target).map_err(failed)
}

/// UUIDs as texts; other arrays as they are.
pub(super) fn plain_uuid(array: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let Some(bytes) = array.as_fixed_size_binary_opt().filter(|_| is_uuid(field)) else {
        return Ok(Arc::clone(array));
    };
    let mut texts = StringBuilder::with_capacity(bytes.len(), bytes.len() * 36);
    for uuid in bytes {
        texts.append_option(uuid.map(uuid_text));
    }
    Ok(Arc::new(texts.finish()))
}

fn uuid_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.extend(
            [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
        );
    }
    text
}

/// How maps are written.
#[derive(Clone, Copy, PartialEq)]
enum Maps {
    /// As lists of pairs, which become tables of their own as in the reference: a key is data, not a column.
    Lists,
    /// As the objects of a JSON column, but for maps that have a key twice or keys that are no texts or numbers.
    Objects,
}

fn failed(cause: arrow_schema::ArrowError) -> Error {
    Error::data("a column cannot be read").with_source(cause)
}

fn tagged(out: &mut String, tag: Tag, body: &str) {
    json_string(out, &encode_tagged(tag, body));
}

fn value(out: &mut String, array: &ArrayRef, row: usize, maps: Maps) -> Result<()> {
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
        ArrowType::Decimal128(precision, scale) => {
            let number = array.as_primitive::<Decimal128Type>().value_as_string(row);
            tagged(out, Tag::ColumnDecimal, &format!("{precision},{scale};{number}"));
        }
        ArrowType::Decimal256(precision, scale) => {
            let number = array.as_primitive::<Decimal256Type>().value_as_string(row);
            tagged(out, Tag::ColumnDecimal, &format!("{precision},{scale};{number}"));
        }
        ArrowType::Date32 | ArrowType::Date64 | ArrowType::Time64(_) | ArrowType::Timestamp(..) => {
            moment(out, array, row);
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
                value(out, &plain(&column.slice(row, 1), field)?, 0, maps)?;
            }
            out.push('}');
        }
        ArrowType::List(item) => elements(out, &array.as_list::<i32>().value(row), item, maps)?,
        ArrowType::LargeList(item) => elements(out, &array.as_list::<i64>().value(row), item, maps)?,
        ArrowType::FixedSizeList(item, _) => {
            elements(out, &array.as_fixed_size_list().value(row), item, maps)?;
        }
        ArrowType::Map(..) => map(out, &array.as_map().value(row), maps)?,
        other => {
            return Err(Error::of(
                Code::DataTypeUnsupported,
                format!("a column of type {other} cannot be loaded"),
            )
            .with_detail("data_type", other.to_string())
            .with_hint("cast the column to another type before it is loaded"));
        }
    }
    Ok(())
}

/// A date, time or timestamp. One that none can be is written as the number that it is.
fn moment(out: &mut String, array: &ArrayRef, row: usize) {
    let Some(ticks) = ticks(&array.slice(row, 1)).map(|ticks| ticks.value(0)) else { return };
    let mut text = String::new();
    let tag = match array.data_type() {
        ArrowType::Date32 => {
            format_date(&mut text, ticks);
            Some(Tag::Date)
        }
        ArrowType::Date64 => days(ticks).map(|days| {
            format_date(&mut text, i64::from(days));
            Tag::Date
        }),
        ArrowType::Time64(unit) => {
            micros(ticks, *unit).filter(|micros| (0..DAY_MICROS).contains(micros)).map(|micros| {
                format_time(&mut text, Time { micros, offset: None });
                Tag::Time
            })
        }
        ArrowType::Timestamp(unit, zone) => micros(ticks, *unit).map(|micros| {
            format_timestamp(&mut text, Timestamp { micros, offset: zone.is_some().then_some(0) }, 'T');
            Tag::Timestamp
        }),
        _ => None,
    };
    match tag {
        Some(tag) => tagged(out, tag, &text),
        None => json_string(out, &ticks.to_string()),
    }
}

fn elements(out: &mut String, list: &ArrayRef, item: &Field, maps: Maps) -> Result<()> {
    let list = plain(list, item)?;
    out.push('[');
    for index in 0..list.len() {
        if index > 0 {
            out.push(',');
        }
        value(out, &list, index, maps)?;
    }
    out.push(']');
    Ok(())
}

fn map(out: &mut String, entries: &StructArray, maps: Maps) -> Result<()> {
    let [key_field, value_field] = entries.fields().as_ref() else {
        return Err(Error::data("a map without keys and values cannot be read"));
    };
    let keys = plain(entries.column(0), key_field)?;
    let values = plain(entries.column(1), value_field)?;
    let names = (maps == Maps::Objects).then(|| names(&keys)).flatten();
    out.push(if names.is_some() { '{' } else { '[' });
    for index in 0..entries.len() {
        if index > 0 {
            out.push(',');
        }
        match &names {
            Some(names) => {
                json_string(out, &names[index]);
                out.push(':');
                value(out, &values, index, maps)?;
            }
            None => {
                out.push('[');
                value(out, &keys, index, maps)?;
                out.push(',');
                value(out, &values, index, maps)?;
                out.push(']');
            }
        }
    }
    out.push(if names.is_some() { '}' } else { ']' });
    Ok(())
}

/// The keys of a map as those of an object; `None` if they cannot be, or not all of them.
fn names(keys: &ArrayRef) -> Option<Vec<String>> {
    let is_plain = matches!(keys.data_type(), ArrowType::Utf8 | ArrowType::Int64 | ArrowType::UInt64);
    if !is_plain || keys.null_count() > 0 {
        return None;
    }
    let texts = cast(keys, &ArrowType::Utf8).ok()?;
    let names: Vec<String> = texts.as_string::<i32>().iter().flatten().map(str::to_owned).collect();
    let distinct: HashSet<&String> = names.iter().collect();
    (distinct.len() == names.len()).then_some(names)
}
