//! Values and their types: the eleven data types, scalars, text forms and conversion between them.
//!
//! In reading order: [`DataType`] and [`Scalar`], calendar arithmetic, the ISO parser, decimals, the text forms of
//! Python and JSON, typed strings, and the conversion table.

mod calendar;
mod coerce;
mod decimal;
mod iso;
mod tagged;
mod text;

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use calendar::{CivilDate, DAY_MICROS, Timestamp, format_date, format_time, format_timestamp};
pub use coerce::{bigint_of_number, can_coerce, coerce};
pub use decimal::Decimal;
pub(crate) use iso::parse_far;
pub use iso::{IsoValue, is_iso_date, is_iso_timestamp, parse_iso, parse_timestamp};
pub use tagged::{Tag, decode_tagged, encode_tagged, escape_text, is_tagged, strip_tag, typed_json};
pub use text::{json_double, json_string, parse_double, parse_int, python_double};

use crate::error::{Code, Error};

/// The type of a column, in the reference's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DataType {
    /// UTF-8 text; `precision` is the longest length.
    Text,
    /// 64-bit float.
    Double,
    /// True or false.
    Bool,
    /// Microseconds since the epoch, with or without a time zone.
    Timestamp,
    /// Signed integer; `precision` is its width in bits.
    Bigint,
    /// Bytes; `precision` is the fixed length.
    Binary,
    /// Any JSON value, kept as compact JSON text.
    Json,
    /// Exact decimal of `precision` digits, `scale` of them fractional.
    Decimal,
    /// Large integer (an amount of wei in the reference).
    Wei,
    /// Days since the epoch.
    Date,
    /// Time of day.
    Time,
}

impl DataType {
    /// All types; the index of each is [`DataType::index`].
    pub const ALL: [DataType; 11] = [
        Self::Text,
        Self::Double,
        Self::Bool,
        Self::Timestamp,
        Self::Bigint,
        Self::Binary,
        Self::Json,
        Self::Decimal,
        Self::Wei,
        Self::Date,
        Self::Time,
    ];

    /// The name in stored schemas.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Double => "double",
            Self::Bool => "bool",
            Self::Timestamp => "timestamp",
            Self::Bigint => "bigint",
            Self::Binary => "binary",
            Self::Json => "json",
            Self::Decimal => "decimal",
            Self::Wei => "wei",
            Self::Date => "date",
            Self::Time => "time",
        }
    }

    /// Position in [`DataType::ALL`].
    pub fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DataType {
    type Err = Error;

    /// Accepts the eleven names and `complex`, the former name of `json`.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text == "complex" {
            return Ok(Self::Json);
        }
        Self::ALL.into_iter().find(|data_type| data_type.as_str() == text).ok_or_else(|| {
            Error::of(Code::UnknownChoice, format!("unknown data type `{text}`"))
                .with_detail("what", "data type")
                .with_detail("name", text)
                .with_hint(crate::nearest::choices(text, Self::ALL.map(Self::as_str)))
        })
    }
}

/// One value with its type. Borrows from the chunk where it can.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// Absent.
    Null,
    /// `bool`.
    Bool(bool),
    /// `bigint`.
    Int(i64),
    /// `double`.
    Double(f64),
    /// `text`.
    Text(Cow<'a, str>),
    /// `timestamp`.
    Timestamp(Timestamp),
    /// `date`: days since 1970-01-01.
    Date(i32),
    /// `time`.
    Time(Time),
    /// `binary`.
    Binary(Binary),
    /// `decimal`.
    Decimal(Decimal),
    /// `wei`.
    Wei(Decimal),
    /// `json`: compact JSON text.
    Json(Cow<'a, str>),
}

impl Scalar<'_> {
    /// The type, `None` for null.
    pub fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Self::Null => return None,
            Self::Bool(_) => DataType::Bool,
            Self::Int(_) => DataType::Bigint,
            Self::Double(_) => DataType::Double,
            Self::Text(_) => DataType::Text,
            Self::Timestamp(_) => DataType::Timestamp,
            Self::Date(_) => DataType::Date,
            Self::Time(_) => DataType::Time,
            Self::Binary(_) => DataType::Binary,
            Self::Decimal(_) => DataType::Decimal,
            Self::Wei(_) => DataType::Wei,
            Self::Json(_) => DataType::Json,
        })
    }

    /// The same value, owning its text.
    pub fn into_owned(self) -> Scalar<'static> {
        match self {
            Self::Null => Scalar::Null,
            Self::Bool(value) => Scalar::Bool(value),
            Self::Int(value) => Scalar::Int(value),
            Self::Double(value) => Scalar::Double(value),
            Self::Text(text) => Scalar::Text(Cow::Owned(text.into_owned())),
            Self::Timestamp(value) => Scalar::Timestamp(value),
            Self::Date(days) => Scalar::Date(days),
            Self::Time(time) => Scalar::Time(time),
            Self::Binary(bytes) => Scalar::Binary(bytes),
            Self::Decimal(decimal) => Scalar::Decimal(decimal),
            Self::Wei(decimal) => Scalar::Wei(decimal),
            Self::Json(text) => Scalar::Json(Cow::Owned(text.into_owned())),
        }
    }
}

/// A time of day, with the offset it was written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time {
    /// Microseconds since midnight, as written.
    pub micros: i64,
    /// Seconds east of UTC, if written.
    pub offset: Option<i32>,
}

impl Time {
    /// The time of day in UTC, without an offset.
    pub fn in_utc(self) -> Self {
        let micros = self.micros - i64::from(self.offset.unwrap_or(0)) * 1_000_000;
        Self { micros: micros.rem_euclid(DAY_MICROS), offset: None }
    }
}

/// Bytes, and whether their text form is hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binary {
    /// The bytes.
    pub bytes: Box<[u8]>,
    /// Whether the text form is `0x…` instead of base64.
    pub hex: bool,
}
