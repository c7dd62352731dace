//! Conversion of a value into a column of another type.
//!
//! Which pairs convert at all is [`can_coerce`]; whether a value does is [`coerce`], which answers `None` where the
//! value needs a variant column. Source of the rules: the reference's table, `testdata/vectors/coerce.json`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::calendar::{DAY_MICROS, Timestamp, format_date, format_time, format_timestamp};
use super::tagged::decode_hex;
use super::text::{parse_decimal, parse_double, parse_int, python_double};
use super::{Binary, DataType, Decimal, IsoValue, Scalar, Time, parse_iso};
use crate::json;

/// Whether some value of type `from` converts into a column of type `to`.
pub fn can_coerce(from: DataType, to: DataType) -> bool {
    use DataType as T;
    if from == to || to == T::Text {
        return true;
    }
    match to {
        T::Text => true,
        T::Double => matches!(from, T::Text | T::Bigint | T::Decimal | T::Wei),
        T::Bool => matches!(from, T::Text | T::Double | T::Bigint | T::Decimal | T::Wei),
        T::Timestamp => matches!(from, T::Text | T::Double | T::Bigint | T::Date),
        T::Bigint => matches!(from, T::Text | T::Double | T::Decimal | T::Wei),
        T::Binary => matches!(from, T::Text | T::Bigint),
        T::Json => from == T::Text,
        T::Decimal => matches!(from, T::Text | T::Double | T::Bigint | T::Wei),
        T::Wei => matches!(from, T::Text | T::Double | T::Bigint | T::Decimal),
        T::Date => matches!(from, T::Text | T::Double | T::Timestamp | T::Bigint),
        T::Time => from == T::Text,
    }
}

/// Converts `value` to type `to`. `None` when it does not convert; null stays null.
///
/// Time zones are left as they are, see [`Timestamp`]; an integer past 64 bits does not become a `bigint`.
pub fn coerce<'a>(value: &Scalar<'a>, to: DataType) -> Option<Scalar<'a>> {
    let from = match value.data_type() {
        None => return Some(Scalar::Null),
        Some(from) if from == to => return Some(value.clone()),
        Some(from) => from,
    };
    if !can_coerce(from, to) {
        return None;
    }
    match to {
        DataType::Text => Some(Scalar::Text(Cow::Owned(to_text(value)))),
        DataType::Double => to_double(value).map(Scalar::Double),
        DataType::Bool => to_bool(value).map(Scalar::Bool),
        DataType::Timestamp => to_timestamp(value).map(Scalar::Timestamp),
        DataType::Bigint => to_bigint(value).map(Scalar::Int),
        DataType::Binary => to_binary(value).map(Scalar::Binary),
        DataType::Json => match value {
            Scalar::Text(text) => match json::compact(text)? {
                null if null == "null" => Some(Scalar::Null),
                compact => Some(Scalar::Json(Cow::Owned(compact))),
            },
            _ => None,
        },
        DataType::Decimal => to_decimal(value).map(Scalar::Decimal),
        DataType::Wei => to_decimal(value).map(Scalar::Wei),
        DataType::Date => to_date(value).map(Scalar::Date),
        DataType::Time => to_time(value).map(Scalar::Time),
    }
}

fn to_text(value: &Scalar<'_>) -> String {
    let mut out = String::new();
    match value {
        Scalar::Null => {}
        Scalar::Bool(value) => out.push_str(if *value { "True" } else { "False" }),
        Scalar::Int(value) => out = value.to_string(),
        Scalar::Double(value) => python_double(&mut out, *value),
        Scalar::Text(text) | Scalar::Json(text) => out.push_str(text),
        Scalar::Timestamp(timestamp) => format_timestamp(&mut out, *timestamp, 'T'),
        Scalar::Date(days) => format_date(&mut out, i64::from(*days)),
        Scalar::Time(time) => format_time(&mut out, *time),
        Scalar::Binary(Binary { bytes, hex: true }) => {
            out.push_str("0x");
            for byte in bytes {
                out.extend(
                    [byte >> 4, byte & 15].map(|digit| char::from_digit(u32::from(digit), 16).unwrap_or('0')),
                );
            }
        }
        Scalar::Binary(Binary { bytes, hex: false }) => out = STANDARD.encode(bytes),
        Scalar::Decimal(decimal) | Scalar::Wei(decimal) => out = decimal.to_string(),
    }
    out
}

fn to_double(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Text(text) => parse_double(text),
        Scalar::Int(value) => Some(*value as f64),
        Scalar::Decimal(decimal) | Scalar::Wei(decimal) => {
            decimal.to_f64().filter(|value| value.is_finite() || !decimal.is_finite())
        }
        _ => None,
    }
}

fn to_bool(value: &Scalar<'_>) -> Option<bool> {
    match value {
        Scalar::Text(text) => match text.to_lowercase().as_str() {
            "yes" | "true" | "t" | "y" | "1" => Some(true),
            "no" | "false" | "f" | "n" | "0" => Some(false),
            _ => None,
        },
        Scalar::Int(value) => Some(*value != 0),
        Scalar::Double(value) => Some(*value != 0.0),
        Scalar::Decimal(decimal) | Scalar::Wei(decimal) => Some(!decimal.is_zero()),
        _ => None,
    }
}

/// The integer that a number is, if it has no fraction and fits 64 bits.
pub fn bigint_of_number(value: f64) -> Option<i64> {
    let in_range =
        value.trunc() == value && (-9.223_372_036_854_776e18..9.223_372_036_854_776e18).contains(&value);
    in_range.then_some(value as i64)
}

fn to_bigint(value: &Scalar<'_>) -> Option<i64> {
    match value {
        Scalar::Text(text) => parse_int(text),
        Scalar::Double(value) => bigint_of_number(*value),
        Scalar::Decimal(decimal) | Scalar::Wei(decimal) => decimal.to_i64(),
        _ => None,
    }
}

fn to_binary(value: &Scalar<'_>) -> Option<Binary> {
    let bytes = match value {
        Scalar::Text(text) => match text.strip_prefix("0x") {
            Some(hex) => decode_hex(hex)?,
            None => STANDARD.decode(text.as_bytes()).ok()?.into(),
        },
        Scalar::Int(value) => {
            let bytes = u64::try_from(*value).ok()?.to_le_bytes();
            let length = 8 - value.leading_zeros() as usize / 8;
            bytes[..length].into()
        }
        _ => return None,
    };
    Some(Binary { bytes, hex: false })
}

fn to_decimal(value: &Scalar<'_>) -> Option<Decimal> {
    match value {
        Scalar::Text(text) => parse_decimal(text),
        Scalar::Int(value) => Some(Decimal::from(*value)),
        Scalar::Double(value) => Some(Decimal::from_f64(*value)),
        Scalar::Decimal(decimal) | Scalar::Wei(decimal) => Some(decimal.clone()),
        _ => None,
    }
}

/// Seconds since the epoch as an aware timestamp, within the years 1 to 9999.
fn from_seconds(seconds: f64) -> Option<Timestamp> {
    if !seconds.is_finite() || seconds.abs() > 1e12 {
        return None;
    }
    let micros = seconds.trunc() as i64 * 1_000_000 + (seconds.fract() * 1e6).round_ties_even() as i64;
    let timestamp = Timestamp { micros, offset: Some(0) };
    timestamp.in_range().then_some(timestamp)
}

fn from_whole_seconds(seconds: i64) -> Option<Timestamp> {
    let timestamp = Timestamp { micros: seconds.checked_mul(1_000_000)?, offset: Some(0) };
    timestamp.in_range().then_some(timestamp)
}

/// The start of a day; `None` for one that microseconds do not reach.
fn midnight(days: i32) -> Option<Timestamp> {
    Some(Timestamp { micros: i64::from(days).checked_mul(DAY_MICROS)?, offset: None })
}

fn to_timestamp(value: &Scalar<'_>) -> Option<Timestamp> {
    match value {
        Scalar::Text(text) => match parse_iso(text) {
            Some(IsoValue::Timestamp(timestamp)) => Some(timestamp),
            Some(IsoValue::Date(days)) => midnight(days),
            Some(IsoValue::Time(_)) => None,
            None => from_seconds(parse_double(text)?),
        },
        Scalar::Int(seconds) => from_whole_seconds(*seconds),
        Scalar::Double(seconds) => from_seconds(*seconds),
        Scalar::Date(days) => midnight(*days),
        _ => None,
    }
}

fn to_date(value: &Scalar<'_>) -> Option<i32> {
    let timestamp = match value {
        Scalar::Timestamp(timestamp) => *timestamp,
        Scalar::Text(text) => match parse_iso(text) {
            Some(IsoValue::Date(days)) => return Some(days),
            _ => to_timestamp(value)?,
        },
        _ => to_timestamp(value)?,
    };
    Some(timestamp.micros.div_euclid(DAY_MICROS) as i32)
}

fn to_time(value: &Scalar<'_>) -> Option<Time> {
    let Scalar::Text(text) = value else { return None };
    let IsoValue::Time(time) = parse_iso(text)? else { return None };
    Some(time.in_utc())
}
