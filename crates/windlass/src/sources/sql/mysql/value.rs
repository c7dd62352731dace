//! Columns of a batch while they fill: a value of the wire goes straight into its Arrow builder.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{
    BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Decimal256Builder, Float32Builder,
    Float64Builder, Int8Builder, Int16Builder, Int32Builder, Int64Builder, StringBuilder,
    Time64MicrosecondBuilder, TimestampMicrosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder,
    UInt64Builder,
};
use arrow_buffer::i256;
use arrow_schema::DataType as ArrowType;
use mysql_async::Value;
use windlass_core::value::{CivilDate, DAY_MICROS};
use windlass_core::{Error, Result};

use super::super::catalog::ColumnShape;
use super::super::config::InvalidValues;

/// A column that is being filled.
pub(super) struct Filling {
    name: String,
    builder: Builder,
    invalid_values: InvalidValues,
    /// Dates that are none, since the last time that somebody asked.
    zeros: u64,
}

enum Builder {
    Bool(BooleanBuilder),
    Int8(Int8Builder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt8(UInt8Builder),
    UInt16(UInt16Builder),
    UInt32(UInt32Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal128(Decimal128Builder, i8),
    Decimal256(Decimal256Builder, i8),
    Text(StringBuilder),
    Binary(BinaryBuilder),
    Date(Date32Builder),
    Time(Time64MicrosecondBuilder),
    Timestamp(TimestampMicrosecondBuilder),
}

/// Why a value is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Misfit {
    /// It has another type than the column.
    Type,
    /// It is outside of what the type can hold.
    Range,
    /// Text that is not UTF-8.
    Encoding,
    /// A date that is none.
    ZeroDate,
    /// A time that is no time of a day.
    LongTime,
}

impl Misfit {
    fn message(self) -> (&'static str, &'static str) {
        match self {
            Self::Type => (
                "the value has another type than the column",
                "the table was changed while it was read; run again",
            ),
            Self::Range => (
                "the value does not fit the type of the column",
                "read it as text, with `cast: {COLUMN: char}`",
            ),
            Self::Encoding => (
                "the text has bytes that are not UTF-8",
                "read the column as bytes, with `cast: {COLUMN: binary}`, or repair its rows",
            ),
            Self::ZeroDate => (
                "the date does not exist in the calendar",
                "read such dates as null with `invalid_values: null`, or the column as text with `cast: {COLUMN: char}`",
            ),
            Self::LongTime => (
                "the time is negative or longer than a day, and no time of a day",
                "read the column as text, with `cast: {COLUMN: char}`, or as seconds, with a query and TIME_TO_SEC",
            ),
        }
    }
}

impl Filling {
    /// Errors: a column whose layout this source never promises.
    pub(super) fn new(column: &ColumnShape, rows: usize, invalid_values: InvalidValues) -> Result<Self> {
        let builder = match column.sql_type.arrow_type() {
            ArrowType::Boolean => Builder::Bool(BooleanBuilder::with_capacity(rows)),
            ArrowType::Int8 => Builder::Int8(Int8Builder::with_capacity(rows)),
            ArrowType::Int16 => Builder::Int16(Int16Builder::with_capacity(rows)),
            ArrowType::Int32 => Builder::Int32(Int32Builder::with_capacity(rows)),
            ArrowType::Int64 => Builder::Int64(Int64Builder::with_capacity(rows)),
            ArrowType::UInt8 => Builder::UInt8(UInt8Builder::with_capacity(rows)),
            ArrowType::UInt16 => Builder::UInt16(UInt16Builder::with_capacity(rows)),
            ArrowType::UInt32 => Builder::UInt32(UInt32Builder::with_capacity(rows)),
            ArrowType::UInt64 => Builder::UInt64(UInt64Builder::with_capacity(rows)),
            ArrowType::Float32 => Builder::Float32(Float32Builder::with_capacity(rows)),
            ArrowType::Float64 => Builder::Float64(Float64Builder::with_capacity(rows)),
            arrow_type @ ArrowType::Decimal128(_, scale) => {
                Builder::Decimal128(Decimal128Builder::with_capacity(rows).with_data_type(arrow_type), scale)
            }
            arrow_type @ ArrowType::Decimal256(_, scale) => {
                Builder::Decimal256(Decimal256Builder::with_capacity(rows).with_data_type(arrow_type), scale)
            }
            ArrowType::Utf8 => Builder::Text(StringBuilder::with_capacity(rows, rows.saturating_mul(16))),
            ArrowType::Binary => Builder::Binary(BinaryBuilder::with_capacity(rows, rows.saturating_mul(16))),
            ArrowType::Date32 => Builder::Date(Date32Builder::with_capacity(rows)),
            ArrowType::Time64(_) => Builder::Time(Time64MicrosecondBuilder::with_capacity(rows)),
            arrow_type @ ArrowType::Timestamp(..) => {
                Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(arrow_type))
            }
            other => {
                return Err(Error::internal(format!("MySQL has no values of the layout {other}"))
                    .at_column(&column.name));
            }
        };
        Ok(Self { name: column.name.clone(), builder, invalid_values, zeros: 0 })
    }

    /// Adds a value; gives how many bytes it has if their number varies. Errors: a value that the type does not allow.
    pub(super) fn push(&mut self, value: &Value) -> Result<usize> {
        match self.builder.push(value) {
            Ok(bytes) => Ok(bytes),
            Err(Misfit::ZeroDate) if self.invalid_values == InvalidValues::Null => {
                self.zeros += 1;
                self.builder.push(&Value::NULL).map_err(|misfit| self.misfit(misfit))
            }
            Err(misfit) => Err(self.misfit(misfit)),
        }
    }

    fn misfit(&self, misfit: Misfit) -> Error {
        let (message, hint) = misfit.message();
        let error = if misfit == Misfit::Type { Error::source_failed(message).retryable() } else { Error::data(message) };
        error.at_column(&self.name).with_hint(hint.replace("COLUMN", &self.name))
    }

    /// The values so far; the column is empty then.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match &mut self.builder {
            Builder::Bool(builder) => Arc::new(builder.finish()),
            Builder::Int8(builder) => Arc::new(builder.finish()),
            Builder::Int16(builder) => Arc::new(builder.finish()),
            Builder::Int32(builder) => Arc::new(builder.finish()),
            Builder::Int64(builder) => Arc::new(builder.finish()),
            Builder::UInt8(builder) => Arc::new(builder.finish()),
            Builder::UInt16(builder) => Arc::new(builder.finish()),
            Builder::UInt32(builder) => Arc::new(builder.finish()),
            Builder::UInt64(builder) => Arc::new(builder.finish()),
            Builder::Float32(builder) => Arc::new(builder.finish()),
            Builder::Float64(builder) => Arc::new(builder.finish()),
            Builder::Decimal128(builder, _) => Arc::new(builder.finish()),
            Builder::Decimal256(builder, _) => Arc::new(builder.finish()),
            Builder::Text(builder) => Arc::new(builder.finish()),
            Builder::Binary(builder) => Arc::new(builder.finish()),
            Builder::Date(builder) => Arc::new(builder.finish()),
            Builder::Time(builder) => Arc::new(builder.finish()),
            Builder::Timestamp(builder) => Arc::new(builder.finish()),
        }
    }

    /// What people should know of the values since the last call.
    pub(super) fn notice(&mut self) -> Option<String> {
        match std::mem::take(&mut self.zeros) {
            0 => None,
            1 => Some(format!("one date in `{}` does not exist in the calendar and was read as null", self.name)),
            count => {
                Some(format!("{count} dates in `{}` do not exist in the calendar and were read as null", self.name))
            }
        }
    }
}

/// Appends an integer, if it is one and fits.
macro_rules! int {
    ($builder:ident, $value:ident) => {
        match $value {
            Value::NULL => $builder.append_null(),
            Value::Int(number) => $builder.append_value((*number).try_into().map_err(|_| Misfit::Range)?),
            Value::UInt(number) => $builder.append_value((*number).try_into().map_err(|_| Misfit::Range)?),
            _ => return Err(Misfit::Type),
        }
    };
}

/// Appends what a function makes of a value, unless it is null.
macro_rules! converted {
    ($builder:ident, $value:ident, $convert:expr) => {
        match $value {
            Value::NULL => $builder.append_null(),
            value => $builder.append_value($convert(value)?),
        }
    };
}

impl Builder {
    fn push(&mut self, value: &Value) -> Result<usize, Misfit> {
        match self {
            Self::Bool(builder) => match value {
                Value::NULL => builder.append_null(),
                Value::Int(number) => builder.append_value(*number != 0),
                Value::UInt(number) => builder.append_value(*number != 0),
                _ => return Err(Misfit::Type),
            },
            Self::Int8(builder) => int!(builder, value),
            Self::Int16(builder) => int!(builder, value),
            Self::Int32(builder) => int!(builder, value),
            Self::Int64(builder) => int!(builder, value),
            Self::UInt8(builder) => int!(builder, value),
            Self::UInt16(builder) => int!(builder, value),
            Self::UInt32(builder) => int!(builder, value),
            Self::UInt64(builder) => int!(builder, value),
            Self::Float32(builder) => match value {
                Value::NULL => builder.append_null(),
                Value::Float(number) => builder.append_value(*number),
                _ => return Err(Misfit::Type),
            },
            Self::Float64(builder) => match value {
                Value::NULL => builder.append_null(),
                Value::Float(number) => builder.append_value(f64::from(*number)),
                Value::Double(number) => builder.append_value(*number),
                _ => return Err(Misfit::Type),
            },
            Self::Decimal128(builder, scale) => {
                let scale = *scale;
                converted!(builder, value, |value| unscaled(value, scale, parse_i128));
            }
            Self::Decimal256(builder, scale) => {
                let scale = *scale;
                converted!(builder, value, |value| unscaled(value, scale, |digits| i256::from_string(digits)));
            }
            Self::Text(builder) => match value {
                Value::NULL => builder.append_null(),
                Value::Bytes(bytes) => {
                    builder.append_value(std::str::from_utf8(bytes).map_err(|_| Misfit::Encoding)?);
                    return Ok(bytes.len());
                }
                _ => return Err(Misfit::Type),
            },
            Self::Binary(builder) => match value {
                Value::NULL => builder.append_null(),
                Value::Bytes(bytes) => {
                    builder.append_value(bytes);
                    return Ok(bytes.len());
                }
                _ => return Err(Misfit::Type),
            },
            Self::Date(builder) => converted!(builder, value, days),
            Self::Time(builder) => converted!(builder, value, time),
            Self::Timestamp(builder) => converted!(builder, value, timestamp),
        }
        Ok(0)
    }
}

fn parse_i128(digits: &str) -> Option<i128> {
    digits.parse().ok()
}

/// The number without its point, for a decimal with `scale` digits after it. Exact: a digit too many does not fit.
fn unscaled<N>(value: &Value, scale: i8, parse: impl Fn(&str) -> Option<N>) -> Result<N, Misfit> {
    let scale = usize::try_from(scale).map_err(|_| Misfit::Range)?;
    let written;
    let text = match value {
        Value::Bytes(bytes) => std::str::from_utf8(bytes).map_err(|_| Misfit::Type)?,
        Value::Int(number) => {
            written = number.to_string();
            &written
        }
        Value::UInt(number) => {
            written = number.to_string();
            &written
        }
        // A double with a declared number of digits was rounded to them by the server.
        Value::Double(number) => {
            written = format!("{number:.scale$}");
            &written
        }
        _ => return Err(Misfit::Type),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let (kept, cut) = fraction.split_at(fraction.len().min(scale));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if !is_digits(unsigned) || !is_digits(fraction) || cut.bytes().any(|byte| byte != b'0') {
        return Err(Misfit::Range);
    }
    let mut digits = String::with_capacity(whole.len() + scale);
    digits.push_str(whole);
    digits.push_str(kept);
    digits.extend(std::iter::repeat_n('0', scale - kept.len()));
    parse(&digits).ok_or(Misfit::Range)
}

fn civil(year: u16, month: u8, day: u8) -> Result<i32, Misfit> {
    let date = CivilDate::new(i32::from(year), u32::from(month), u32::from(day));
    date.map(CivilDate::days).ok_or(Misfit::ZeroDate)
}

fn days(value: &Value) -> Result<i32, Misfit> {
    match value {
        Value::Date(year, month, day, ..) => civil(*year, *month, *day),
        _ => Err(Misfit::Type),
    }
}

const SECOND: i64 = 1_000_000;

fn timestamp(value: &Value) -> Result<i64, Misfit> {
    match value {
        Value::Date(year, month, day, hour, minute, second, micros) => {
            let seconds = (i64::from(*hour) * 60 + i64::from(*minute)) * 60 + i64::from(*second);
            let days = i64::from(civil(*year, *month, *day)?);
            Ok(days * DAY_MICROS + seconds * SECOND + i64::from(*micros))
        }
        _ => Err(Misfit::Type),
    }
}

fn time(value: &Value) -> Result<i64, Misfit> {
    match value {
        Value::Time(is_negative, days, hours, minutes, seconds, micros) => {
            let whole = (i64::from(*hours) * 60 + i64::from(*minutes)) * 60 + i64::from(*seconds);
            let time = i64::from(*days) * DAY_MICROS + whole * SECOND + i64::from(*micros);
            let is_of_a_day = time < DAY_MICROS && !(*is_negative && time != 0);
            is_of_a_day.then_some(time).ok_or(Misfit::LongTime)
        }
        _ => Err(Misfit::Type),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::sql_type::SqlType;
    use super::*;
    use proptest::prelude::*;

    fn filling(sql_type: SqlType, invalid_values: InvalidValues) -> Filling {
        let column =
            ColumnShape { name: "c".to_owned(), is_nullable: true, sql_type, declared: String::new() };
        Filling::new(&column, 4, invalid_values).unwrap()
    }

    fn decimal(text: &str, digits: (u32, i32)) -> Result<String> {
        let mut filling = filling(SqlType::Decimal { digits: Some(digits) }, InvalidValues::Null);
        filling.push(&Value::Bytes(text.into()))?;
        Ok(arrow_cast::display::array_value_to_string(&filling.finish(), 0).unwrap())
    }

    #[test]
    fn decimals_keep_every_digit() {
        for (text, digits, expected) in [
            ("-0.05", (10, 2), "-0.05"),
            ("7", (10, 2), "7.00"),
            ("12.3400", (10, 2), "12.34"),
            ("99999999999999999999999999999999999999", (38, 0), "99999999999999999999999999999999999999"),
            ("-12345678901234567890123456789012345.123456789012345678901234567891", (65, 30), "-12345678901234567890123456789012345.123456789012345678901234567891"),
        ] {
            assert_eq!(decimal(text, digits).unwrap(), expected);
        }
        assert!(decimal("1.234", (10, 2)).is_err());
        assert!(decimal("1e5", (10, 2)).is_err());
    }

    #[test]
    fn dates_that_are_none_are_null_or_an_error() {
        for (year, month, day) in [(0, 0, 0), (2024, 0, 5), (2024, 2, 30), (0, 1, 1)] {
            let value = Value::Date(year, month, day, 0, 0, 0, 0);
            let mut lenient = filling(SqlType::Date, InvalidValues::Null);
            lenient.push(&value).unwrap();
            assert!(lenient.notice().unwrap().contains("one date in `c`"));
            assert_eq!(lenient.notice(), None);
            assert_eq!(lenient.finish().null_count(), 1);
            let error = filling(SqlType::Date, InvalidValues::Error).push(&value).unwrap_err();
            assert!(error.hint().unwrap().contains("invalid_values: null"));
        }
    }

    #[test]
    fn times_of_a_day_are_times_and_others_are_refused() {
        assert_eq!(time(&Value::Time(false, 0, 23, 59, 59, 999_999)), Ok(DAY_MICROS - 1));
        assert_eq!(time(&Value::Time(false, 1, 0, 0, 0, 0)), Err(Misfit::LongTime));
        assert_eq!(time(&Value::Time(true, 0, 0, 0, 1, 0)), Err(Misfit::LongTime));
    }

    #[test]
    fn bytes_that_are_no_text_are_named_with_a_remedy() {
        let error = filling(SqlType::Text { length: None }, InvalidValues::Null)
            .push(&Value::Bytes(vec![b'a', 0xff]))
            .unwrap_err();
        assert_eq!(error.place().column.as_deref(), Some("c"));
        assert!(error.hint().unwrap().contains("cast: {c: binary}"));
    }

    #[test]
    fn unsigned_numbers_keep_their_largest_value() {
        let mut filling = filling(SqlType::Int { bits: 64, is_unsigned: true }, InvalidValues::Null);
        filling.push(&Value::UInt(u64::MAX)).unwrap();
        filling.push(&Value::Int(1)).unwrap();
        let shown = arrow_cast::display::array_value_to_string(&filling.finish(), 0).unwrap();
        assert_eq!(shown, "18446744073709551615");
    }

    proptest! {
        #[test]
        fn timestamps_are_those_of_the_calendar(days in -719_162_i64..=2_932_896, micros in 0..DAY_MICROS) {
            let date = CivilDate::from_days(days).unwrap();
            let seconds = micros / SECOND;
            let value = Value::Date(
                date.year as u16, date.month as u8, date.day as u8,
                (seconds / 3600) as u8, (seconds / 60 % 60) as u8, (seconds % 60) as u8, (micros % SECOND) as u32,
            );
            prop_assert_eq!(timestamp(&value), Ok(days * DAY_MICROS + micros));
        }
    }
}
