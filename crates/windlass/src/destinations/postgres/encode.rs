//! Rows of Arrow batches in the binary form of `COPY`, each value as its column at the server wants it.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{
    Array, BinaryArray, BooleanArray, FixedSizeBinaryArray, LargeStringArray, RecordBatch, StringArray,
};
use arrow_buffer::{NullBuffer, i256};
use arrow_schema::{DataType as ArrowType, Schema as ArrowSchema, TimeUnit};
use tokio_postgres::types::Type;
use windlass_core::{Error, Result};

use super::connection::TargetColumn;
use super::error::{column_changed, present};
use crate::postgres::{put_i128, put_i256};

/// What comes before the rows: signature, flags, length of an extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// What comes after the rows.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Microseconds and days from 1970 to 2000, from where Postgres counts.
const EPOCH_MICROS: i64 = 946_684_800_000_000;
const EPOCH_DAYS: i64 = 10_957;

/// The form of the values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Json,
    Jsonb,
    Bytea,
    Date,
    Time,
    Timestamp,
}

/// How the rows of one file are encoded.
pub(super) struct Encoder {
    table: String,
    columns: Vec<(String, Form)>,
}

impl Encoder {
    /// Finds the form of each column of a file.
    ///
    /// Errors: a column that the table has not, or whose type cannot hold the values.
    pub(super) fn new(table: &str, schema: &ArrowSchema, targets: &[TargetColumn]) -> Result<Self> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let target = targets.iter().find(|target| target.name == *field.name());
            let target = present(target, table, field.name())?;
            let form = form_of(field.data_type(), target.oid).ok_or_else(|| {
                column_changed(table, &target.name, describe(field.data_type()), &target.type_name)
            })?;
            columns.push((field.name().clone(), form));
        }
        Ok(Self { table: table.to_owned(), columns })
    }

    /// The names of the columns in the order of their values.
    pub(super) fn column_names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(name, _)| name.as_str())
    }

    /// The rows of a batch, ready to be written.
    pub(super) fn rows<'a>(&'a self, batch: &'a RecordBatch) -> Result<Rows<'a>> {
        let arrays = self.columns.iter().zip(batch.columns());
        let columns = arrays.map(|((name, form), array)| {
            let values = Values::of(array.as_ref()).ok_or_else(|| {
                Error::unsupported(format!("Postgres takes no values of {}", array.data_type()))
            });
            let values = values.map_err(|error| error.at_column(name))?;
            Ok(RowColumn { name, form: *form, nulls: array.nulls(), values })
        });
        let columns = columns.collect::<Result<_>>().map_err(|error: Error| error.at_table(&self.table))?;
        Ok(Rows { table: &self.table, columns })
    }
}

/// What a column has to be for values of an Arrow type, for people.
fn describe(source: &ArrowType) -> &'static str {
    match source {
        ArrowType::Boolean => "booleans",
        ArrowType::Int8 | ArrowType::Int16 | ArrowType::Int32 | ArrowType::Int64 => "integers",
        ArrowType::Float64 => "floats",
        ArrowType::Decimal128(..) | ArrowType::Decimal256(..) => "decimals",
        ArrowType::Binary | ArrowType::FixedSizeBinary(_) => "bytes",
        ArrowType::Date32 => "dates",
        ArrowType::Time32(_) | ArrowType::Time64(_) => "times",
        ArrowType::Timestamp(..) => "timestamps",
        _ => "texts",
    }
}

/// The form in which a column of this type takes these values; `None` if it cannot.
fn form_of(source: &ArrowType, oid: u32) -> Option<Form> {
    let target = Type::from_oid(oid)?;
    let is_text = [Type::TEXT, Type::VARCHAR, Type::BPCHAR, Type::NAME].contains(&target);
    Some(match source {
        ArrowType::Boolean if target == Type::BOOL => Form::Bool,
        ArrowType::Int8 | ArrowType::Int16 | ArrowType::Int32 | ArrowType::Int64 => match target {
            Type::INT2 => Form::Int2,
            Type::INT4 => Form::Int4,
            Type::INT8 => Form::Int8,
            Type::NUMERIC => Form::Numeric,
            _ => return None,
        },
        ArrowType::Float64 if target == Type::FLOAT8 => Form::Float8,
        ArrowType::Float64 if target == Type::FLOAT4 => Form::Float4,
        ArrowType::Decimal128(..) | ArrowType::Decimal256(..) if target == Type::NUMERIC => Form::Numeric,
        ArrowType::Utf8 | ArrowType::LargeUtf8 if is_text => Form::Text,
        ArrowType::Utf8 | ArrowType::LargeUtf8 if target == Type::JSONB => Form::Jsonb,
        ArrowType::Utf8 | ArrowType::LargeUtf8 if target == Type::JSON => Form::Json,
        ArrowType::Binary | ArrowType::FixedSizeBinary(_) if target == Type::BYTEA => Form::Bytea,
        ArrowType::Date32 if target == Type::DATE => Form::Date,
        ArrowType::Time32(_) | ArrowType::Time64(_) if target == Type::TIME => Form::Time,
        ArrowType::Timestamp(..) if [Type::TIMESTAMP, Type::TIMESTAMPTZ].contains(&target) => Form::Timestamp,
        _ => return None,
    })
}

/// The values of one column of a batch.
enum Values<'a> {
    Bool(&'a BooleanArray),
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    F64(&'a [f64]),
    D128(&'a [i128], i8),
    D256(&'a [i256], i8),
    Utf8(&'a StringArray),
    LargeUtf8(&'a LargeStringArray),
    Binary(&'a BinaryArray),
    Fixed(&'a FixedSizeBinaryArray),
    /// Ticks of 32 bits, and how many microseconds each has.
    Ticks32(&'a [i32], i64),
    /// Ticks, and how many microseconds each has; 0 stands for nanoseconds.
    Ticks64(&'a [i64], i64),
}

impl<'a> Values<'a> {
    fn of(array: &'a dyn Array) -> Option<Self> {
        let micros = |unit: &TimeUnit| match unit {
            TimeUnit::Second => 1_000_000,
            TimeUnit::Millisecond => 1000,
            TimeUnit::Microsecond => 1,
            TimeUnit::Nanosecond => 0,
        };
        Some(match array.data_type() {
            ArrowType::Boolean => Self::Bool(array.as_boolean()),
            ArrowType::Int8 => Self::I8(array.as_primitive::<Int8Type>().values()),
            ArrowType::Int16 => Self::I16(array.as_primitive::<Int16Type>().values()),
            ArrowType::Int32 => Self::I32(array.as_primitive::<Int32Type>().values()),
            ArrowType::Int64 => Self::I64(array.as_primitive::<Int64Type>().values()),
            ArrowType::Float64 => Self::F64(array.as_primitive::<Float64Type>().values()),
            ArrowType::Decimal128(_, scale) => {
                Self::D128(array.as_primitive::<Decimal128Type>().values(), *scale)
            }
            ArrowType::Decimal256(_, scale) => {
                Self::D256(array.as_primitive::<Decimal256Type>().values(), *scale)
            }
            ArrowType::Utf8 => Self::Utf8(array.as_string::<i32>()),
            ArrowType::LargeUtf8 => Self::LargeUtf8(array.as_string::<i64>()),
            ArrowType::Binary => Self::Binary(array.as_binary::<i32>()),
            ArrowType::FixedSizeBinary(_) => Self::Fixed(array.as_fixed_size_binary()),
            ArrowType::Date32 => Self::I32(array.as_primitive::<Date32Type>().values()),
            ArrowType::Time32(unit) => {
                let ticks = match unit {
                    TimeUnit::Second => array.as_primitive::<Time32SecondType>().values(),
                    _ => array.as_primitive::<Time32MillisecondType>().values(),
                };
                Self::Ticks32(ticks, micros(unit))
            }
            ArrowType::Time64(unit) => {
                let ticks = match unit {
                    TimeUnit::Nanosecond => array.as_primitive::<Time64NanosecondType>().values(),
                    _ => array.as_primitive::<Time64MicrosecondType>().values(),
                };
                Self::Ticks64(ticks, micros(unit))
            }
            ArrowType::Timestamp(unit, _) => {
                let ticks = match unit {
                    TimeUnit::Second => array.as_primitive::<TimestampSecondType>().values(),
                    TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().values(),
                    TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().values(),
                    TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().values(),
                };
                Self::Ticks64(ticks, micros(unit))
            }
            _ => return None,
        })
    }

    /// Integers, days, and ticks in microseconds; `None` past the range of 64 bits.
    fn integer(&self, row: usize) -> Option<i64> {
        Some(match self {
            Self::I8(values) => i64::from(values[row]),
            Self::I16(values) => i64::from(values[row]),
            Self::I32(values) => i64::from(values[row]),
            Self::I64(values) => values[row],
            Self::Ticks32(values, micros) => i64::from(values[row]).checked_mul(*micros)?,
            Self::Ticks64(values, 0) => values[row].div_euclid(1000),
            Self::Ticks64(values, micros) => values[row].checked_mul(*micros)?,
            _ => return None,
        })
    }
}

struct RowColumn<'a> {
    name: &'a str,
    form: Form,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// The rows of a batch.
pub(super) struct Rows<'a> {
    table: &'a str,
    columns: Vec<RowColumn<'a>>,
}

impl Rows<'_> {
    /// Appends one row. Errors: a value that its column cannot hold.
    pub(super) fn put(&self, row: usize, out: &mut Vec<u8>) -> Result<()> {
        out.extend_from_slice(&(self.columns.len() as i16).to_be_bytes());
        for column in &self.columns {
            if column.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                out.extend_from_slice(&(-1_i32).to_be_bytes());
                continue;
            }
            let start = out.len();
            out.extend_from_slice(&[0; 4]);
            column.put(row, out).ok_or_else(|| {
                Error::data("a value is out of the range of its column at the destination")
                    .at_table(self.table)
                    .at_column(column.name)
                    .with_hint("widen the column with ALTER TABLE")
            })?;
            let length = i32::try_from(out.len() - start - 4).map_err(|_| {
                Error::data("a value has more than 2 GiB").at_table(self.table).at_column(column.name)
            })?;
            out[start..start + 4].copy_from_slice(&length.to_be_bytes());
        }
        Ok(())
    }
}

impl RowColumn<'_> {
    /// Appends one value without its length; `None` if its column cannot hold it.
    fn put(&self, row: usize, out: &mut Vec<u8>) -> Option<()> {
        let integer = || self.values.integer(row);
        match (self.form, &self.values) {
            (Form::Bool, Values::Bool(values)) => out.push(u8::from(values.value(row))),
            (Form::Int2, _) => out.extend_from_slice(&i16::try_from(integer()?).ok()?.to_be_bytes()),
            (Form::Int4, _) => out.extend_from_slice(&i32::try_from(integer()?).ok()?.to_be_bytes()),
            (Form::Int8, _) => out.extend_from_slice(&integer()?.to_be_bytes()),
            (Form::Float8, Values::F64(values)) => out.extend_from_slice(&values[row].to_be_bytes()),
            (Form::Float4, Values::F64(values)) => out.extend_from_slice(&(values[row] as f32).to_be_bytes()),
            (Form::Numeric, Values::D128(values, scale)) => put_i128(out, values[row], *scale),
            (Form::Numeric, Values::D256(values, scale)) => put_i256(out, values[row], *scale),
            (Form::Numeric, _) => put_i128(out, i128::from(integer()?), 0),
            (Form::Text, Values::Utf8(values)) => put_text(out, values.value(row)),
            (Form::Text, Values::LargeUtf8(values)) => put_text(out, values.value(row)),
            (Form::Json | Form::Jsonb, values) => {
                if self.form == Form::Jsonb {
                    // The version of the binary form.
                    out.push(1);
                }
                match values {
                    Values::Utf8(values) => put_json(out, values.value(row)),
                    Values::LargeUtf8(values) => put_json(out, values.value(row)),
                    _ => return None,
                }
            }
            (Form::Bytea, Values::Binary(values)) => out.extend_from_slice(values.value(row)),
            (Form::Bytea, Values::Fixed(values)) => out.extend_from_slice(values.value(row)),
            (Form::Date, _) => {
                let days = i32::try_from(integer()? - EPOCH_DAYS).ok()?;
                out.extend_from_slice(&days.to_be_bytes());
            }
            (Form::Time, _) => out.extend_from_slice(&integer()?.to_be_bytes()),
            (Form::Timestamp, _) => {
                out.extend_from_slice(&integer()?.checked_sub(EPOCH_MICROS)?.to_be_bytes());
            }
            _ => return None,
        }
        Some(())
    }
}

/// Postgres cannot hold NUL characters in texts; they are left out, as the reference does.
fn put_text(out: &mut Vec<u8>, text: &str) {
    match memchr::memchr(0, text.as_bytes()) {
        None => out.extend_from_slice(text.as_bytes()),
        Some(_) => out.extend(text.bytes().filter(|byte| *byte != 0)),
    }
}

/// The escape `\u0000` is left out like the character itself.
fn put_json(out: &mut Vec<u8>, text: &str) {
    if memchr::memmem::find(text.as_bytes(), b"\\u0000").is_none() {
        return put_text(out, text);
    }
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        put_text(out, before);
        let length = if escape.starts_with("\\u0000") { 6 } else { 2.min(escape.len()) };
        // What follows a backslash may be the first byte of a character only in text that is no JSON.
        let Some((escape, after)) = escape.split_at_checked(length) else { return put_text(out, escape) };
        if length == 2 {
            put_text(out, escape);
        }
        rest = after;
    }
    put_text(out, rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_escapes_are_left_out_but_not_escaped_backslashes() {
        let check = |text: &str, expected: &str| {
            let mut out = Vec::new();
            put_json(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(r#"{"a":"x\u0000y"}"#, r#"{"a":"xy"}"#);
        check(r#"["\\u0000","\\\u0000","\n\u00001"]"#, r#"["\\u0000","\\","\n1"]"#);
        check(r#"["\u0001é"]"#, r#"["\u0001é"]"#);
    }

    #[test]
    fn a_column_takes_only_what_it_can_hold() {
        assert_eq!(form_of(&ArrowType::Int64, Type::INT4.oid()), Some(Form::Int4));
        assert_eq!(form_of(&ArrowType::Int64, Type::TEXT.oid()), None);
        assert_eq!(form_of(&ArrowType::Utf8, Type::INT8.oid()), None);
        assert_eq!(form_of(&ArrowType::Utf8, 0), None);
        assert_eq!(form_of(&ArrowType::Decimal256(76, 0), Type::NUMERIC.oid()), Some(Form::Numeric));
    }
}
