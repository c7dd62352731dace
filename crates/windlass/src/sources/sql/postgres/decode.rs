//! Rows of binary `COPY` as columns. Nothing is allocated for a value but its place in the column.

use std::sync::Arc;

use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Float32Builder,
    Float64Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder, Time64MicrosecondBuilder,
    TimestampMicrosecondBuilder, UInt32Builder,
};
use arrow_array::{ArrayRef, RecordBatch};
use arrow_buffer::i256;
use arrow_schema::{DataType as ArrowType, Field, Schema, SchemaRef};
use tokio_postgres::types::Type;
use windlass_core::{Error, Result};

use super::super::catalog::ColumnShape;
use super::super::config::InvalidValues;
use super::super::sql_type::SqlType;
use crate::postgres::Numeric;

/// Days and microseconds from 1970 to 2000, where the server counts from.
const EPOCH_DAYS: i32 = 10_957;
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const DAY_MICROS: i64 = 86_400_000_000;

/// The first and the last day that destinations know: 0001-01-01 and 9999-12-31.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;
const MICROS: std::ops::Range<i64> = -719_162 * DAY_MICROS..2_932_897 * DAY_MICROS;

/// Bytes of a text that columns are sized for before anything is known of them.
const TEXT_BYTES: usize = 16;

/// Rows that columns are sized for at most before they grow by themselves.
const MAX_SIZED_ROWS: usize = 65_536;

/// A column that is being filled.
enum Column {
    Bool(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt32(UInt32Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Text(StringBuilder),
    /// `jsonb`: a version, then text.
    Versioned(StringBuilder),
    Uuid(StringBuilder),
    Number(StringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    ZonedTime(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
    Decimal128(Decimal128Builder, Digits),
    Decimal256(Decimal256Builder, Digits),
}

/// Digits of a decimal.
#[derive(Clone, Copy)]
struct Digits {
    precision: u8,
    scale: i8,
}

/// Why a value is not in its column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Problem {
    /// Its bytes are not of the type.
    Damaged,
    /// A text that is not UTF-8.
    NotText,
    /// No table can hold it: the value is null, or an error.
    Invalid(&'static str),
}

/// Fills columns with rows and hands them on as batches.
pub(super) struct Decoder {
    schema: SchemaRef,
    columns: Vec<Column>,
    invalid_values: InvalidValues,
    /// What no table can hold, by column: how many, and what the first one was.
    invalid: Vec<(u64, &'static str)>,
    /// Rows that columns are sized for.
    sized_rows: usize,
    rows: usize,
    bytes: usize,
    all_rows: u64,
}

impl Decoder {
    /// A decoder for columns whose values come with these types.
    ///
    /// Errors: a type that is not the one which the catalogue gave before.
    pub(super) fn new(
        columns: &[ColumnShape],
        types: &[Type],
        chunk_rows: usize,
        invalid_values: InvalidValues,
    ) -> Result<Self> {
        let changed = || {
            Error::source_failed("the table was changed while it was read")
                .with_hint("run again; the new columns and types are taken over then")
        };
        if columns.len() != types.len() {
            return Err(changed());
        }
        let sized_rows = chunk_rows.min(MAX_SIZED_ROWS);
        let fields =
            columns.iter().map(|column| Field::new(&column.name, column.sql_type.arrow_type(), true));
        let made = columns.iter().zip(types).map(|(column, wire)| {
            Column::new(column.sql_type, wire, sized_rows).ok_or_else(|| {
                changed().at_column(&column.name).with_source(NowOfType(wire.name().to_owned()))
            })
        });
        Ok(Self {
            schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())),
            columns: made.collect::<Result<_>>()?,
            invalid_values,
            invalid: vec![(0, ""); columns.len()],
            sized_rows,
            rows: 0,
            bytes: 0,
            all_rows: 0,
        })
    }

    /// Rows that wait to be handed on.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of their values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes one row; `fields` is what follows the number of its fields. Gives how many bytes it was; `None` if the row
    /// is not whole, and then nothing was taken.
    ///
    /// Errors: a value that its column cannot hold, with the column.
    pub(super) fn row(&mut self, fields: &[u8]) -> Result<Option<usize>> {
        let Some(length) = row_length(fields, self.columns.len()) else { return Ok(None) };
        let mut rest = fields;
        for (index, column) in self.columns.iter_mut().enumerate() {
            let Some((head, tail)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            let length = i32::from_be_bytes(*head);
            let Ok(length) = usize::try_from(length) else {
                column.append_null();
                rest = tail;
                continue;
            };
            let Some((value, tail)) = tail.split_at_checked(length) else { return Ok(None) };
            rest = tail;
            match column.append(value) {
                Ok(()) => {}
                Err(Problem::Invalid(what)) if self.invalid_values == InvalidValues::Null => {
                    column.append_null();
                    let (count, first) = &mut self.invalid[index];
                    if *count == 0 {
                        *first = what;
                    }
                    *count += 1;
                }
                Err(problem) => {
                    let column = self.schema.field(index).name();
                    return Err(problem.error().at_column(column));
                }
            }
        }
        self.rows += 1;
        self.all_rows += 1;
        self.bytes += length;
        Ok(Some(length))
    }

    /// The rows so far as a batch.
    pub(super) fn finish(&mut self) -> Result<RecordBatch> {
        // Columns keep the room that the last batch needed.
        let arrays: Vec<ArrayRef> =
            self.columns.iter_mut().map(|column| column.finish(self.sized_rows)).collect();
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .map_err(|cause| Error::internal("rows could not be made columns").with_source(cause))
    }

    /// What was read as null, as sentences.
    pub(super) fn notices(&mut self) -> Vec<String> {
        let counts = self.invalid.iter_mut().zip(self.schema.fields());
        counts
            .filter(|((count, _), _)| *count > 0)
            .map(|(counted, field)| {
                let (count, what) = std::mem::take(counted);
                let values = if count == 1 { "value is" } else { "values are" };
                format!("{count} {values} null in column `{}`: {what}", field.name())
            })
            .collect()
    }
}

/// The type that a column has now.
#[derive(Debug)]
struct NowOfType(String);

impl std::fmt::Display for NowOfType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the column is of type {} now", self.0)
    }
}

impl std::error::Error for NowOfType {}

impl Problem {
    fn error(self) -> Error {
        match self {
            Self::Damaged => Error::source_failed("the server sent a value that is not of its column's type")
                .with_hint("read the column as text with `cast: {column: text}`"),
            Self::NotText => Error::data("a text holds bytes that are not UTF-8").with_hint(
                "the database has no encoding of its own (SQL_ASCII); read the column as bytes with `select`, such as \
                 {name: \"convert_to(name, 'SQL_ASCII')\"}, or leave it out with `excluded_columns`",
            ),
            Self::Invalid(what) => Error::data(format!("a value cannot be held by a table: {what}"))
                .with_hint("set `invalid_values: null` to read such values as null, or `cast` the column to text"),
        }
    }
}

/// The length of a row's fields; `None` if they are not all there.
fn row_length(fields: &[u8], count: usize) -> Option<usize> {
    let mut place = 0_usize;
    for _ in 0..count {
        let head: [u8; 4] = fields.get(place..place + 4)?.try_into().ok()?;
        place += 4 + usize::try_from(i32::from_be_bytes(head)).unwrap_or(0);
    }
    (place <= fields.len()).then_some(place)
}

impl Column {
    fn new(sql_type: SqlType, wire: &Type, rows: usize) -> Option<Self> {
        let text = || StringBuilder::with_capacity(rows, rows * TEXT_BYTES);
        let is_text = matches!(wire.oid(), 18 | 19 | 25 | 1042 | 1043)
            || wire.name() == "citext"
            || matches!(wire.kind(), tokio_postgres::types::Kind::Enum(_));
        Some(match (sql_type, wire.oid()) {
            (SqlType::Bool, 16) => Self::Bool(BooleanBuilder::with_capacity(rows)),
            (SqlType::Int { bits: 16, .. }, 21) => Self::Int16(Int16Builder::with_capacity(rows)),
            (SqlType::Int { bits: 32, is_unsigned: false }, 23) => {
                Self::Int32(Int32Builder::with_capacity(rows))
            }
            (SqlType::Int { bits: 32, is_unsigned: true }, 26) => {
                Self::UInt32(UInt32Builder::with_capacity(rows))
            }
            (SqlType::Int { bits: 64, .. }, 20) => Self::Int64(Int64Builder::with_capacity(rows)),
            (SqlType::Float { bits: 32, .. }, 700) => Self::Float32(Float32Builder::with_capacity(rows)),
            (SqlType::Float { .. }, 701) => Self::Float64(Float64Builder::with_capacity(rows)),
            (SqlType::Text { .. } | SqlType::Enum | SqlType::Other | SqlType::Array, _) if is_text => {
                Self::Text(text())
            }
            (SqlType::Json, 114) => Self::Text(text()),
            (SqlType::Json, 3802) => Self::Versioned(text()),
            (SqlType::Uuid, 2950) => Self::Uuid(StringBuilder::with_capacity(rows, rows * 36)),
            (SqlType::Binary { .. }, 17) => {
                Self::Binary(BinaryBuilder::with_capacity(rows, rows * TEXT_BYTES))
            }
            (SqlType::Date, 1082) => Self::Date(Date32Builder::with_capacity(rows)),
            (SqlType::Time { .. }, 1083) => Self::Time(Time64MicrosecondBuilder::with_capacity(rows)),
            (SqlType::Time { .. }, 1266) => Self::ZonedTime(Time64MicrosecondBuilder::with_capacity(rows)),
            (SqlType::Timestamp { has_zone: false, .. }, 1114)
            | (SqlType::Timestamp { has_zone: true, .. }, 1184) => {
                let builder = TimestampMicrosecondBuilder::with_capacity(rows);
                Self::Timestamp(builder.with_data_type(sql_type.arrow_type()))
            }
            (SqlType::Decimal { .. }, 1700) => match sql_type.arrow_type() {
                ArrowType::Decimal128(precision, scale) => Self::Decimal128(
                    Decimal128Builder::with_capacity(rows).with_data_type(sql_type.arrow_type()),
                    Digits { precision, scale },
                ),
                ArrowType::Decimal256(precision, scale) => Self::Decimal256(
                    Decimal256Builder::with_capacity(rows).with_data_type(sql_type.arrow_type()),
                    Digits { precision, scale },
                ),
                _ => Self::Number(text()),
            },
            _ => return None,
        })
    }

    fn append_null(&mut self) {
        match self {
            Self::Bool(builder) => builder.append_null(),
            Self::Int16(builder) => builder.append_null(),
            Self::Int32(builder) => builder.append_null(),
            Self::Int64(builder) => builder.append_null(),
            Self::UInt32(builder) => builder.append_null(),
            Self::Float32(builder) => builder.append_null(),
            Self::Float64(builder) => builder.append_null(),
            Self::Text(builder) | Self::Versioned(builder) | Self::Uuid(builder) | Self::Number(builder) => {
                builder.append_null();
            }
            Self::Binary(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Time(builder) | Self::ZonedTime(builder) => builder.append_null(),
            Self::Timestamp(builder) => builder.append_null(),
            Self::Decimal128(builder, _) => builder.append_null(),
            Self::Decimal256(builder, _) => builder.append_null(),
        }
    }

    #[inline]
    fn append(&mut self, value: &[u8]) -> Result<(), Problem> {
        match self {
            Self::Bool(builder) => builder.append_value(array::<1>(value)?[0] != 0),
            Self::Int16(builder) => builder.append_value(i16::from_be_bytes(array(value)?)),
            Self::Int32(builder) => builder.append_value(i32::from_be_bytes(array(value)?)),
            Self::Int64(builder) => builder.append_value(i64::from_be_bytes(array(value)?)),
            Self::UInt32(builder) => builder.append_value(u32::from_be_bytes(array(value)?)),
            Self::Float32(builder) => builder.append_value(f32::from_be_bytes(array(value)?)),
            Self::Float64(builder) => builder.append_value(f64::from_be_bytes(array(value)?)),
            Self::Text(builder) => {
                builder.append_value(std::str::from_utf8(value).map_err(|_| Problem::NotText)?);
            }
            Self::Versioned(builder) => {
                let (version, text) = value.split_first().ok_or(Problem::Damaged)?;
                if *version != 1 {
                    return Err(Problem::Damaged);
                }
                builder.append_value(std::str::from_utf8(text).map_err(|_| Problem::NotText)?);
            }
            Self::Uuid(builder) => {
                let text = uuid_text(&array(value)?);
                builder.append_value(std::str::from_utf8(&text).map_err(|_| Problem::Damaged)?);
            }
            Self::Number(builder) => {
                builder.append_value(Numeric::read(value).ok_or(Problem::Damaged)?.to_text());
            }
            Self::Binary(builder) => builder.append_value(value),
            Self::Date(builder) => {
                let days = i32::from_be_bytes(array(value)?);
                let days = days.checked_add(EPOCH_DAYS).filter(|days| DAYS.contains(days));
                builder.append_value(days.ok_or(Problem::Invalid(OUT_OF_CALENDAR))?);
            }
            Self::Time(builder) => builder.append_value(time(i64::from_be_bytes(array(value)?))?),
            Self::ZonedTime(builder) => {
                let (micros, west) = value.split_first_chunk::<8>().ok_or(Problem::Damaged)?;
                let west = i64::from(i32::from_be_bytes(array(west)?)) * 1_000_000;
                let micros = i64::from_be_bytes(*micros).saturating_add(west);
                builder.append_value(micros.rem_euclid(DAY_MICROS));
            }
            Self::Timestamp(builder) => {
                let micros = i64::from_be_bytes(array(value)?);
                let micros = micros.checked_add(EPOCH_MICROS).filter(|micros| MICROS.contains(micros));
                builder.append_value(micros.ok_or(Problem::Invalid(OUT_OF_CALENDAR))?);
            }
            Self::Decimal128(builder, digits) => builder.append_value(decimal128(value, *digits)?),
            Self::Decimal256(builder, digits) => builder.append_value(decimal256(value, *digits)?),
        }
        Ok(())
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            Self::Bool(builder) => Arc::new(builder.finish()),
            Self::Int16(builder) => {
                Arc::new(std::mem::replace(builder, Int16Builder::with_capacity(rows)).finish())
            }
            Self::Int32(builder) => {
                Arc::new(std::mem::replace(builder, Int32Builder::with_capacity(rows)).finish())
            }
            Self::Int64(builder) => {
                Arc::new(std::mem::replace(builder, Int64Builder::with_capacity(rows)).finish())
            }
            Self::UInt32(builder) => Arc::new(builder.finish()),
            Self::Float32(builder) => Arc::new(builder.finish()),
            Self::Float64(builder) => {
                Arc::new(std::mem::replace(builder, Float64Builder::with_capacity(rows)).finish())
            }
            Self::Text(builder) | Self::Versioned(builder) | Self::Uuid(builder) | Self::Number(builder) => {
                let array = builder.finish();
                // A tenth more than the last batch, so that batches of one kind need no second try.
                let bytes = array.value_data().len();
                *builder = StringBuilder::with_capacity(rows, bytes + bytes / 10);
                Arc::new(array)
            }
            Self::Binary(builder) => {
                let array = builder.finish();
                *builder = BinaryBuilder::with_capacity(rows, array.value_data().len());
                Arc::new(array)
            }
            Self::Date(builder) => {
                Arc::new(std::mem::replace(builder, Date32Builder::with_capacity(rows)).finish())
            }
            Self::Time(builder) | Self::ZonedTime(builder) => Arc::new(builder.finish()),
            Self::Timestamp(builder) => {
                let array = builder.finish();
                let fresh = TimestampMicrosecondBuilder::with_capacity(rows);
                *builder = fresh.with_data_type(arrow_array::Array::data_type(&array).clone());
                Arc::new(array)
            }
            Self::Decimal128(builder, _) => {
                let array = builder.finish();
                let fresh = Decimal128Builder::with_capacity(rows);
                *builder = fresh.with_data_type(arrow_array::Array::data_type(&array).clone());
                Arc::new(array)
            }
            Self::Decimal256(builder, _) => Arc::new(builder.finish()),
        }
    }
}

const OUT_OF_CALENDAR: &str = "a date that is infinite or outside of the years 1 to 9999";
const OUT_OF_DAY: &str = "the time 24:00:00";
const NOT_A_NUMBER: &str = "a number that is NaN or infinite";
const TOO_MANY_DIGITS: &str = "a number with more digits than its column";

#[inline]
fn array<const N: usize>(value: &[u8]) -> Result<[u8; N], Problem> {
    value.try_into().map_err(|_| Problem::Damaged)
}

fn time(micros: i64) -> Result<i64, Problem> {
    if (0..DAY_MICROS).contains(&micros) { Ok(micros) } else { Err(Problem::Invalid(OUT_OF_DAY)) }
}

fn uuid_text(bytes: &[u8; 16]) -> [u8; 36] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let mut place = 0;
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            place += 1;
        }
        text[place] = HEX[usize::from(byte >> 4)];
        text[place + 1] = HEX[usize::from(byte & 15)];
        place += 2;
    }
    text
}

/// Powers of ten of 128 bits.
const POWERS: [i128; 39] = {
    let mut powers = [1; 39];
    let mut index = 1;
    while index < 39 {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// The unscaled value of a `numeric`: groups of four digits, the first of which counts 10000 to the power of the weight.
fn decimal128(value: &[u8], digits: Digits) -> Result<i128, Problem> {
    let (head, groups) = value.split_first_chunk::<8>().ok_or(Problem::Damaged)?;
    let word = |index: usize| u16::from_be_bytes([head[index * 2], head[index * 2 + 1]]);
    let (count, weight, sign) = (usize::from(word(0)), word(1) as i16, word(2));
    if sign & 0x8000 != 0 {
        return Err(Problem::Invalid(NOT_A_NUMBER));
    }
    if groups.len() != count * 2 {
        return Err(Problem::Damaged);
    }
    let too_many = Problem::Invalid(TOO_MANY_DIGITS);
    let mut unscaled = if count <= 4 {
        // Most numbers fit a machine word.
        let mut small = 0_u64;
        for group in groups.chunks_exact(2) {
            small = small * 10_000 + u64::from(u16::from_be_bytes([group[0], group[1]]));
        }
        i128::from(small)
    } else {
        let mut large = 0_i128;
        for group in groups.chunks_exact(2) {
            let group = i128::from(u16::from_be_bytes([group[0], group[1]]));
            large = large.checked_mul(10_000).and_then(|n| n.checked_add(group)).ok_or(too_many)?;
        }
        large
    };
    // What is left to the scale after the last group.
    let shift = i32::from(digits.scale) + 4 * (i32::from(weight) - count as i32 + 1);
    if unscaled != 0 {
        let power = POWERS.get(shift.unsigned_abs() as usize).copied().ok_or(too_many)?;
        unscaled = if shift >= 0 {
            unscaled.checked_mul(power).ok_or(too_many)?
        } else if unscaled % power == 0 {
            unscaled / power
        } else {
            return Err(too_many);
        };
    }
    if POWERS.get(usize::from(digits.precision)).is_some_and(|limit| unscaled >= *limit) {
        return Err(too_many);
    }
    Ok(if sign == 0x4000 { -unscaled } else { unscaled })
}

fn decimal256(value: &[u8], digits: Digits) -> Result<i256, Problem> {
    let number = Numeric::read(value).ok_or(Problem::Damaged)?;
    let Some((_, fraction)) = number.widths() else { return Err(Problem::Invalid(NOT_A_NUMBER)) };
    let scale = usize::try_from(digits.scale).map_err(|_| Problem::Invalid(TOO_MANY_DIGITS))?;
    if fraction > scale {
        return Err(Problem::Invalid(TOO_MANY_DIGITS));
    }
    let text = number.unscaled(scale).ok_or(Problem::Invalid(NOT_A_NUMBER))?;
    if text.trim_start_matches('-').len() > usize::from(digits.precision) {
        return Err(Problem::Invalid(TOO_MANY_DIGITS));
    }
    i256::from_string(&text).ok_or(Problem::Invalid(TOO_MANY_DIGITS))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::postgres::{put_i128, put_i256};

    proptest! {
        #[test]
        fn decimals_are_what_the_server_sent(value in any::<i64>(), wide in any::<i128>(), scale in 0_i8..=18) {
            for value in [i128::from(value), wide / 100_000] {
                let mut bytes = Vec::new();
                put_i128(&mut bytes, value, scale);
                let read = decimal128(&bytes, Digits { precision: 38, scale });
                if value.unsigned_abs() < POWERS[38].unsigned_abs() {
                    prop_assert_eq!(read, Ok(value));
                } else {
                    prop_assert_eq!(read, Err(Problem::Invalid(TOO_MANY_DIGITS)));
                }
                let mut bytes = Vec::new();
                put_i256(&mut bytes, i256::from_i128(value), scale);
                prop_assert_eq!(decimal256(&bytes, Digits { precision: 76, scale }), Ok(i256::from_i128(value)));
            }
        }

        #[test]
        fn damaged_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), rows in 1_usize..5) {
            let shape = |sql_type| ColumnShape {
                name: "c".to_owned(), is_nullable: true, sql_type, declared: String::new(),
            };
            let all = [
                (SqlType::Decimal { digits: Some((10, 2)) }, Type::NUMERIC),
                (SqlType::Decimal { digits: None }, Type::NUMERIC),
                (SqlType::Json, Type::JSONB),
                (SqlType::Time { digits: 6 }, Type::TIMETZ),
                (SqlType::Timestamp { has_zone: true, digits: 6 }, Type::TIMESTAMPTZ),
                (SqlType::Date, Type::DATE),
                (SqlType::Uuid, Type::UUID),
                (SqlType::Text { length: None }, Type::TEXT),
            ];
            for (sql_type, wire) in all {
                let mut decoder =
                    Decoder::new(&[shape(sql_type)], &[wire], rows, InvalidValues::Null).unwrap();
                drop(decoder.row(&bytes));
                let mut framed = (bytes.len() as i32).to_be_bytes().to_vec();
                framed.extend(&bytes);
                drop(decoder.row(&framed));
            }
        }
    }

    #[test]
    fn rows_that_are_not_whole_are_left() {
        let shape = ColumnShape {
            name: "c".to_owned(),
            is_nullable: true,
            sql_type: SqlType::Int { bits: 32, is_unsigned: false },
            declared: String::new(),
        };
        let mut decoder = Decoder::new(&[shape], &[Type::INT4], 10, InvalidValues::Null).unwrap();
        let row = [0, 0, 0, 4, 0, 0, 0, 7];
        assert_eq!(decoder.row(&row[..7]).unwrap(), None);
        assert_eq!(decoder.row(&row).unwrap(), Some(8));
        assert_eq!(decoder.row(&[255, 255, 255, 255]).unwrap(), Some(4));
        assert_eq!(decoder.finish().unwrap().num_rows(), 2);
    }

    #[test]
    fn a_uuid_is_written_in_its_usual_form() {
        let text = uuid_text(&[
            0x55, 0x0e, 0x84, 0x00, 0xe2, 0x9b, 0x41, 0xd4, 0xa7, 0x16, 0x44, 0x66, 0x55, 0x44, 0, 0xff,
        ]);
        assert_eq!(std::str::from_utf8(&text).unwrap(), "550e8400-e29b-41d4-a716-4466554400ff");
    }
}
