//! From the values of rows to columns of one type each.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Float64Builder,
    Int64Builder, StringBuilder, Time64MicrosecondBuilder, TimestampMicrosecondBuilder,
};
use arrow_schema::{DataType as ArrowType, TimeUnit};
use rusqlite::types::ValueRef;
use windlass_core::value::{Decimal, IsoValue, parse_iso, parse_timestamp};
use windlass_core::{At, Error, Result};

use super::super::catalog::ColumnShape;

const DAY_MICROS: i64 = 86_400_000_000;

/// The Julian day of 1970-01-01.
const JULIAN_EPOCH: f64 = 2_440_587.5;

/// Julian days that SQLite's own functions take: up to the year 9999.
const JULIAN_DAYS: std::ops::Range<f64> = 0.0..5_373_484.5;

/// Seconds since 1970 that SQLite's own functions take: the years 0000 to 9999.
const UNIX_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Collects the values of one column.
pub(super) struct Column {
    shape: ColumnShape,
    values: Values,
    /// Numbers that were read as moments.
    moments: u64,
}

enum Values {
    Bool(BooleanBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Decimal128(Decimal128Builder, u8, i8),
    Decimal256(Decimal256Builder, u8, i8),
    /// Numbers of any number of digits, as texts.
    Number(StringBuilder),
    Text(StringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

/// What is said of a value in whose place a date or a time is needed.
pub(super) const NO_MOMENT: &str = "a stored value is no date or time that is known";

/// Why a value does not fit.
pub(super) struct Misfit(&'static str);

impl Column {
    /// Errors: a type that this client never gives a column.
    pub(super) fn new(shape: &ColumnShape) -> Result<Self> {
        use super::super::sql_type::SqlType;
        let values = match shape.sql_type.arrow_type() {
            ArrowType::Boolean => Values::Bool(BooleanBuilder::new()),
            ArrowType::Int64 => Values::Int(Int64Builder::new()),
            ArrowType::Float64 => Values::Float(Float64Builder::new()),
            ArrowType::Decimal128(precision, scale) => Values::Decimal128(
                Decimal128Builder::new().with_data_type(ArrowType::Decimal128(precision, scale)),
                precision,
                scale,
            ),
            ArrowType::Decimal256(precision, scale) => Values::Decimal256(
                Decimal256Builder::new().with_data_type(ArrowType::Decimal256(precision, scale)),
                precision,
                scale,
            ),
            ArrowType::Utf8 if matches!(shape.sql_type, SqlType::Decimal { .. }) => {
                Values::Number(StringBuilder::new())
            }
            ArrowType::Utf8 => Values::Text(StringBuilder::new()),
            ArrowType::Binary => Values::Binary(BinaryBuilder::new()),
            ArrowType::Date32 => Values::Date(Date32Builder::new()),
            ArrowType::Time64(TimeUnit::Microsecond) => Values::Time(Time64MicrosecondBuilder::new()),
            ArrowType::Timestamp(TimeUnit::Microsecond, None) => {
                Values::Timestamp(TimestampMicrosecondBuilder::new())
            }
            other => {
                return Err(
                    Error::internal(format!("SQLite has no columns of type {other}")).at_column(&shape.name)
                );
            }
        };
        Ok(Self { shape: shape.clone(), values, moments: 0 })
    }

    /// Takes the value of a row and gives its size in bytes. Errors: a value that the type does not allow.
    pub(super) fn append(&mut self, value: ValueRef<'_>, row: u64) -> Result<usize> {
        self.take(value).map_err(|Misfit(what)| {
            let declared = match self.shape.declared.as_str() {
                "" => "no declared type".to_owned(),
                declared => format!("the type {declared}"),
            };
            let kind = match value {
                ValueRef::Null => "null",
                ValueRef::Integer(_) => "an integer",
                ValueRef::Real(_) => "a float",
                ValueRef::Text(_) => "a text",
                ValueRef::Blob(_) => "a blob",
            };
            Error::data(format!("a column of {declared} holds {kind} that is {what}"))
                .with_hint(format!(
                    "correct the row, or read the column as text: `cast: {{{}: text}}` in the pipeline file, a \
                     query_adapter_callback in Python; `cast: {{{}: blob}}` reads any bytes",
                    self.shape.name, self.shape.name
                ))
                .at(At { column: Some(self.shape.name.clone()), row: Some(row), ..At::default() })
        })
    }

    fn take(&mut self, value: ValueRef<'_>) -> Result<usize, Misfit> {
        if value == ValueRef::Null {
            self.append_null();
            return Ok(1);
        }
        match &mut self.values {
            Values::Bool(builder) => builder.append_value(truth(value)?),
            Values::Int(builder) => builder.append_value(integer(value)?),
            Values::Float(builder) => builder.append_value(float(value)?),
            Values::Decimal128(builder, precision, scale) => {
                let number = decimal(value, Some(*scale))?.unscaled(*precision, *scale);
                let number = number.and_then(arrow_buffer::i256::to_i128);
                builder.append_value(number.ok_or(Misfit("longer than the declared digits"))?);
            }
            Values::Decimal256(builder, precision, scale) => {
                let number = decimal(value, Some(*scale))?.unscaled(*precision, *scale);
                builder.append_value(number.ok_or(Misfit("longer than the declared digits"))?);
            }
            Values::Number(builder) => builder.append_value(decimal(value, None)?.to_string()),
            Values::Text(builder) => return text(value, builder),
            Values::Binary(builder) => {
                let bytes = bytes(value)?;
                builder.append_value(bytes);
                return Ok(bytes.len());
            }
            Values::Date(builder) => {
                let (micros, is_number) = moment(value, "no date")?;
                if micros.rem_euclid(DAY_MICROS) != 0 {
                    return Err(Misfit("a date with a time of day"));
                }
                self.moments += u64::from(is_number);
                let days = i32::try_from(micros.div_euclid(DAY_MICROS)).map_err(|_| Misfit("no date"))?;
                builder.append_value(days);
            }
            Values::Timestamp(builder) => {
                let (micros, is_number) = moment(value, "no timestamp")?;
                self.moments += u64::from(is_number);
                builder.append_value(micros);
            }
            Values::Time(builder) => match parse_iso(str_of(value).ok_or(Misfit("no time of day"))?) {
                Some(IsoValue::Time(time)) => builder.append_value(time.micros),
                _ => return Err(Misfit("no time of day")),
            },
        }
        Ok(8)
    }

    fn append_null(&mut self) {
        match &mut self.values {
            Values::Bool(builder) => builder.append_null(),
            Values::Int(builder) => builder.append_null(),
            Values::Float(builder) => builder.append_null(),
            Values::Decimal128(builder, ..) => builder.append_null(),
            Values::Decimal256(builder, ..) => builder.append_null(),
            Values::Number(builder) | Values::Text(builder) => builder.append_null(),
            Values::Binary(builder) => builder.append_null(),
            Values::Date(builder) => builder.append_null(),
            Values::Time(builder) => builder.append_null(),
            Values::Timestamp(builder) => builder.append_null(),
        }
    }

    /// The column; empty afterwards.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.values {
            Values::Bool(builder) => Arc::new(builder.finish()),
            Values::Int(builder) => Arc::new(builder.finish()),
            Values::Float(builder) => Arc::new(builder.finish()),
            Values::Decimal128(builder, ..) => Arc::new(builder.finish()),
            Values::Decimal256(builder, ..) => Arc::new(builder.finish()),
            Values::Number(builder) | Values::Text(builder) => Arc::new(builder.finish()),
            Values::Binary(builder) => Arc::new(builder.finish()),
            Values::Date(builder) => Arc::new(builder.finish()),
            Values::Time(builder) => Arc::new(builder.finish()),
            Values::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }

    /// What people should know of the column.
    pub(super) fn notice(&self) -> Option<String> {
        (self.moments > 0).then(|| {
            format!(
                "{} numbers in the column `{}` of type {} were read as moments: whole ones as seconds since 1970, \
                 others as Julian days",
                self.moments, self.shape.name, self.shape.declared
            )
        })
    }
}

fn str_of(value: ValueRef<'_>) -> Option<&str> {
    match value {
        ValueRef::Text(bytes) => std::str::from_utf8(bytes).ok(),
        _ => None,
    }
}

fn truth(value: ValueRef<'_>) -> Result<bool, Misfit> {
    match value {
        ValueRef::Integer(number) => Ok(number != 0),
        ValueRef::Real(number) => Ok(number != 0.0),
        // Any text is true for the reference, `false` too.
        _ => match str_of(value).map(str::to_lowercase).as_deref() {
            Some("true" | "t" | "yes") => Ok(true),
            Some("false" | "f" | "no") => Ok(false),
            _ => Err(Misfit("neither true nor false")),
        },
    }
}

fn integer(value: ValueRef<'_>) -> Result<i64, Misfit> {
    match value {
        ValueRef::Integer(number) => Ok(number),
        // Floats of this size are whole, and the range is exact in them.
        ValueRef::Real(number) if number.fract() == 0.0 && (-9.2e18..9.2e18).contains(&number) => {
            Ok(number as i64)
        }
        ValueRef::Text(_) => {
            str_of(value).and_then(|text| text.trim().parse().ok()).ok_or(Misfit("no integer"))
        }
        _ => Err(Misfit("no integer")),
    }
}

fn float(value: ValueRef<'_>) -> Result<f64, Misfit> {
    match value {
        ValueRef::Integer(number) => Ok(number as f64),
        ValueRef::Real(number) => Ok(number),
        _ => Err(Misfit("no number")),
    }
}

/// A number as the reference reads it: floats are written with the digits of the column, or ten.
fn decimal(value: ValueRef<'_>, scale: Option<i8>) -> Result<Decimal, Misfit> {
    let number = match value {
        ValueRef::Integer(number) => Some(Decimal::from(number)),
        ValueRef::Real(number) if number.is_finite() => {
            let digits = usize::from(scale.unwrap_or(10).unsigned_abs());
            let text = format!("{number:.digits$}");
            let is_padded = scale.is_none() && text.contains('.');
            Decimal::parse(if is_padded { text.trim_end_matches('0').trim_end_matches('.') } else { &text })
        }
        _ => str_of(value).and_then(|text| Decimal::parse(text.trim())).filter(Decimal::is_finite),
    };
    number.ok_or(Misfit("no number"))
}

fn text(value: ValueRef<'_>, builder: &mut StringBuilder) -> Result<usize, Misfit> {
    let size = match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            let text = std::str::from_utf8(bytes).map_err(|_| Misfit("not UTF-8"))?;
            builder.append_value(text);
            text.len()
        }
        ValueRef::Integer(number) => {
            builder.append_value(number.to_string());
            8
        }
        ValueRef::Real(number) => {
            builder.append_value(format!("{number:?}"));
            8
        }
        ValueRef::Null => 0,
    };
    Ok(size)
}

fn bytes(value: ValueRef<'_>) -> Result<&[u8], Misfit> {
    match value {
        ValueRef::Blob(bytes) | ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(Misfit("no bytes")),
    }
}

/// Microseconds since 1970, and whether they came as a number. Numbers mean what SQLite's documentation says.
pub(super) fn moment(value: ValueRef<'_>, what: &'static str) -> Result<(i64, bool), Misfit> {
    let micros = match value {
        ValueRef::Integer(seconds) if UNIX_SECONDS.contains(&seconds) => Some((seconds * 1_000_000, true)),
        ValueRef::Real(days) if JULIAN_DAYS.contains(&days) => {
            // SQLite itself keeps moments as whole milliseconds.
            let millis = ((days - JULIAN_EPOCH) * 86_400_000.0).round();
            Some((millis as i64 * 1000, true))
        }
        _ => str_of(value).and_then(|text| {
            if let Some(timestamp) = parse_timestamp(text) {
                return Some((timestamp.utc_micros(), false));
            }
            match parse_iso(text)? {
                IsoValue::Date(days) => Some((i64::from(days) * DAY_MICROS, false)),
                IsoValue::Timestamp(timestamp) => Some((timestamp.utc_micros(), false)),
                IsoValue::Time(_) => None,
            }
        }),
    };
    micros.ok_or(Misfit(what))
}
