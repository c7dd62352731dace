//! One value of an Arrow array as text, in the forms that the text formats use.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Time32MillisecondType, Time32SecondType, Time64MicrosecondType,
    Time64NanosecondType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Code, Error, Result};
use crate::value::{Time, Timestamp, format_date, format_time, format_timestamp};

/// A column that can be read value by value as text.
pub(super) struct TextColumn<'a> {
    array: &'a ArrayRef,
    kind: Kind,
}

/// How a value is to be quoted by a text format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number as it is.
    Int,
    /// A float; the format decides about NaN and notation.
    Double,
    /// A bool; the format decides about its spelling.
    Bool,
    /// A decimal; the format decides about quotes.
    Decimal,
    /// Text.
    Text,
    /// Bytes.
    Binary,
    /// Date or time, as ISO text.
    Iso,
}

impl<'a> TextColumn<'a> {
    /// Errors: an Arrow type that no column of the engine has.
    pub(super) fn new(array: &'a ArrayRef, name: &str) -> Result<Self> {
        let kind = match array.data_type() {
            ArrowType::Utf8 | ArrowType::LargeUtf8 => Kind::Text,
            ArrowType::Binary | ArrowType::FixedSizeBinary(_) => Kind::Binary,
            ArrowType::Boolean => Kind::Bool,
            ArrowType::Float64 => Kind::Double,
            ArrowType::Int8 | ArrowType::Int16 | ArrowType::Int32 | ArrowType::Int64 => Kind::Int,
            ArrowType::Decimal128(..) | ArrowType::Decimal256(..) => Kind::Decimal,
            ArrowType::Date32 | ArrowType::Time32(_) | ArrowType::Time64(_) | ArrowType::Timestamp(..) => {
                Kind::Iso
            }
            other => {
                return Err(Error::of(
                    Code::DataTypeUnsupported,
                    format!("a text file cannot hold values of type {other}"),
                )
                .with_detail("data_type", other.to_string())
                .at_column(name));
            }
        };
        Ok(Self { array, kind })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }

    pub(super) fn double(&self, row: usize) -> f64 {
        self.array.as_primitive::<Float64Type>().value(row)
    }

    pub(super) fn bool(&self, row: usize) -> bool {
        self.array.as_boolean().value(row)
    }

    pub(super) fn text(&self, row: usize) -> &'a str {
        match self.array.data_type() {
            ArrowType::LargeUtf8 => self.array.as_string::<i64>().value(row),
            _ => self.array.as_string::<i32>().value(row),
        }
    }

    pub(super) fn bytes(&self, row: usize) -> &'a [u8] {
        match self.array.data_type() {
            ArrowType::FixedSizeBinary(_) => self.array.as_fixed_size_binary().value(row),
            _ => self.array.as_binary::<i32>().value(row),
        }
    }

    pub(super) fn base64(&self, row: usize) -> String {
        STANDARD.encode(self.bytes(row))
    }

    fn ticks(&self, row: usize) -> i64 {
        fn value<T: ArrowPrimitiveType>(array: &dyn Array, row: usize) -> i64
        where
            T::Native: Into<i64>,
        {
            array.as_primitive::<T>().value(row).into()
        }
        let array = self.array.as_ref();
        match array.data_type() {
            ArrowType::Int8 => value::<Int8Type>(array, row),
            ArrowType::Int16 => value::<Int16Type>(array, row),
            ArrowType::Int32 => value::<Int32Type>(array, row),
            ArrowType::Date32 => value::<Date32Type>(array, row),
            ArrowType::Time32(TimeUnit::Second) => value::<Time32SecondType>(array, row),
            ArrowType::Time32(_) => value::<Time32MillisecondType>(array, row),
            ArrowType::Time64(TimeUnit::Microsecond) => value::<Time64MicrosecondType>(array, row),
            ArrowType::Time64(_) => value::<Time64NanosecondType>(array, row),
            ArrowType::Timestamp(TimeUnit::Second, _) => value::<TimestampSecondType>(array, row),
            ArrowType::Timestamp(TimeUnit::Millisecond, _) => value::<TimestampMillisecondType>(array, row),
            ArrowType::Timestamp(TimeUnit::Microsecond, _) => value::<TimestampMicrosecondType>(array, row),
            ArrowType::Timestamp(TimeUnit::Nanosecond, _) => value::<TimestampNanosecondType>(array, row),
            _ => value::<Int64Type>(array, row),
        }
    }

    /// Appends an integer, a decimal without trailing zeros, or an ISO date or time.
    pub(super) fn write_plain(&self, row: usize, separator: char, out: &mut String) {
        match self.array.data_type() {
            ArrowType::Decimal128(_, scale) => {
                let digits = self.array.as_primitive::<Decimal128Type>().value(row).to_string();
                write_decimal(&digits, *scale, out);
            }
            ArrowType::Decimal256(_, scale) => {
                let digits = self.array.as_primitive::<Decimal256Type>().value(row).to_string();
                write_decimal(&digits, *scale, out);
            }
            ArrowType::Date32 => format_date(out, self.ticks(row)),
            ArrowType::Time32(unit) | ArrowType::Time64(unit) => {
                format_time(out, Time { micros: micros(self.ticks(row), *unit), offset: None });
            }
            ArrowType::Timestamp(unit, zone) => {
                let offset = zone.is_some().then_some(0);
                format_timestamp(
                    out,
                    Timestamp { micros: micros(self.ticks(row), *unit), offset },
                    separator,
                );
            }
            _ => out.push_str(&self.ticks(row).to_string()),
        }
    }
}

fn micros(ticks: i64, unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => ticks.saturating_mul(1_000_000),
        TimeUnit::Millisecond => ticks.saturating_mul(1000),
        TimeUnit::Microsecond => ticks,
        TimeUnit::Nanosecond => ticks.div_euclid(1000),
    }
}

fn write_decimal(unscaled: &str, scale: i8, out: &mut String) {
    let (sign, digits) = match unscaled.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unscaled),
    };
    let scale = usize::try_from(scale).unwrap_or(0);
    let padded = format!("{digits:0>width$}", width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    out.push_str(sign);
    out.push_str(whole);
    let fraction = fraction.trim_end_matches('0');
    if !fraction.is_empty() {
        out.push('.');
        out.push_str(fraction);
    }
}
