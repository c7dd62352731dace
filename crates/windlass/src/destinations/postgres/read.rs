//! Rows of a query as Arrow batches.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Decimal256Array, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow_buffer::i256;
use arrow_schema::{Field, Schema};
use tokio_postgres::types::{FromSql, Kind, Type};
use tokio_postgres::{Column, Row};
use windlass_core::{Error, Result};

use crate::postgres::Numeric;

/// Microseconds and days from 1970 to 2000, from where Postgres counts.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i32 = 10_957;

/// Digits of the widest decimals of Arrow.
const MAX_DIGITS_128: usize = 38;
const MAX_DIGITS_256: usize = 76;

/// The bytes of a value as the server sent them.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// The rows as one batch. Errors: values of a type that Arrow has not.
pub(super) fn batch(columns: &[Column], rows: &[Row]) -> Result<RecordBatch> {
    let mut fields = Vec::with_capacity(columns.len());
    let mut arrays = Vec::with_capacity(columns.len());
    for (index, column) in columns.iter().enumerate() {
        let values = rows
            .iter()
            .map(|row| row.try_get::<_, Option<Raw<'_>>>(index).map(|raw| raw.map(|raw| raw.0)))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|cause| Error::destination("a value of the server cannot be read").with_source(cause))?;
        let array = array(column.type_(), column.type_modifier(), &values)
            .map_err(|error| error.at_column(column.name()))?;
        fields.push(Field::new(column.name(), array.data_type().clone(), true));
        arrays.push(array);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .map_err(|cause| Error::internal("rows of Postgres make no batch").with_source(cause))
}

/// Whether the types of the columns are known before any row: the digits of a number that was declared without are not.
pub(super) fn has_fixed_types(columns: &[Column]) -> bool {
    columns
        .iter()
        .all(|column| *column.type_() != Type::NUMERIC || declared(column.type_modifier()).is_some())
}

fn damaged() -> Error {
    Error::destination("a value of the server has another length than its type")
}

/// Values of a fixed length, each turned into its native form.
fn fixed<const N: usize, T>(values: &[Option<&[u8]>], read: impl Fn([u8; N]) -> T) -> Result<Vec<Option<T>>> {
    values
        .iter()
        .map(|value| value.map(|bytes| bytes.try_into().map(&read).map_err(|_| damaged())).transpose())
        .collect()
}

fn array(data_type: &Type, modifier: i32, values: &[Option<&[u8]>]) -> Result<ArrayRef> {
    Ok(match *data_type {
        Type::BOOL => Arc::new(BooleanArray::from(fixed(values, |[byte]: [u8; 1]| byte != 0)?)),
        Type::INT2 => Arc::new(Int16Array::from(fixed(values, i16::from_be_bytes)?)),
        Type::INT4 => Arc::new(Int32Array::from(fixed(values, i32::from_be_bytes)?)),
        Type::INT8 => Arc::new(Int64Array::from(fixed(values, i64::from_be_bytes)?)),
        Type::OID => Arc::new(Int64Array::from(fixed(values, |bytes| i64::from(u32::from_be_bytes(bytes)))?)),
        Type::FLOAT4 => Arc::new(Float32Array::from(fixed(values, f32::from_be_bytes)?)),
        Type::FLOAT8 => Arc::new(Float64Array::from(fixed(values, f64::from_be_bytes)?)),
        Type::DATE => {
            let days = |bytes| match i32::from_be_bytes(bytes) {
                i32::MIN => i32::MIN,
                days => days.saturating_add(EPOCH_DAYS),
            };
            Arc::new(Date32Array::from(fixed(values, days)?))
        }
        Type::TIME => Arc::new(Time64MicrosecondArray::from(fixed(values, i64::from_be_bytes)?)),
        Type::TIMESTAMP | Type::TIMESTAMPTZ => {
            let array = TimestampMicrosecondArray::from(instants(values)?);
            Arc::new(if *data_type == Type::TIMESTAMPTZ { array.with_timezone("UTC") } else { array })
        }
        Type::BYTEA => {
            let mut builder = BinaryBuilder::new();
            values.iter().for_each(|value| builder.append_option(*value));
            Arc::new(builder.finish())
        }
        Type::NUMERIC => numerics(modifier, values)?,
        Type::UUID => texts(values, |bytes| {
            let bytes: [u8; 16] = bytes.try_into().ok()?;
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let parts = [hex.get(..8)?, hex.get(8..12)?, hex.get(12..16)?, hex.get(16..20)?, hex.get(20..)?];
            Some(parts.join("-"))
        })?,
        Type::JSONB => texts(values, |bytes| Some(std::str::from_utf8(bytes.get(1..)?).ok()?.to_owned()))?,
        Type::TEXT
        | Type::VARCHAR
        | Type::BPCHAR
        | Type::NAME
        | Type::JSON
        | Type::CHAR
        | Type::UNKNOWN
        | Type::XML => texts(values, |bytes| Some(std::str::from_utf8(bytes).ok()?.to_owned()))?,
        Type::VOID => texts(values, |_| Some(String::new()))?,
        _ if matches!(data_type.kind(), Kind::Enum(_)) => {
            texts(values, |bytes| Some(std::str::from_utf8(bytes).ok()?.to_owned()))?
        }
        _ => {
            return Err(Error::unsupported(format!("values of type {} cannot be shown", data_type.name()))
                .with_hint("cast the column to text in the query: `column::text`"));
        }
    })
}

/// Microseconds since 1970, with both infinities. Errors: the last years that the server knows, which these do not reach.
fn instants(values: &[Option<&[u8]>]) -> Result<Vec<Option<i64>>> {
    let micros = |sent: i64| match sent {
        i64::MIN | i64::MAX => Some(sent),
        sent => sent.checked_add(EPOCH_MICROS),
    };
    let reached = |sent: Option<i64>| match sent.map(micros) {
        Some(None) => Err(Error::unsupported("a time after the year 294246 cannot be shown")
            .with_hint("cast the column to text in the query: `column::text`")),
        Some(micros) => Ok(micros),
        None => Ok(None),
    };
    fixed(values, i64::from_be_bytes)?.into_iter().map(reached).collect()
}

fn texts(values: &[Option<&[u8]>], read: impl Fn(&[u8]) -> Option<String>) -> Result<ArrayRef> {
    let mut builder = StringBuilder::new();
    for value in values {
        match value {
            Some(bytes) => builder.append_value(read(bytes).ok_or_else(damaged)?),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// Exact decimals with the digits of the column, or of the values where those fit and the column's do not, or texts.
fn numerics(modifier: i32, values: &[Option<&[u8]>]) -> Result<ArrayRef> {
    let numbers = values
        .iter()
        .map(|value| value.map(|bytes| Numeric::read(bytes).ok_or_else(damaged)).transpose())
        .collect::<Result<Vec<_>>>()?;
    let as_text = || texts_of(&numbers);
    let (mut whole, mut fraction) = (0, 0);
    for number in numbers.iter().flatten() {
        let Some((digits, decimals)) = number.widths() else { return Ok(as_text()) };
        whole = whole.max(digits);
        fraction = fraction.max(decimals);
    }
    let declared = declared(modifier);
    let (precision, scale) = match declared {
        Some((precision, scale)) if precision <= MAX_DIGITS_256 => (precision, scale),
        _ if whole + fraction <= MAX_DIGITS_128 => (MAX_DIGITS_128, fraction),
        _ if whole + fraction <= MAX_DIGITS_256 => (MAX_DIGITS_256, fraction),
        _ => return Ok(as_text()),
    };
    let unscaled = |number: &Numeric| number.unscaled(scale);
    let (precision, arrow_scale) = (precision as u8, scale as i8);
    let failed = |cause| Error::internal("decimals of Postgres make no array").with_source(cause);
    if usize::from(precision) <= MAX_DIGITS_128 {
        let values = numbers.iter().map(|number| number.as_ref().and_then(unscaled)?.parse::<i128>().ok());
        let array: Decimal128Array = values.collect();
        return Ok(Arc::new(array.with_precision_and_scale(precision, arrow_scale).map_err(failed)?));
    }
    let values = numbers.iter().map(|number| i256::from_string(&number.as_ref().and_then(unscaled)?));
    let array: Decimal256Array = values.collect();
    Ok(Arc::new(array.with_precision_and_scale(precision, arrow_scale).map_err(failed)?))
}

fn texts_of(numbers: &[Option<Numeric>]) -> ArrayRef {
    let mut builder = StringBuilder::new();
    numbers.iter().for_each(|number| builder.append_option(number.as_ref().map(Numeric::to_text)));
    Arc::new(builder.finish())
}

/// Precision and scale that a column was declared with, if Arrow could have them.
fn declared(modifier: i32) -> Option<(usize, usize)> {
    let packed = u32::try_from(modifier).ok()?.checked_sub(4)?;
    let precision = (packed >> 16 & 0xffff) as usize;
    // The scale has eleven bits and a sign.
    let scale = i64::from((packed & 0x7ff) ^ 0x400) - 0x400;
    let scale = usize::try_from(scale).ok()?;
    (scale <= precision).then_some((precision, scale))
}

#[cfg(test)]
mod tests {
    use arrow_schema::DataType as ArrowType;

    use super::*;
    use crate::postgres::{put_i128, put_i256};

    fn sent(value: i128, scale: i8) -> Vec<u8> {
        let mut bytes = Vec::new();
        put_i128(&mut bytes, value, scale);
        bytes
    }

    fn modifier(precision: i32, scale: i32) -> i32 {
        (precision << 16 | scale) + 4
    }

    #[test]
    fn times_keep_infinity_and_are_never_altered() {
        let sent = [i64::MIN, i64::MAX, 0].map(i64::to_be_bytes);
        let values = sent.each_ref().map(|bytes| Some(bytes.as_slice()));
        assert_eq!(instants(&values).unwrap(), [Some(i64::MIN), Some(i64::MAX), Some(EPOCH_MICROS)]);
        let beyond = 9_223_371_331_199_999_999_i64.to_be_bytes();
        assert!(instants(&[Some(&beyond)]).is_err());
        let dates = [i32::MIN, i32::MAX, 0].map(i32::to_be_bytes);
        let dates = array(&Type::DATE, -1, &dates.each_ref().map(|bytes| Some(bytes.as_slice()))).unwrap();
        let expected: ArrayRef = Arc::new(Date32Array::from(vec![i32::MIN, i32::MAX, EPOCH_DAYS]));
        assert_eq!(&dates, &expected);
    }

    #[test]
    fn decimals_have_the_digits_of_their_column() {
        let value = sent(-12_500, 4);
        let check = |modifier, values: &[Option<&[u8]>], expected| {
            assert_eq!(*numerics(modifier, values).unwrap().data_type(), expected);
        };
        check(modifier(38, 9), &[Some(&value), None], ArrowType::Decimal128(38, 9));
        check(modifier(50, 9), &[Some(&value)], ArrowType::Decimal256(50, 9));
        check(modifier(156, 78), &[Some(&value)], ArrowType::Decimal128(38, 2));
        check(-1, &[], ArrowType::Decimal128(38, 0));
        let nan = [0, 0, 0, 0, 0xC0, 0, 0, 0];
        check(modifier(38, 9), &[Some(&nan)], ArrowType::Utf8);
        let mut wide = Vec::new();
        put_i256(&mut wide, i256::MAX, 0);
        check(modifier(156, 78), &[Some(&wide)], ArrowType::Utf8);
        wide.clear();
        put_i256(&mut wide, i256::from_i128(i128::MAX), 0);
        check(modifier(156, 78), &[Some(&wide)], ArrowType::Decimal256(76, 0));
    }
}
